package office

import (
	"slices"
	"testing"

	"drawdown"
	"drawdown/balance"
)

// acrossPriorities are connections in the order of their names.
func acrossPriorities(w *world, priorities map[string]drawdown.Priority) {
	template := w.overview.Connections[0]
	w.overview.Connections, w.overview.Balance.Holds = nil, nil
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		template.Connection, template.Priority, template.Known = name, priorities[name], true
		w.overview.Connections = append(w.overview.Connections, template)
	}
}

// TestTheOrderOfStarts: critical, normal, low, then by name, only what the gate allows; and each after those before it.
func TestTheOrderOfStarts(t *testing.T) {
	critical, low := drawdown.PriorityCritical, drawdown.PriorityLow
	waiting := func(connection string, amount drawdown.Credits) drawdown.HoldBalance {
		return drawdown.HoldBalance{HeldFor: drawdown.HeldFor{Hold: "h-" + connection, Connection: connection}, Amount: amount * drawdown.Credit, Waiting: true}
	}
	for name, c := range map[string]struct {
		arrange func(*world)
		want    []string // those that are not carried with a minus before
	}{
		"by priority and name": {func(*world) {}, []string{"d", "f", "b", "c", "a", "e"}},
		"each after those before it": {func(w *world) {
			w.costs = map[string]drawdown.Credits{"d": 40 * drawdown.Credit, "f": 40 * drawdown.Credit, "b": 20 * drawdown.Credit, "c": 1}
		}, []string{"d", "f", "-b", "-c", "-a", "-e"}},
		"to the last credit": {func(w *world) {
			w.costs = map[string]drawdown.Credits{"d": 60 * drawdown.Credit, "f": 30 * drawdown.Credit, "b": 1}
			w.overview.Reserve = 0
		}, []string{"d", "f", "-b", "-c", "-a", "-e"}},
		"a large one is not starved by small ones": {func(w *world) {
			w.costs = map[string]drawdown.Credits{"d": 91 * drawdown.Credit, "f": 1}
		}, []string{"-d", "-f", "-b", "-c", "-a", "-e"}},
		"the reserve is for critical ones": {func(w *world) {
			w.costs = map[string]drawdown.Credits{"d": 60*drawdown.Credit + 1}
		}, []string{"d", "f", "-b", "-c", "-a", "-e"}},
		"free ones cost nothing": {func(w *world) {
			w.costs = map[string]drawdown.Credits{"d": 91 * drawdown.Credit, "b": 91 * drawdown.Credit}
			w.free = map[string]bool{"b": true, "d": true}
		}, []string{"d", "f", "b", "c", "a", "e"}},
		"the gate decides": {func(w *world) {
			w.denied = map[string]balance.GateReason{"d": "held", "c": "reserved"}
			w.overview.Connections[0].Known = false
			w.overview.Connections[4].Stopped = true
		}, []string{"f", "b"}},
		"holds that wait come first": {func(w *world) {
			w.overview.Balance.Holds = []drawdown.HoldBalance{waiting("b", 50), waiting("nobody", 20), waiting("a", 7)}
			w.costs = map[string]drawdown.Credits{"d": 10 * drawdown.Credit, "f": 80 * drawdown.Credit, "b": 50 * drawdown.Credit}
			w.overview.Reserve = 0
		}, []string{"d", "f", "-b", "-c", "-a", "-e"}},
		"holds count once": {func(w *world) {
			w.overview.Balance.Holds = []drawdown.HoldBalance{waiting("b", 40)}
			w.costs = map[string]drawdown.Credits{"b": 40 * drawdown.Credit, "c": 50 * drawdown.Credit}
			w.overview.Reserve = 0
		}, []string{"d", "f", "b", "c", "a", "e"}},
		"holds of stopped ones do not count": {func(w *world) {
			w.overview.Balance.Holds = []drawdown.HoldBalance{waiting("d", 90)}
			w.overview.Connections[3].Stopped = true
			w.costs = map[string]drawdown.Credits{"f": 60 * drawdown.Credit}
		}, []string{"f", "b", "c", "a", "e"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			acrossPriorities(w, map[string]drawdown.Priority{"d": critical, "f": critical, "a": low, "e": low})
			w.overview.Reserve = 30 * drawdown.Credit
			c.arrange(w)
			order, err := w.office(t).StartOrder(t.Context(), worker, "acme", 10)
			if err != nil || order.Available != 90*drawdown.Credit || order.Reserve != w.overview.Reserve || order.More {
				t.Fatalf("%+v, %v", order, err)
			}
			var got []string
			for _, s := range order.Starts {
				if s.Carries {
					got = append(got, s.Connection)
				} else {
					got = append(got, "-"+s.Connection)
				}
				if (s.Estimate == nil) != w.free[s.Connection] || s.Estimate != nil && s.Estimate.Basis != "source-postgres>destination-s3" {
					t.Errorf("%s: %+v", s.Connection, s.Estimate)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, expected %v", got, c.want)
			}
		})
	}
}

// TestTheFirstOfTheOrder: who asks for a few is told that there are more.
func TestTheFirstOfTheOrder(t *testing.T) {
	w := newWorld()
	acrossPriorities(w, map[string]drawdown.Priority{"f": drawdown.PriorityCritical})
	o := w.office(t)
	for limit, more := range map[int]bool{2: true, 5: true, 6: false, 100: false} {
		order, err := o.StartOrder(t.Context(), worker, "acme", limit)
		if err != nil || order.More != more || len(order.Starts) != min(limit, 6) || order.Starts[0].Connection != "f" {
			t.Errorf("%d: %+v, %v", limit, order, err)
		}
	}
	for _, limit := range []int{0, 101} {
		if _, err := o.StartOrder(t.Context(), worker, "acme", limit); refused(t, err).Kind != Invalid {
			t.Error(err)
		}
	}
	w.reportErr = errAway
	if _, err := o.StartOrder(t.Context(), worker, "acme", 1); refused(t, err).Kind != Unavailable {
		t.Error(err)
	}
}
