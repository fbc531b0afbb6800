package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"testing"

	"drawdown"
	"drawdown/balance"
)

func fieldMap(stored balance.Stored) map[string]string {
	values := map[string]string{}
	for _, field := range stored.Fields {
		values[field.Name] = string(field.Value)
	}
	return values
}

func fields(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	first := opened("a", 1, 1)
	first.Fields = []balance.Field{{Name: "x", Value: []byte("1")}, {Name: "y", Value: []byte("2")}, {Name: "z", Value: []byte{}}}
	o.apply(o.batch(first))
	equal(t, "fields", fieldMap(o.load("a")[0]), map[string]string{"x": "1", "y": "2", "z": ""})

	second := changed(first, 11, 1)
	second.Fields = []balance.Field{{Name: "x"}, {Name: "y", Value: []byte("3")}, {Name: "absent"}, {Name: "w", Value: []byte("4")}}
	o.apply(o.batch(second))
	equal(t, "fields after the second commit", fieldMap(o.load("a")[0]), map[string]string{"y": "3", "z": "", "w": "4"})

	third := changed(second, 21, 1)
	third.Fields = []balance.Field{{Name: "y"}, {Name: "z"}, {Name: "w"}}
	o.apply(o.batch(third))
	equal(t, "fields after the third commit", len(o.load("a")[0].Fields), 0)
	equal(t, "core", string(o.load("a")[0].Core), "core of a")
}

// allBytes is every byte there is, beginning and ending like the delimiters of a protocol.
var allBytes = func() []byte {
	all := []byte("\r\n$-1\r\n")
	for b := range 256 {
		all = append(all, byte(b))
	}
	return append(all, "\r\n"...)
}()

func binarySafe(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	ids := []string{"a:b", "a.b-c_D:9", "a", "a:b:c", "-", ":", "v", "meta", "due"}
	c := o.batch()
	for i, id := range ids {
		change := opened(id, int64(i+1), drawdown.Credits(i))
		change.Core = allBytes
		change.Fields = []balance.Field{{Name: string(allBytes), Value: allBytes}, {Name: "b", Value: []byte("own b")}, {Name: "", Value: []byte("no name")}}
		change.Appends = []balance.SegmentAppend{{Segment: string(allBytes), Data: allBytes}, {Segment: "", Data: []byte(id)}}
		c.Accounts = append(c.Accounts, change)
		c.Index = append(c.Index, balance.IndexEntry{Connector: string(allBytes), Account: id})
	}
	c.Broadcasts = [][]byte{allBytes, {}}
	c.Wake = []string{string(allBytes)}
	o.apply(c)
	for i, stored := range o.load(ids...) {
		equal(t, "mark", stored.Mark, balance.Mark{Version: int64(i + 1), Balance: drawdown.Credits(i)})
		equal(t, "core", stored.Core, allBytes)
		equal(t, "fields", fieldMap(stored), map[string]string{string(allBytes): string(allBytes), "b": "own b", "": "no name"})
		contents, err := store.Segments(ctx(), 17, []balance.SegmentKey{{Account: ids[i], Segment: string(allBytes)}, {Account: ids[i]}})
		if err != nil || !bytes.Equal(contents[0], allBytes) || string(contents[1]) != ids[i] {
			t.Fatalf("segments of %q: %q, %v", ids[i], contents, err)
		}
	}
	broadcasts, err := store.Catalogue(ctx(), 17)
	if err != nil || len(broadcasts) != 2 || !bytes.Equal(broadcasts[0], allBytes) || len(broadcasts[1]) != 0 {
		t.Fatalf("catalogue: %q, %v", broadcasts, err)
	}
	equal(t, "woken", len(o.due(c.Clock, 100)), len(ids))
}

