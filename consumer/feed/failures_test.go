package feed

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"drawdown/consumer/fetch"
)

func TestDropsWhatWasPublishedBefore(t *testing.T) { inVirtualTime(t, dropsRepeats) }

func dropsRepeats(t *testing.T, w *world) {
	batch := w.entries(0, 4)
	w.publish(0, batch...)
	w.publish(0, batch[1:]...) // the worker crashed and begins again
	w.publish(0, batch...)     // twice
	w.publish(0, w.entries(0, 1)...)
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("the last is taken", func() bool { return l.count(0) == 5 })
	stop()
	if got := l.of(0); !reflect.DeepEqual(got, [][]int64{{0, 1, 2, 3, 11}}) {
		t.Errorf("taken %v", got)
	}
	if got := w.committed(0); got != 12 {
		t.Errorf("committed %d, want 12: repeats are done too", got)
	}
	if got := testutil.ToFloat64(f.metrics.repeats); got != 7 {
		t.Errorf("%v repeats counted, want 7", got)
	}
}

// TestOpensAgainAfterAnError: a lane that fails is closed, and another one begins where it was done, ever more slowly.
func TestOpensAgainAfterAnError(t *testing.T) { inVirtualTime(t, opensAgain) }

func opensAgain(t *testing.T, w *world) {
	w.cfg.FetchBytesMax = 1 << 10
	for range 10 { // two an answer
		w.publish(0, w.entries(0, 1)...)
	}
	var mu sync.Mutex
	var failures []time.Time
	var follower *Follower
	healed := false
	l := w.ledger()
	l.done = func(next int64) int64 { return min(next, max(2, next-4)) }
	l.take = func(_ context.Context, e *Event) error {
		mu.Lock()
		defer mu.Unlock()
		if e.Position == 6 && !healed {
			failures = append(failures, time.Now())
			return errAway
		}
		if len(failures) > 0 && e.Position < 6 && follower.Ready() == nil {
			t.Errorf("ready, on the way to where it failed %d times", len(failures))
		}
		return nil
	}
	mu.Lock()
	f, stop := w.follow(l)
	follower = f
	mu.Unlock()
	w.until("it has failed some times", func() bool { mu.Lock(); defer mu.Unlock(); return len(failures) == 12 })
	if err := f.Ready(); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "take event 0-6-0") {
		t.Errorf("ready: %v", err)
	}
	mu.Lock()
	healed = true
	for i, pause := range []time.Duration{w.cfg.RetryMin, 2 * w.cfg.RetryMin, 4 * w.cfg.RetryMin} {
		if got := failures[i+1].Sub(failures[i]); got < pause/2 || got > pause+50*time.Millisecond {
			t.Errorf("pause %d is %v, want at most %v and at least half of it", i, got, pause)
		}
	}
	if got := failures[11].Sub(failures[10]); got < w.cfg.RetryMax/2 {
		t.Errorf("the last pause is %v, want about %v", got, w.cfg.RetryMax)
	}
	mu.Unlock()
	w.until("all is taken and well", func() bool { return slices.Contains(l.last(0).positions(), 9) && f.Ready() == nil })
	stop()
	lanes := l.of(0)
	for i, taken := range lanes[1:12] {
		if !slices.Equal(taken, span(2, 6)) {
			t.Errorf("lane %d took %v, want 2 to 5: what the one before it was not done with", i+1, taken)
		}
	}
	if want := span(2, 10); !slices.Equal(lanes[12], want) {
		t.Errorf("the last lane took %v, want %v", lanes[12], want)
	}
	if got := f.count(stageLane); got != 12 {
		t.Errorf("%d failures counted", got)
	}
}

// positions are those of the events that the lane has taken.
func (l *lane) positions() (taken []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.taken {
		taken = append(taken, e.Position)
	}
	return taken
}

