package gatewaytest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing"
)

// Run runs the suite. Each test opens a subject of its own.
func Run(t *testing.T, open func(*testing.T) *Subject) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Subject)
	}{
		{"the same payment is charged once", sameTwice},
		{"concurrent calls charge once", concurrently},
		{"a lost reply is found out by the same call", lostReply},
		{"a lost reply is found out by Find", lostReplyFound},
		{"what is declined has its reason and is never charged", declines},
		{"a payment without a method is declined", noMethod},
		{"a declined attempt stays declined", declinedAgain},
		{"later attempts are charged once in all", attempts},
		{"Find sees the attempt that paid", findPaid},
		{"Find of nothing is absent", findNothing},
		{"Find looks no further than its attempt", findEarlier},
		{"a pending payment is paid in the end", pendingPaid},
		{"a pending payment is refused in the end", pendingRefused},
		{"cancelling what is paid says so", cancelPaid},
		{"cancelling nothing keeps it from being charged", cancelNothing},
		{"cancelling a refused purchase", cancelDeclined},
		{"pay and cancel at once agree", payAndCancel},
		{"cancelling what was left undecided by a lost reply", cancelLost},
		{"a call ends with its context", contextEnds},
		{"purchases do not mix", apart},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func sameTwice(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	first := repeat(t, p, s.Gateway.Pay)
	s.expect(t, "first", first, purchasing.Paid)
	second := repeat(t, p, s.Gateway.Pay)
	s.expect(t, "second", second, purchasing.Paid)
	if first != second {
		t.Errorf("the same payment gave %+v, then %+v", first, second)
	}
	s.expectCharged(t, p, 1)
}

func concurrently(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	var callers sync.WaitGroup
	results := make([]purchasing.Result, 8)
	for n := range results {
		callers.Go(func() { results[n] = repeat(t, p, s.Gateway.Pay) })
	}
	callers.Wait()
	for _, r := range results {
		s.expect(t, "caller", r, purchasing.Paid)
		if r.Reference != results[0].Reference {
			t.Errorf("two payments: %s and %s", r.Reference, results[0].Reference)
		}
	}
	s.expectCharged(t, p, 1)
}

func lostReply(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, LosesReplies)
	if _, err := s.Gateway.Pay(t.Context(), p); err == nil {
		t.Fatal("the reply was to be lost")
	}
	s.expect(t, "again", repeat(t, p, s.Gateway.Pay), purchasing.Paid)
	s.expectCharged(t, p, 1)
}

func lostReplyFound(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, LosesReplies)
	if _, err := s.Gateway.Pay(t.Context(), p); err == nil {
		t.Fatal("the reply was to be lost")
	}
	found := repeat(t, p, s.Gateway.Find)
	charged := s.Charged()[p.Purchase].Count
	if (found.State == purchasing.Paid) != (charged == 1) {
		t.Fatalf("found %s, but charged %d times", found.State, charged)
	}
	s.expect(t, "again", repeat(t, p, s.Gateway.Pay), purchasing.Paid)
	s.expectCharged(t, p, 1)
}

// refusals are the cards that are refused, with their reasons.
var refusals = map[Card]string{
	IsDeclined: "card_declined", LacksFunds: "insufficient_funds", IsExpired: "expired_card",
	NeedsAuthentication: "authentication_required",
}

func declines(t *testing.T, s *Subject) {
	for card, reason := range refusals {
		p := s.payment("acme:"+reason, 1, card)
		result, err := s.Gateway.Pay(t.Context(), p)
		if err != nil {
			t.Fatalf("%s is an error: %v", reason, err)
		}
		s.expect(t, reason, result, purchasing.Declined)
		if result.Reason != reason || result.Attempt != 1 {
			t.Errorf("%s of attempt %d, want %s of attempt 1", result.Reason, result.Attempt, reason)
		}
		s.expect(t, "found "+reason, repeat(t, p, s.Gateway.Find), purchasing.Declined)
		s.expectCharged(t, p, 0)
	}
}

func noMethod(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	p.Payer = drawdown.PaymentMethod{}
	result, err := s.Gateway.Pay(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	s.expect(t, "without a method", result, purchasing.Declined)
	if result.Reason != "no_payment_method" {
		t.Errorf("reason %s", result.Reason)
	}
}

func declinedAgain(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, LacksFunds)
	for range 3 {
		result := repeat(t, p, s.Gateway.Pay)
		s.expect(t, "again", result, purchasing.Declined)
		if result.Reason != "insufficient_funds" {
			t.Errorf("reason %s", result.Reason)
		}
	}
	s.expectCharged(t, p, 0)
}

func attempts(t *testing.T, s *Subject) {
	s.expect(t, "attempt 1", repeat(t, s.payment("acme:1", 1, IsDeclined), s.Gateway.Pay), purchasing.Declined)
	s.expect(t, "attempt 2", repeat(t, s.payment("acme:1", 2, LacksFunds), s.Gateway.Pay), purchasing.Declined)
	third := s.payment("acme:1", 3, Pays)
	for range 2 {
		result := repeat(t, third, s.Gateway.Pay)
		s.expect(t, "attempt 3", result, purchasing.Paid)
		if result.Attempt != 3 {
			t.Errorf("attempt %d paid, want 3", result.Attempt)
		}
	}
	s.expectCharged(t, third, 1)
}

