package tap

import (
	"fmt"
	"sync"
	"time"

	"drawdown/producer"
)

// memoryMax bounds the events held in memory while the disk cannot take them. At the bound no
// further slices are numbered: usage waits in the meter, which is bounded by the streams.
const memoryMax = 1000

// outbox numbers usage and holds it until Kafka has it: on disk, and in memory what the disk
// could not take. The reporter adds; the sender takes and acknowledges.
type outbox struct {
	sync   producer.Usage // the members that all events share
	source string
	notes  *notes

	mu     sync.Mutex
	spool  *spool // nil: the disk cannot be used
	memory []event
	last   int64         // highest number given
	acked  int64         // highest number acknowledged
	ready  chan struct{} // told when there may be something to send
}

func newOutbox(options Options, spool *spool, notes *notes) *outbox {
	o := &outbox{
		sync: options.usage(), source: options.Source, notes: notes, spool: spool,
		ready: make(chan struct{}, 1),
	}
	if spool != nil {
		o.last, o.acked = spool.state.LastSeq, spool.state.AckedSeq
	}
	o.tell()
	return o
}

// add numbers the slices and stores them. When the disk fails they stay in memory and are stored
// at a later call.
func (o *outbox) add(slices []slice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range slices {
		o.last++
		usage := o.sync
		usage.Seq, usage.Stream, usage.Time = o.last, s.stream, s.at
		usage.Records, usage.Bytes = s.records, s.bytes
		o.memory = append(o.memory, event{o.last, usage.Account, usage.Event(o.source)})
	}
	o.store()
	o.tell()
}

func (o *outbox) store() {
	if o.spool == nil || len(o.memory) == 0 {
		return
	}
	err := o.spool.append(o.memory)
	o.notes.state(aboutDisk, err, "usage is kept in memory until the disk takes it")
	if err == nil {
		o.memory = nil
	}
}

// full: the disk is behind, take no further slices.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.memory) >= memoryMax
}

// next is up to count events to send, in order.
func (o *outbox) next(count int) []event {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spool != nil {
		events, err := o.spool.unsent(count)
		if err != nil {
			o.notes.state(aboutDisk, fmt.Errorf("read the spool: %w", err), "usage waits in it")
		}
		if len(events) > 0 || err != nil {
			return events
		}
	}
	return o.memory[:min(count, len(o.memory)):min(count, len(o.memory))]
}

// ack notes that Kafka has all events up to seq.
func (o *outbox) ack(seq int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acked = max(o.acked, seq)
	for len(o.memory) > 0 && o.memory[0].seq <= seq {
		o.memory = o.memory[1:]
	}
	if o.spool != nil {
		if o.spool.state.LastSeq < seq {
			o.spool.state.LastSeq = seq // sent from memory; its number must not come again
		}
		if err := o.spool.ack(seq); err != nil {
			o.notes.state(aboutDisk, fmt.Errorf("note what is delivered: %w", err), "events may be sent again, which is harmless")
		}
	}
}

// waiting counts the events not acknowledged, and how many of them are in memory only.
func (o *outbox) waiting() (all, inMemory int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last - o.acked, int64(len(o.memory))
}

// close gives the spool free.
func (o *outbox) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spool == nil {
		return nil
	}
	o.store()
	return o.spool.close()
}

func (o *outbox) tell() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// openOutbox opens the attempt's spool, waiting for a process that still has it. A disk that
// cannot be used is noted, and usage goes to Kafka from memory.
func openOutbox(options Options, notes *notes, stop <-chan struct{}) *outbox {
	for {
		spool, err := options.openSpool()
		switch {
		case err == nil:
			notes.state(aboutLock, nil, "")
			if spool.damaged > 0 {
				notes.print("%d damaged lines of %s cannot be read and are not sent; a copy is in %s", spool.damaged, spool.path+eventsSuffix, spool.path+damagedSuffix)
			}
			return newOutbox(options, spool, notes)
		case !isBusy(err):
			notes.print("the spool cannot be used: %v; usage goes to Kafka from memory, numbered from 1: if this attempt (%d/%d) ran before, give it a new attempt number", err, options.Job, options.Attempt)
			return newOutbox(options, nil, notes)
		}
		notes.state(aboutLock, err, "usage is counted and waits for that process to end")
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-timer.C:
		case <-stop:
			timer.Stop()
			return nil
		}
	}
}
