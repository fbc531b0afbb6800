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

// memory is a delivery log of one partition.
type memory struct {
	mu      sync.Mutex
	records []OutboxRecord
	away    bool
	// before and after are called around an append; an error is answered by it.
	before, after func([]OutboxRecord) error
}

func (m *memory) append(records []OutboxRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errAway
	}
	if m.before != nil {
		if err := m.before(records); err != nil {
			return err
		}
	}
	for _, r := range records {
		r.Appended = time.Now()
		m.records = append(m.records, r)
	}
	if m.after != nil {
		return m.after(records)
	}
	return nil
}

func (m *memory) setAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

type linkedOutbox struct {
	*memory
	link *link
}

func (o *linkedOutbox) Append(ctx context.Context, _ int32, records []OutboxRecord) error {
	if err := errors.Join(o.link.check(), ctx.Err()); err != nil {
		return err
	}
	return o.append(records)
}

func (m *memory) Last(context.Context, int32) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.records) == 0 {
		return time.Time{}, nil
	}
	return m.records[len(m.records)-1].Appended, nil
}

func (m *memory) Read(_ context.Context, _ int32, since time.Time, take func(*OutboxRecord) error) error {
	m.mu.Lock()
	records := slices.Clone(m.records)
	m.mu.Unlock()
	for i := range records {
		if records[i].Appended.Before(since) {
			continue
		}
		if err := take(&records[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Partitions(context.Context) (int32, error) { return 1, nil }

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

// accounts is a directory.
type accounts struct {
	mu       sync.Mutex
	profiles map[string]*drawdown.Profile
	applied  drawdown.Offset // accounts are as they are after it
	away     bool
}

func (a *accounts) set(p *drawdown.Profile) {
	a.mu.Lock()
	defer a.mu.Unlock()
	copied := *p
	copied.Webhooks = slices.Clone(p.Webhooks)
	a.profiles[p.Account] = &copied
}

func (a *accounts) change(change func(*accounts)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// Profile implements [Directory].
func (a *accounts) Profile(ctx context.Context, account string, after drawdown.Offset) (drawdown.Profile, error) {
	for {
		a.mu.Lock()
		profile, applied, away := a.profiles[account], a.applied, a.away
		a.mu.Unlock()
		switch {
		case away:
			return drawdown.Profile{}, errAway
		case applied >= after && profile == nil:
			return drawdown.Profile{}, errors.New("no such account")
		case applied >= after:
			copied := *profile
			copied.Webhooks = slices.Clone(profile.Webhooks)
			return copied, nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return drawdown.Profile{}, ctx.Err()
		}
	}
}

// operations disables endpoints as the engine does: the account changes and the ledger has a notice.
type operations struct {
	*world
	link *link
}

// Append implements [Operations].
func (o *operations) Append(ctx context.Context, op *Operation) (drawdown.Offset, error) {
	if err := errors.Join(o.link.check(), ctx.Err()); err != nil {
		return 0, err
	}
	endpoint, reason := op.Data["endpoint"].(string), op.Data["reason"].(string)
	o.mu.Lock()
	repeated := slices.ContainsFunc(o.operated, func(before *Operation) bool { return before.ID == op.ID })
	o.operated = append(o.operated, op)
	at := o.offset + 1
	o.mu.Unlock()
	if repeated {
		return at - 1, nil
	}
	o.directory.change(func(a *accounts) {
		if known := webhookOf(a.profiles[op.Account], endpoint); known != nil {
			known.Disabled = reason
		}
	})
	o.publish(&drawdown.WebhookDisabledNotice{Head: head(op.Account), Endpoint: endpoint, Reason: reason})
	return at, nil
}

// otherSide is what is told over a channel.
type otherSide struct {
	mu     sync.Mutex
	answer func(ctx context.Context, d *Delivery) Outcome // nil: it takes everything
	got    []told
}

// told is a try as the other side sees it.
type told struct {
	notice, target string
	attempt        int
	at             time.Time
	data           string
}

func (o *otherSide) sender() Sender { return o }

// Send implements [Sender].
func (o *otherSide) Send(ctx context.Context, d *Delivery) Outcome {
	o.mu.Lock()
	o.got = append(o.got, told{d.Notice.ID, d.Target, d.Attempt, time.Now(), string(d.Notice.Data)})
	answer := o.answer
	o.mu.Unlock()
	if answer == nil {
		return Outcome{Verdict: Delivered, Detail: "ok"}
	}
	return answer(ctx, d)
}

func (o *otherSide) answers(answer func(ctx context.Context, d *Delivery) Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *otherSide) always(outcome Outcome) {
	o.answers(func(context.Context, *Delivery) Outcome { return outcome })
}

func (o *otherSide) tries() []told {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.got)
}

// targets returns who was told of a notice, in the order of names, each as often as it was.
func (o *otherSide) targets(notice string) (names []string) {
	for _, try := range o.tries() {
		if try.notice == notice {
			names = append(names, try.target)
		}
	}
	slices.Sort(names)
	return names
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
