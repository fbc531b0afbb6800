package rating

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// TestACutSyncCostsTheSame: however a quantity is cut into events, its charges add up to that of the whole.
func TestACutSyncCostsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := &drawdown.Rate{
			Credits: drawdown.Credits(rapid.Int64Range(0, int64(drawdown.MaxCreditsRead)).Draw(t, "credits")),
			Per:     rapid.Uint64Range(1, drawdown.MaxInteger).Draw(t, "per"),
		}
		parts := rapid.SliceOfN(rapid.Uint64Range(0, drawdown.MaxInteger), 1, 10).Draw(t, "parts")
		whole, sum, remainder := new(big.Int), drawdown.Total{}, uint64(0)
		for _, part := range parts {
			var charge drawdown.Total
			charge, remainder = Charge(rate, remainder, part)
			sum = sum.Plus(charge)
			whole.Add(whole, new(big.Int).SetUint64(part))
		}
		whole.Mul(whole, big.NewInt(int64(rate.Credits)))
		quotient, rest := new(big.Int).QuoRem(whole, new(big.Int).SetUint64(rate.Per), new(big.Int))
		if sum.Big().Cmp(quotient) != 0 || rest.Uint64() != remainder {
			t.Fatalf("%v parts of %+v cost %v and leave %d, the whole costs %v and leaves %v", parts, rate, sum.Big(), remainder, quotient, rest)
		}
	})
}

const day = drawdown.Day

func set(t *testing.T, c *Connectors, stage drawdown.Stage, effective, time drawdown.Time) {
	t.Helper()
	entry := &drawdown.ConnectorEntry{Connector: "source", Kind: "api", Stage: stage, EffectiveAt: effective}
	if reason := c.Check(entry, time); reason != "" {
		t.Fatalf("%v at %d: %s", stage, effective, reason)
	}
	c.Set(entry, time, time)
}

func TestConnectorChecks(t *testing.T) {
	const now = 100 * day
	for _, test := range []struct {
		rule      string
		stages    []drawdown.Stage // set before, each at once
		stage     drawdown.Stage
		effective drawdown.Time
		want      drawdown.Reason
	}{
		{"the first may be anything", nil, drawdown.GA, 1, ""},
		{"a later one is not backdated", []drawdown.Stage{drawdown.Alpha}, drawdown.Beta, now - 1, drawdown.Backdated},
		{"from now on is not backdated", []drawdown.Stage{drawdown.Alpha}, drawdown.Beta, now, ""},
		{"the record's time stands for a missing instant", []drawdown.Stage{drawdown.Alpha}, drawdown.Beta, drawdown.NoTime, ""},
		{"ga needs two weeks", []drawdown.Stage{drawdown.Beta}, drawdown.GA, now + 14*day - 1, drawdown.NoticeTooShort},
		{"two weeks are enough", []drawdown.Stage{drawdown.Beta}, drawdown.GA, now + 14*day, ""},
		{"what is ga stays ga without notice", []drawdown.Stage{drawdown.GA}, drawdown.GA, now, ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var c Connectors
			for _, stage := range test.stages {
				set(t, &c, stage, drawdown.NoTime, now)
			}
			entry := &drawdown.ConnectorEntry{Connector: "source", Kind: "api", Stage: test.stage, EffectiveAt: test.effective}
			if got := c.Check(entry, now); got != test.want {
				t.Errorf("%q, expected %q", got, test.want)
			}
		})
	}
}

// TestABetaCanCreateAnInstantOfGA: an entry that is beta, put before one that is ga while all was ga, makes that one
// the instant at which the connector becomes ga.
func TestABetaCanCreateAnInstantOfGA(t *testing.T) {
	var c Connectors
	set(t, &c, drawdown.GA, drawdown.NoTime, 0)
	set(t, &c, drawdown.GA, 10*day, 0)
	beta := &drawdown.ConnectorEntry{Connector: "source", Kind: "api", Stage: drawdown.Beta, EffectiveAt: 5 * day}
	if got := c.Check(beta, 0); got != drawdown.NoticeTooShort {
		t.Errorf("%q", got)
	}
}

func TestOfEqualInstantsTheLastWrittenHolds(t *testing.T) {
	var c Catalogue
	for _, kind := range []string{"first", "second", "third"} {
		entry := &drawdown.ConnectorEntry{Connector: "x", Kind: kind, Stage: drawdown.Beta, EffectiveAt: 5 * day}
		c.Connectors.Set(entry, 0, 0)
	}
	for _, version := range []string{"a", "b"} {
		c.Cards.Publish(&drawdown.RateCard{Version: version, EffectiveFrom: 3 * day, Rates: []drawdown.Rate{
			{Kind: "first", Per: 1}, {Kind: "third", Per: 1},
		}})
	}
	for at, want := range map[drawdown.Time]string{3 * day: "first", 5*day - 1: "first", 5 * day: "third"} {
		quote, reason := c.Quote([]byte("x"), []byte("x"), at)
		if reason != "" || quote.Kind != want || quote.Card.Version != "b" || !quote.Eligible || at < quote.From || at >= quote.To {
			t.Errorf("at %d: %+v %q", at, quote, reason)
		}
	}
	if _, reason := c.Quote([]byte("x"), []byte("x"), 3*day-1); reason != drawdown.NoRate {
		t.Errorf("before the first card: %q", reason)
	}
	if _, reason := c.Quote([]byte("x"), []byte("y"), 3*day); reason != drawdown.UnknownConnector {
		t.Errorf("an unknown destination: %q", reason)
	}
}
