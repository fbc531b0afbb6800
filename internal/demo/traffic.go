package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/producer"
)

const (
	// eventsPerSecondMax is a load that leaves most of two cores to the reader's other work.
	eventsPerSecondMax = 3000
	// eventsMax bounds a long demo: the embedded Kafka keeps everything in memory, about 1 KB an event.
	eventsMax = 1_000_000
	// trafficInterval is how often events that are due are reported.
	trafficInterval = 20 * time.Millisecond
	// catchUpMax bounds the events that a delay leaves behind.
	catchUpMax = 10 * trafficInterval
	// syncsPerDemo is how many syncs a connection runs one after the other.
	syncsPerDemo = 20
	// repeatOneIn is how often a worker reports an event twice, as one does that did not see the acknowledgement.
	repeatOneIn = 400
)

// traffic runs syncs on all connections, one after the other on each, as fast as the story wants.
type traffic struct {
	producer *producer.Producer
	flows    []*flow
	lasts    time.Duration
	admits   func(account, connection string) bool
}

// flow is the syncs of one connection.
type flow struct {
	account    string
	connection *connection
	random     *rand.Rand
	// Events a second, and what they add of the meter a second.
	rate, units float64
	perSync     int

	running atomic.Bool // a sync is under way
	usage   producer.Usage
	left    int     // events until the sync ends
	due     float64 // events due, and what they have to add of the meter
	owed    float64
	sent    sent
}

// sent is what the workers of a connection counted themselves.
type sent struct {
	events   uint64 // 0 where it is not known how many the tap made
	quantity uint64
}

// startingSeed makes every demo alike.
const startingSeed = 1

// newTraffic prepares the traffic of a demo that lasts so long.
func newTraffic(config *app.Config, story []customer, lasts time.Duration, admits func(account, connection string) bool) (*traffic, error) {
	p, err := producer.New(producer.Config{
		Brokers: config.Kafka.Brokers, Topic: config.Worker.MeteringTopic, Source: "drawdown/demo/workers", DeliveryTimeout: 30 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	t := &traffic{producer: p, admits: admits, lasts: lasts}
	for i := range story {
		c := &story[i]
		for k := range c.connections {
			t.flows = append(t.flows, &flow{account: c.account, connection: &c.connections[k], random: rand.New(rand.NewPCG(startingSeed, uint64(len(t.flows))))})
		}
	}
	total := min(eventsPerSecondMax, eventsMax/lasts.Seconds())
	for _, f := range t.flows {
		f.rate = total / float64(len(t.flows))
		f.perSync = max(1, int(f.rate*lasts.Seconds()/syncsPerDemo))
	}
	for i := range story {
		t.pace(&story[i], lasts)
	}
	return t, nil
}

// pace sets how much the account uses a second, so that its credits are used up when the story says.
func (t *traffic) pace(c *customer, lasts time.Duration) {
	creditsPerSecond := float64(c.starting()) / (c.runsOut * lasts.Seconds())
	for _, f := range t.flows {
		if f.account == c.account {
			f.units = creditsPerSecond * f.connection.share * unitsPerCredit(f.connection.meter)
		}
	}
}

// run reports usage until the context ends. Where it ends because the time is over, a machine that was too busy may be
// behind: what is missing is reported then, so that the story is the same on all. Call close after it.
func (t *traffic) run(ctx, work context.Context) error {
	ticker := time.NewTicker(trafficInterval)
	defer ticker.Stop()
	start := time.Now()
	last := start
	for {
		select {
		case <-ctx.Done():
			if missing := t.lasts - last.Sub(start); missing > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return t.stepAll(work, missing)
			}
			return nil
		case now := <-ticker.C:
			passed := now.Sub(last)
			last = now
			if err := t.stepAll(ctx, passed); err != nil {
				return err
			}
		}
	}
}

func (t *traffic) stepAll(ctx context.Context, passed time.Duration) error {
	for _, f := range t.flows {
		if err := t.step(ctx, f, passed); err != nil {
			return err
		}
	}
	return nil
}

// step reports what became due on one connection. A sync begins only when the account may start one; one that runs is
// finished, whatever it finds at its end.
func (t *traffic) step(ctx context.Context, f *flow, passed time.Duration) error {
	if !f.running.Load() {
		if !t.admits(f.account, f.connection.name) {
			return nil
		}
		f.begin()
	}
	// A busy machine gets fewer and larger events, so that the story goes on at its pace.
	f.due += f.rate * min(passed, catchUpMax).Seconds()
	f.owed += f.units * passed.Seconds()
	for ; f.due >= 1 && f.left > 0; f.due, f.left = f.due-1, f.left-1 {
		if err := t.report(ctx, f); err != nil || ctx.Err() != nil {
			return err
		}
	}
	f.running.Store(f.left > 0)
	return nil
}

// begin begins the next sync. They differ in length, so that not all end at once.
func (f *flow) begin() {
	f.usage = f.connection.usage(f.account, f.usage.Job+1)
	f.left = 1 + f.perSync/2 + f.random.IntN(f.perSync)
	f.running.Store(true)
}

// report reports the next event of the sync. An event that was accepted when the context ended is delivered by close.
func (t *traffic) report(ctx context.Context, f *flow) error {
	quantity := int64(max(0, f.owed/max(f.due, 1)*(0.5+f.random.Float64())))
	f.owed -= float64(quantity)
	f.usage.Seq++
	if streams := f.connection.streams; len(streams) > 0 {
		f.usage.Stream = streams[f.random.IntN(len(streams))]
	}
	f.usage.Records, f.usage.Bytes, f.usage.Operations = amounts(f.connection.meter, quantity)
	if err := t.producer.Report(ctx, f.usage); err != nil {
		return unlessEnded(ctx, err)
	}
	f.sent.events++
	f.sent.quantity += uint64(quantity)
	if f.random.IntN(repeatOneIn) == 0 {
		return unlessEnded(ctx, t.producer.Report(ctx, f.usage))
	}
	return nil
}

// unlessEnded names the error of a report, but for one that waited when the demo ended.
func unlessEnded(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("report usage: %w", err)
	}
	return nil
}

// amounts fills in what a worker reports beside what is charged: a row has about 250 bytes.
func amounts(meter drawdown.Meter, quantity int64) (records, bytes, operations int64) {
	const rowBytes = 250
	switch meter {
	case drawdown.Records:
		return quantity, quantity * rowBytes, 0
	case drawdown.Bytes:
		return quantity / rowBytes, quantity, 0
	default:
		return 0, 0, quantity
	}
}

// close delivers what was accepted. Everything counted as sent is in the log when it returns nil.
func (t *traffic) close(ctx context.Context) error {
	for _, f := range t.flows {
		f.running.Store(false)
	}
	if err := t.producer.Close(ctx); err != nil {
		var undelivered *producer.DeliveryError
		if errors.As(err, &undelivered) {
			return fmt.Errorf("%d usage events could not be delivered: %w", len(undelivered.Undelivered), err)
		}
		return fmt.Errorf("deliver usage: %w", err)
	}
	return nil
}

// syncs counts the connections of an account, and those with a sync under way.
func (t *traffic) syncs(account string) (running, all int) {
	for _, f := range t.flows {
		if f.account == account {
			all++
			if f.running.Load() {
				running++
			}
		}
	}
	return running, all
}
