package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"drawdown"
	"drawdown/consumer/fetch"
)

// fakeRow is a row of charges or of the ledger.
type fakeRow struct {
	partition int32
	Position
	month uint32
}

// fakeStore is ClickHouse with what matters here: tables whose inserts are recognised by their tokens, rollups that are
// written by steps of their own, a server that goes on when its client is gone, and replies that get lost.
type fakeStore struct {
	random *rand.Rand
	faulty bool // whether anything fails

	mu      sync.Mutex
	intents []fakeIntent
	tokens  map[string]bool // table and token
	rows    map[Stream][]fakeRow
	rollups [2]map[[2]uint32]uint64 // hour and day: events by partition and month
	running sync.WaitGroup          // what the server does
	since   uint64                  // added to Counts.Since
	age     time.Duration           // added to Intent.Age
}

type fakeIntent struct {
	Intent
	at time.Time
}

func newFakeStore(random *rand.Rand, faulty bool) *fakeStore {
	return &fakeStore{random: random, faulty: faulty, tokens: map[string]bool{}, rows: map[Stream][]fakeRow{},
		rollups: [2]map[[2]uint32]uint64{{}, {}}}
}

var errFake = errors.New("fault of the simulation")

func (f *fakeStore) chance(p float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faulty && f.random.Float64() < p
}

func (f *fakeStore) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Duration(f.random.IntN(3000)) * time.Millisecond
}

// serve runs steps in the server: each takes its time, after any of them the server may crash, and the client may go
// or lose the reply.
func (f *fakeStore) serve(ctx context.Context, steps ...func()) error {
	if f.chance(0.05) {
		return errFake // the request did not arrive
	}
	done := make(chan error, 1)
	f.running.Go(func() {
		for _, step := range steps {
			if f.chance(0.3) {
				time.Sleep(f.pause())
			}
			if f.chance(0.07) {
				done <- errFake
				return
			}
			f.mu.Lock()
			step()
			f.mu.Unlock()
		}
		done <- nil
	})
	if f.chance(0.05) {
		return errFake // the client gives up and the server goes on
	}
	select {
	case err := <-done:
		if f.chance(0.05) {
			return errFake // the reply got lost
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read runs a query, which is told from an insert by having no effect in the server.
func (f *fakeStore) read(query func()) error {
	if f.chance(0.1) {
		return errFake
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	query()
	return nil
}

// once runs a step unless the table has had the token.
func (f *fakeStore) once(table, token string, step func()) func() {
	return func() {
		if key := table + "|" + token; !f.tokens[key] {
			f.tokens[key] = true
			step()
		}
	}
}

func (f *fakeStore) Last(_ context.Context, stream Stream, partition int32) (last Intent, ok bool, err error) {
	err = f.read(func() { last, ok = f.last(stream, partition) })
	return last, ok, err
}

func (f *fakeStore) last(stream Stream, partition int32) (Intent, bool) {
	var best *fakeIntent
	for i := range f.intents {
		if in := &f.intents[i]; in.Stream == stream && in.Partition == partition && (best == nil || in.Block > best.Block) {
			best = in
		}
	}
	if best == nil {
		return Intent{}, false
	}
	result := best.Intent
	result.Age = time.Since(best.at) + f.age
	return result, true
}

func (f *fakeStore) Held(_ context.Context, stream Stream, partition int32) (held Position, err error) {
	held = none
	err = f.read(func() {
		for _, row := range f.rows[stream] {
			if row.partition == partition && row.After(held) {
				held = row.Position
			}
		}
	})
	return held, err
}

func (f *fakeStore) Propose(ctx context.Context, i Intent) error {
	return f.serve(ctx, f.once("sink_blocks", i.numberToken(), func() {
		f.intents = append(f.intents, fakeIntent{i, time.Now()})
	}))
}

func (f *fakeStore) Insert(ctx context.Context, b *Block) error {
	var rows []fakeRow
	offsets, ns := b.charges.offset, b.charges.n
	if b.Stream == Ledger {
		offsets, ns = b.ledger.offset, b.ledger.n
	}
	for i := range offsets {
		rows = append(rows, fakeRow{b.Partition, Position{drawdown.Offset(offsets[i]), int(ns[i])}, b.Month})
	}
	stream, token := b.Stream, b.token()
	key := [2]uint32{uint32(b.Partition), b.Month}
	steps := []func(){f.once(stream.String(), token, func() { f.rows[stream] = append(f.rows[stream], rows...) })}
	if stream == Charges {
		for i, table := range []string{"hour", "day"} {
			steps = append(steps, f.once(table, token, func() { f.rollups[i][key] += uint64(len(rows)) }))
		}
		f.mu.Lock()
		f.random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		f.mu.Unlock()
	}
	return f.serve(ctx, steps...)
}

func (f *fakeStore) Count(_ context.Context, i Intent) (c Counts, err error) {
	err = f.read(func() {
		for _, row := range f.rows[i.Stream] {
			if row.partition != i.Partition || !i.covers(row.Position) {
				continue
			}
			if row.After(i.From) {
				c.Rows++
			}
			if row.month == i.Month {
				c.Month++
			}
		}
		key := [2]uint32{uint32(i.Partition), i.Month}
		c.Hour, c.Day, c.Since = f.rollups[0][key], f.rollups[1][key], f.since
	})
	return c, err
}

func (f *fakeStore) Fill(ctx context.Context, i Intent, hour, day bool) error {
	key := [2]uint32{uint32(i.Partition), i.Month}
	var steps []func()
	for index, wanted := range []bool{hour, day} {
		if wanted {
			steps = append(steps, f.once([]string{"hour", "day"}[index], "fill/"+i.token(), func() { f.rollups[index][key] += i.Rows }))
		}
	}
	return f.serve(ctx, steps...)
}

func (f *fakeStore) count(stream Stream) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.rows[stream]))
}

// events sums up a rollup.
func (f *fakeStore) events(rollup int) (sum uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, events := range f.rollups[rollup] {
		sum += events
	}
	return sum
}

// sorted returns the rows of a table in order, with those that are there twice.
func (f *fakeStore) sorted(stream Stream) []fakeRow {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := slices.Clone(f.rows[stream])
	slices.SortFunc(rows, func(a, b fakeRow) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.N, b.N))
	})
	return rows
}

