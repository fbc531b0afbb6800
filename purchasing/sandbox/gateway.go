package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"drawdown"
	"drawdown/purchasing"
)

// Gateway is a gateway in memory. It is safe for concurrent use.
type Gateway struct {
	config Config
	key    []byte
	now    func() time.Time
	run    string // opens names, which differ from those of any other process

	mu            sync.Mutex
	purchases     map[string]*purchase
	sessions      map[string]*open // that were begun here, until their time is over
	begun         []*open          // the same, the oldest first
	isDone        map[string]bool  // by session: wherever it was begun, done here
	done          []*session       // the same, as they were done
	subscriptions map[string]*purchasing.Subscription
	events        []purchasing.Event
	handed        int // how many events Told has
	serial        int
}

var (
	_ purchasing.Gateway = (*Gateway)(nil)
	_ purchasing.Till    = (*Gateway)(nil)
)

// runLen is how many characters tell processes apart: 50 bits.
const runLen = 10

// New makes an empty sandbox of a valid configuration.
func New(c Config) *Gateway {
	g := &Gateway{
		config: c, key: c.Key, now: c.Now, run: rand.Text()[:runLen], purchases: map[string]*purchase{}, sessions: map[string]*open{},
		isDone: map[string]bool{}, subscriptions: map[string]*purchasing.Subscription{},
	}
	if g.now == nil {
		g.now = time.Now
	}
	if len(g.key) == 0 {
		g.key = newKey()
	}
	return g
}

// purchase is what became of a purchase.
type purchase struct {
	attempts  map[int]*attempt
	cancelled bool
	sold      *sold // nil until it is paid
}

// attempt is one payment of a purchase.
type attempt struct {
	purchasing.Payment
	result purchasing.Result
	due    time.Time // when it is paid, while it is pending
	told   int       // how many answers were given
}

// sold is what was charged for a purchase.
type sold struct {
	account  string
	quantity drawdown.Credits
	amount   drawdown.Money
	refunded drawdown.Money
	receipt  string
	count    int
}

// Charge is what was taken for a purchase.
type Charge struct {
	Count  int
	Amount drawdown.Money
}

// Charges are the sandbox's books, by purchase.
func (g *Gateway) Charges() map[string]Charge {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]Charge{}
	for id, p := range g.purchases {
		g.ripen(p)
		if p.sold != nil {
			all[id] = Charge{Count: p.sold.count, Amount: p.sold.amount}
		}
	}
	return all
}

// errReplyLost is the error of [Flaky]: the work is done.
var errReplyLost = errors.New("sandbox: the reply was lost")

// Pay decides by the payment method.
func (g *Gateway) Pay(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	if behaviour(p.Payer.Method) == Timeout {
		<-ctx.Done()
		return purchasing.Result{}, fmt.Errorf("sandbox: no answer: %w", ctx.Err())
	}
	delay := g.config.Delay
	if behaviour(p.Payer.Method) == Slow {
		delay = g.config.SlowDelay
	}
	if err := wait(ctx, delay); err != nil {
		return purchasing.Result{}, err
	}
	g.mu.Lock()
	a := g.attempt(p)
	result := a.result
	a.told++
	lost := a.told == 1 && behaviour(p.Payer.Method) == Flaky
	tell := g.untold()
	g.mu.Unlock()
	tell()
	if lost {
		return purchasing.Result{}, errReplyLost
	}
	return result, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return fmt.Errorf("sandbox: no answer: %w", ctx.Err())
	}
}

// purchase is what is known of a purchase, made where nothing is.
func (g *Gateway) purchase(id string) *purchase {
	p := g.purchases[id]
	if p == nil {
		p = &purchase{attempts: map[int]*attempt{}}
		g.purchases[id] = p
	}
	g.ripen(p)
	return p
}

