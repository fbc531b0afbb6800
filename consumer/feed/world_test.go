package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/internal/servers/embedded"
)

const worldPartitions = 4

// world is a broker with a ledger, and how to reach it.
type world struct {
	t         *testing.T
	cfg       Config
	broker    *embedded.Kafka // nil where the broker is a real one
	address   string
	transport *kafka.Transport
	dialer    *kafka.Dialer
	log       drawdown.Offset // grows by one a record that causes entries
}

// inVirtualTime runs a test on a broker of its own.
func inVirtualTime(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		broker, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{"drawdown.ledger": worldPartitions}})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, broker.Addr(), dial)
		w.broker = broker
		test(t, w)
		w.transport.CloseIdleConnections()
		broker.Close()
	})
}

func newWorld(t *testing.T, address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *world {
	cfg := Default()
	cfg.Group = "drawdown-test"
	return &world{
		t: t, cfg: cfg, address: address,
		transport: &kafka.Transport{Dial: dial, MetadataTTL: time.Second}, dialer: &kafka.Dialer{DialFunc: dial},
	}
}

// entries returns the values of events of a partition, each of a record of its own.
func (w *world) entries(partition int32, count int) (values [][]byte) {
	for range count {
		entry := &drawdown.GrantExpired{
			Head:  drawdown.Head{Offset: w.log, At: 1_769_904_000_000, Account: fmt.Sprint("account-", partition)},
			Grant: "g", Amount: 1,
		}
		w.log++
		values = append(values, ledgerevent.Append(nil, partition, entry))
	}
	return values
}

// publish appends values to a partition of the ledger, as a worker does.
func (w *world) publish(partition int32, values ...[]byte) {
	w.t.Helper()
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.address), Transport: w.transport, Topic: w.cfg.Topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return int(partition) }),
	}
	messages := make([]kafka.Message, 0, len(values))
	for _, value := range values {
		messages = append(messages, kafka.Message{Key: []byte("key"), Value: value})
	}
	if err := errors.Join(writer.WriteMessages(w.t.Context(), messages...), writer.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// follow runs a follower until stop is called.
func (w *world) follow(handler Handler) (f *Follower, stop func()) {
	w.t.Helper()
	f = w.follower(handler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	}()
	return f, func() { cancel(); <-ended }
}

func (w *world) follower(handler Handler) *Follower {
	w.t.Helper()
	f, err := New(w.cfg, Deps{
		Consumer: "tester", Handler: handler, Transport: w.transport, Addr: kafka.TCP(w.address),
		Brokers: []string{w.address}, Dialer: w.dialer, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// until waits for a condition, and fails the test if it does not come.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 1200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("after a minute, still not: %s", what)
}

// committed returns what the group has for a partition.
func (w *world) committed(partition int32) int64 {
	w.t.Helper()
	o := &offsets{transport: w.transport, addr: kafka.TCP(w.address), group: w.cfg.Group, topic: w.cfg.Topic, timeout: 10 * time.Second}
	offset, err := o.committed(w.t.Context(), partition)
	if err != nil {
		w.t.Fatal(err)
	}
	return offset
}

// ledger is a handler that notes what its lanes get, with faults that a test sets.
type ledger struct {
	// take, done, caughtUp, open and closing replace what a lane does; nil: it takes all, and at once.
	open     func(partition int32) error
	take     func(ctx context.Context, e *Event) error
	caughtUp func(partition int32) error
	done     func(next int64) int64
	closing  func(partition int32)

	mu    sync.Mutex
	lanes []*lane
}

// lane notes what happens to it.
type lane struct {
	*ledger
	ctx       context.Context
	partition int32

	// Guarded by ledger.mu.
	taken    []int64 // positions
	caughtAt []int   // how many were taken when CaughtUp was called
	closed   bool
}

func (l *ledger) Open(ctx context.Context, partition int32) (Lane, error) {
	if l.open != nil {
		if err := l.open(partition); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	opened := &lane{ledger: l, ctx: ctx, partition: partition}
	l.lanes = append(l.lanes, opened)
	return opened, nil
}

func (l *lane) Take(ctx context.Context, e *Event) error {
	if l.take != nil {
		if err := l.take(ctx, e); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		panic("an event is given to a closed lane")
	}
	l.taken = append(l.taken, e.Position)
	return nil
}

func (l *lane) CaughtUp(context.Context) error {
	l.mu.Lock()
	l.caughtAt = append(l.caughtAt, len(l.taken))
	l.mu.Unlock()
	if l.ledger.caughtUp != nil {
		return l.ledger.caughtUp(l.partition)
	}
	return nil
}

func (l *lane) Done(next int64) int64 {
	if l.ledger.done != nil {
		return l.ledger.done(next)
	}
	return next
}

func (l *lane) Close() {
	if l.ctx.Err() == nil {
		panic("a lane is closed while its context goes on")
	}
	if l.closing != nil {
		l.closing(l.partition)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// of returns what each lane of a partition took, in the order of their opening.
func (l *ledger) of(partition int32) (taken [][]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, opened := range l.lanes {
		if opened.partition == partition {
			taken = append(taken, slices.Clone(opened.taken))
		}
	}
	return taken
}

// count returns how many events all lanes of a partition took.
func (l *ledger) count(partition int32) (count int) {
	for _, taken := range l.of(partition) {
		count += len(taken)
	}
	return count
}

// last returns the newest lane of a partition.
func (l *ledger) last(partition int32) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, opened := range slices.Backward(l.lanes) {
		if opened.partition == partition {
			return opened
		}
	}
	return nil
}

// span returns the integers from first to before end.
func span(first, end int64) (all []int64) {
	for i := first; i < end; i++ {
		all = append(all, i)
	}
	return all
}
