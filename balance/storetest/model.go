package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/memstore"
)

// RunModel compares a store with memstore on random calls: owners that are fenced, commits repeated long after, claims
// repeated, backups restored, accounts that are not what they were. open is called once for each sequence of calls.
func RunModel(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{store: open(t), model: memstore.New(), epochs: map[int32][]balance.Epoch{}}
		rt.Repeat(map[string]func(*rapid.T){
			"":        m.compare,
			"claim":   m.claim,
			"commit":  m.commit,
			"next":    m.commitNext,
			"repeat":  m.repeat,
			"backup":  m.backup,
			"restore": m.restore,
		})
	})
}

// machine makes the same calls on both stores.
type machine struct {
	store   Subject
	model   *memstore.Store
	tokens  int
	epochs  map[int32][]balance.Epoch // all that were ever claimed, restored stores or not
	commits []*balance.Commit         // all that were ever tried
	backups []pair
}

type pair struct {
	store any
	model *memstore.Store
}

var (
	machinePartitions = []int32{0, 17}
	machineAccounts   = []string{"a", "a:1", "b", "c-d", "e.f"}
	machineNames      = []string{"", "x", "y/z"}
	machineConnectors = []string{"postgres", "mysql"}
)

func (m *machine) claim(t *rapid.T) {
	partition := rapid.SampledFrom(machinePartitions).Draw(t, "partition")
	m.tokens++
	token := fmt.Sprintf("token-%d", m.tokens)
	if rapid.Bool().Draw(t, "repeat the last token") {
		token = fmt.Sprintf("token-%d", m.tokens-1)
	}
	epoch, position, err := m.store.Claim(ctx(), partition, token)
	wantEpoch, wantPosition, wantErr := m.model.Claim(ctx(), partition, token)
	if epoch != wantEpoch || position != wantPosition || (err != nil) != (wantErr != nil) {
		t.Fatalf("claim %d %s: %+v %+v %v, model %+v %+v %v", partition, token, epoch, position, err, wantEpoch, wantPosition, wantErr)
	}
	m.epochs[partition] = append(m.epochs[partition], epoch)
}

// commit tries a batch of any owner at about the right place.
func (m *machine) commit(t *rapid.T) {
	partition := rapid.SampledFrom(machinePartitions).Draw(t, "partition")
	if len(m.epochs[partition]) == 0 {
		return // nobody has claimed it
	}
	position := m.position(t, partition)
	c := m.batch(t, partition)
	c.Epoch = rapid.SampledFrom(m.epochs[partition]).Draw(t, "epoch")
	c.Expected = max(0, position.Next+drawdown.Offset(rapid.SampledFrom([]int64{0, 0, 0, -1, 1, -3, 3}).Draw(t, "off by")))
	c.Next = c.Expected + drawdown.Offset(rapid.Int64Range(1, 4).Draw(t, "records"))
	m.try(t, c)
}

// commitNext tries a batch that the present owner makes, so that sequences get far.
func (m *machine) commitNext(t *rapid.T) {
	partition := rapid.SampledFrom(machinePartitions).Draw(t, "partition")
	position := m.position(t, partition)
	if !position.Exists {
		return // nobody has claimed it
	}
	c := m.batch(t, partition)
	c.Epoch, c.Expected = position.Epoch, position.Next
	c.Next = c.Expected + drawdown.Offset(rapid.Int64Range(1, 4).Draw(t, "records"))
	m.try(t, c)
}

func (m *machine) position(t *rapid.T, partition int32) balance.Position {
	position, err := m.model.Position(ctx(), partition)
	if err != nil {
		t.Fatal(err)
	}
	return position
}

// repeat tries a batch again, as it was.
func (m *machine) repeat(t *rapid.T) {
	if len(m.commits) == 0 {
		return // no commit yet
	}
	back := rapid.IntRange(1, min(5, len(m.commits))).Draw(t, "how far back")
	m.try(t, m.commits[len(m.commits)-back])
}

func (m *machine) try(t *rapid.T, c *balance.Commit) {
	m.commits = append(m.commits, c)
	outcome, err := m.store.Commit(ctx(), c)
	want, wantErr := m.model.Commit(ctx(), c)
	if outcome != want || errors.Is(err, balance.ErrInvalidCommit) != errors.Is(wantErr, balance.ErrInvalidCommit) || (err != nil) != (wantErr != nil) {
		t.Fatalf("commit %+v:\n  got %+v, %v\nmodel %+v, %v", c, outcome, err, want, wantErr)
	}
}

func (m *machine) backup(*rapid.T) {
	m.backups = append(m.backups, pair{m.store.Dump(), m.model.Snapshot()})
}

