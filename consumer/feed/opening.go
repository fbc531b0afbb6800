package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
)

// opening is a lane from Open to Close.
type opening struct {
	*partition
	lane     Lane
	begin    int64 // where it began
	end      int64 // of the partition when the lane was opened
	answered bool  // begin was there: the broker has answered
	caughtUp bool
	noted    time.Time // when the lane was asked last how far it is
	last     ledgerevent.Event
}

// follow fetches and hands over until the context ends or something fails. Failures of Kafka that pass do not disturb
// the lane.
func (o *opening) follow(ctx context.Context) error {
	pause := backoff{min: o.cfg.RetryMin, max: o.cfg.RetryMax}
	wait := time.Duration(0) // the first answer tells whether the lane has caught up already
	for ctx.Err() == nil {
		response, err := o.fetch(ctx, wait)
		switch {
		case err == nil:
		case ctx.Err() == nil && passes(err):
			o.failed(stageFetch, err)
			sleep(ctx, pause.next())
			continue
		default:
			return o.explain(err)
		}
		err = o.takeAll(ctx, response.Sets[0])
		response.Release()
		if err != nil {
			return err
		}
		pause.reset()
		wait = o.cfg.FetchWaitMax
	}
	return ctx.Err()
}

func (o *opening) fetch(ctx context.Context, wait time.Duration) (*fetch.Response, error) {
	bytesMax := int32(o.cfg.FetchBytesMax)
	response, err := o.client.Fetch(ctx, fetch.Request{
		Topic:      o.cfg.Topic,
		Partitions: []fetch.Partition{{ID: o.index, Offset: o.next.Load(), BytesMax: bytesMax}},
		BytesMin:   1, BytesMax: bytesMax, WaitMax: wait,
	})
	if err != nil {
		return nil, err
	}
	if err := response.Sets[0].Err(); err != nil {
		response.Release()
		return nil, err
	}
	return response, nil
}

// passes reports whether a failed fetch may succeed without a restart: also what a broker refuses or its certificate
// does not prove, for that is repaired there.
func passes(err error) bool {
	var refused kafka.Error
	var certificate *tls.CertificateVerificationError
	return fetch.Retriable(err) || errors.As(err, &refused) || errors.As(err, &certificate)
}

// explain classifies an error of the log that does not pass.
func (o *opening) explain(err error) error {
	var outOfRange *fetch.OutOfRangeError
	if errors.As(err, &outOfRange) && o.done.Load() == none && outOfRange.Offset < outOfRange.Earliest {
		return err // begun at the earliest, which retention has just removed: begin again
	}
	return &StopError{err}
}

// takeAll hands over what was fetched.
func (o *opening) takeAll(ctx context.Context, set *fetch.Set) error {
	o.answered = true
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		switch {
		case err != nil:
			return o.explain(err)
		case more:
			if err := o.take(ctx, &record); err != nil {
				return err
			}
			if err := o.advance(ctx, record.Offset+1); err != nil {
				return err
			}
		default:
			if err := o.advance(ctx, set.NextOffset()); err != nil {
				return err
			}
			o.note()
			o.recovered(set.HighWatermark)
			return nil
		}
	}
}

// take hands one event over, unless the lane has it.
func (o *opening) take(ctx context.Context, record *fetch.Record) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	event := &Event{Position: record.Offset, Appended: time.UnixMilli(record.AppendTime)}
	var err error
	if event.Event, err = ledgerevent.Decode(record.Value); err != nil {
		return &StopError{fmt.Errorf("offset %d of topic %s: %w; nothing is skipped", record.Offset, o.cfg.Topic, err)}
	}
	if event.Partition != o.index {
		return &StopError{fmt.Errorf("offset %d of topic %s is an event of partition %d; nothing is skipped: was the topic copied?",
			record.Offset, o.cfg.Topic, event.Partition)}
	}
	if o.has(&event.Event) {
		o.metrics.repeats.Inc()
		return nil
	}
	o.metrics.delay.Observe(max(0, time.Since(event.Appended).Seconds()))
	if err := o.lane.Take(ctx, event); err != nil {
		return fmt.Errorf("take event %d-%d-%d: %w", event.Partition, event.Offset, event.N, err)
	}
	o.metrics.events.Inc()
	o.last = event.Event
	return nil
}

// has reports whether the lane has an event: a worker that crashed publishes some again, the same to the byte.
func (o *opening) has(e *ledgerevent.Event) bool {
	return o.last.Type != "" && (e.Offset < o.last.Offset || e.Offset == o.last.Offset && e.N <= o.last.N)
}

// advance notes that all before next is taken.
func (o *opening) advance(ctx context.Context, next int64) error {
	o.next.Store(next)
	o.reached = max(o.reached, next)
	if !o.caughtUp && next >= o.end {
		o.caughtUp = true
		if err := o.lane.CaughtUp(ctx); err != nil {
			return fmt.Errorf("catch up: %w", err)
		}
	}
	if time.Since(o.noted) >= o.cfg.CommitInterval {
		o.note()
	}
	return nil
}

// note asks the lane how far it is. That never goes back.
func (o *opening) note() {
	next := o.next.Load()
	done := max(o.begin, o.done.Load(), min(o.lane.Done(next), next))
	o.done.Store(done)
	o.noted = time.Now()
	o.metrics.pending(o.index, next-done)
}

// recovered ends the report of a failure once the lane is beyond where it happened, or has all there is.
func (o *opening) recovered(highWatermark int64) {
	if next := o.next.Load(); next > o.failedAt || next >= highWatermark {
		o.set(nil)
	}
}

// close closes the lane and notes how far it came.
func (o *opening) close() {
	late := time.AfterFunc(o.cfg.DrainTimeout, func() {
		o.log.Error("a lane is not closed within the drain timeout: the group may give its partition away before", "drain_timeout", o.cfg.DrainTimeout)
	})
	o.lane.Close()
	late.Stop()
	if o.answered {
		o.note()
	}
}
