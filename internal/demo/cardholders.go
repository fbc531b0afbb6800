package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

// paymentFailedSubject begins the subject of the e-mail that makes an owner replace a card: a person reads no more.
const paymentFailedSubject = "Payment failed"

const (
	// An owner replaces a card a seventh of the demo later, so that one sees everything stand still; of a long demo, as soon
	// as a person could.
	hesitationPart = 7
	hesitationMax  = 10 * time.Second
)

// cardholders are the owners of the accounts at the gateway: they save cards, order credits, and read their e-mail. What
// they do reaches the log as it would in earnest: the gateway tells, and the purchaser appends.
type cardholders struct {
	story    []customer
	desk     *purchasing.Desk
	gateway  *sandbox.Gateway
	hesitate time.Duration
	tell     func(at time.Time, account, text string, tone tone)
	fail     func(error)

	ctx    context.Context // ended by stop
	stop   context.CancelFunc
	ended  chan struct{} // closed when no more syncs begin: nobody hesitates any longer
	busy   atomic.Int64  // owners who have read of a failure and not yet replaced the card
	acting sync.WaitGroup
}

// newCardholders makes those of a demo that lasts so long. Call stop at the end, and then wait for acting.
func newCardholders(story []customer, lasts time.Duration, tell func(at time.Time, account, text string, tone tone)) *cardholders {
	h := &cardholders{story: story, hesitate: min(lasts/hesitationPart, hesitationMax), tell: tell, ended: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// saveCard goes through the gateway's page for saving a card.
func (h *cardholders) saveCard(ctx context.Context, account, method string, backup bool) error {
	session, err := h.desk.SaveCard(ctx, account, backup)
	if err != nil {
		return err
	}
	return h.gateway.Complete(session.ID, sandbox.Completion{Method: method})
}

// order goes through the gateway's page for an order of credits, and pays.
func (h *cardholders) order(ctx context.Context, c *customer) error {
	_, session, err := h.desk.Order(ctx, c.account, c.buys, "1")
	if err != nil {
		return err
	}
	return h.gateway.Complete(session.ID, sandbox.Completion{Method: c.method(sandbox.OK)})
}

// read is called with each e-mail. An owner who reads that a payment failed replaces the card, after a while.
func (h *cardholders) read(m mail) {
	for i := range h.story {
		c := &h.story[i]
		if m.to == c.address() && c.replaces && strings.HasPrefix(m.subject, paymentFailedSubject) {
			h.busy.Add(1)
			h.acting.Go(func() {
				defer h.busy.Add(-1)
				h.replace(c)
			})
		}
	}
}

func (h *cardholders) replace(c *customer) {
	select {
	case <-time.After(h.hesitate):
	case <-h.ended:
	case <-h.ctx.Done():
		return
	}
	h.tell(time.Now(), c.account, "its owner, who got the e-mail, saves another card", goodTone)
	if err := h.saveCard(h.ctx, c.account, c.method(sandbox.OK), false); err != nil && h.ctx.Err() == nil {
		h.fail(fmt.Errorf("replace the card of %s: %w", c.account, err))
	}
}

// hurry makes those who hesitate replace their cards now.
func (h *cardholders) hurry() { close(h.ended) }
