package balance

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// TestHoldsAndJobsSurviveTheStore restores an account into a new partition: it is the same and goes on alike.
func TestHoldsAndJobsSurviveTheStore(t *testing.T) {
	const before = "gate 10 3 5; grant 1000; hold h d 5 9; wait w d 6 999999; priority d low; use d 1 10; use d 2 20; use d 3 30; use d 5 4"
	for _, after := range []string{
		"use d 4 61", "release h", "release w", "tick 60", "gate 0; use d 4 61", "use d 5 20", "hold h d 9 1", "hold i d 9 1", "grant 9999999",
	} {
		want, s := newScript(t).run(before), newScript(t).run(before)
		stored := s.stored()
		names, err := s.p.Restore(stored)
		if err != nil {
			t.Fatal(err)
		}
		var data [][]byte
		for _, name := range names {
			data = append(data, want.segments()[name])
		}
		if err := s.p.RestoreSegments(scriptAccount, names, data); err != nil {
			t.Fatal(names, err)
		}
		want.run(after)
		if s.run(after); s.said() != want.said() || !reflect.DeepEqual(s.p.Balances(), want.p.Balances()) {
			t.Errorf("%s: %s, want %s\n%+v\n%+v", after, s.said(), want.said(), s.p.Balances(), want.p.Balances())
		}
	}
}

// segments are the remembered ids of the account, as a store would have them.
func (s *script) segments() map[string][]byte {
	a, content := s.p.accounts[scriptAccount], map[string][]byte{}
	for i := range a.usageIDs.segments {
		content[segmentName(usageSegment, a.usageIDs.segments[i].number)] = a.usageIDs.segments[i].added
	}
	for i := range a.operationIDs.segments {
		content[segmentName(operationSegment, a.operationIDs.segments[i].number)] = a.operationIDs.segments[i].added
	}
	return content
}

// TestHoldsAreWrittenWhenTheyChange: the field is there while there is something to store.
func TestHoldsAreWrittenWhenTheyChange(t *testing.T) {
	s := newScript(t).run("grant 100; connect c")
	s.p.Take(Epoch{}, s.offset)
	for _, test := range []struct {
		steps   string
		written bool
		deleted bool
	}{
		{"use c 1 5", false, false},
		{"hold h c 1 5", true, false},
		{"use d 1 5", false, false},
		{"use c 1 2", true, false},
		{"use c 1 3", true, false},
		{"use c 1 4", false, false}, // nothing is left of it
		{"tick 1", false, false},
		{"release h", true, true},
		{"gate 5", true, false},
		{"gate 0", true, true},
	} {
		s.run(test.steps)
		written, deleted := false, false
		for _, f := range s.p.Take(Epoch{}, s.offset).Accounts[0].Fields {
			if f.Name == HoldsField {
				written, deleted = true, f.Value == nil
			}
		}
		if written != test.written || deleted != test.deleted {
			t.Errorf("%s: written %v, deleted %v", test.steps, written, deleted)
		}
	}
}

// TestThePlainBalanceIsWhatIsNotHeld: other programs read it.
func TestThePlainBalanceIsWhatIsNotHeld(t *testing.T) {
	s := newScript(t).run("grant 100; hold h c 1 30; wait w c 2 200")
	if mark := s.p.Take(Epoch{}, s.offset).Accounts[0].After; mark.Balance != 70*drawdown.Credit {
		t.Errorf("%v", mark.Balance)
	}
}

// TestWhatAConnectionLacksTakesNoRoom: one without priority, stop and jobs is packed as version 2 packed it, but for the
// version.
func TestWhatAConnectionLacksTakesNoRoom(t *testing.T) {
	c := newConnection("c")
	c.known, c.source, c.destination = true, "from", "to"
	var w packer
	c.pack(&w)
	plain := len(w.buf)
	if w.buf[0] != stateVersion || w.buf[1] != 1 {
		t.Fatalf("% x", w.buf)
	}
	w.buf[0] = oldestVersion
	if old, err := unpackConnection("c", w.buf, func(b []byte) string { return string(b) }); err != nil || !reflect.DeepEqual(old, c) {
		t.Errorf("version 2: %+v, %v", old, err)
	}
	c.priority, c.stopped = drawdown.PriorityLow, true
	w = packer{}
	if c.pack(&w); len(w.buf) != plain {
		t.Errorf("%d bytes instead of %d", len(w.buf), plain)
	}
}

