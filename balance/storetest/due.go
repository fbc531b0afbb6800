package storetest

import (
	"testing"

	"drawdown"
	"drawdown/balance"
)

// dueAt is an account that is opened with a due instant.
func dueAt(id string, due drawdown.Time) balance.AccountChange {
	change := opened(id, 1, 1)
	change.Due = due
	return change
}

func dueOrder(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	last := drawdown.Time(balance.MaxExact - 1)
	o.apply(o.batch(dueAt("late", 300), dueAt("b", 200), dueAt("a", 200), dueAt("first", 0), dueAt("never", drawdown.Never),
		dueAt("exact", last), dueAt("exact-1", last-1)))
	all := []balance.DueAccount{{Account: "first"}, {Account: "a", Due: 200}, {Account: "b", Due: 200},
		{Account: "late", Due: 300}, {Account: "exact-1", Due: last - 1}, {Account: "exact", Due: last}}
	for _, c := range []struct {
		until drawdown.Time
		limit int
		want  int
	}{
		{drawdown.Never, 100, 6}, {last, 100, 6}, {last - 1, 100, 5}, {300, 100, 4}, {299, 100, 3}, {200, 2, 2}, {199, 100, 1},
		{0, 100, 1}, {-1, 100, 0}, {drawdown.NoTime, 100, 0}, {300, 1, 1},
	} {
		due := o.due(c.until, c.limit)
		if len(due) != c.want {
			t.Fatalf("until %d, limit %d: %+v, want %d", c.until, c.limit, due, c.want)
		}
		equal(t, "due", append([]balance.DueAccount{}, due...), append([]balance.DueAccount{}, all[:c.want]...))
	}
	equal(t, "with limit 0", len(o.due(300, 0)), 0)
}

func dueReplaced(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	a, b, c := dueAt("a", 10), dueAt("b", 20), dueAt("c", drawdown.Never)
	o.apply(o.batch(a, b, c))
	later, never, soon := changed(a, 11, 1), changed(b, 11, 1), changed(c, 11, 1)
	later.Due, never.Due, soon.Due = 30, drawdown.Never, 5
	o.apply(o.batch(later, never, soon))
	equal(t, "due", o.due(drawdown.Never, 9), []balance.DueAccount{{Account: "c", Due: 5}, {Account: "a", Due: 30}})
}

func wake(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.batch(dueAt("early", 50), dueAt("late", 500), dueAt("never", drawdown.Never), dueAt("unconnected", 500))
	for _, id := range []string{"early", "late", "never"} {
		c.Index = append(c.Index, balance.IndexEntry{Connector: "postgres", Account: id})
	}
	c.Index = append(c.Index, balance.IndexEntry{Connector: "mysql", Account: "unconnected"}, c.Index[0])
	o.apply(c)
	equal(t, "due before", o.due(499, 9), []balance.DueAccount{{Account: "early", Due: 50}})

	waking := o.batch()
	waking.Clock, waking.Wake = 100, []string{"postgres", "unheard of"}
	o.apply(waking)
	equal(t, "due after", o.due(drawdown.Never, 9), []balance.DueAccount{{Account: "early", Due: 50},
		{Account: "late", Due: 100}, {Account: "never", Due: 100}, {Account: "unconnected", Due: 500}})
}

func wakeSameCommit(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.batch(dueAt("a", 500), dueAt("b", 20))
	c.Index = []balance.IndexEntry{{Connector: "postgres", Account: "a"}, {Connector: "postgres", Account: "b"}}
	c.Clock, c.Wake = 100, []string{"postgres"}
	o.apply(c)
	equal(t, "due", o.due(drawdown.Never, 9), []balance.DueAccount{{Account: "b", Due: 20}, {Account: "a", Due: 100}})
}

func wakeUnknown(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.batch()
	c.Index = []balance.IndexEntry{{Connector: "postgres", Account: "nobody"}}
	c.Wake = []string{"postgres"}
	o.apply(c)
	equal(t, "due", len(o.due(drawdown.Never, 9)), 0)
	equal(t, "accounts", len(listAll(t, store, 17)), 0)
}
