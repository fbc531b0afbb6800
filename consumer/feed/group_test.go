package feed

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTwoFollowersShareThePartitions(t *testing.T) { inVirtualTime(t, twoShare) }

func twoShare(t *testing.T, w *world) {
	for p := range int32(worldPartitions) {
		w.publish(p, w.entries(p, 10)...)
	}
	one, two := w.ledger(), w.ledger()
	first, stopFirst := w.follow(one)
	w.until("the first has taken all", func() bool { return one.total() == 40 })
	second, stopSecond := w.follow(two)
	w.until("each has half of the partitions", func() bool {
		return len(first.partitions()) == 2 && len(second.partitions()) == 2 && first.Ready() == nil && second.Ready() == nil
	})
	for p := range int32(worldPartitions) {
		w.publish(p, w.entries(p, 10)...)
	}
	w.until("both have taken the rest", func() bool { return one.total()+two.total() == 80 })
	if got := two.total(); got != 20 {
		t.Errorf("the second took %d events, want the 20 new ones of its partitions", got)
	}
	stopFirst()
	if got := testutil.CollectAndCount(first.metrics.stopped); got != 0 {
		t.Errorf("%d partitions are still in the metrics of a follower that has ended", got)
	}
	w.until("the second has all partitions", func() bool { return len(second.partitions()) == 4 && second.Ready() == nil })
	w.publish(3, w.entries(3, 5)...)
	w.until("the second takes over", func() bool { return one.total()+two.total() == 85 })
	stopSecond()
	for p := range int32(worldPartitions) {
		// Every event once: all that was taken was committed when the partition changed hands.
		all := slices.Sorted(slices.Values(slices.Concat(slices.Concat(one.of(p)...), slices.Concat(two.of(p)...))))
		if want := span(0, w.committed(p)); !slices.Equal(all, want) {
			t.Errorf("partition %d: taken %v, want each of %v once", p, all, want)
		}
	}
}

// partitions are those that the follower has now.
func (f *Follower) partitions() (indexes []int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.owned {
		indexes = append(indexes, p.index)
	}
	return indexes
}

// TestASlowCloseDelaysTheHandover: the lane takes more than two session timeouts to close. The broker must not take the member
// for dead meanwhile.
func TestASlowCloseDelaysTheHandover(t *testing.T) { inVirtualTime(t, slowClose) }

func slowClose(t *testing.T, w *world) {
	slow := 2*w.cfg.SessionTimeout + w.cfg.SessionTimeout/2
	w.cfg.DrainTimeout = slow + time.Second
	for p := range int32(worldPartitions) {
		w.publish(p, w.entries(p, 3)...)
	}
	one, two := w.ledger(), w.ledger()
	var finished atomic.Bool // what is taken is done only when the lanes are closed
	one.done = func(next int64) int64 {
		if finished.Load() {
			return next
		}
		return 0
	}
	one.closing = func(int32) { time.Sleep(slow); finished.Store(true) }
	_, stopFirst := w.follow(one)
	w.until("the first has taken all", func() bool { return one.total() == 12 })
	began := time.Now()
	_, stopSecond := w.follow(two)
	w.until("the second has partitions", func() bool { return two.opened() == 2 })
	if took := time.Since(began); took < slow {
		t.Errorf("the second has partitions after %v, but the first needs %v to close them", took, slow)
	}
	began = time.Now()
	stopFirst() // the end of a process hands over in the same way
	if took := time.Since(began); took < slow || took > w.cfg.DrainTimeout {
		t.Errorf("the first ended after %v, its lanes need %v", took, slow)
	}
	w.until("the second has all", func() bool { return two.opened() >= 6 })
	stopSecond()
	if got := two.total(); got != 0 {
		t.Errorf("the second took %d events that the first had done", got)
	}
}

// TestIsNotReadyBetweenAssignments: while others still drain, this one has nothing.
func TestIsNotReadyBetweenAssignments(t *testing.T) { inVirtualTime(t, betweenAssignments) }

func betweenAssignments(t *testing.T, w *world) {
	two := w.ledger()
	// The embedded broker takes a member for dead that waits for others longer than its session timeout; real ones don't.
	two.closing = func(int32) { time.Sleep(w.cfg.SessionTimeout / 2) }
	first, stopFirst := w.follow(w.ledger())
	w.until("the first is ready", func() bool { return first.Ready() == nil })
	second, stopSecond := w.follow(two)
	w.until("the second has partitions", func() bool { return len(second.partitions()) == 2 && first.Ready() == nil })
	third, stopThird := w.follow(w.ledger())
	w.until("the first waits for the second", func() bool { return errors.Is(first.Ready(), errNotJoined) })
	w.until("all is shared out", func() bool {
		return len(first.partitions())+len(second.partitions())+len(third.partitions()) == worldPartitions && first.Ready() == nil
	})
	stopThird()
	stopSecond()
	stopFirst()
}

