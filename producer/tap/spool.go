package tap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

const (
	eventsSuffix = ".events"
	stateSuffix  = ".state"
	// damagedSuffix: a copy of an events file in which lines were damaged, for a person to look at.
	damagedSuffix = ".damaged"
	// spoolBytesMax bounds one attempt's spool: more than a million events. Beyond, usage waits in
	// the counts, like on a full disk.
	spoolBytesMax = 512 << 20
	// compactBytes: a spool that is all acknowledged is emptied once it is larger.
	compactBytes = 1 << 20
)

var (
	errBusy      = errors.New("another process is using it")
	errSpoolFull = fmt.Errorf("the spool has reached its bound of %d bytes", spoolBytesMax)
)

// spool keeps the events of one attempt on disk until Kafka has acknowledged them. Two files: the
// events, append-only, and a small state with the highest number ever given and acknowledged,
// replaced atomically. The state outlives the events, since numbers must never be used twice.
// The events file is locked as long as the spool is open. Not safe for concurrent use.
type spool struct {
	path   string // without suffix
	fsync  bool
	events *os.File
	size   int64 // of the intact part of events; the next line goes there
	cursor int64 // where the first line not acknowledged begins
	state  spoolState
	// damaged counts whole lines that are not what was written. Each used up a number.
	damaged int
}

type spoolState struct {
	LastSeq  int64 `json:"last_seq"`  // highest number given
	AckedSeq int64 `json:"acked_seq"` // highest number acknowledged by Kafka
}

// openSpool opens or makes the spool at path; errBusy when another process has it open.
func openSpool(path string, fsync bool) (*spool, error) {
	file, err := lockFile(path + eventsSuffix)
	if err != nil {
		return nil, err
	}
	s := &spool{path: path, fsync: fsync, events: file}
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("read spool %s: %w", path+eventsSuffix, err), file.Close())
	}
	return s, nil
}

// lockFile opens the file under an exclusive lock. It checks that the name still means this file:
// another process may have removed it between opening and locking.
func lockFile(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = file.Close() // nothing was written
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = errBusy
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		mine, err := file.Stat()
		named, nameErr := os.Stat(path)
		if err == nil && nameErr == nil && os.SameFile(mine, named) {
			return file, nil
		}
		_ = file.Close() // nothing was written
		if err != nil {
			return nil, err
		}
	}
}

// recover learns from the files what was numbered and what is still to be sent. A state that is
// missing or torn (it is only written out in full before events are removed) makes events be sent
// again, which is harmless.
func (s *spool) recover() error {
	text, err := os.ReadFile(s.path + stateSuffix)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if json.Unmarshal(text, &s.state) != nil {
		s.state = spoolState{}
	}
	found := false
	end, err := s.scan(0, func(start, _ int64, e event, ok bool) bool {
		if !ok {
			s.damaged++
			s.state.LastSeq++
			return true
		}
		s.state.LastSeq = max(s.state.LastSeq, e.seq)
		if !found && e.seq > s.state.AckedSeq {
			found, s.cursor = true, start
		}
		return true
	})
	if err != nil {
		return err
	}
	s.size = end
	if !found {
		s.cursor = end
	}
	return errors.Join(s.cutTornLine(), s.keepDamaged())
}

// cutTornLine removes a last line that a crash cut short: it was never sent, since an event is
// sent only after it is stored.
func (s *spool) cutTornLine() error {
	info, err := s.events.Stat()
	if err != nil || info.Size() == s.size {
		return err
	}
	s.state.LastSeq++ // without fsync it may have been sent
	return s.events.Truncate(s.size)
}

func (s *spool) keepDamaged() error {
	if s.damaged == 0 {
		return nil
	}
	text, err := os.ReadFile(s.path + eventsSuffix)
	if err != nil {
		return err
	}
	return writeAtomically(s.path+damagedSuffix, text, true)
}

// scan visits the whole lines from an offset until visit returns false; it returns where it stopped.
func (s *spool) scan(from int64, visit func(start, end int64, e event, ok bool) bool) (int64, error) {
	reader := bufio.NewReader(io.NewSectionReader(s.events, from, spoolBytesMax*2))
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return from, nil
		}
		if err != nil {
			return from, err
		}
		end := from + int64(len(line))
		e, ok := parseLine(bytes.TrimSuffix(line, []byte("\n")))
		if !visit(from, end, e, ok) {
			return from, nil
		}
		from = end
	}
}

// append stores events, all or none. It writes at the end of the intact part, so that what a
// failed write left behind is written over.
func (s *spool) append(events []event) error {
	var text []byte
	for _, e := range events {
		text = append(text, e.line()...)
	}
	if s.size+int64(len(text)) > spoolBytesMax {
		return errSpoolFull
	}
	if _, err := s.events.WriteAt(text, s.size); err != nil {
		return errors.Join(err, s.events.Truncate(s.size))
	}
	if s.fsync {
		if err := s.events.Sync(); err != nil {
			return errors.Join(err, s.events.Truncate(s.size))
		}
	}
	s.size += int64(len(text))
	s.state.LastSeq = max(s.state.LastSeq, events[len(events)-1].seq)
	return nil
}

// unsent reads up to count events that are not acknowledged, in order.
func (s *spool) unsent(count int) ([]event, error) {
	var events []event
	if s.cursor >= s.size {
		return nil, nil
	}
	_, err := s.scan(s.cursor, func(_, _ int64, e event, ok bool) bool {
		if ok && e.seq > s.state.AckedSeq {
			events = append(events, e)
		}
		return len(events) < count
	})
	return events, err
}

// ack notes that all events up to seq are in Kafka.
func (s *spool) ack(seq int64) error {
	s.state.AckedSeq = max(s.state.AckedSeq, seq)
	cursor, err := s.scan(s.cursor, func(_, _ int64, e event, ok bool) bool {
		return !ok || e.seq <= s.state.AckedSeq
	})
	if err != nil {
		return err
	}
	s.cursor = cursor
	if s.cursor >= s.size && s.size > compactBytes {
		return s.empty()
	}
	return s.writeState(false)
}

// empty removes events that are all acknowledged, after the state that remembers their numbers is
// safe.
func (s *spool) empty() error {
	if err := s.writeState(true); err != nil {
		return err
	}
	if err := s.events.Truncate(0); err != nil {
		return err
	}
	s.size, s.cursor = 0, 0
	return nil
}

func (s *spool) writeState(sync bool) error {
	text, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return writeAtomically(s.path+stateSuffix, append(text, '\n'), sync)
}

// close empties the spool if nothing is left to send, and gives it free.
func (s *spool) close() error {
	var err error
	if s.cursor >= s.size && s.size > 0 {
		err = s.empty()
	}
	return errors.Join(err, s.events.Close())
}

// remove takes away a spool that nobody will need again.
func (s *spool) remove() error {
	return errors.Join(os.Remove(s.path+eventsSuffix), os.Remove(s.path+stateSuffix), s.events.Close())
}

func writeAtomically(path string, text []byte, sync bool) error {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && sync {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil || !sync {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename survive a power failure.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
