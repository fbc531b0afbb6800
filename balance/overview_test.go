package balance

import (
	"reflect"
	"testing"

	"drawdown"
)

// TestTheOverviewIsTheAccount compares what is read from the store with what the account in memory says.
func TestTheOverviewIsTheAccount(t *testing.T) {
	s := newScript(t).run("connect c beta; connect d; enrol; gate 10 3 5; grant 1000; hold h d 5 9; wait w d 6 999999;" +
		"use d 1 10; use d 2 20; use d 3 30; use d 5 70; free c 7 3; priority c critical; connect gone; remove gone; tick 5")
	limit := drawdown.Money{Cents: drawdown.Total128(0, 500)}
	s.operate(drawdown.AutoPurchaseSet, &drawdown.SetAutoPurchase{Enabled: true, MaxAmount: &limit})
	got, exists, err := s.p.ReadOverview(s.stored(), s.now)
	if err != nil || !exists {
		t.Fatal(exists, err)
	}
	a := s.p.accounts[scriptAccount]
	if want := a.balance(); !reflect.DeepEqual(got.Balance, want) || len(want.Holds) != 2 || want.Held != 0 {
		t.Errorf("balance %+v\nwant %+v", got.Balance, want)
	}
	if want := a.profile(); !reflect.DeepEqual(got.Profile, want) {
		t.Errorf("profile %+v\nwant %+v", got.Profile, want)
	}
	if got.Version != int64(s.offset) || *got.MaxAmount != limit || got.EnrolledAt != s.now-5*drawdown.Minute ||
		got.Reserve != 10*drawdown.Credit || got.RunawayFactor != 3 || got.RunawayMin != 5*drawdown.Credit {
		t.Errorf("%+v", got)
	}
	if want := (Enrolment{EmailVerified: true, PaymentMethod: true, EligibleConnection: true}); got.Enrolment != want {
		t.Errorf("%+v", got.Enrolment)
	}
	used := drawdown.TotalOf(130 * drawdown.Credit)
	want := []ConnectionOverview{
		{Connection: "c", SourceConnector: "beta", DestinationConnector: "ga", Known: true, Free: true, HadUsage: true,
			Waived: drawdown.TotalOf(3 * drawdown.Credit), Priority: drawdown.PriorityCritical},
		{Connection: "d", SourceConnector: "ga", DestinationConnector: "ga", Known: true, HadUsage: true, Used: used, Stopped: true},
		{Connection: "gone", SourceConnector: "ga", DestinationConnector: "ga"},
	}
	if !reflect.DeepEqual(got.Connections, want) {
		t.Errorf("connections %+v\nwant %+v", got.Connections, want)
	}
}

func TestPreconditionsThatAreNotMet(t *testing.T) {
	s := newScript(t).run("connect c beta; remove c; connect d")
	email := "new@acme.example"
	s.operate(drawdown.ContactsSet, &drawdown.SetContacts{Email: &email})
	got, _, err := s.p.ReadOverview(s.stored(), s.now)
	if err != nil || got.Enrolment != (Enrolment{}) || got.EnrolledAt != drawdown.NoTime || got.RunawayFactor != 0 || got.MaxAmount != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheOverviewRefusesWhatIsDamaged(t *testing.T) {
	s := newScript(t).run("grant 9; hold h c 1 5; use c 1 2")
	if _, exists, err := s.p.ReadOverview(Stored{Account: "nobody"}, s.now); exists || err != nil {
		t.Errorf("an account that is not there: %v, %v", exists, err)
	}
	whole := s.stored()
	damages := map[string]func(*Stored){
		"another balance": func(d *Stored) { d.Mark.Balance++ },
		"half a core":     func(d *Stored) { d.Core = d.Core[:len(d.Core)/2] },
	}
	for i, f := range whole.Fields {
		damages["half of "+f.Name] = func(d *Stored) { d.Fields[i].Value = f.Value[:len(f.Value)/2] }
	}
	for name, damage := range damages {
		damaged := s.stored()
		damage(&damaged)
		if _, _, err := s.p.ReadOverview(damaged, s.now); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