// TestKeepsTryingToJoin: right after its start a broker has no coordinator.
func TestKeepsTryingToJoin(t *testing.T) { inVirtualTime(t, keepsJoining) }

func keepsJoining(t *testing.T, w *world) {
	w.publish(0, w.entries(0, 3)...)
	var mu sync.Mutex
	refusals := 0
	w.faulty(kmsg.FindCoordinator, func(r kmsg.Request) (kmsg.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if refusals++; refusals > 10 {
			return nil, nil
		}
		answer := r.ResponseKind().(*kmsg.FindCoordinatorResponse)
		answer.ErrorCode = int16(kafka.GroupCoordinatorNotAvailable)
		return answer, nil
	})
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("a failed join shows", func() bool { return f.Ready() != nil && f.count(stageJoin) > 2 })
	w.until("all is taken", func() bool { return l.total() == 3 && f.Ready() == nil })
	stop()
}

// TestAnyOrderOfComingAndGoing lets followers come, go and fail at random while workers publish, some of it twice.
func TestAnyOrderOfComingAndGoing(t *testing.T) {
	for seed := range uint64(8) {
		inVirtualTime(t, func(t *testing.T, w *world) { comingAndGoing(t, w, seed) })
	}
}

func comingAndGoing(t *testing.T, w *world, seed uint64) {
	random, dice := rand.New(rand.NewPCG(seed, 0)), &dice{random: rand.New(rand.NewPCG(seed, 1))}
	var ledgers []*ledger
	var stops []func()
	var last [worldPartitions][][]byte
	for range 40 {
		p := int32(random.IntN(worldPartitions))
		if random.IntN(3) > 0 || last[p] == nil {
			last[p] = w.entries(p, 1+random.IntN(8))
		} // else a worker publishes again what it did before
		w.publish(p, last[p]...)
		switch random.IntN(4) {
		case 0:
			if len(stops) < 3 {
				l := w.unreliable(dice)
				_, stop := w.follow(l)
				ledgers, stops = append(ledgers, l), append(stops, stop)
			}
		case 1:
			if len(stops) > 0 {
				stops[0]()
				stops = stops[1:]
			}
		default:
			time.Sleep(time.Duration(random.Int64N(int64(6 * time.Second))))
		}
	}
	for _, stop := range stops {
		stop()
	}
	reliable := w.ledger()
	_, stop := w.follow(reliable)
	for p := range int32(worldPartitions) {
		end := w.end(p)
		w.until("all is done", func() bool { return w.committed(p) == end })
	}
	stop()
	for p := range int32(worldPartitions) {
		w.check(seed, p, append(ledgers, reliable))
	}
}

// dice are thrown by many goroutines.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (d *dice) below(n int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.Int64N(n)
}

// unreliable is a handler that fails at random, is late with what it has done, and slow to close.
func (w *world) unreliable(d *dice) *ledger {
	fail := func(one int64) error {
		if d.below(one) == 0 {
			return errAway
		}
		return nil
	}
	l := w.ledger()
	l.open = func(int32) error { return fail(10) }
	l.take = func(context.Context, *Event) error { return fail(30) }
	l.caughtUp = func(int32) error { return fail(10) }
	l.done = func(next int64) int64 { return next - d.below(3) }
	l.closing = func(int32) { time.Sleep(time.Duration(d.below(int64(8 * time.Second)))) }
	return l
}

// check compares what lanes took of a partition with what the partition holds: each lane in order, and nothing missing.
func (w *world) check(seed uint64, partition int32, ledgers []*ledger) {
	w.t.Helper()
	taken := make(map[string]bool)
	for _, l := range ledgers {
		for _, events := range l.eventsOf(partition) {
			for i, e := range events {
				taken[e.id()] = true
				if i > 0 && (e.Position <= events[i-1].Position || e.Offset <= events[i-1].Offset) {
					w.t.Errorf("seed %d, partition %d: position %d, offset %d follows %d, %d", seed, partition,
						e.Position, e.Offset, events[i-1].Position, events[i-1].Offset)
				}
			}
		}
	}
	if want := w.published(partition); !reflect.DeepEqual(taken, want) {
		w.t.Errorf("seed %d, partition %d: %d events taken, %d published", seed, partition, len(taken), len(want))
	}
}
