package gatewaytest

import (
	"context"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing"
)

// Card is how a payment method behaves.
type Card uint8

// The cards. A subject has a payment method for each.
const (
	Pays Card = iota
	// IsDeclined is refused as card_declined, and so on: the reason is the contract's word.
	IsDeclined
	LacksFunds
	IsExpired
	NeedsAuthentication
	// LosesReplies pays, but the replies to the first calls that charge it are lost after the work is done.
	LosesReplies
	// Decides pays after a while, by [Subject.Decide], and is Pending until then.
	Decides
	// NeverAnswers gives no reply until the call's context ends. Whether it is charged is not said.
	NeverAnswers
)

// Charged is what was taken for a purchase.
type Charged struct {
	Count  int
	Amount drawdown.Money
}

// Subject is a gateway with what a test must know and do behind it.
type Subject struct {
	Gateway purchasing.Gateway
	// Charged are the books: what was really taken, by purchase.
	Charged func() map[string]Charged
	// Method is a payment method that behaves so.
	Method func(Card) drawdown.PaymentMethod
	// Decide makes the pending payments of a purchase paid, or refused.
	Decide func(purchase string, paid bool)
	// Now is the gateway's clock.
	Now func() time.Time
}

// patience is how long a test repeats a call that gives errors.
const patience = 20 * time.Second

// payment is a payment of $11.70 for 10,000 credits.
func (s *Subject) payment(purchase string, attempt int, card Card) *purchasing.Payment {
	amount, _ := drawdown.ParseMoney([]byte("11.70"))
	return &purchasing.Payment{
		Account: "acme", Purchase: purchase, Attempt: attempt, Payer: s.Method(card), Quantity: 10_000 * drawdown.Credit,
		Amount: amount, Currency: "USD", RequestedAt: s.Now(),
	}
}

// repeat makes a call until it gives no error, as the purchaser does.
func repeat(t *testing.T, p *purchasing.Payment, call func(context.Context, *purchasing.Payment) (purchasing.Result, error)) purchasing.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.Millisecond
	for {
		same := *p
		result, err := call(ctx, &same)
		if err == nil {
			return result
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Fatalf("%s: still an error after %s: %v", p.Key(), patience, err)
		case <-timer.C:
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}

func (s *Subject) expect(t *testing.T, what string, got purchasing.Result, state purchasing.State) {
	t.Helper()
	if got.State != state {
		t.Fatalf("%s: %s (%s), want %s", what, got.State, got.Reason, state)
	}
	if state == purchasing.Paid && (got.Reference == "" || got.Receipt == "" || got.Attempt == 0) {
		t.Errorf("%s: paid without reference, receipt or attempt: %+v", what, got)
	}
}

// expectCharged compares the books of a purchase.
func (s *Subject) expectCharged(t *testing.T, p *purchasing.Payment, count int) {
	t.Helper()
	got := s.Charged()[p.Purchase]
	if got.Count != count {
		t.Fatalf("%s was charged %d times, want %d", p.Purchase, got.Count, count)
	}
	if count == 1 && got.Amount != p.Amount {
		t.Fatalf("%s was charged %s, want %s", p.Purchase, got.Amount, p.Amount)
	}
}