// ownBuffers overwrites what was passed and what was returned: the store must have, and give, copies.
func ownBuffers(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	c := o.full("a")
	o.apply(c)
	change := &c.Accounts[0]
	for _, passed := range [][]byte{change.Core, change.Fields[0].Value, change.Appends[0].Data, c.Broadcasts[0]} {
		clear(passed)
	}
	for range 2 { // the second time what the first one returned has been overwritten
		stored := o.load("a")[0]
		contents, errSegments := store.Segments(ctx(), 17, []balance.SegmentKey{{Account: "a", Segment: "ids"}})
		broadcasts, errCatalogue := store.Catalogue(ctx(), 17)
		if err := errors.Join(errSegments, errCatalogue); err != nil {
			t.Fatal(err)
		}
		got := [][]byte{stored.Core, stored.Fields[0].Value, contents[0], broadcasts[0]}
		equal(t, "parts", fmt.Sprintf("%s", got), "[core of a c data broadcast]")
		for _, returned := range got {
			clear(returned)
		}
	}
}

func segments(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	first := opened("a", 1, 1)
	first.Appends = []balance.SegmentAppend{{Segment: "h1", Data: []byte("one")}, {Segment: "h2", Data: []byte("two")}, {Segment: "h1", Data: []byte("+more")}}
	other := opened("b", 1, 1)
	other.Appends = []balance.SegmentAppend{{Segment: "h1", Data: []byte("of b")}}
	o.apply(o.batch(first, other))
	expectSegments(t, store, []string{"one+more", "two", "absent", "of b"})

	second := changed(first, 11, 1)
	second.Appends = []balance.SegmentAppend{{Segment: "h2", Data: []byte("+2")}, {Segment: "h3", Data: []byte("new")}}
	second.Drops = []string{"h1", "never there"}
	o.apply(o.batch(second))
	expectSegments(t, store, []string{"absent", "two+2", "new", "of b"})
}

