package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/feed"
)

var errAway = errors.New("server away")

// world is one partition of the ledger, its delivery log, accounts and the other sides, for notifiers one after another.
type world struct {
	t         testing.TB
	config    Config
	outbox    *memory
	directory *accounts
	operated  []*Operation // appended to the log
	post      map[Channel]*otherSide

	mu        sync.Mutex
	ledger    []*feed.Event
	grown     chan struct{}
	committed int64
	offset    drawdown.Offset
}

// inWorld runs a test in virtual time.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, config: Default(), outbox: &memory{}, grown: make(chan struct{}), offset: 100,
		post: map[Channel]*otherSide{Email: {}, Webhook: {}},
	}
	w.directory = &accounts{profiles: map[string]*drawdown.Profile{}, applied: math.MaxInt64}
	return w
}

// account has an e-mail address and webhook endpoints.
func (w *world) account(account string, endpoints ...string) *drawdown.Profile {
	p := &drawdown.Profile{Account: account, Email: account + "@example.com"}
	for _, name := range endpoints {
		p.Webhooks = append(p.Webhooks, drawdown.Webhook{Endpoint: name, URL: "https://" + name + ".example/", SecretVersion: 1})
	}
	w.directory.set(p)
	return p
}

// publish appends the entries of one record to the ledger, at the present, and returns the ids of their notices.
func (w *world) publish(entries ...drawdown.Entry) (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset++
	for n, entry := range entries {
		head := entry.Where()
		head.Offset, head.N = w.offset, n
		if head.At == 0 {
			head.At = drawdown.TimeOf(time.Now())
		}
		w.ledger = append(w.ledger, event(w.t, entry, int64(len(w.ledger))))
		ids = append(ids, fmt.Sprintf("0-%d-%d", head.Offset, n))
	}
	close(w.grown)
	w.grown = make(chan struct{})
	return ids
}

// event is an entry as a follower of the ledger gets it.
func event(t testing.TB, entry drawdown.Entry, position int64) *feed.Event {
	decoded, err := ledgerevent.Decode(ledgerevent.Append(nil, 0, entry))
	if err != nil {
		t.Fatal(err)
	}
	return &feed.Event{Event: decoded, Position: position, Appended: time.Now()}
}

func head(account string) drawdown.Head { return drawdown.Head{Account: account} }

func lowBalance(account string) drawdown.Entry {
	return &drawdown.LowBalanceNotice{Head: head(account), Available: 5 * drawdown.Credit}
}

// next waits for the event at a position; nil when ctx or some time has passed.
func (w *world) next(ctx context.Context, position int64, most time.Duration) *feed.Event {
	w.mu.Lock()
	grown := w.grown
	if position < int64(len(w.ledger)) {
		defer w.mu.Unlock()
		return w.ledger[position]
	}
	w.mu.Unlock()
	select {
	case <-grown:
	case <-time.After(most):
	case <-ctx.Done():
	}
	return nil
}

// process is a notifier and what follows the ledger for it.
type process struct {
	*world
	notifier *Notifier
	lane     feed.Lane
	cut      context.CancelFunc // takes the partition away
	ended    chan struct{}      // the follower has closed the lane
	halt     func()             // ends the workers
	link     *link
}

// link is a process's way to the servers, until it crashes.
type link struct {
	mu   sync.Mutex
	dead bool
}

func (l *link) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errAway
	}
	return nil
}

// start starts a notifier. The test stops or crashes it.
func (w *world) start() *process {
	w.t.Helper()
	p := &process{world: w, ended: make(chan struct{}), link: &link{}}
	n, err := New(w.config, Deps{
		Directory: w.directory, Outbox: &linkedOutbox{w.outbox, p.link}, Operations: &operations{w, p.link},
		Email: w.post[Email].sender(), Webhook: w.post[Webhook].sender(),
		EmailSchedule: EmailSchedule, WebhookSchedule: threeDays,
		Registerer: prometheus.NewPedanticRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p.notifier = n
	working, halt := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() { _ = n.Run(working) })
	p.halt = func() { halt(); workers.Wait() }
	ctx, cut := context.WithCancel(context.Background())
	p.cut = cut
	if p.lane, err = n.Open(ctx, 0); err != nil {
		w.t.Fatal(err)
	}
	go p.follow(ctx)
	return p
}

// follow does what consumer/feed does: it hands events over, and commits at intervals and after closing.
func (p *process) follow(ctx context.Context) {
	defer close(p.ended)
	p.mu.Lock()
	next := p.committed
	p.mu.Unlock()
	idle := time.Second // between commits: ever longer while nothing comes, or days would take long
	for ctx.Err() == nil {
		if e := p.next(ctx, next, idle); e != nil {
			idle = time.Second
			if err := p.lane.Take(ctx, e); err != nil {
				if ctx.Err() == nil {
					p.t.Errorf("take: %v", err)
				}
				break
			}
			next++
			continue
		}
		p.commit(next)
		idle = min(2*idle, 5*time.Minute)
	}
	<-ctx.Done()
	p.lane.Close()
	p.commit(next)
}

func (p *process) commit(next int64) {
	done := p.lane.Done(next)
	if p.link.check() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed = max(p.committed, done)
}

// stop ends a process as a rebalance and a shutdown do.
func (p *process) stop() { p.cut(); <-p.ended; p.halt() }

// crash ends a process at once: nothing it does from now on reaches a server. What the other sides were sent, they have.
func (p *process) crash() {
	p.link.mu.Lock()
	p.link.dead = true
	p.link.mu.Unlock()
	p.stop()
}

// threeDays is like webhook.Schedule, without chance.
func threeDays(_ string, attempt int) (time.Duration, bool) {
	waits := []time.Duration{5 * time.Second, time.Minute, time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	if attempt > len(waits) {
		return 0, false
	}
	return waits[attempt-1], true
}

// settle lets a moment pass in which everything that is due gets done.
func settle() { after(2 * time.Second) }

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func expectAll[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// states returns the records' deliveries and states in order, "3/email pending".
func (w *world) states() []string {
	w.t.Helper()
	var all []string
	err := w.outbox.Read(w.t.Context(), 0, time.Time{}, func(o *OutboxRecord) error {
		r, err := decodeRecord(o.Value)
		if err != nil {
			return err
		}
		all = append(all, fmt.Sprintf("%s %s %d", strings.TrimPrefix(r.ID, "0-"), r.State, r.Tries))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// list returns every delivery as it stands.
func (w *world) list(f Filter) []DeliveryRecord {
	w.t.Helper()
	list, err := NewDeliveryLog(&linkedOutbox{w.outbox, &link{}}).List(w.t.Context(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// state returns how the delivery of a notice to a target stands, "" where there is none.
func (w *world) state(notice string, channel Channel, target string) string {
	w.t.Helper()
	for _, r := range w.list(Filter{}) {
		if r.ID == deliveryID(notice, channel, target) {
			return string(r.State)
		}
	}
	return ""
}
