package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
)

const (
	chargesTopic = "drawdown.charges"
	ledgerTopic  = "drawdown.ledger"
)

// story is what one partition's input caused.
type story struct {
	partition int32
	next      drawdown.Offset // end of the input
	charges   []*drawdown.Charge
	entries   []drawdown.Entry
}

// tell makes up a story that begins shortly before the end of a month.
func tell(random *rand.Rand, partition int32, records int) *story {
	s := &story{partition: partition, next: drawdown.Offset(records)}
	at := drawdown.TimeOf(time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC))
	for offset := range drawdown.Offset(records) {
		at += drawdown.Time(random.IntN(100))
		if random.IntN(100) == 0 {
			at += 20 * drawdown.Day
		}
		n := 0
		head := func() drawdown.Head {
			n++
			return drawdown.Head{Offset: offset, N: n - 1, At: at, Account: fmt.Sprintf("a%d", random.IntN(5))}
		}
		for range random.IntN(3) {
			h := head()
			h.At -= drawdown.Time(random.IntN(100)) * drawdown.Day // due while the account was idle
			s.entries = append(s.entries, &drawdown.GrantExpired{Head: h, Grant: "g", Amount: 1})
		}
		if random.IntN(3) > 0 {
			s.charges = append(s.charges, &drawdown.Charge{Head: head(), Time: at, Connection: "c", SourceConnector: "s",
				DestinationConnector: "d", Event: fmt.Appendf(nil, "e%d", offset), Kind: "api", Quantity: 5,
				Credits: drawdown.Total128(0, 7), Rates: "v1"})
		}
	}
	return s
}

func (s *story) chargesBetween(first, next drawdown.Offset) []byte {
	var b chargebatch.Builder
	b.Reset(s.partition, first)
	for _, c := range s.charges {
		if c.Offset >= first && c.Offset < next {
			b.Charge(c)
		}
	}
	return b.Append(nil, next)
}

// publish writes the story to the topics as a worker does that crashes now and then: it begins again at a batch that
// was not committed and cuts batches anew, and a worker that was cut off adds a last batch late. ready is called
// before each record.
func (s *story) publish(random *rand.Rand, source *fakeSource, ready func() bool) {
	committed, position := drawdown.Offset(0), drawdown.Offset(0)
	var late []byte
	for committed < s.next && ready() {
		next := min(s.next, position+1+drawdown.Offset(random.IntN(15)))
		source.publish(chargesTopic, s.partition, s.chargesBetween(position, next))
		published := 0
		for _, e := range s.entries {
			if offset := e.Where().Offset; offset >= position && offset < next {
				if published++; random.IntN(60) == 0 {
					break // crashed in the middle of the batch
				}
				source.publish(ledgerTopic, s.partition, ledgerevent.Append(nil, s.partition, e))
			}
		}
		switch random.IntN(8) {
		case 0:
			late, position = s.chargesBetween(position, next), committed
		case 1:
			position = committed
		default:
			if late != nil {
				source.publish(chargesTopic, s.partition, late)
				late = nil
			}
			// Committed means that all of it was published; a batch cut off above is published again first.
			for _, e := range s.entries {
				if offset := e.Where().Offset; offset >= position && offset < next {
					source.publish(ledgerTopic, s.partition, ledgerevent.Append(nil, s.partition, e))
				}
			}
			position = next
			if random.IntN(2) == 0 {
				committed = position
			}
		}
		if position == s.next {
			committed = s.next
		}
	}
}

func testConfig() Config {
	config := Default()
	config.DSN = "http://127.0.0.1:8123/default"
	config.BlockRowsMax = 20
	config.RowsInMemoryMax = 50
	config.FetchWaitMax = 2 * time.Second
	return config
}

func newTestSink(t testing.TB, config Config, store Store, source Source) *Sink {
	t.Helper()
	sink, err := New(config, Deps{Store: store, Source: source, Registerer: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// wantRows are a story's rows as the tables should have them.
func wantRows(stories []*story) (rows map[Stream][]Position) {
	rows = make(map[Stream][]Position)
	for _, s := range stories {
		for _, c := range s.charges {
			rows[Charges] = append(rows[Charges], Position{c.Offset, c.N})
		}
		for _, e := range s.entries {
			rows[Ledger] = append(rows[Ledger], Position{e.Where().Offset, e.Where().N})
		}
	}
	return rows
}

// TestEveryRowOnce is the main property: whatever fails, however often sinks are killed, with two of them on each
// partition at once, and whatever workers publish again, each row is in its table and in its rollups exactly once.
func TestEveryRowOnce(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { everyRowOnce(t, seed) })
		})
	}
}

func everyRowOnce(t *testing.T, seed uint64) {
	const partitions = 2
	store := newFakeStore(rand.New(rand.NewPCG(seed, 1)), true)
	source := newFakeSource(store, partitions, chargesTopic, ledgerTopic)
	var stories []*story
	var publishing sync.WaitGroup
	for p := range int32(partitions) {
		random := rand.New(rand.NewPCG(seed, uint64(10+p)))
		s := tell(random, p, 50+random.IntN(250))
		stories = append(stories, s)
		publishing.Go(func() {
			s.publish(random, source, func() bool {
				time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
				return true
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var sinks sync.WaitGroup
	for i := range uint64(2) {
		sinks.Go(func() { killAgainAndAgain(ctx, t, rand.New(rand.NewPCG(seed, 100+i)), store, source) })
	}
	end := func() {
		cancel()
		sinks.Wait()
		store.running.Wait()
	}
	defer end() // also where the wait below fails
	publishing.Wait()
	want := wantRows(stories)
	await(t, 24*time.Hour, func() bool {
		charges := uint64(len(want[Charges]))
		return store.count(Charges) >= charges && store.events(0) >= charges && store.events(1) >= charges &&
			store.count(Ledger) >= uint64(len(want[Ledger]))
	})
	time.Sleep(5 * time.Minute) // for whatever would be written once more
	end()
	checkRows(t, store, want)
}

// killAgainAndAgain runs sinks that end at any moment; each one is a new process.
func killAgainAndAgain(ctx context.Context, t *testing.T, random *rand.Rand, store Store, source Source) {
	for ctx.Err() == nil {
		life, kill := context.WithTimeout(ctx, time.Duration(random.IntN(20_000))*time.Millisecond)
		if err := newTestSink(t, testConfig(), store, source).Run(life); err != nil {
			t.Errorf("the sink stopped: %v", err)
		}
		kill()
	}
}

func checkRows(t *testing.T, store *fakeStore, want map[Stream][]Position) {
	t.Helper()
	for _, stream := range []Stream{Charges, Ledger} {
		var got []Position
		for _, row := range store.sorted(stream) {
			got = append(got, row.Position)
		}
		if !slices.Equal(got, want[stream]) {
			t.Errorf("%s: %d rows, want %d\ngot  %v\nwant %v", stream, len(got), len(want[stream]), got, want[stream])
		}
	}
	months := make(map[[2]uint32]uint64)
	for _, row := range store.sorted(Charges) {
		months[[2]uint32{uint32(row.partition), row.month}]++
	}
	for i, rollup := range store.rollups {
		for key, events := range months {
			if rollup[key] != events {
				t.Errorf("rollup %d, partition %d, month %d: %d events, want %d", i, key[0], key[1], rollup[key], events)
			}
		}
		if len(rollup) != len(months) {
			t.Errorf("rollup %d has %d months, want %d", i, len(rollup), len(months))
		}
	}
}

// await waits in virtual time.
func await(t *testing.T, limit time.Duration, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatalf("not done within %v", limit)
		}
	}
}