func expectSegments(t *testing.T, store Subject, want []string) {
	t.Helper()
	contents, err := store.Segments(ctx(), 17, []balance.SegmentKey{{Account: "a", Segment: "h1"}, {Account: "a", Segment: "h2"}, {Account: "a", Segment: "h3"}, {Account: "b", Segment: "h1"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, content := range contents {
		if content == nil {
			content = []byte("absent")
		}
		got = append(got, string(content))
	}
	equal(t, "segments", got, want)
}

func catalogue(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	var want []string
	for batch := range 3 {
		c := o.batch()
		for i := range 1 + 1500*batch { // more than one piece of a script's arguments
			text := fmt.Sprintf("broadcast %d of batch %d", i, batch)
			c.Broadcasts = append(c.Broadcasts, []byte(text))
			want = append(want, text)
		}
		o.apply(c)
	}
	broadcasts, err := store.Catalogue(ctx(), 17)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, broadcast := range broadcasts {
		got = append(got, string(broadcast))
	}
	equal(t, "catalogue", got, want)
}

func statuses(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	var want [drawdown.StatusCount]int64
	for _, change := range [][drawdown.StatusCount]int64{
		{drawdown.Active: 5, drawdown.StatusNone: 1}, {drawdown.Active: -2, drawdown.Exhausted: 2}, {drawdown.Exhausted: 1 << 40}, {},
	} {
		c := o.batch()
		c.Statuses = change
		o.apply(c)
		for status := range want {
			want[status] += change[status]
		}
		equal(t, "statuses", o.position().Statuses, want)
	}
}

func isolation(t *testing.T, store Subject) {
	one, other := claim(t, store, "one", 1), claim(t, store, "one", 11)
	one.apply(one.full("a"))
	change := opened("a", 1, 99)
	change.Due = 7
	other.apply(other.batch(change))
	equal(t, "balance in 1", one.load("a")[0].Mark.Balance, 7)
	equal(t, "balance in 11", other.load("a")[0].Mark.Balance, 99)
	equal(t, "due in 1", one.due(drawdown.Never, 9), []balance.DueAccount{{Account: "a", Due: 5}})
	equal(t, "due in 11", other.due(drawdown.Never, 9), []balance.DueAccount{{Account: "a", Due: 7}})
	broadcasts, err := store.Catalogue(ctx(), 11)
	if err != nil || len(broadcasts) != 0 {
		t.Fatalf("catalogue of 11: %q, %v", broadcasts, err)
	}
	claim(t, store, "two", 11)
	one.apply(one.full("b")) // a claim of 11 is none of 1
}

func recordPartitions(t *testing.T, store Subject) {
	for _, want := range []struct{ ask, recorded int }{{8, 8}, {8, 8}, {16, 8}} {
		recorded, err := store.RecordPartitions(ctx(), want.ask)
		if err != nil || recorded != want.recorded {
			t.Fatalf("record %d: %d, %v; want %d", want.ask, recorded, err, want.recorded)
		}
	}
	if recorded, err := store.RecordPartitions(ctx(), 0); err == nil {
		t.Fatalf("record 0: %d", recorded)
	}
}

func large(t *testing.T, store Subject) {
	const count = 10_000
	o := claim(t, store, "one")
	c := o.batch()
	var ids []string
	for i := range count {
		id := fmt.Sprintf("account-%05d", i)
		change := opened(id, 1, drawdown.Credits(i))
		change.Core = bytes.Repeat([]byte{byte(i)}, 250)
		change.Fields = []balance.Field{{Name: "f", Value: bytes.Repeat([]byte{byte(i)}, 100)}}
		change.Due = drawdown.Time(count - i)
		c.Accounts = append(c.Accounts, change)
		c.Index = append(c.Index, balance.IndexEntry{Connector: "postgres", Account: id})
		ids = append(ids, id)
	}
	o.apply(c)
	for i, stored := range o.load(ids...) {
		if stored.Account != ids[i] || stored.Mark.Balance != drawdown.Credits(i) || len(stored.Core) != 250 || len(stored.Fields) != 1 {
			t.Fatalf("account %d: %+v", i, stored)
		}
	}
	wrong := o.batch()
	for _, change := range c.Accounts {
		wrong.Accounts = append(wrong.Accounts, changed(change, 11, 1))
	}
	last := &wrong.Accounts[count-1]
	last.Before.Balance++
	o.refused(wrong, balance.Outcome{Kind: balance.Diverged, Account: last.Account, Expected: last.Before, Got: c.Accounts[count-1].After})

	waking := o.batch()
	waking.Clock, waking.Wake = count/2, []string{"postgres"}
	o.apply(waking)
	equal(t, "due after waking", len(o.due(count/2, 2*count)), count)
}

func manyFields(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	change := opened("a", 1, 1)
	want := map[string]string{}
	for i := range 5_000 {
		name := fmt.Sprintf("connection-%d", i)
		change.Fields = append(change.Fields, balance.Field{Name: name, Value: []byte(name)})
		want[name] = name
	}
	o.apply(o.batch(change))
	equal(t, "fields", fieldMap(o.load("a")[0]), want)
	emptied := changed(change, 11, 1)
	for _, field := range change.Fields {
		emptied.Fields = append(emptied.Fields, balance.Field{Name: field.Name})
	}
	o.apply(o.batch(emptied))
	equal(t, "fields after deletion", len(o.load("a")[0].Fields), 0)
}

func pages(t *testing.T, store Subject) {
	o := claim(t, store, "one")
	var want []string
	c := o.batch()
	for i := range 2_500 {
		id := fmt.Sprintf("account-%d", i)
		want = append(want, id)
		c.Accounts = append(c.Accounts, opened(id, 1, 1))
	}
	o.apply(c)
	sort.Strings(want)
	equal(t, "accounts", listAll(t, store, 17), want)
}

// listAll lists a partition's accounts in order, each once.
func listAll(t testing.TB, store balance.Store, partition int32) []string {
	t.Helper()
	var all []string
	cursor := ""
	for range 100_000 {
		ids, next, err := store.Accounts(ctx(), partition, cursor)
		if err != nil {
			t.Fatalf("accounts from %q: %v", cursor, err)
		}
		all = append(all, ids...)
		if next == "" {
			slices.Sort(all)
			return slices.Compact(all)
		}
		cursor = next
	}
	t.Fatal("the list of accounts does not end")
	return nil
}
