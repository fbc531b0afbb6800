package clickhouse

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/balance/ledgerevent"
)

// world is one partition with a story whose charges are published by hand, on servers that don't fail.
type world struct {
	t      *testing.T
	story  *story
	store  *fakeStore
	source *fakeSource
	config Config
}

// inWorld runs a test in virtual time.
func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(7, 7))
		store := newFakeStore(random, false)
		w := &world{t: t, story: tell(random, 0, 100), store: store, source: newFakeSource(store, 1, chargesTopic, ledgerTopic), config: testConfig()}
		test(w)
	})
}

func (w *world) publish(first, next drawdown.Offset) {
	w.source.publish(chargesTopic, 0, w.story.chargesBetween(first, next))
}

// run runs a sink for a while and returns what Ready says at the end, and what Run returns.
func (w *world) run(life time.Duration) (ready, ended error) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	sink := newTestSink(w.t, w.config, w.store, w.source)
	done := make(chan error)
	go func() { done <- sink.Run(ctx) }()
	time.Sleep(life)
	synctest.Wait()
	ready = sink.Ready()
	cancel()
	return ready, <-done
}

// runWell runs a sink that must have nothing to complain of.
func (w *world) runWell(life time.Duration) {
	w.t.Helper()
	if ready, ended := w.run(life); ready != nil || ended != nil {
		w.t.Errorf("ready: %v; ended: %v", ready, ended)
	}
}

// has checks that the table has the charges of the story before an offset, each once.
func (w *world) has(next drawdown.Offset) {
	w.t.Helper()
	var want, got []Position
	for _, c := range w.story.charges {
		if c.Offset < next {
			want = append(want, Position{c.Offset, c.N})
		}
	}
	for _, row := range w.store.sorted(Charges) {
		got = append(got, row.Position)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestMissingChargesStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.runWell(time.Minute)
		w.publish(31, 60)
		ready, ended := w.run(time.Minute)
		var missing *MissingError
		if !errors.As(ended, &missing) || missing.Expected != 30 || missing.Found != 31 {
			w.t.Errorf("ended: %v", ended)
		}
		if ready == nil || !strings.Contains(ready.Error(), "goes on at input offset 31") {
			w.t.Errorf("ready: %v", ready)
		}
		w.has(30)
	})
}

func TestMissingBeginningStops(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(10, 30)
		_, ended := w.run(time.Minute)
		var missing *MissingError
		if !errors.As(ended, &missing) || missing.Expected != 0 || missing.Found != 10 {
			w.t.Errorf("ended: %v", ended)
		}
		// By configuration the first record that is left may be the first; but none may be missing after it.
		w.config.BeginAnywhere = true
		w.story.charges = slices.DeleteFunc(w.story.charges, func(c *drawdown.Charge) bool { return c.Offset < 10 })
		w.runWell(time.Minute)
		w.has(30)
		w.publish(31, 60)
		if _, ended := w.run(time.Minute); !errors.As(ended, &missing) || missing.Expected != 30 {
			w.t.Errorf("ended: %v", ended)
		}
	})
}

// TestBatchesWithoutChargesJoin: a stretch without charges counts as seen, across restarts too.
func TestBatchesWithoutChargesJoin(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.story.charges = slices.DeleteFunc(w.story.charges, func(c *drawdown.Charge) bool { return c.Offset >= 30 && c.Offset < 60 })
		w.publish(30, 45)
		w.publish(45, 60)
		w.runWell(10 * time.Second)
		w.publish(60, 100)
		w.runWell(10 * time.Second)
		w.has(100)
	})
}

// TestSpentTokens: ClickHouse was killed after it had noted the tokens of intents, and before it had their rows.
func TestSpentTokens(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, block := range []uint64{0, 1} {
			w.store.tokens["sink_blocks|"+(&Intent{Stream: Charges, Block: block}).numberToken()] = true
		}
		w.publish(0, 50)
		w.runWell(10 * time.Second)
		w.publish(50, 100)
		w.runWell(10 * time.Second)
		w.has(100)
	})
}

// TestOldRecordsAreDropped: whole ones, and the known part of others.
func TestOldRecordsAreDropped(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, r := range [][2]drawdown.Offset{{0, 30}, {10, 20}, {0, 30}, {25, 40}, {3, 4}, {0, 100}, {40, 60}} {
			w.publish(r[0], r[1])
		}
		w.runWell(time.Minute)
		w.has(100)
	})
}