// TestEarlierStateIsRead: the core and the contacts of version 2 are those of version 3.
func TestEarlierStateIsRead(t *testing.T) {
	a, plans := packedAccount()
	var w packer
	a.pack(&w)
	w.buf[0] = oldestVersion
	if err := newAccount("acme").unpack(w.buf, plans); err != nil {
		t.Error(err)
	}
	w = packer{}
	a.contacts.pack(&w)
	w.buf[0] = oldestVersion
	if err := new(contacts).unpack(w.buf); err != nil {
		t.Error(err)
	}
}

// TestAnyHoldsArePacked packs random holds and jobs and unpacks the same.
func TestAnyHoldsArePacked(t *testing.T) {
	name := rapid.StringN(1, 20, 128)
	amount := rapid.Int64Range(1, int64(drawdown.MaxCreditsRead))
	rapid.Check(t, func(t *rapid.T) {
		var h holds
		h.gate = gateSettings{
			reserve: drawdown.Credits(amount.Draw(t, "reserve")), runawayFactor: rapid.Uint64Range(0, 1000).Draw(t, "factor"),
			runawayMin: drawdown.Credits(amount.Draw(t, "min")),
		}
		for range rapid.IntRange(0, 20).Draw(t, "holds") {
			one := hold{
				HeldFor: drawdown.HeldFor{Hold: name.Draw(t, "hold"), Connection: name.Draw(t, "connection"), Job: rapid.Uint64Range(0, drawdown.MaxInteger).Draw(t, "job")},
				amount:  drawdown.Credits(amount.Draw(t, "amount")), expiresAt: drawdown.Time(rapid.Int64Range(0, 1<<47).Draw(t, "expires")),
				waiting: rapid.Bool().Draw(t, "waiting"),
			}
			one.remaining = one.amount
			if one.waiting {
				h.waiting++
			} else {
				one.remaining = drawdown.Credits(rapid.Int64Range(0, int64(one.amount)).Draw(t, "remaining"))
				h.held += one.remaining
			}
			h.list = append(h.list, one)
		}
		var w packer
		h.pack(&w)
		var again holds
		if err := again.unpack(w.buf); err != nil || !reflect.DeepEqual(h, again) {
			t.Fatalf("%+v became %+v: %v", h, again, err)
		}
	})
}

// FuzzHolds: whatever is stored is refused, or it is what is packed again; and it never panics.
func FuzzHolds(f *testing.F) {
	s := newScript(f).run("gate 10 3 5; grant 1000; hold h d 5 9; wait w d 6 999999")
	var w packer
	s.p.accounts[scriptAccount].holds.pack(&w)
	f.Add(w.buf)
	f.Fuzz(func(t *testing.T, packed []byte) {
		var h holds
		if h.unpack(packed) != nil {
			return
		}
		sum := drawdown.Credits(0)
		for i := range h.list {
			if one := &h.list[i]; !one.waiting {
				sum += one.remaining
			}
		}
		var first, second packer
		h.pack(&first)
		var again holds
		if err := again.unpack(first.buf); err != nil || sum != h.held {
			t.Fatalf("%+v, held %v: %v", h, sum, err)
		}
		if again.pack(&second); !bytes.Equal(first.buf, second.buf) {
			t.Fatalf("%x became %x", first.buf, second.buf)
		}
	})
}

// FuzzConnection is the same of a connection.
func FuzzConnection(f *testing.F) {
	s := newScript(f).run("gate 0 3 5; grant 1000; use d 1 10; use d 2 20; use d 3 30; use d 5 100; priority d low")
	var w packer
	s.p.accounts[scriptAccount].connections["d"].pack(&w)
	f.Add(w.buf)
	text := func(b []byte) string { return string(b) }
	f.Fuzz(func(t *testing.T, packed []byte) {
		c, err := unpackConnection("d", packed, text)
		if err != nil {
			return
		}
		var first, second packer
		c.pack(&first)
		again, err := unpackConnection("d", first.buf, text)
		if err != nil {
			t.Fatal(err)
		}
		if again.pack(&second); !bytes.Equal(first.buf, second.buf) {
			t.Fatalf("%x became %x", first.buf, second.buf)
		}
	})
}