// TestAnErrorStopsOnePartition goes through all that only a person can repair.
func TestAnErrorStopsOnePartition(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world, l *ledger)
		taken   []int64
		says    string
	}{
		"the lane says so": {func(w *world, l *ledger) {
			l.take = func(_ context.Context, e *Event) error {
				if e.Partition == 1 && e.Position == 2 {
					return &StopError{errAway}
				}
				return nil
			}
		}, []int64{0, 1}, "take event 1-5-0: server away"},
		"the lane says so at its opening": {func(w *world, l *ledger) {
			l.open = func(p int32) error {
				if p == 1 {
					return &StopError{errAway}
				}
				return nil
			}
		}, nil, "open a lane: server away"},
		"the lane says so when it has caught up": {func(w *world, l *ledger) {
			l.caughtUp = func(p int32) error {
				if p == 1 {
					return &StopError{errAway}
				}
				return nil
			}
		}, []int64{0, 1, 2}, "catch up: server away"},
		"no ledger event": {func(w *world, _ *ledger) { w.publish(1, []byte("{}")) },
			[]int64{0, 1, 2}, "offset 3 of topic drawdown.ledger: read ledger event"},
		"an event of another partition": {func(w *world, _ *ledger) { w.publish(1, w.entries(2, 1)...) },
			[]int64{0, 1, 2}, "offset 3 of topic drawdown.ledger is an event of partition 2"},
		"retention was faster": {func(w *world, _ *ledger) { w.commit(1, 1); w.cut(1, 2) },
			nil, "offset 1 is out of range: the log was cut, it now begins at 2"},
		"the topic was made anew": {func(w *world, _ *ledger) { w.commit(1, 4) },
			nil, "offset 4 is out of range: the log ends at 3, before it"},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *world) {
				w.publish(0, w.entries(0, 3)...)
				w.publish(1, w.entries(1, 3)...)
				l := w.ledger()
				c.prepare(w, l)
				f, stop := w.follow(l)
				stopped := func() float64 { return testutil.ToFloat64(f.metrics.stopped.WithLabelValues("1")) }
				w.until("the partition has stopped", func() bool { return len(f.partitions()) == worldPartitions && stopped() == 1 })
				w.publish(0, w.entries(0, 3)...)
				w.until("the others go on", func() bool { return l.count(0) == 6 })
				time.Sleep(time.Minute)
				if err := f.Ready(); err == nil || !strings.Contains(err.Error(), "partition 1: ") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("ready: %v, want %q", err, c.says)
				}
				if got := slices.Concat(l.of(1)...); !slices.Equal(got, c.taken) {
					t.Errorf("taken %v, want %v", got, c.taken)
				}
				stop()
			})
		})
	}
}

// TestBeginsAtTheEarliest: where the group has no offset, what retention removes meanwhile is no loss.
func TestBeginsAtTheEarliest(t *testing.T) { inVirtualTime(t, beginsAtEarliest) }

func beginsAtEarliest(t *testing.T, w *world) {
	w.publish(0, w.entries(0, 10)...)
	w.cut(0, 3)
	l := w.ledger()
	l.done = func(int64) int64 { return 0 } // it needs all again
	opened := 0
	l.open = func(p int32) error {
		if p == 0 {
			if opened++; opened == 1 {
				w.cut(0, 6)
			}
		}
		return nil
	}
	f, stop := w.follow(l)
	w.until("what is left is taken", func() bool { return l.count(0) == 4 && f.Ready() == nil })
	stop()
	if got := l.of(0); !reflect.DeepEqual(got, [][]int64{nil, span(6, 10)}) {
		t.Errorf("taken %v", got)
	}
	if got := w.committed(0); got != 6 {
		t.Errorf("committed %d, want 6, where it began", got)
	}
}

// TestAnAbsentBrokerDoesNotDisturbTheLane: what a lane has under way does not depend on reading more.
func TestAnAbsentBrokerDoesNotDisturbTheLane(t *testing.T) { inVirtualTime(t, absentBroker) }

func absentBroker(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	var away atomic.Bool
	w.faulty(kmsg.Fetch, func(kmsg.Request) (kmsg.Response, error) {
		if away.Load() {
			return nil, errAway
		}
		return nil, nil
	})
	w.publish(0, w.entries(0, 2)...)
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("all is taken", func() bool { return l.count(0) == 2 && f.Ready() == nil })
	away.Store(true)
	w.publish(0, w.entries(0, 2)...)
	w.until("the failure shows", func() bool { return f.Ready() != nil && f.count(stageFetch) > 3 })
	away.Store(false)
	w.until("the rest is taken", func() bool { return l.count(0) == 4 && f.Ready() == nil })
	stop()
	if got := l.of(0); !reflect.DeepEqual(got, [][]int64{span(0, 4)}) {
		t.Errorf("taken %v, want all by one lane", got)
	}
}

// TestRefusedRightsAreWaitedFor: they are granted while the follower runs.
func TestRefusedRightsAreWaitedFor(t *testing.T) { inVirtualTime(t, refusedRights) }

