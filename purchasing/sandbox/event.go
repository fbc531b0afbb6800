package sandbox

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"net/http"
	"strconv"
	"time"

	"drawdown"
	"drawdown/purchasing"
)

// tell keeps an event. It is called with the lock held; [Gateway.untold] hands it on.
func (g *Gateway) tell(id, account string, what purchasing.Happening) {
	g.events = append(g.events, purchasing.Event{ID: id, Created: g.now().UTC(), Account: account, What: what})
}

// name makes a name that no sandbox has given. Names become ids of operations, and the log remembers those of the process
// before: a name given again would be a duplicate there, with no effect.
func (g *Gateway) name(kind string) string {
	g.serial++
	return "sandbox_" + kind + "_" + g.run + "_" + strconv.Itoa(g.serial)
}

// untold returns what calls Told with the events since the last call. It is called with the lock held, its result
// without.
func (g *Gateway) untold() func() {
	fresh := g.events[g.handed:]
	g.handed = len(g.events)
	return func() {
		if g.config.Told == nil {
			return
		}
		for _, e := range fresh {
			g.config.Told(e)
		}
	}
}

// Since lists the events since an instant, the oldest first.
func (g *Gateway) Since(ctx context.Context, since time.Time) iter.Seq2[purchasing.Event, error] {
	g.mu.Lock()
	events := g.events[:len(g.events):len(g.events)]
	g.mu.Unlock()
	return func(yield func(purchasing.Event, error) bool) {
		for _, e := range events {
			if err := ctx.Err(); err != nil {
				yield(purchasing.Event{}, err)
				return
			}
			if !e.Created.Before(since) && !yield(e, nil) {
				return
			}
		}
	}
}

// Receive refuses everything: the sandbox posts nothing. Its events come by [Config.Told] and [Gateway.Since].
func (g *Gateway) Receive(context.Context, http.Header, []byte) ([]purchasing.Event, error) {
	return nil, &purchasing.RefusedError{Reason: purchasing.Unsigned}
}

// Refund gives money of a purchase back, at most what was charged, and returns the refund's id.
func (g *Gateway) Refund(id string, amount drawdown.Money, reason string) (string, error) {
	g.mu.Lock()
	defer func() {
		tell := g.untold()
		g.mu.Unlock()
		tell()
	}()
	p := g.purchase(id)
	if p.sold == nil || amount.Cents.IsZero() || p.sold.refunded.Plus(amount).Cents.Compare(p.sold.amount.Cents) > 0 {
		return "", fmt.Errorf("sandbox: can't refund %s of purchase %s", amount, id)
	}
	charged := p.sold.amount.Cents.Big()
	share := new(big.Int).Mul(big.NewInt(int64(p.sold.quantity)), amount.Cents.Big())
	share.Add(share, charged).Sub(share, big.NewInt(1)).Quo(share, charged) // rounded up
	p.sold.refunded = p.sold.refunded.Plus(amount)
	refund := g.name("refund")
	g.tell(g.name("event"), p.sold.account, &purchasing.MoneyReturned{ID: refund, Purchase: id, Quantity: drawdown.Credits(share.Int64()), Reason: reason})
	return refund, nil
}
