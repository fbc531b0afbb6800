package balance

import (
	"fmt"
	"strconv"
	"strings"

	"drawdown"
)

// A connection is stored as a field `c<name>`, and each frozen block of its attempts as a field `f<number>:<name>`.
const (
	connectionField = "c"
	frozenField     = "f"
)

func frozenFieldName(connection string, number uint64) string {
	return frozenField + strconv.FormatUint(number, 10) + ":" + connection
}

// pack appends all of the connection but its frozen blocks.
func (c *connection) pack(w *packer) {
	w.version()
	w.bool(c.known)
	w.text(c.source)
	w.text(c.destination)
	w.time(c.linkedAt)
	w.bool(c.hadUsage)
	w.total(c.used)
	w.total(c.waived)
	w.uint(uint64(len(c.remainders)))
	for i := range c.remainders {
		w.text(c.remainders[i].version)
		w.text(c.remainders[i].kind)
		w.uint(c.remainders[i].left)
	}
	w.uint(uint64(len(c.toldGA)))
	for _, t := range c.toldGA {
		w.time(t)
	}
	w.uint(c.attempts.nextNo)
	w.uint(uint64(len(c.attempts.recent)))
	for i := range c.attempts.recent {
		t := &c.attempts.recent[i]
		w.uint(t.job)
		w.uint(t.number)
		w.time(t.last)
		w.uint(t.highest)
		w.spans(t.missing)
	}
}

func (p *Partition) unpackConnection(name string, packed []byte) (*connection, error) {
	r := unpacker{buf: packed}
	r.version()
	c := newConnection(name)
	c.known, c.source, c.destination = r.bool(), p.name([]byte(r.text())), p.name([]byte(r.text()))
	c.linkedAt, c.hadUsage, c.used, c.waived = r.time(), r.bool(), r.total(), r.total()
	for range r.count() {
		c.remainders = append(c.remainders, remainder{version: p.name([]byte(r.text())), kind: p.name([]byte(r.text())), left: r.uint()})
	}
	for range r.count() {
		c.toldGA = append(c.toldGA, r.time())
	}
	c.attempts.nextNo = r.uint()
	for range r.count() {
		c.attempts.recent = append(c.attempts.recent, attempt{
			job: r.uint(), number: r.uint(), last: r.time(), highest: r.uint(), missing: r.spans(),
		})
	}
	return c, r.finish()
}

// parseFrozenField returns the connection and number of a frozen block's field.
func parseFrozenField(name string) (connection string, number uint64, err error) {
	digits, connection, found := strings.Cut(strings.TrimPrefix(name, frozenField), ":")
	if !found {
		return "", 0, fmt.Errorf("field %q: %w", name, errDamaged)
	}
	number, err = strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("field %q: %w", name, errDamaged)
	}
	return connection, number, nil
}

// changedFields packs the connection for the store: itself, a block that is frozen now, and blocks that are gone.
func (c *connection) changedFields(fields []Field, now drawdown.Time, w *packer) []Field {
	for _, number := range c.attempts.thaw(now) {
		fields = append(fields, Field{Name: frozenFieldName(c.name, number)})
	}
	if c.attempts.freeze(now) {
		f := &c.attempts.frozen[len(c.attempts.frozen)-1]
		fields = append(fields, Field{Name: frozenFieldName(c.name, f.number), Value: f.packed})
	}
	begin := len(w.buf)
	c.pack(w)
	return append(fields, Field{Name: c.field, Value: w.since(begin)})
}