func findPaid(t *testing.T, s *Subject) {
	first := s.payment("acme:1", 1, IsDeclined)
	repeat(t, first, s.Gateway.Pay)
	second := s.payment("acme:1", 2, Pays)
	second.Payer.Customer = first.Payer.Customer
	paid := repeat(t, second, s.Gateway.Pay)
	later := *second
	later.Attempt = 3
	found := repeat(t, &later, s.Gateway.Find)
	s.expect(t, "found", found, purchasing.Paid)
	if found != paid {
		t.Errorf("found %+v, paid %+v", found, paid)
	}
}

func findNothing(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	s.expect(t, "found", repeat(t, p, s.Gateway.Find), purchasing.Absent)
	s.expect(t, "paid after that", repeat(t, p, s.Gateway.Pay), purchasing.Paid)
	s.expectCharged(t, p, 1)
}

func findEarlier(t *testing.T, s *Subject) {
	first := s.payment("acme:1", 1, IsDeclined)
	repeat(t, first, s.Gateway.Pay)
	second := s.payment("acme:1", 2, Pays)
	second.Payer.Customer = first.Payer.Customer
	repeat(t, second, s.Gateway.Pay)
	s.expect(t, "attempt 1", repeat(t, first, s.Gateway.Find), purchasing.Declined)
}

func pendingPaid(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Decides)
	s.expect(t, "at first", repeat(t, p, s.Gateway.Pay), purchasing.Pending)
	s.expect(t, "found", repeat(t, p, s.Gateway.Find), purchasing.Pending)
	s.expectCharged(t, p, 0)
	s.Decide(p.Purchase, true)
	s.expect(t, "in the end", repeat(t, p, s.Gateway.Find), purchasing.Paid)
	s.expectCharged(t, p, 1)
}

func pendingRefused(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Decides)
	s.expect(t, "at first", repeat(t, p, s.Gateway.Pay), purchasing.Pending)
	s.Decide(p.Purchase, false)
	found := repeat(t, p, s.Gateway.Find)
	s.expect(t, "in the end", found, purchasing.Declined)
	if found.Reason != "card_declined" {
		t.Errorf("reason %s", found.Reason)
	}
	s.expectCharged(t, p, 0)
}

func cancelPaid(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	repeat(t, p, s.Gateway.Pay)
	for range 2 {
		s.expect(t, "cancelled", repeat(t, p, s.Gateway.Cancel), purchasing.Paid)
	}
	s.expectCharged(t, p, 1)
}

func cancelNothing(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, Pays)
	s.expect(t, "cancelled", repeat(t, p, s.Gateway.Cancel), purchasing.Absent)
	for range 2 {
		s.expect(t, "paid after that", repeat(t, p, s.Gateway.Pay), purchasing.Cancelled)
	}
	s.expect(t, "found after that", repeat(t, p, s.Gateway.Find), purchasing.Cancelled)
	s.expectCharged(t, p, 0)
}

func cancelDeclined(t *testing.T, s *Subject) {
	first := s.payment("acme:1", 1, IsDeclined)
	repeat(t, first, s.Gateway.Pay)
	s.expect(t, "cancelled", repeat(t, first, s.Gateway.Cancel), purchasing.Cancelled)
	if again := repeat(t, first, s.Gateway.Pay); again.State == purchasing.Paid {
		t.Errorf("paid after it was cancelled")
	}
	s.expectCharged(t, first, 0)
}

// payAndCancel races the two. Whoever wins, both say the same.
func payAndCancel(t *testing.T, s *Subject) {
	for n := range 20 {
		p := s.payment("acme:"+strconv.Itoa(n), 1, Pays)
		var paid, cancelled purchasing.Result
		var callers sync.WaitGroup
		callers.Go(func() { paid = repeat(t, p, s.Gateway.Pay) })
		callers.Go(func() { cancelled = repeat(t, p, s.Gateway.Cancel) })
		callers.Wait()
		charged := s.Charged()[p.Purchase].Count
		if (paid.State == purchasing.Paid) != (charged == 1) || (cancelled.State == purchasing.Paid) != (charged == 1) || charged > 1 {
			t.Fatalf("charged %d times; paying said %s, cancelling said %s", charged, paid.State, cancelled.State)
		}
	}
}

func cancelLost(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, LosesReplies)
	if _, err := s.Gateway.Pay(t.Context(), p); err == nil {
		t.Fatal("the reply was to be lost")
	}
	result := repeat(t, p, s.Gateway.Cancel)
	if charged := s.Charged()[p.Purchase].Count; (result.State == purchasing.Paid) != (charged == 1) {
		t.Fatalf("cancelling said %s, but charged %d times", result.State, charged)
	}
}

func contextEnds(t *testing.T, s *Subject) {
	p := s.payment("acme:1", 1, NeverAnswers)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Gateway.Pay(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want that of the context", err)
	}
	if count := s.Charged()[p.Purchase].Count; count > 1 {
		t.Fatalf("charged %d times", count)
	}
}

func apart(t *testing.T, s *Subject) {
	first, second := s.payment("acme:1", 1, Pays), s.payment("acme:2", 1, Pays)
	second.Payer = first.Payer
	repeat(t, first, s.Gateway.Pay)
	s.expect(t, "the other", repeat(t, second, s.Gateway.Find), purchasing.Absent)
	repeat(t, second, s.Gateway.Pay)
	s.expectCharged(t, first, 1)
	s.expectCharged(t, second, 1)
}