// fakeSource is Kafka: topics that grow, and requests that fail.
type fakeSource struct {
	store *fakeStore // for its chances

	mu     sync.Mutex
	topics map[string][]fakePartition
	grown  chan struct{} // closed and renewed when a topic grows
}

type fakePartition struct {
	earliest int64
	values   [][]byte // from earliest on
}

func newFakeSource(store *fakeStore, partitions int, topics ...string) *fakeSource {
	s := &fakeSource{store: store, topics: map[string][]fakePartition{}, grown: make(chan struct{})}
	for _, topic := range topics {
		s.topics[topic] = make([]fakePartition, partitions)
	}
	return s
}

func (s *fakeSource) publish(topic string, partition int32, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.topics[topic][partition]
	p.values = append(p.values, value)
	close(s.grown)
	s.grown = make(chan struct{})
}

// expire removes a partition's records before an offset, as retention does.
func (s *fakeSource) expire(topic string, partition int32, before int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.topics[topic][partition]
	before = min(before, p.earliest+int64(len(p.values)))
	p.values = p.values[before-p.earliest:]
	p.earliest = before
}

func (s *fakeSource) Range(_ context.Context, topic string, partition int32) (earliest, latest int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.topics[topic][partition]
	return p.earliest, p.earliest + int64(len(p.values)), nil
}

func (s *fakeSource) PartitionCount(_ context.Context, topic string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.topics[topic]), nil
}

func (s *fakeSource) Fetch(ctx context.Context, topic string, partition int32, offset int64, wait time.Duration) (Fetched, error) {
	if s.store.chance(0.03) {
		return nil, errFake
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		s.mu.Lock()
		p, grown := s.topics[topic][partition], s.grown
		s.mu.Unlock()
		latest := p.earliest + int64(len(p.values))
		if offset < p.earliest || offset > latest {
			return nil, &fetch.OutOfRangeError{Topic: topic, Partition: partition, Offset: offset, Earliest: p.earliest, Latest: latest}
		}
		if values := p.values[offset-p.earliest:]; len(values) > 0 {
			return &fakeFetched{next: offset, latest: latest, values: values[:min(len(values), 5)]}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return &fakeFetched{next: offset, latest: latest}, nil
		case <-grown:
		}
	}
}

type fakeFetched struct {
	next, latest int64
	values       [][]byte
}

func (f *fakeFetched) Next() (SourceRecord, bool, error) {
	if len(f.values) == 0 {
		return SourceRecord{}, false, nil
	}
	record := SourceRecord{f.next, time.Now(), slices.Clone(f.values[0])}
	f.next, f.values = f.next+1, f.values[1:]
	return record, true, nil
}

func (f *fakeFetched) NextOffset() int64 { return f.next }
func (f *fakeFetched) Latest() int64     { return f.latest }
func (f *fakeFetched) Release()          {}
