package storetest

import (
	"errors"
	"testing"

	"drawdown"
	"drawdown/balance"
)

func emptyStore(t *testing.T, store Subject) {
	o := &owner{t: t, store: store, partition: 3}
	equal(t, "position", o.position(), balance.Position{Clock: drawdown.NoTime})
	equal(t, "loaded", o.load("a"), []balance.Stored{{Account: "a"}})
	equal(t, "due", len(o.due(drawdown.Never, 10)), 0)
	broadcasts, err := store.Catalogue(ctx(), 3)
	if err != nil || len(broadcasts) != 0 {
		t.Fatalf("catalogue: %q, %v", broadcasts, err)
	}
	contents, err := store.Segments(ctx(), 3, []balance.SegmentKey{{Account: "a", Segment: "s"}})
	if err != nil || len(contents) != 1 || contents[0] != nil {
		t.Fatalf("segments: %q, %v", contents, err)
	}
	ids, next, err := store.Accounts(ctx(), 3, "")
	if err != nil || len(ids) != 0 || next != "" {
		t.Fatalf("accounts: %q, next %q, %v", ids, next, err)
	}
}

func claimRaises(t *testing.T, store Subject) {
	first := claim(t, store, "one")
	equal(t, "first epoch", first.epoch, balance.Epoch{Number: 1, Token: "one"})
	equal(t, "position", first.position(), balance.Position{Exists: true, Epoch: first.epoch, Clock: drawdown.NoTime})
	first.apply(first.full("a"))
	before := first.position()

	epoch, position, err := store.Claim(ctx(), 17, "two: with a colon")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "second epoch", epoch, balance.Epoch{Number: 2, Token: "two: with a colon"})
	before.Epoch = epoch
	equal(t, "position of the second claim", position, before)
	equal(t, "position after it", first.position(), before)
}

func claimRepeated(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	before := store.Dump()
	again := claim(t, store, "one")
	equal(t, "epoch", again.epoch, o.epoch)
	unchanged(t, store, before)
}

func claimWithoutToken(t *testing.T, store Subject) {
	before := store.Dump()
	if _, _, err := store.Claim(ctx(), 17, ""); err == nil {
		t.Fatal("a claim without a token was accepted")
	}
	unchanged(t, store, before)
}

func applied(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.full("acme")
	o.apply(c)
	want := balance.Position{Exists: true, Epoch: o.epoch, Next: 10, Clock: c.Clock}
	want.Statuses[drawdown.Active] = 1
	equal(t, "position", o.position(), want)
	equal(t, "account", o.load("acme", "other"), []balance.Stored{
		{Account: "acme", Mark: balance.Mark{Version: 1, Balance: 7}, Core: []byte("core of acme"),
			Fields: []balance.Field{{Name: "connection", Value: []byte("c")}}},
		{Account: "other"},
	})

	later := o.batch(changed(c.Accounts[0], 12, -9_000_000_000_000_000_001))
	o.apply(later)
	equal(t, "mark", o.load("acme")[0].Mark, balance.Mark{Version: 12, Balance: -9_000_000_000_000_000_001})
}

func positionOnly(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.batch()
	c.Clock = drawdown.NoTime // no record has set it
	o.apply(c)
	equal(t, "position", o.position(), balance.Position{Exists: true, Epoch: o.epoch, Next: 10, Clock: drawdown.NoTime})
	c = o.batch()
	o.apply(c)
	equal(t, "clock", o.position().Clock, c.Clock)
}

func alreadyApplied(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.full("a")
	o.apply(c)
	for range 3 {
		o.refused(c, balance.Outcome{Kind: balance.AlreadyApplied})
	}
	empty := o.batch()
	o.apply(empty)
	o.refused(empty, balance.Outcome{Kind: balance.AlreadyApplied})
	o.refused(c, balance.Outcome{Kind: balance.Diverged}) // the one before the last is not remembered
}

func otherBatch(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.full("a")
	o.apply(c)
	other := *c
	other.Digest[15]++
	o.refused(&other, balance.Outcome{Kind: balance.Diverged})
}

func otherStart(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	o.apply(o.batch())
	c := o.full("a")
	o.apply(c)
	other := *c
	other.Expected = 5 // 5 to 20 instead of 10 to 20
	o.refused(&other, balance.Outcome{Kind: balance.Diverged})
	other.Expected, other.Next = 10, 15
	o.refused(&other, balance.Outcome{Kind: balance.Diverged})
}

func fenced(t *testing.T, store Subject) {
	first := claim(t, store, "one")
	first.apply(first.full("a"))
	second := claim(t, store, "two")
	first.refused(first.full("b"), balance.Outcome{Kind: balance.Fenced})
	second.apply(second.full("b"))
	first.refused(first.full("c"), balance.Outcome{Kind: balance.Fenced})
}