// TestRetentionOfAQuietPartition: after the note, nothing of the topic is needed any more.
func TestRetentionOfAQuietPartition(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.publish(30, 40)
		for _, e := range w.story.entries {
			w.source.publish(ledgerTopic, 0, ledgerevent.Append(nil, 0, e))
		}
		w.runWell(w.config.NoteAfter + 10*time.Second)
		w.source.expire(chargesTopic, 0, 1<<40)
		w.source.expire(ledgerTopic, 0, 1<<40)
		w.runWell(time.Minute)
		w.publish(40, 100)
		w.runWell(time.Minute)
		w.has(100)
	})
}

// TestUnreadLedgerEntriesStop: retention took entries that were never read.
func TestUnreadLedgerEntriesStop(t *testing.T) {
	inWorld(t, func(w *world) {
		publish := func(entries []drawdown.Entry) {
			for _, e := range entries {
				w.source.publish(ledgerTopic, 0, ledgerevent.Append(nil, 0, e))
			}
		}
		publish(w.story.entries[:10])
		w.runWell(2 * time.Minute)
		publish(w.story.entries[10:20])
		w.source.expire(ledgerTopic, 0, 15)
		_, ended := w.run(time.Minute)
		var lost *LostError
		if !errors.As(ended, &lost) || lost.Next != 10 || lost.Earliest != 15 {
			w.t.Errorf("ended: %v", ended)
		}
	})
}

// TestLastBlockLostFromTheTopic: an intent whose rows are neither in ClickHouse nor in Kafka any more.
func TestLastBlockLostFromTheTopic(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.store.intents = append(w.store.intents, fakeIntent{Intent{Stream: Charges, From: none, To: Position{29, 0}, Rows: 20, Covered: 30, KafkaNext: 1}, time.Now()})
		w.source.expire(chargesTopic, 0, 1)
		_, ended := w.run(time.Minute)
		var lost *LostError
		if !errors.As(ended, &lost) || lost.Next != 0 || lost.Earliest != 1 {
			w.t.Errorf("ended: %v", ended)
		}
	})
}

// TestChangedTopicStops: the topic gives other rows than the intent says.
func TestChangedTopicStops(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.publish(30, 60)
		w.store.intents = append(w.store.intents, fakeIntent{Intent{Stream: Charges, From: none, To: Position{29, 9}, Rows: 9, Month: 202601, Covered: 30, KafkaNext: 1}, time.Now()})
		_, ended := w.run(time.Minute)
		var diverged *DivergedError
		if !errors.As(ended, &diverged) {
			w.t.Errorf("ended: %v", ended)
		}
		w.has(0)
	})
}

// TestRecreatedTopic: a topic that was emptied and filled again from the log.
func TestRecreatedTopic(t *testing.T) {
	inWorld(t, func(w *world) {
		for first := drawdown.Offset(0); first < 50; first += 5 {
			w.publish(first, first+5)
		}
		w.runWell(2 * time.Minute)
		w.source.topics[chargesTopic][0] = fakePartition{}
		w.publish(0, 60)
		w.publish(60, 100)
		w.runWell(time.Minute)
		w.has(100)
	})
}

// TestLongForgottenBlockIsFilled: a crash before the rollups, found when the tokens are forgotten.
func TestLongForgottenBlockIsFilled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.BlockRowsMax = 50
		w.publish(0, 40)
		w.runWell(10 * time.Second)
		for i, rollup := range w.store.rollups {
			for key := range rollup {
				if key[1] == w.store.intents[len(w.store.intents)-1].Month && i == 1 {
					rollup[key] -= w.store.intents[len(w.store.intents)-1].Rows
				}
			}
		}
		clear(w.store.tokens)
		w.store.since = dedupWindow
		w.publish(40, 100)
		w.runWell(time.Minute)
		w.has(100)
		for i := range w.store.rollups {
			if got, want := w.store.events(i), w.store.count(Charges); got != want {
				w.t.Errorf("rollup %d has %d events, want %d", i, got, want)
			}
		}
	})
}

// TestBadRecordStops names the record.
func TestBadRecordStops(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(0, 30)
		w.source.publish(chargesTopic, 0, []byte("{}"))
		w.publish(30, 60)
		_, ended := w.run(time.Minute)
		var record *RecordError
		if !errors.As(ended, &record) || record.Kafka != 1 || record.Stream != Charges {
			w.t.Errorf("ended: %v", ended)
		}
	})
	inWorld(t, func(w *world) {
		w.source.publish(ledgerTopic, 0, ledgerevent.Append(nil, 1, w.story.entries[0]))
		_, ended := w.run(time.Minute)
		if ended == nil || !strings.Contains(ended.Error(), "ledger event of partition 1 in partition 0") {
			w.t.Errorf("ended: %v", ended)
		}
	})
}