func refusedRights(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	var refused atomic.Bool
	refused.Store(true)
	w.faulty(kmsg.Fetch, func(r kmsg.Request) (kmsg.Response, error) {
		if !refused.Load() {
			return nil, nil
		}
		answer := r.ResponseKind().(*kmsg.FetchResponse)
		for _, topic := range r.(*kmsg.FetchRequest).Topics {
			refusal := kmsg.NewFetchResponseTopicPartition()
			refusal.Partition, refusal.ErrorCode = topic.Partitions[0].Partition, int16(kafka.TopicAuthorizationFailed)
			answer.Topics = append(answer.Topics, kmsg.FetchResponseTopic{
				Topic: topic.Topic, TopicID: topic.TopicID, Partitions: []kmsg.FetchResponseTopicPartition{refusal},
			})
		}
		return answer, nil
	})
	w.publish(0, w.entries(0, 2)...)
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("the refusal shows", func() bool { return errors.Is(f.Ready(), kafka.TopicAuthorizationFailed) && f.count(stageFetch) > 3 })
	refused.Store(false)
	w.until("all is taken", func() bool { return l.count(0) == 2 && f.Ready() == nil })
	stop()
}

// TestNothingIsTakenAfterTheEnd, also of what was fetched before it.
func TestNothingIsTakenAfterTheEnd(t *testing.T) { inVirtualTime(t, nothingAfterTheEnd) }

func nothingAfterTheEnd(t *testing.T, w *world) {
	w.publish(0, w.entries(0, 20)...)
	l := w.ledger()
	l.take = func(ctx context.Context, e *Event) error {
		if e.Position == 5 {
			<-ctx.Done()
		}
		return nil
	}
	_, stop := w.follow(l)
	w.until("it is in the midst of it", func() bool { return l.count(0) == 5 })
	stop()
	if got := l.of(0); !reflect.DeepEqual(got, [][]int64{span(0, 6)}) || w.committed(0) != 6 {
		t.Errorf("taken %v, committed %d", got, w.committed(0))
	}
}

// TestIsTakenAtOnce: the broker answers when there is something, however long the wait.
func TestIsTakenAtOnce(t *testing.T) { inVirtualTime(t, takenAtOnce) }

func takenAtOnce(t *testing.T, w *world) {
	w.cfg.FetchWaitMax = 30 * time.Second
	arrived := make(chan time.Time, 1)
	l := w.ledger()
	l.take = func(_ context.Context, e *Event) error { arrived <- time.Now(); return nil }
	w.cfg.Partitions = []int32{2}
	began := time.Now()
	f, stop := w.follow(l)
	w.until("it waits", func() bool { return f.Ready() == nil && len(l.last(2).caughtAt) == 1 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("caught up with nothing after %v", took)
	}
	for range 10 {
		time.Sleep(7 * time.Second)
		began := time.Now()
		w.publish(2, w.entries(2, 1)...)
		if took := (<-arrived).Sub(began); took > 5*time.Millisecond {
			t.Errorf("taken after %v", took)
		}
	}
	stop()
}

// TestKeepsItsPlaceWhenAllHasStopped: to leave would hand the same trouble to another member, or to itself again.
func TestKeepsItsPlaceWhenAllHasStopped(t *testing.T) { inVirtualTime(t, keepsItsPlace) }

func keepsItsPlace(t *testing.T, w *world) {
	l := w.ledger()
	l.open = func(int32) error { return &StopError{errAway} }
	f, stop := w.follow(l)
	w.until("all has stopped", func() bool {
		err := f.Ready()
		return err != nil && strings.Count(err.Error(), "open a lane: server away") == worldPartitions
	})
	before := f.Ready()
	time.Sleep(time.Minute)
	if err := f.Ready(); err == nil || err.Error() != before.Error() {
		t.Errorf("ready: %v", err)
	}
	if got := testutil.ToFloat64(f.metrics.rebalances); got != 1 {
		t.Errorf("%v assignments", got)
	}
	stop()
}

func TestASetThatIsCorruptStops(t *testing.T) {
	o := &opening{partition: &partition{}}
	o.done.Store(none)
	var stop *StopError
	if err := o.explain(&fetch.CorruptBatchError{}); !errors.As(err, &stop) {
		t.Errorf("a corrupt batch: %v", err)
	}
	if err := o.explain(&fetch.OutOfRangeError{Offset: 5, Earliest: 0, Latest: 4}); !errors.As(err, &stop) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestAnEventMayBeKept(t *testing.T) { inVirtualTime(t, mayBeKept) }

func mayBeKept(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	l := w.ledger()
	_, stop := w.follow(l)
	for i := range 50 {
		w.publish(0, w.entries(0, 1)...)
		w.until("it is taken", func() bool { return l.count(0) == i+1 })
	}
	stop()
	for i, e := range l.eventsOf(0)[0] {
		if int(e.Position) != i || int(e.Offset) != i || !bytes.Contains(e.Line, []byte(`"account":"account-0"`)) || e.Appended.IsZero() {
			t.Errorf("event %d is now %+v", i, e)
		}
	}
}
