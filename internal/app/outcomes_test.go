package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/office"
)

// TestWhatIsForgottenIsNotGuessed: beyond the bound the oldest rejections go, and with them the knowledge of what is older.
func TestWhatIsForgottenIsNotGuessed(t *testing.T) {
	o := &Outcomes{followed: map[int32]*followedRejects{
		2: {known: 100, next: 7, reasons: map[int64]drawdown.Reason{}, moved: make(chan struct{})},
	}}
	f := o.followed[2]
	for i := range int64(rejectionsMax + 5) {
		f.remember(100+2*i, drawdown.BadAmount)
		f.remember(100+2*i, drawdown.BadAmount) // a worker that repeats a batch
	}
	if len(f.reasons) != rejectionsMax || len(f.order) != rejectionsMax {
		t.Fatalf("%d remembered, %d in order", len(f.reasons), len(f.order))
	}
	for offset, want := range map[drawdown.Offset]struct {
		reason drawdown.Reason
		known  bool
	}{
		99: {"", false}, 100: {"", false}, 108: {"", false}, // what was rejected there is forgotten
		109: {"", true}, 110: {drawdown.BadAmount, true}, 111: {"", true}, 1 << 40: {"", true},
	} {
		reason, known, err := o.rejection(t.Context(), office.Position{Partition: 2, Offset: offset}, 7)
		if reason != want.reason || known != want.known || err != nil {
			t.Errorf("offset %d: %q, %t, %v", offset, reason, known, err)
		}
	}
}

// TestARejectionIsWaitedFor until the topic was read as far as it went.
func TestARejectionIsWaitedFor(t *testing.T) {
	o := &Outcomes{followed: map[int32]*followedRejects{0: {next: 3, reasons: map[int64]drawdown.Reason{}, moved: make(chan struct{})}}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, known, err := o.rejection(ctx, office.Position{Offset: 5}, 4); known || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("before it was read: %t, %v", known, err)
	}
	found := make(chan drawdown.Reason)
	go func() {
		reason, _, _ := o.rejection(context.Background(), office.Position{Offset: 5}, 4)
		found <- reason
	}()
	o.mu.Lock()
	o.followed[0].remember(5, drawdown.SamePlan)
	o.followed[0].reach(4)
	o.mu.Unlock()
	if reason := <-found; reason != drawdown.SamePlan {
		t.Errorf("found %q", reason)
	}
}

// TestNothingIsKnownBeforeItIsFollowed: no outcome is better than a wrong one.
func TestNothingIsKnownBeforeItIsFollowed(t *testing.T) {
	o := &Outcomes{followed: map[int32]*followedRejects{}, failed: errNotFollowed, log: slog.New(slog.DiscardHandler)}
	if reason, known, err := o.rejection(t.Context(), office.Position{}, 0); known || reason != "" || !errors.Is(err, errNotFollowed) {
		t.Errorf("%q, %t, %v", reason, known, err)
	}
}
