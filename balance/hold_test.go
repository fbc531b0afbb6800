package balance

import (
	"math"
	"strings"
	"sync"
	"testing"

	"drawdown"
)

// TestHolds: each case runs steps and says what the last of them caused.
func TestHolds(t *testing.T) {
	const days35 = "50400"
	for _, test := range []struct{ rule, steps, want string }{
		{"what is there can be held", "grant 100; hold a c 1 100", "placed a"},
		{"not a nano-credit more", "grant 100; hold a c 1 100.000000001", "insufficient_credits"},
		{"held credits can't be held again", "grant 100; hold a c 1 60; hold b c 2 41", "insufficient_credits"},
		{"what is left of them can", "grant 100; hold a c 1 60; hold b c 2 40", "placed b"},
		{"what was released can", "grant 100; hold a c 1 60; release a; hold b c 2 100", "placed b"},
		{"nothing is held on an overdraft", "grant 10; use c 1 20; hold a c 2 1", "insufficient_credits"},
		{"other usage may take what is held", "grant 100; hold a c 1 60; use c 2 70; hold b c 3 1", "insufficient_credits"},

		{"nothing can't be held", "grant 100; hold a c 1 0", "bad_hold"},
		{"less than nothing neither", "grant 100; hold a c 1 -1", "bad_hold"},
		{"a hold must not have expired", "grant 100; hold a c 1 1 0", "bad_hold"},
		{"35 days are allowed", "grant 100; hold a c 1 1 " + days35, "placed a"},
		{"more are not", "grant 100; hold a c 1 1 50401", "bad_hold"},
		{"also with wait", "grant 100; wait a c 1 0", "bad_hold"},
		{"an id is held once", "grant 100; hold a c 1 1; hold a d 2 1", "hold_exists"},
		{"a job is held for once", "grant 100; hold a c 1 1; hold b c 1 1", "hold_exists"},
		{"also while it waits", "wait a c 1 1; wait b c 1 1", "hold_exists"},
		{"another connection's job is another", "grant 100; hold a c 1 1; hold b d 1 1", "placed b"},
		{"after its end an id is free", "grant 100; hold a c 1 1; release a; hold a c 1 1", "placed a"},
		{"a form that is bad comes before an id that is there", "grant 100; hold a c 1 1; hold a c 1 0", "bad_hold"},
		{"an unknown hold is not released", "release a", "unknown_hold"},
		{"nor one that was released", "grant 1; hold a c 1 1; release a; release a", "unknown_hold"},
		{"one that waits is", "wait a c 1 5; release a", "released a 5 used 0"},

		{"a job draws from its hold", "grant 100; hold a c 1 60; use c 1 20; release a", "released a 40 used 20"},
		{"down to nothing", "grant 100; hold a c 1 60; use c 1 80; release a", "released a 0 used 60"},
		{"another job does not", "grant 100; hold a c 1 60; use c 2 20; release a", "released a 60 used 0"},
		{"nor another connection's", "grant 100; hold a c 1 60; use d 1 20; release a", "released a 60 used 0"},
		{"a hold that waits is not drawn from", "grant 10; wait a c 1 60; use c 1 5; release a", "released a 60 used 0"},
		{"drawing leaves the rest as it was", "grant 100; hold a c 1 60; use c 1 20; hold b c 2 41", "insufficient_credits"},
		{"and no less", "grant 100; hold a c 1 60; use c 1 20; hold b c 2 40", "placed b"},
		{"a hold with nothing left stays open", "grant 100; hold a c 1 60; use c 1 60; hold b c 1 1", "hold_exists"},
		{"free usage draws nothing", "connect f beta; enrol; grant 9; hold a f 1 5; free f 1 3; release a", "released a 5 used 0"},

		{"a hold ends at its time", "grant 100; hold a c 1 60 10; use c 1 5; tick 10", "expired a 55 used 5"},
		{"not before", "grant 100; hold a c 1 60 10; tick 9", ""},
		{"one that waits too", "wait a c 1 60 10; tick 10", "expired a 60 used 0"},
		{"of one instant in the order of placing", "grant 9; hold b c 1 1 10; hold a c 2 1 10; tick 10", "expired b 1 used 0; expired a 1 used 0"},
		{"of several in the order of time", "grant 9; hold b c 1 1 20; hold a c 2 1 10; tick 30", "expired a 1 used 0; expired b 1 used 0"},
		{"an end makes room at its instant", "grant 9; hold a c 1 9 10; wait b c 2 9 90; tick 20", "expired a 9 used 0; placed b"},
		{"what ends where another ends too is not opened", "grant 9; hold a c 1 9 10; wait b c 2 9 10; tick 20", "expired a 9 used 0; expired b 9 used 0"},

		{"a hold waits for credits", "wait a c 1 5", "queued a"},
		{"with wait what fits is open at once", "grant 5; wait a c 1 5", "placed a"},
		{"credits open it", "wait a c 1 5; grant 5", "grant.added; active; placed a"},
		{"too few do not", "wait a c 1 5; grant 4", "grant.added; active"},
		{"a release opens it", "grant 5; hold a c 1 5; wait b c 2 5; release a", "released a 5 used 0; placed b"},
		{"the first waits, the rest wait behind it", "grant 5; wait a c 1 6; wait b c 2 1", "queued b"},
		{"and are no reason to jump it", "grant 5; wait a c 1 6; hold b c 2 1", "insufficient_credits"},
		{"in the order of placing", "wait b c 1 5; wait a c 2 5; grant 10", "grant.added; active; placed b; placed a"},
		{"the first that does not fit holds up the rest", "wait a c 1 5; wait b c 2 20; wait d c 3 1; grant 10", "grant.added; active; placed a"},
		{"its release lets them on", "wait a c 1 20; wait b c 2 5; wait d c 3 1; grant 10; release a", "released a 20 used 0; placed b; placed d"},

		{"critical goes before normal before low", "connect x; connect y; priority x critical; priority y low;" +
			"wait l y 1 1; wait n z 1 1; wait k x 1 1; grant 3", "grant.added; active; placed k; placed n; placed l"},
		{"critical does not wait behind normal", "connect x; priority x critical; grant 5; wait n z 1 9; hold k x 1 5", "placed k"},
		{"normal waits behind critical", "connect x; priority x critical; grant 5; wait k x 1 9; hold n z 1 5", "insufficient_credits"},
		{"low waits behind normal", "connect y; priority y low; grant 5; wait n z 1 9; wait l y 1 1", "queued l"},
		{"a priority counts when it is looked at", "connect x; wait n z 1 3; wait k x 1 3; priority x critical; grant 3", "grant.added; active; placed k"},
		{"a change of priority serves the queue", "connect x; connect y; grant 5; wait a x 1 9; wait b y 1 5; priority y critical", "placed b"},
		{"a priority is kept over removal", "connect x; priority x critical; remove x; gate 5; grant 5; hold a x 1 5", "placed a"},
		{"what is not known has no priority to set", "priority x low", "unknown_connection"},
		{"nor what was removed", "connect x; remove x; priority x low", "unknown_connection"},

		{"the reserve is not held", "gate 10; grant 15; hold a c 1 6", "insufficient_credits"},
		{"what is above it is", "gate 10; grant 15; hold a c 1 5", "placed a"},
		{"critical connections hold it", "gate 10; grant 15; connect x; priority x critical; hold a x 1 15", "placed a"},
		{"low ones do not", "gate 10; grant 15; connect x; priority x low; hold a x 1 6", "insufficient_credits"},
		{"a smaller reserve serves the queue", "gate 10; grant 15; wait a c 1 6; gate 9", "placed a"},
		{"a reserve above the balance leaves nothing", "gate 100000000; grant 15; hold a c 1 0.000000001", "insufficient_credits"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if got := newScript(t).run(test.steps).said(); got != test.want {
				t.Errorf("%s\n got %q\nwant %q", test.steps, got, test.want)
			}
		})
	}
}

