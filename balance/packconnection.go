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

// The standing of a connection is packed as one number, so that what most connections do not have takes no room: the
// lowest bit says that it is known, then two bits of priority, then whether it is stopped, then whether it remembers
// jobs. Version 2 had the lowest bit only.
const (
	knownBit      = 1
	priorityShift = 1
	priorityMask  = 3
	stoppedBit    = 1 << 3
	jobsBit       = 1 << 4
	standingLimit = 1 << 5
)

func (c *connection) packStanding(w *packer) {
	standing := uint64(c.priority) << priorityShift
	if c.known {
		standing |= knownBit
	}
	if c.stopped {
		standing |= stoppedBit
	}
	if len(c.jobs) > 0 {
		standing |= jobsBit
	}
	w.uint(standing)
}

// standing is what packStanding packed.
type standing struct {
	known, stopped, jobs bool
	priority             drawdown.Priority
}

func (r *unpacker) standing() standing {
	packed := r.uint()
	s := standing{
		known: packed&knownBit != 0, stopped: packed&stoppedBit != 0, jobs: packed&jobsBit != 0,
		priority: drawdown.Priority(packed >> priorityShift & priorityMask),
	}
	if packed >= standingLimit || s.priority >= drawdown.PriorityCount {
		r.fail()
		return standing{}
	}
	return s
}

// pack appends all of the connection but its frozen blocks.
func (c *connection) pack(w *packer) {
	w.version()
	c.packStanding(w)
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
	if len(c.jobs) > 0 {
		c.packJobs(w)
	}
}

func (c *connection) packJobs(w *packer) {
	w.uint(uint64(len(c.jobs)))
	for i := range c.jobs {
		w.uint(c.jobs[i].job)
		w.total(c.jobs[i].used)
		w.bool(c.jobs[i].told)
	}
}

// unpackConnection is the inverse of pack. intern keeps names of connectors and cards, of which there are few, once.
func unpackConnection(name string, packed []byte, intern func([]byte) string) (*connection, error) {
	r := unpacker{buf: packed}
	r.version()
	c := newConnection(name)
	s := r.standing()
	c.known, c.priority, c.stopped = s.known, s.priority, s.stopped
	c.source, c.destination = intern(r.bytes()), intern(r.bytes())
	c.linkedAt, c.hadUsage, c.used, c.waived = r.time(), r.bool(), r.total(), r.total()
	for range r.count() {
		c.remainders = append(c.remainders, remainder{version: intern(r.bytes()), kind: intern(r.bytes()), left: r.uint()})
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
	if s.jobs {
		for range r.count() {
			c.jobs = append(c.jobs, jobCost{job: r.uint(), used: r.total(), told: r.bool()})
		}
		if len(c.jobs) == 0 || len(c.jobs) > maxJobs {
			r.fail()
		}
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