func (m *machine) restore(t *rapid.T) {
	if len(m.backups) == 0 {
		return // no backup yet
	}
	backup := rapid.SampledFrom(m.backups).Draw(t, "backup")
	m.store.Restore(backup.store)
	m.model.Restore(backup.model)
}

// batch draws changes; the caller says from where to where.
func (m *machine) batch(t *rapid.T, partition int32) *balance.Commit {
	c := &balance.Commit{
		Partition: partition,
		Clock:     drawdown.Time(rapid.Int64Range(0, 100).Draw(t, "clock")),
		Digest:    [16]byte{byte(len(m.commits)), rapid.Byte().Draw(t, "digest")},
		Wake:      rapid.SliceOfNDistinct(rapid.SampledFrom(machineConnectors), 0, 2, rapid.ID).Draw(t, "wake"),
	}
	if rapid.IntRange(0, 9).Draw(t, "no clock") == 0 {
		c.Clock = drawdown.NoTime // with connectors to wake it is invalid
	}
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom(machineAccounts), 0, 4, rapid.ID).Draw(t, "accounts") {
		c.Accounts = append(c.Accounts, m.change(t, partition, id))
		if rapid.Bool().Draw(t, "indexed") {
			c.Index = append(c.Index, balance.IndexEntry{Connector: rapid.SampledFrom(machineConnectors).Draw(t, "connector"), Account: id})
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "index of anybody") == 0 {
		c.Index = append(c.Index, balance.IndexEntry{Connector: "mysql", Account: rapid.SampledFrom(machineAccounts).Draw(t, "anybody")})
	}
	c.Broadcasts = rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 2).Draw(t, "broadcasts")
	for status := range c.Statuses {
		c.Statuses[status] = rapid.Int64Range(-3, 3).Draw(t, "statuses")
	}
	return c
}

func (m *machine) change(t *rapid.T, partition int32, id string) balance.AccountChange {
	loaded, err := m.model.Load(ctx(), partition, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	change := balance.AccountChange{
		Account: id, Before: loaded[0].Mark, Core: rapid.SliceOf(rapid.Byte()).Draw(t, "core"),
		After: balance.Mark{
			Version: rapid.Int64Range(1, 100).Draw(t, "version"),
			Balance: drawdown.Credits(rapid.Int64().Draw(t, "balance")),
		},
		Due: rapid.SampledFrom([]drawdown.Time{0, 10, 50, 99, 100, drawdown.Never, balance.MaxExact - 1}).Draw(t, "due"),
	}
	switch rapid.IntRange(0, 19).Draw(t, "what the owner thinks") {
	case 0:
		change.Before.Version++
	case 1:
		change.Before.Balance--
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(machineNames), 0, 3, rapid.ID).Draw(t, "fields") {
		field := balance.Field{Name: name}
		if rapid.Bool().Draw(t, "not deleted") {
			field.Value = append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "value")...)
		}
		change.Fields = append(change.Fields, field)
	}
	for _, name := range machineNames {
		switch rapid.IntRange(0, 3).Draw(t, "segment") {
		case 0:
			data := rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, "data")
			change.Appends = append(change.Appends, balance.SegmentAppend{Segment: name, Data: data})
		case 1:
			change.Drops = append(change.Drops, name)
		}
	}
	return change
}

// compare reads everything there is to read from both stores.
func (m *machine) compare(t *rapid.T) {
	for _, partition := range machinePartitions {
		got, want := picture(t, m.store, partition), picture(t, m.model, partition)
		if got != want {
			t.Fatalf("partition %d:\n  got %s\nmodel %s", partition, got, want)
		}
	}
}

// picture writes out all that a store tells of a partition.
func picture(t *rapid.T, store balance.Store, partition int32) string {
	position, errPosition := store.Position(ctx(), partition)
	broadcasts, errCatalogue := store.Catalogue(ctx(), partition)
	loaded, errLoad := store.Load(ctx(), partition, machineAccounts)
	var keys []balance.SegmentKey
	for _, id := range machineAccounts {
		for _, name := range machineNames {
			keys = append(keys, balance.SegmentKey{Account: id, Segment: name})
		}
	}
	contents, errSegments := store.Segments(ctx(), partition, keys)
	due, errDue := store.Due(ctx(), partition, drawdown.Never, 100)
	some, errSome := store.Due(ctx(), partition, 50, 2)
	ids, _, errAccounts := store.Accounts(ctx(), partition, "")
	if err := errors.Join(errPosition, errCatalogue, errLoad, errSegments, errDue, errSome, errAccounts); err != nil {
		t.Fatal(err)
	}
	for _, stored := range loaded {
		slices.SortFunc(stored.Fields, func(a, b balance.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.Sort(ids)
	return fmt.Sprintf("position %+v\ncatalogue %q\naccounts %+v\nsegments %q\ndue %+v\nsome %+v\nids %q", position, broadcasts, loaded, contents, due, some, ids)
}