func TestAnAccountHasSoManyHolds(t *testing.T) {
	s := newScript(t).run("grant 1000")
	for job := range uint64(maxHolds) {
		verb := []string{"hold", "wait"}[job%2]
		s.step(verb, []string{strings.Repeat("h", 1+int(job/2)) + verb, "c", itoa(job), "1"})
		if !strings.HasPrefix(s.said(), "placed") {
			t.Fatalf("hold %d: %s", job, s.said())
		}
	}
	for _, verb := range []string{"hold", "wait"} {
		if got := s.run(verb + " more c 1000 1").said(); got != "too_many_holds" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got := s.run("hold more c 1 1").said(); got != "hold_exists" {
		t.Errorf("a job that has a hold: %s", got)
	}
	if got := s.run("release hhold; hold more c 1000 1").said(); got != "placed more" {
		t.Errorf("after one ended: %s", got)
	}
}

// TestHeldIsWhatIsLeft follows the sums of an account through a hold's life.
func TestHeldIsWhatIsLeft(t *testing.T) {
	s := newScript(t)
	for _, test := range []struct {
		steps                    string
		available, held, balance string
	}{
		{"grant 100", "100", "0", "100"},
		{"hold a c 1 60", "40", "60", "100"},
		{"wait b c 2 50", "40", "60", "100"},
		{"use c 1 10", "40", "50", "90"},
		{"use c 2 5", "35", "50", "85"},
		{"use d 1 45", "-10", "50", "40"},
		{"use c 1 60", "-20", "0", "-20"},
		{"grant 80", "10", "50", "60"}, // b is opened
		{"release b", "60", "0", "60"},
	} {
		s.run(test.steps)
		a := s.p.accounts[scriptAccount]
		b := a.balance()
		if b.Available.String() != test.available || b.Held.String() != test.held || a.available().String() != test.balance {
			t.Fatalf("after %s: available %v, held %v, balance %v; want %s, %s, %s",
				test.steps, b.Available, b.Held, a.available(), test.available, test.held, test.balance)
		}
	}
}

// TestStatusAndNoticesGoByTheBalance: what is only held is not used.
func TestStatusAndNoticesGoByTheBalance(t *testing.T) {
	s := newScript(t).run("grant 10; hold a c 1 10")
	if a := s.p.accounts[scriptAccount]; a.status != drawdown.Active || a.unheld() != 0 {
		t.Fatalf("status %v, available %v", a.status, a.unheld())
	}
	if got := s.run("use c 1 10").said(); got != "charged 10; grace" {
		t.Errorf("%s", got)
	}
}

// TestWhatIsFarBelowZeroStaysInItsType: an overdraft beside as much that is held does not fit in the type of credits.
func TestWhatIsFarBelowZeroStaysInItsType(t *testing.T) {
	for _, test := range []struct{ balance, held, want drawdown.Credits }{
		{5, 3, 2}, {-drawdown.MaxHeld, 0, -drawdown.MaxHeld}, {drawdown.MaxHeld, drawdown.MaxHeld, 0},
		{-drawdown.MaxHeld, drawdown.MaxHeld, math.MinInt64}, {-1, math.MaxInt64, math.MinInt64}, {-2, math.MaxInt64, math.MinInt64},
	} {
		if got := unheld(test.balance, test.held); got != test.want {
			t.Errorf("%d − %d is %d, want %d", test.balance, test.held, got, test.want)
		}
	}
}

// TestSchedulersCanNotHoldMoreThanThereIs lets 200 schedulers place holds at once, each for a job of its own: in
// whatever order the log takes them, what is held never exceeds the balance, and nothing is refused that fits.
func TestSchedulersCanNotHoldMoreThanThereIs(t *testing.T) {
	const schedulers, credits = 200, 1000
	s := newScript(t).run("grant 1000")
	log := make(chan *drawdown.PlaceHold)
	var racing sync.WaitGroup
	start := make(chan struct{})
	for i := range uint64(schedulers) {
		racing.Go(func() {
			<-start
			log <- &drawdown.PlaceHold{
				Hold: "h" + itoa(i), Connection: "c" + itoa(i%7), Job: i, Amount: drawdown.Credits(3+i%17) * drawdown.Credit,
				ExpiresAt: s.now + drawdown.Hour, Wait: i%5 == 0,
			}
		})
	}
	close(start)
	go func() { racing.Wait(); close(log) }()
	held, refused := drawdown.Credits(0), 0
	for o := range log {
		before := s.p.accounts[scriptAccount].unheld()
		s.operate(drawdown.HoldPlaced, o)
		switch got := s.said(); {
		case strings.HasPrefix(got, "placed"):
			held += o.Amount
			if o.Amount > before {
				t.Fatalf("%v were held of %v", o.Amount, before)
			}
		case got == "insufficient_credits", strings.HasPrefix(got, "queued"):
			refused++
			if o.Amount <= before && s.p.accounts[scriptAccount].holds.waiting == 0 {
				t.Fatalf("%v were not held of %v: %s", o.Amount, before, got)
			}
		default:
			t.Fatal(got)
		}
		if held > credits*drawdown.Credit || held != s.p.accounts[scriptAccount].holds.held {
			t.Fatalf("%v are held of %d, the account says %v", held, credits, s.p.accounts[scriptAccount].holds.held)
		}
	}
	if held == 0 || refused == 0 {
		t.Fatalf("%v held, %d refused: no race for the last credits", held, refused)
	}
}