// TestBlocksEndWithTheMonth: no block has rows of two months, and none is larger than allowed.
func TestBlocksEndWithTheMonth(t *testing.T) {
	inWorld(t, func(w *world) {
		for i, c := range w.story.charges {
			c.At = drawdown.TimeOf(time.Date(2026, time.Month(1+i/15), 1, 0, 0, 0, i, time.UTC))
			c.Time = c.At
		}
		w.publish(0, 100)
		w.runWell(time.Minute)
		w.has(100)
		months := make(map[uint32]bool)
		for _, i := range w.store.intents {
			if i.Stream == Charges && i.Rows > 0 {
				if i.Rows > min(15, w.config.BlockRowsMax) {
					w.t.Errorf("block %d has %d rows", i.Block, i.Rows)
				}
				months[i.Month] = true
			}
		}
		if want := (len(w.story.charges) + 14) / 15; len(months) != want || !months[202601] || !months[202602] {
			w.t.Errorf("months %v, want %d", months, want)
		}
	})
}

// TestClickHouseAway: the sink is not ready, waits, and catches up.
func TestClickHouseAway(t *testing.T) {
	inWorld(t, func(w *world) {
		away := &awayStore{Store: w.store}
		sink := newTestSink(w.t, w.config, away, w.source)
		ctx, cancel := context.WithCancel(w.t.Context())
		done := make(chan error)
		go func() { done <- sink.Run(ctx) }()
		w.publish(0, 30)
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := sink.Ready(); err != nil {
			w.t.Errorf("ready: %v", err)
		}
		away.set(errors.New("connection refused"))
		w.publish(30, 60)
		time.Sleep(time.Hour)
		synctest.Wait()
		if err := sink.Ready(); err == nil || !strings.Contains(err.Error(), "connection refused") {
			w.t.Errorf("ready while ClickHouse is away: %v", err)
		}
		if got := testutil.ToFloat64(sink.metrics.errors.WithLabelValues("charges")); got < 100 || got > 10_000 {
			w.t.Errorf("%v attempts within an hour", got)
		}
		away.set(nil)
		time.Sleep(2 * w.config.RetryMax)
		synctest.Wait()
		w.has(60)
		if err := sink.Ready(); err != nil {
			w.t.Errorf("ready: %v", err)
		}
		if got, want := testutil.ToFloat64(sink.metrics.rows.WithLabelValues("charges")), float64(w.store.count(Charges)); got != want {
			w.t.Errorf("drawdown_sink_rows_total: %v, want %v", got, want)
		}
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// TestMemoryIsBounded: with less memory than a record has rows, everything is still written, by many lanes at once.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions = 8
		random := rand.New(rand.NewPCG(9, 9))
		store := newFakeStore(random, false)
		source := newFakeSource(store, partitions, chargesTopic, ledgerTopic)
		var stories []*story
		for p := range int32(partitions) {
			s := tell(random, p, 200)
			source.publish(chargesTopic, p, s.chargesBetween(0, 200))
			for _, e := range s.entries {
				source.publish(ledgerTopic, p, ledgerevent.Append(nil, p, e))
			}
			stories = append(stories, s)
		}
		config := testConfig()
		config.BlockRowsMax, config.RowsInMemoryMax = 10, 12
		ctx, cancel := context.WithCancel(t.Context())
		sink := newTestSink(t, config, store, source)
		done := make(chan error)
		go func() { done <- sink.Run(ctx) }()
		want := wantRows(stories)
		await(t, time.Hour, func() bool {
			return store.count(Charges) == uint64(len(want[Charges])) && store.count(Ledger) == uint64(len(want[Ledger]))
		})
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		checkRows(t, store, want)
		if !sink.shared.rows.permits.TryAcquire(12) {
			t.Error("the budget was not given back")
		}
	})
}

// TestTopicsMustAgree: the two topics have one partition for each of the log.
func TestTopicsMustAgree(t *testing.T) {
	inWorld(t, func(w *world) {
		w.source.topics[ledgerTopic] = make([]fakePartition, 2)
		if _, ended := w.run(time.Second); ended == nil || !strings.Contains(ended.Error(), "has 1 partitions and drawdown.ledger has 2") {
			w.t.Errorf("ended: %v", ended)
		}
	})
}

// awayStore is a store that can be away.
type awayStore struct {
	Store
	mu  sync.Mutex
	err error
}

func (a *awayStore) set(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *awayStore) check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

func (a *awayStore) Last(ctx context.Context, stream Stream, partition int32) (Intent, bool, error) {
	if err := a.check(); err != nil {
		return Intent{}, false, err
	}
	return a.Store.Last(ctx, stream, partition)
}

func (a *awayStore) Propose(ctx context.Context, i Intent) error {
	if err := a.check(); err != nil {
		return err
	}
	return a.Store.Propose(ctx, i)
}
