package balance

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"drawdown"
)

// ask asks the gate of what is stored; without a job where job is below 0.
func (s *script) ask(connection string, job int) GateAnswer {
	s.t.Helper()
	stored := s.stored()
	stored.Fields = slices.DeleteFunc(stored.Fields, func(f Field) bool { return !slices.Contains(GateFields(connection), f.Name) })
	var asked *uint64
	if job >= 0 {
		number := uint64(job)
		asked = &number
	}
	answer, exists, err := s.p.ReadGate(stored, connection, asked, s.now)
	if err != nil || !exists {
		s.t.Fatalf("gate of %s: %v, %v", connection, exists, err)
	}
	return answer
}

// TestGate has each row of the contract's table, and which of two rows comes first.
func TestGate(t *testing.T) {
	const stopped = "gate 0 3 0;" + three + "use c 4 61;"
	const enrolled = "connect c beta; enrol;"
	for _, test := range []struct {
		rule, steps string
		job         int
		allowed     bool
		reason      GateReason
	}{
		{"credits", "grant 5", -1, true, GateActive},
		{"none were ever there", "", -1, false, GateExhausted},
		{"none are left, within grace", "grant 5; use c 1 5", -1, true, GateGrace},
		{"none are left, after grace", "grant 5; use c 1 5; tick 60", -1, false, GateExhausted},
		{"stopped", stopped, -1, false, GateConnectionStopped},
		{"stopped, though its job has a hold", "gate 0 3 0;" + three + "hold h c 5 9; use c 4 61", 5, false, GateConnectionStopped},
		{"another connection is stopped", stopped + "connect d; gate 5 3 0; hold h c 9 900", -1, false, GateConnectionStopped},
		{"acknowledged", stopped + "ack c", -1, true, GateActive},
		{"a hold for the job", "grant 5; hold h c 1 5", 1, true, GateHold},
		{"though nothing else is left", "grant 5; hold h c 1 5; use d 1 99", 1, true, GateHold},
		{"though all is reserved", "grant 5; hold h c 1 5; gate 9", 1, true, GateHold},
		{"a hold for another job", "grant 5; hold h c 1 5", 2, false, GateHeld},
		{"a hold for no job that was named", "grant 5; hold h c 1 5", -1, false, GateHeld},
		{"another connection's hold", "grant 5; hold h d 1 5", 1, false, GateHeld},
		{"a hold of which nothing is left", "grant 5; hold h c 1 3; hold i d 2 2; use c 1 3", 1, false, GateHeld},
		{"a hold that waits", "grant 5; wait h c 1 9; hold i d 2 2", 1, true, GateActive},
		{"a hold that waits while all is held", "grant 5; hold i d 2 5; wait h c 1 9", 1, false, GateHeld},
		{"free", enrolled, -1, true, GateFree},
		{"free, though all is held", enrolled + "grant 5; hold h d 1 5", -1, true, GateFree},
		{"free, though all is reserved", enrolled + "grant 5; gate 5", -1, true, GateFree},
		{"not enrolled", "connect c beta", -1, false, GateExhausted},
		{"not free", enrolled + "connect c ga", -1, false, GateExhausted},
		{"removed", enrolled + "remove c", -1, false, GateExhausted},
		{"the reserve", "grant 5; gate 5", -1, false, GateReserved},
		{"above the reserve", "grant 5; gate 4.999999999", -1, true, GateActive},
		{"the reserve of what is not held", "grant 9; gate 5; hold h d 1 4", -1, false, GateReserved},
		{"critical connections have it", "grant 5; gate 5; connect c; priority c critical", -1, true, GateActive},
		{"low ones do not", "grant 5; gate 5; connect c; priority c low", -1, false, GateReserved},
		{"in grace, too", "grant 5; use c 1 5; gate 5", -1, false, GateReserved},
		{"critical within grace", "grant 5; use c 1 5; gate 5; priority c critical", -1, true, GateGrace},
		{"all is held", "grant 5; hold h d 1 5", -1, false, GateHeld},
		{"critical, and all is held", "grant 5; hold h d 1 5; connect c; priority c critical", -1, false, GateHeld},
		{"more is held than there is", "grant 5; hold h d 1 5; use e 1 3", -1, false, GateHeld},
	} {
		t.Run(test.rule, func(t *testing.T) {
			s := newScript(t).run(test.steps)
			answer := s.ask("c", test.job)
			if answer.Allowed != test.allowed || answer.Reason != test.reason {
				t.Errorf("%s\n got %v %s\nwant %v %s", test.steps, answer.Allowed, answer.Reason, test.allowed, test.reason)
			}
			a := s.p.accounts[scriptAccount]
			priority, _ := a.standing("c")
			if answer.Status != a.status || answer.Available != a.unheld() || answer.Held != a.holds.held ||
				answer.Reserve != a.holds.gate.reserve || answer.Priority != priority {
				t.Errorf("%+v does not say what the account does: %+v", answer, a.balance())
			}
			if !slices.Contains(GateReasons, answer.Reason) {
				t.Errorf("%q is not listed", answer.Reason)
			}
		})
	}
}

