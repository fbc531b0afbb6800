package tap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"drawdown/producer"
)

// forgetAfter is how long an attempt's numbers are remembered after its last event: the readers of
// the log forget an attempt after 35 days (the contract, section 4), so that older numbers could
// not be taken for duplicates any more.
const forgetAfter = 36 * 24 * time.Hour

// Drained says what Drain did.
type Drained struct {
	Delivered int // events acknowledged
	Remaining int // events still in spools
	Busy      int // spools in use by a tap that is running, which sends them itself
}

// Drain sends what is left in the spools of Options.SpoolDir, each in order, and removes those
// that are empty and old. Only SpoolDir, Brokers, Topic, Security, Dial and the timeouts of
// Options are used. It stops at the first delivery that fails; events stay where they are then.
func Drain(ctx context.Context, options Options) (Drained, error) {
	options = options.withDefaults()
	var total Drained
	paths, err := filepath.Glob(filepath.Join(escapeGlob(options.SpoolDir), "*"+eventsSuffix))
	if err != nil || len(paths) == 0 {
		return total, err
	}
	log, err := producer.NewLog(options.producerConfig())
	if err != nil {
		return total, err
	}
	defer log.Close()
	d := &drain{log: log, fsync: !options.NoSync}
	for _, path := range paths {
		d.spool(ctx, strings.TrimSuffix(path, eventsSuffix))
	}
	return d.total, errors.Join(d.faults...)
}

type drain struct {
	log    *producer.Log
	fsync  bool
	total  Drained
	faults []error
	away   bool // a delivery failed: only count from now on
}

// escapeGlob: the folder's name may hold characters that mean something in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (d *drain) spool(ctx context.Context, path string) {
	s, err := openSpool(path, d.fsync)
	if isBusy(err) {
		d.total.Busy++
		return
	}
	if err != nil {
		d.faults = append(d.faults, err)
		return
	}
	if err := d.send(ctx, s); err != nil {
		d.faults = append(d.faults, fmt.Errorf("spool %s: %w", path, err))
	}
	left, err := s.unsent(spoolBytesMax) // more than it can hold
	d.total.Remaining += len(left)
	if err == nil && len(left) == 0 {
		err = closeDrained(s)
	} else {
		err = errors.Join(err, s.close())
	}
	if err != nil {
		d.faults = append(d.faults, fmt.Errorf("spool %s: %w", path, err))
	}
}

func (d *drain) send(ctx context.Context, s *spool) error {
	for !d.away {
		events, err := s.unsent(sendMax)
		if err != nil || len(events) == 0 {
			return err
		}
		written, err := sendEvents(ctx, d.log, events)
		d.total.Delivered += written
		d.away = err != nil
		if written > 0 {
			err = errors.Join(err, s.ack(events[written-1].seq))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// closeDrained closes a spool with nothing left to send, and removes it when it is old.
func closeDrained(s *spool) error {
	info, err := os.Stat(s.path + stateSuffix)
	if err == nil && time.Since(info.ModTime()) > forgetAfter {
		return s.remove()
	}
	return s.close()
}

func isBusy(err error) bool { return errors.Is(err, errBusy) }
