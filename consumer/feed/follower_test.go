package feed

import (
	"reflect"
	"slices"
	"testing"
	"testing/synctest"

	"drawdown/internal/servers/embedded"
)

func TestFollowsEachPartitionInOrder(t *testing.T) { inVirtualTime(t, followsInOrder) }

func followsInOrder(t *testing.T, w *world) {
	for p := range int32(worldPartitions) {
		w.publish(p, w.entries(p, 5+int(p))...)
	}
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("all that was there is taken", func() bool { return l.count(0) == 5 && l.count(3) == 8 && f.Ready() == nil })
	w.publish(2, w.entries(2, 10)...)
	w.until("what came later is taken", func() bool { return l.count(2) == 17 })
	stop()
	for p, want := range []int64{5, 6, 17, 8} {
		if got := l.of(int32(p)); !reflect.DeepEqual(got, [][]int64{span(0, want)}) {
			t.Errorf("partition %d: taken %v, want the first %d", p, got, want)
		}
		if got := w.committed(int32(p)); got != want {
			t.Errorf("partition %d: committed %d, want %d", p, got, want)
		}
		if got, there := l.last(int32(p)).caughtAt, 5+p; !slices.Equal(got, []int{there}) {
			t.Errorf("partition %d: caught up after %v, want once, after %d", p, got, there)
		}
	}
	if err := f.Ready(); err == nil {
		t.Error("a follower that has ended says that it is ready")
	}
}

func TestGoesOnFromWhatIsCommitted(t *testing.T) { inVirtualTime(t, goesOnFromCommitted) }

func goesOnFromCommitted(t *testing.T, w *world) {
	w.publish(1, w.entries(1, 10)...)
	first := w.ledger()
	first.done = func(next int64) int64 { return min(next, 7) }
	_, stop := w.follow(first)
	w.until("all is taken", func() bool { return first.count(1) == 10 })
	stop()
	if got := w.committed(1); got != 7 {
		t.Fatalf("committed %d, want 7: the lane needs the rest again", got)
	}
	second := w.ledger()
	_, stop = w.follow(second)
	w.until("the rest is taken", func() bool { return second.count(1) == 3 })
	stop()
	if got := second.of(1); !reflect.DeepEqual(got, [][]int64{span(7, 10)}) {
		t.Errorf("taken %v", got)
	}
	third := w.ledger()
	third.done = func(next int64) int64 { return next + 5 } // beyond what was taken
	_, stop = w.follow(third)
	w.until("caught up with nothing to take", func() bool {
		l := third.last(1)
		if l == nil {
			return false
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.caughtAt) == 1
	})
	stop()
	if got := third.count(1); got != 0 {
		t.Errorf("%d events came again", got)
	}
	if got := w.committed(1); got != 10 {
		t.Errorf("committed %d, want 10: there are no more events", got)
	}
}

// TestManyPartitions follows 64 at once.
func TestManyPartitions(t *testing.T) {
	const partitions = 64
	synctest.Test(t, func(t *testing.T) {
		broker, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{"drawdown.ledger": partitions}})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, broker.Addr(), dial)
		t.Cleanup(func() { w.transport.CloseIdleConnections(); broker.Close() })
		l := w.ledger()
		f, stop := w.follow(l)
		w.until("all are followed", func() bool { return len(f.partitions()) == partitions && f.Ready() == nil })
		for p := range int32(partitions) {
			w.publish(p, w.entries(p, 3)...)
		}
		w.until("all is taken", func() bool { return l.total() == 3*partitions })
		stop()
		for p := range int32(partitions) {
			if got := w.committed(p); got != 3 {
				t.Errorf("partition %d: committed %d", p, got)
			}
		}
	})
}