func fencedRepetition(t *testing.T, store Subject) {
	first := claim(t, store, "one")
	c := first.full("a")
	first.apply(c)
	claim(t, store, "two")
	first.refused(c, balance.Outcome{Kind: balance.Fenced})
}

func sameNumber(t *testing.T, store Subject) {
	empty := store.Dump()
	first := claim(t, store, "one")
	store.Restore(empty) // a failover lost the claim
	second := claim(t, store, "two")
	equal(t, "numbers", first.epoch.Number, second.epoch.Number)
	first.refused(first.full("a"), balance.Outcome{Kind: balance.Fenced})
	c := second.full("a")
	second.apply(c)
	c.Epoch = first.epoch
	first.refused(c, balance.Outcome{Kind: balance.Fenced})
}

func rewoundPosition(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	first := o.full("a")
	o.apply(first)
	backup := store.Dump()
	second := o.batch(changed(first.Accounts[0], 15, 3))
	o.apply(second)
	third := o.batch(changed(second.Accounts[0], 25, 2))
	store.Restore(backup)
	o.refused(third, balance.Outcome{Kind: balance.Rewound})
	o.next = second.Expected // replayed from where the store stands
	o.apply(second)
	o.apply(third)
}

func rewoundEpoch(t *testing.T, store Subject) {
	first := claim(t, store, "one")
	first.apply(first.full("a"))
	backup := store.Dump()
	second := claim(t, store, "two")
	store.Restore(backup)
	second.refused(second.full("b"), balance.Outcome{Kind: balance.Rewound})
}

func rewoundMissing(t *testing.T, store Subject) {
	empty := store.Dump()
	o := claim(t, store, "one")
	o.apply(o.full("a"))
	store.Restore(empty)
	o.refused(o.full("b"), balance.Outcome{Kind: balance.Rewound})
	o.next = 0
	o.refused(o.full("a"), balance.Outcome{Kind: balance.Rewound})
}

// differing commits a change of three accounts of which the second is not what the owner thinks.
func differing(t *testing.T, store Subject, spoil func(change *balance.AccountChange)) {
	t.Helper()
	o := claim(t, store, "one")
	first := o.batch(opened("a", 1, 10), opened("b", 2, 20), opened("c", 3, 30))
	o.apply(first)
	c := o.full("d")
	for _, account := range first.Accounts {
		c.Accounts = append(c.Accounts, changed(account, 11, 5))
	}
	wrong := &c.Accounts[2]
	spoil(wrong)
	got := o.load(wrong.Account)[0].Mark
	o.refused(c, balance.Outcome{Kind: balance.Diverged, Account: wrong.Account, Expected: wrong.Before, Got: got})
}

func divergedVersion(t *testing.T, store Subject) {
	differing(t, store, func(change *balance.AccountChange) { change.Before.Version++ })
}

func divergedBalance(t *testing.T, store Subject) {
	differing(t, store, func(change *balance.AccountChange) { change.Before.Balance-- })
}

func divergedPresent(t *testing.T, store Subject) {
	differing(t, store, func(change *balance.AccountChange) { change.Before = balance.Mark{} })
}

func divergedAbsent(t *testing.T, store Subject) {
	differing(t, store, func(change *balance.AccountChange) { change.Account = "never opened" })
}

func invalid(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	before := store.Dump()
	for name, spoil := range map[string]func(c *balance.Commit){
		"no progress":      func(c *balance.Commit) { c.Next = c.Expected },
		"negative offset":  func(c *balance.Commit) { c.Expected = -1 },
		"inexact offset":   func(c *balance.Commit) { c.Next = balance.MaxExact },
		"no epoch":         func(c *balance.Commit) { c.Epoch = balance.Epoch{} },
		"no token":         func(c *balance.Commit) { c.Epoch.Token = "" },
		"no partition":     func(c *balance.Commit) { c.Partition = -1 },
		"no account id":    func(c *balance.Commit) { c.Accounts[0].Account = "" },
		"no version":       func(c *balance.Commit) { c.Accounts[0].After.Version = 0 },
		"no due instant":   func(c *balance.Commit) { c.Accounts[0].Due = drawdown.NoTime },
		"inexact due":      func(c *balance.Commit) { c.Accounts[0].Due = balance.MaxExact },
		"wake at no clock": func(c *balance.Commit) { c.Clock = drawdown.NoTime },
		"inexact clock":    func(c *balance.Commit) { c.Clock = drawdown.Never },
	} {
		c := o.full("a")
		spoil(c)
		if outcome, err := store.Commit(ctx(), c); !errors.Is(err, balance.ErrInvalidCommit) {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
		unchanged(t, store, before)
	}
}
