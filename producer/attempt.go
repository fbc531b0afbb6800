package producer

import (
	"context"
	"time"
)

// Attempt numbers the events of one attempt of one sync by itself: 1, 2, 3, … Safe for
// concurrent use.
//
// A program that stops in the middle of an attempt and goes on with it must go on with its
// numbers (Continue); otherwise the attempt needs a new attempt number. Numbers used again are
// duplicates, and what they say is not counted.
type Attempt struct {
	producer *Producer
	sync     Usage
	last     int64
	turn     chan struct{} // holds a token while last may be changed
}

// Amount is what one event adds.
type Amount struct{ Records, Bytes, Operations int64 }

// Attempt starts numbering at 1. Of sync, the members that are the same for the whole attempt are
// taken: account, connection, connectors, job and attempt.
func (p *Producer) Attempt(sync Usage) (*Attempt, error) { return p.Continue(sync, 0) }

// Continue goes on after last, the highest number that was ever used for this attempt.
func (p *Producer) Continue(sync Usage, last int64) (*Attempt, error) {
	sync.Seq = last + 1
	if err := sync.Validate(); err != nil {
		return nil, err
	}
	return &Attempt{producer: p, sync: sync, last: last, turn: make(chan struct{}, 1)}, nil
}

// Report reports what one stream added (stream "" names none) at a time (zero: now). A number is
// used up only when the event is accepted; errors are those of Producer.Report.
func (a *Attempt) Report(ctx context.Context, stream string, added Amount, at time.Time) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.turn }()
	usage := a.sync
	usage.Stream, usage.Time, usage.Seq = stream, at, a.last+1
	usage.Records, usage.Bytes, usage.Operations = added.Records, added.Bytes, added.Operations
	if err := a.producer.Report(ctx, usage); err != nil {
		return err
	}
	a.last++
	return nil
}

// Last is the highest number used so far.
func (a *Attempt) Last() int64 {
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	return a.last
}