// attempt is a payment's attempt, made where there is none yet.
func (g *Gateway) attempt(p *purchasing.Payment) *attempt {
	of := g.purchase(p.Purchase)
	if a := of.attempts[p.Attempt]; a != nil {
		return a
	}
	a := &attempt{Payment: *p, result: purchasing.Result{Attempt: p.Attempt, Reference: "sandbox/" + p.Purchase + "/" + strconv.Itoa(p.Attempt)}}
	of.attempts[p.Attempt] = a
	reason := refusal(p.Payer.Method)
	switch {
	case of.cancelled:
		a.result.State = purchasing.Cancelled
	case reason != "":
		a.result.State, a.result.Reason = purchasing.Declined, reason
	case behaviour(p.Payer.Method) == Pending:
		a.result.State, a.due = purchasing.Pending, g.now().Add(g.config.SlowDelay)
	default:
		g.charge(of, a)
	}
	return a
}

// charge makes an attempt paid.
func (g *Gateway) charge(of *purchase, a *attempt) {
	a.result.State, a.result.Receipt = purchasing.Paid, g.receiptURL(&receipt{
		Account: a.Account, Purchase: a.Purchase, Quantity: a.Quantity.String(), Amount: a.Amount.String(),
		Currency: a.Currency, At: g.now().Unix(),
	})
	if of.sold == nil {
		of.sold = &sold{account: a.Account, quantity: a.Quantity, receipt: a.result.Receipt}
	}
	of.sold.count++
	of.sold.amount = of.sold.amount.Plus(a.Amount)
	g.tell(g.name("event"), a.Account, &purchasing.PaymentPaid{
		Purchase: a.Purchase, Attempt: a.Attempt, Quantity: a.Quantity, Amount: a.Amount, Currency: a.Currency, Receipt: a.result.Receipt,
	})
}

// ripen pays what was pending until now.
func (g *Gateway) ripen(p *purchase) {
	for _, a := range p.attempts {
		if a.result.State == purchasing.Pending && !a.due.After(g.now()) {
			g.charge(p, a)
		}
	}
}

// Decide makes the pending payments of a purchase paid, or refused, at once.
func (g *Gateway) Decide(id string, paid bool) {
	g.mu.Lock()
	of := g.purchase(id)
	for _, a := range of.attempts {
		if a.result.State != purchasing.Pending {
			continue
		}
		if paid {
			g.charge(of, a)
		} else {
			a.result.State, a.result.Reason = purchasing.Declined, reasons[Declined]
		}
	}
	tell := g.untold()
	g.mu.Unlock()
	tell()
}

// Find says what became of a purchase.
func (g *Gateway) Find(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	if err := wait(ctx, g.config.Delay); err != nil {
		return purchasing.Result{}, err
	}
	g.mu.Lock()
	result := g.purchase(p.Purchase).state(p.Attempt)
	tell := g.untold()
	g.mu.Unlock()
	tell()
	return result, nil
}

// state is the paid attempt up to a number, or the last one.
func (p *purchase) state(upTo int) purchasing.Result {
	last := purchasing.Result{State: purchasing.Absent}
	for n, a := range p.attempts {
		if n > upTo {
			continue
		}
		if a.result.State == purchasing.Paid {
			return a.result
		}
		if n > last.Attempt {
			last = a.result
		}
	}
	if last.State == purchasing.Absent && p.cancelled {
		last.State = purchasing.Cancelled
	}
	return last
}

// Cancel ends all attempts of a purchase.
func (g *Gateway) Cancel(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	if err := wait(ctx, g.config.Delay); err != nil {
		return purchasing.Result{}, err
	}
	g.mu.Lock()
	of := g.purchase(p.Purchase)
	was := of.state(max(p.Attempt, len(of.attempts)))
	if was.State != purchasing.Paid {
		of.cancel()
	}
	tell := g.untold()
	g.mu.Unlock()
	tell()
	if was.State != purchasing.Paid && was.State != purchasing.Absent {
		was.State, was.Reason = purchasing.Cancelled, ""
	}
	return was, nil
}

func (p *purchase) cancel() {
	p.cancelled = true
	for _, a := range p.attempts {
		if a.result.State == purchasing.Pending {
			a.result.State = purchasing.Cancelled
		}
	}
}
