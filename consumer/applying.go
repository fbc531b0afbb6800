package consumer

import (
	"context"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
)

// machine is the state machine of a partition, as *balance.Partition implements it. One goroutine calls it.
type machine interface {
	RestorePosition(balance.Position)
	RestoreCatalogue(entries [][]byte, decode func(value []byte, rec *drawdown.Record)) error
	Missing(account []byte) bool
	Restore(balance.Stored) (segments []string, err error)
	RestoreSegments(account string, names []string, data [][]byte) error
	Apply(rec *drawdown.Record, out drawdown.Output)
	Clock() drawdown.Time
	Take(epoch balance.Epoch, next drawdown.Offset) *balance.Commit
	TakeGaps() balance.Gaps
	Committed(next drawdown.Offset)
	Evict(keep int) int
	Cached() int
}

// applier applies records and collects what they cause into batches. While a batch is published and committed it works
// on the next one, which grows for as long as records are at hand and the stages after it are busy.
type applier struct {
	cfg      *Config
	epoch    balance.Epoch
	machine  machine
	decoder  *decoder
	loader   *loader
	outputs  *outputs
	gauge    *partitionGauge
	now      func() time.Time
	accounts int // bound of accounts in memory

	from <-chan *fetched // records, in order
	to   chan<- *batch   // has room for every batch in flight
	done <-chan *batch   // batches that are committed

	current  *fetched       // the answer being worked on, nil between answers
	rest     []fetch.Record // what is left of it
	batch    *batch
	begun    time.Time // when the batch got its first record
	free     []*batch
	inFlight int
	// failure is the error that ends the partition after what precedes it is committed; nil where it just drains.
	failure error
	closing bool
}

// run ends when the source ends or fails, after everything applied is committed; or with the context.
func (a *applier) run(ctx context.Context, next drawdown.Offset) error {
	defer close(a.to)
	defer a.drop()
	a.batch = &batch{tally: newTally()}
	a.batch.reset(next)
	for {
		a.fill(ctx)
		if a.batch.tally.events > 0 && a.inFlight < a.cfg.BatchesInFlight {
			a.handOver()
			continue
		}
		if a.closing && a.inFlight == 0 {
			return a.failure
		}
		if err := a.wait(ctx); err != nil {
			return err
		}
	}
}

// fill applies the records at hand, as long as the batch has room. It never waits for records.
func (a *applier) fill(ctx context.Context) {
	for !a.closing && a.hasRoom() {
		if a.current == nil {
			select {
			case answer, more := <-a.from:
				a.take(answer, more)
			default:
				return
			}
			continue
		}
		if err := a.step(ctx); err != nil {
			a.close(err)
		} else if len(a.rest) == 0 {
			a.finish()
		}
	}
}

// hasRoom reports whether the batch may grow. Age bounds it only while it could be handed over.
func (a *applier) hasRoom() bool {
	b := a.batch
	switch {
	case b.tally.events >= a.cfg.BatchEventsMax, b.tally.bytes >= a.cfg.BatchBytesMax,
		b.outputBytes()+a.outputs.pending() >= a.cfg.BatchBytesMax:
		return false
	case b.tally.events > 0 && a.inFlight < a.cfg.BatchesInFlight:
		return time.Since(a.begun) < a.cfg.BatchAgeMax
	default:
		return true
	}
}

// wait waits for records (while the batch has room), for a batch that is committed, or for the end.
func (a *applier) wait(ctx context.Context) error {
	from := a.from
	if a.closing || a.current != nil || !a.hasRoom() {
		from = nil
	}
	select {
	case answer, more := <-from:
		a.take(answer, more)
	case b, more := <-a.done:
		if !more { // a later stage has failed: its error is the one that counts
			<-ctx.Done()
			return ctx.Err()
		}
		a.release(b)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// take begins an answer. The source closes when it drains.
func (a *applier) take(answer *fetched, more bool) {
	if !more {
		a.close(nil)
		return
	}
	a.current, a.rest = answer, answer.records
	if len(a.rest) == 0 {
		a.finish()
	}
}

// finish ends an answer, with the error that followed its records.
func (a *applier) finish() {
	err := a.current.err
	a.drop()
	if err != nil {
		a.close(err)
	}
}

func (a *applier) drop() {
	if a.current != nil {
		a.current.release()
		a.current, a.rest = nil, nil
	}
}

// close ends the intake: what was applied is committed, then the partition ends.
func (a *applier) close(err error) {
	if !a.closing {
		a.closing, a.failure = true, err
		a.drop()
	}
}

// step decodes, loads and applies some records.
func (a *applier) step(ctx context.Context) error {
	sources := a.rest[:min(len(a.rest), decodeEvents)]
	if room := a.cfg.BatchEventsMax - a.batch.tally.events; len(sources) > room {
		sources = sources[:room]
	}
	records := a.decoder.decode(sources)
	if err := a.loader.load(ctx, records); err != nil {
		return err
	}
	now := a.now()
	limit := drawdown.TimeOf(now.Add(a.cfg.ClockAheadMax))
	if a.batch.tally.events == 0 {
		a.begun = time.Now()
	}
	for i := range records {
		if rec := &records[i]; rec.LogTime > limit {
			return &ClockError{
				Partition: a.outputs.partition, Offset: rec.Offset, LogTime: rec.LogTime,
				Now: drawdown.TimeOf(now), AheadMax: a.cfg.ClockAheadMax,
			}
		}
		a.apply(&sources[i], &records[i])
	}
	a.rest = a.rest[len(sources):]
	return nil
}

// apply applies one record.
func (a *applier) apply(source *fetch.Record, rec *drawdown.Record) {
	a.outputs.batch, a.outputs.source = a.batch, source
	a.machine.Apply(rec, a.outputs)
	a.batch.next = rec.Offset + 1
	a.batch.tally.record(source)
	a.outputs.split(a.batch.next, a.machine.Clock())
}

// handOver closes the batch, sends it on and begins another.
func (a *applier) handOver() {
	b := a.batch
	a.outputs.closeCharges(b.next, a.machine.Clock())
	b.commit = a.machine.Take(a.epoch, b.next)
	b.tally.gaps = a.machine.TakeGaps()
	a.inFlight++
	a.to <- b
	if last := len(a.free) - 1; last >= 0 {
		a.batch, a.free = a.free[last], a.free[:last]
	} else {
		a.batch = &batch{tally: newTally()}
	}
	a.batch.reset(b.next)
	a.begun = time.Now()
}

// release takes a committed batch back.
func (a *applier) release(b *batch) {
	a.inFlight--
	a.machine.Committed(b.next)
	if a.machine.Cached() > a.accounts {
		a.machine.Evict(a.accounts)
	}
	a.gauge.cached.Store(int64(a.machine.Cached()))
	if !b.retired {
		a.free = append(a.free, b)
	}
}
