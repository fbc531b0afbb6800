package balance

import (
	"encoding/binary"
	"errors"
	"fmt"

	"drawdown"
)

// stateVersion opens every packed part. Parts of versions from oldestVersion on are read: what they lack is what the log
// could not say then. A part of another version is refused, never guessed at: 'drawdown partitions rebuild' makes state of
// this version from the log.
//
// Version 3 has priorities, stops and jobs of connections, where there are any, and the field of holds.
const (
	stateVersion  = 3
	oldestVersion = 2
)

// errDamaged says that a packed part is not what was written.
var errDamaged = errors.New("damaged state")

// VersionError says that the store holds state of a version that this program does not know.
type VersionError struct{ Found uint64 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("stored state has version %d, this program reads versions %d to %d: where the program is the newer one, rebuild the partition from the log (drawdown partitions rebuild), else run the newer program", e.Found, oldestVersion, stateVersion)
}

// packer appends values in their packed form.
type packer struct{ buf []byte }

// since returns what was packed since the buffer had a length. More that is packed later does not change it.
func (w *packer) since(begin int) []byte { return w.buf[begin:len(w.buf):len(w.buf)] }

func (w *packer) version()      { w.uint(stateVersion) }
func (w *packer) uint(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }

func (w *packer) bool(v bool) {
	if v {
		w.uint(1)
		return
	}
	w.uint(0)
}

func (w *packer) text(s string) {
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *packer) texts(list []string) {
	w.uint(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

// credits packs an amount that is not negative.
func (w *packer) credits(c drawdown.Credits) { w.uint(uint64(c)) }

// time packs an instant; NoTime is 0, Never 1.
func (w *packer) time(t drawdown.Time) {
	switch t {
	case drawdown.NoTime:
		w.uint(0)
	case drawdown.Never:
		w.uint(1)
	default:
		w.uint(uint64(t) + 2)
	}
}

// total packs the number of words in use and the words.
func (w *packer) total(t drawdown.Total) {
	lo, mid, hi := t.Words()
	words := [3]uint64{lo, mid, hi}
	n := len(words)
	for n > 0 && words[n-1] == 0 {
		n--
	}
	w.uint(uint64(n))
	for _, word := range words[:n] {
		w.uint(word)
	}
}

// spans packs ascending spans as differences.
func (w *packer) spans(spans []span) {
	w.uint(uint64(len(spans)))
	end := uint64(0)
	for _, s := range spans {
		w.uint(s.low - end)
		w.uint(s.high - s.low)
		end = s.high
	}
}

// unpacker reads what a packer appended. After an error it returns zeros.
type unpacker struct {
	buf []byte
	err error
}

func (r *unpacker) fail() {
	if r.err == nil {
		r.err = errDamaged
	}
	r.buf = nil
}

// version checks the version that opens a part.
func (r *unpacker) version() {
	if v := r.uint(); r.err == nil && (v < oldestVersion || v > stateVersion) {
		r.err = &VersionError{Found: v}
		r.buf = nil
	}
}

func (r *unpacker) uint() uint64 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *unpacker) bool() bool {
	v := r.uint()
	if v > 1 {
		r.fail()
	}
	return v == 1
}

func (r *unpacker) text() string { return string(r.bytes()) }

// bytes returns a text as a view of what is unpacked.
func (r *unpacker) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.buf)) {
		r.fail()
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *unpacker) texts() []string {
	var list []string
	for range r.count() {
		list = append(list, r.text())
	}
	return list
}

func (r *unpacker) credits() drawdown.Credits {
	c := drawdown.Credits(r.uint())
	if c < 0 {
		r.fail()
	}
	return c
}

func (r *unpacker) time() drawdown.Time {
	switch v := r.uint(); v {
	case 0:
		return drawdown.NoTime
	case 1:
		return drawdown.Never
	default:
		return drawdown.Time(v - 2)
	}
}

func (r *unpacker) total() drawdown.Total {
	var words [3]uint64
	n := r.uint()
	if n > uint64(len(words)) {
		r.fail()
		return drawdown.Total{}
	}
	for i := range words[:n] {
		words[i] = r.uint()
	}
	return drawdown.TotalOfWords(words[0], words[1], words[2])
}

// count reads how many things follow, each of at least one byte.
func (r *unpacker) count() int {
	n := r.uint()
	if n > uint64(len(r.buf)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *unpacker) spans() []span {
	n := r.count()
	spans := make([]span, 0, n)
	end := uint64(0)
	for range n {
		low := end + r.uint()
		end = low + r.uint()
		spans = append(spans, span{low, end})
	}
	return spans
}

// finish reports what went wrong, also bytes left over.
func (r *unpacker) finish() error {
	if r.err == nil && len(r.buf) > 0 {
		r.fail()
	}
	return r.err
}
