package producer

import (
	"context"
	"sync"
	"time"
)

// Producer takes usage events and delivers them in batches from a goroutine of its own. It is
// running when New returns; Close ends it. Safe for concurrent use.
type Producer struct {
	config Config
	log    *Log

	mu      sync.Mutex
	pending []entry       // accepted, not yet taken by the sender
	failed  []entry       // given up and waiting for Flush or Close; they keep their place in the buffer
	reason  error         // of the first of failed
	closing bool          // set once, by Close
	changed chan struct{} // closed and made anew whenever one of the above or below changes
	// Positions in the order of acceptance: settled means acknowledged or given up. Batches settle
	// in order, so that Flush waits for a position.
	accepted, settled int64

	abandon context.CancelFunc // ends the delivery under way
	done    chan struct{}      // closed when the sender has ended
}

type entry struct {
	usage  Usage
	record record
}

// New checks the configuration and starts a Producer. It does not connect: a broker that is away
// shows as events that are not delivered.
func New(config Config) (*Producer, error) {
	log, err := NewLog(config)
	if err != nil {
		return nil, err
	}
	ctx, abandon := context.WithCancel(context.Background())
	p := &Producer{
		config: log.config, log: log, changed: make(chan struct{}),
		abandon: abandon, done: make(chan struct{}),
	}
	go p.run(ctx)
	return p, nil
}

// Report checks the event and puts it into the buffer; while that is full it waits, as long as ctx
// allows. When it returns nil the event will be delivered, or handed back by Flush, Close or
// Config.OnUndelivered. Any error means the event was not accepted: a *UsageError (it breaks the
// contract), ErrClosed, ErrUncollected, or the end of ctx.
func (p *Producer) Report(ctx context.Context, usage Usage) error {
	if usage.Time.IsZero() {
		usage.Time = time.Now()
	}
	if err := usage.Validate(); err != nil {
		return err
	}
	e := entry{usage, record{key: usage.Account, value: usage.Event(p.config.Source), headers: eventHeaders}}
	for {
		changed, accepted, err := p.offer(e)
		if accepted || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offer accepts the entry if there is room, or returns what to wait for.
func (p *Producer) offer(e entry) (changed <-chan struct{}, accepted bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, false, ErrClosed
	}
	if int(p.accepted-p.settled)+len(p.failed) >= p.config.BufferEvents {
		if len(p.failed) > 0 && p.accepted == p.settled {
			return nil, false, ErrUncollected // nothing under way will make room
		}
		return p.changed, false, nil
	}
	p.pending = append(p.pending, e)
	p.accepted++
	p.announce()
	return nil, true, nil
}

// Flush waits until every event accepted before the call is settled. It returns nil if all that
// was accepted has been acknowledged, a *DeliveryError that hands back what was not, or ctx's
// error while some are still under way.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	target := p.accepted
	p.mu.Unlock()
	for {
		p.mu.Lock()
		settled, changed := p.settled >= target, p.changed
		p.mu.Unlock()
		if settled {
			return p.collect()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close refuses further events, waits like Flush, and ends the Producer. When ctx ends first,
// what is still under way is given up and handed back in the *DeliveryError. Closing twice is fine.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	p.announce()
	p.mu.Unlock()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.abandon()
		<-p.done // deliveries end with their context
	}
	p.abandon()
	p.log.Close()
	return p.collect()
}

// collect hands back what was given up, and makes room for as many.
func (p *Producer) collect() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.failed) == 0 {
		return nil
	}
	handed := undelivered(p.failed, p.reason)
	p.failed, p.reason = nil, nil
	p.announce()
	return handed
}

func undelivered(entries []entry, reason error) *DeliveryError {
	usages := make([]Usage, len(entries))
	for i, e := range entries {
		usages[i] = e.usage
	}
	return &DeliveryError{Undelivered: usages, Err: reason}
}

// announce wakes everyone who waits for a change. Call it with mu held.
func (p *Producer) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}