func TestTheGateOfStatusesThatPurchasesMake(t *testing.T) {
	for status, allowed := range map[drawdown.Status]bool{
		drawdown.Active: true, drawdown.Purchasing: true, drawdown.Grace: true, drawdown.PaymentFailed: false, drawdown.Exhausted: false,
	} {
		v := gateView{core: gateCore{status: status, balance: 1}}
		if a := v.answer(); a.Allowed != allowed || string(a.Reason) != status.String() {
			t.Errorf("%v: %v %s", status, a.Allowed, a.Reason)
		}
	}
}

func TestTheGateTellsTheHold(t *testing.T) {
	s := newScript(t).run("grant 9; hold h c 1 5; use c 1 2; wait w c 2 50")
	open := s.ask("c", 1).Hold
	if open == nil || open.Hold != "h" || open.Remaining != 3*drawdown.Credit || open.Amount != 5*drawdown.Credit || open.Waiting || open.ExpiresAt != s.now+drawdown.Hour {
		t.Errorf("%+v", open)
	}
	if waiting := s.ask("c", 2).Hold; waiting == nil || waiting.Hold != "w" || !waiting.Waiting {
		t.Errorf("%+v", waiting)
	}
	if none := s.ask("c", 3).Hold; none != nil {
		t.Errorf("%+v", none)
	}
}

// TestFreeIsFreeAtTheInstant: stages are looked up for the instant that is asked about, the rest is the state as it is.
func TestFreeIsFreeAtTheInstant(t *testing.T) {
	s := newScript(t).run("connect c beta; enrol")
	ga := s.now + 20*drawdown.Day
	s.operate(drawdown.ConnectorSet, &drawdown.ConnectorEntry{Connector: "beta", Kind: "api", Stage: drawdown.GA, EffectiveAt: ga})
	for at, want := range map[drawdown.Time]GateReason{s.now - 1: GateExhausted, s.now: GateFree, ga - 1: GateFree, ga: GateExhausted} {
		if answer, _, err := s.p.ReadGate(s.stored(), "c", nil, at); err != nil || answer.Reason != want {
			t.Errorf("at %d: %+v, %v; want %s", at-s.now, answer, err, want)
		}
	}
}

func TestTheGateRefusesWhatIsDamaged(t *testing.T) {
	s := newScript(t).run("grant 9; hold h c 1 5; use c 1 2")
	stored := s.stored()
	if _, exists, err := s.p.ReadGate(Stored{Account: "nobody"}, "c", nil, s.now); exists || err != nil {
		t.Fatalf("an account that is not there: %v, %v", exists, err)
	}
	other := stored
	other.Mark.Balance++
	if _, _, err := s.p.ReadGate(other, "c", nil, s.now); !errors.Is(err, errDamaged) {
		t.Errorf("another balance: %v", err)
	}
	for i, f := range stored.Fields {
		if f.Name != HoldsField {
			continue
		}
		for cut := range f.Value {
			damaged := stored
			damaged.Fields = slices.Clone(stored.Fields)
			damaged.Fields[i].Value = f.Value[:cut]
			if _, _, err := s.p.ReadGate(damaged, "c", nil, s.now); err == nil {
				t.Fatalf("the first %d bytes of the holds were taken for the whole", cut)
			}
		}
	}
	for cut := range stored.Core {
		damaged := stored
		damaged.Core = stored.Core[:cut]
		_, _, _ = s.p.ReadGate(damaged, "c", nil, s.now) // the gate reads no further than the grants
	}
}

// TestManyAskTheGateAtOnce is for the race detector: reading changes nothing of the partition.
func TestManyAskTheGateAtOnce(t *testing.T) {
	s := newScript(t).run("connect c beta; enrol; grant 9; hold h c 1 5")
	stored, job := s.stored(), uint64(1)
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range 100 {
				answer, _, err := s.p.ReadGate(stored, "c", &job, s.now)
				overview, _, errOverview := s.p.ReadOverview(stored, s.now)
				_, _, errProfile := s.p.ReadProfile(stored)
				if err != nil || errOverview != nil || errProfile != nil || answer.Reason != GateHold || len(overview.Connections) != 1 {
					t.Errorf("%+v, %v, %v, %v", answer, err, errOverview, errProfile)
					return
				}
			}
		})
	}
	asking.Wait()
}

// BenchmarkReadGate asks for a job of a connection that has 24 recent attempts, of an account with 21 grants and 20 holds.
func BenchmarkReadGate(b *testing.B) {
	s := newScript(b).run("connect c beta; enrol; gate 10 3 5")
	for i := range uint64(24) {
		s.run(fmt.Sprintf("grant 100; use c %d 10", i))
		c := s.p.accounts[scriptAccount].connections["c"]
		c.attempts.touch(i, 0, s.now).accept(40)
	}
	for i := range 20 {
		s.run(fmt.Sprintf("hold h%d c %d 5", i, i))
	}
	stored, job := s.stored(), uint64(19)
	b.ReportAllocs()
	for b.Loop() {
		if answer, _, err := s.p.ReadGate(stored, "c", &job, s.now); err != nil || answer.Reason != GateHold {
			b.Fatal(answer, err)
		}
	}
}
