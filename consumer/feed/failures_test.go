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
	w.publish(0, w.entries(0, 10)...)
	var mu sync.Mutex
	var failures []time.Time
	healed := false
	l := w.ledger()
	l.done = func(next int64) int64 { return min(next, max(4, next-2)) }
	l.take = func(_ context.Context, e *Event) error {
		mu.Lock()
		defer mu.Unlock()
		if e.Position == 6 && !healed {
			failures = append(failures, time.Now())
			return errAway
		}
		return nil
	}
	f, stop := w.follow(l)
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
		if !slices.Equal(taken, []int64{4, 5}) {
			t.Errorf("lane %d took %v, want 4 and 5: what the one before it was not done with", i+1, taken)
		}
	}
	if want := span(4, 10); !slices.Equal(lanes[12], want) {
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

// TestOffsetsThatCantBeAskedForAreNotGuessed: to begin at the earliest would do everything again.
func TestOffsetsThatCantBeAskedForAreNotGuessed(t *testing.T) { inVirtualTime(t, offsetsNotGuessed) }

func offsetsNotGuessed(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	w.publish(0, w.entries(0, 5)...)
	w.commit(0, 4)
	var asked atomic.Int32
	w.faulty(kmsg.OffsetFetch, func(r kmsg.Request) (kmsg.Response, error) {
		if asked.Add(1) > 5 {
			return nil, nil
		}
		answer := r.ResponseKind().(*kmsg.OffsetFetchResponse)
		partition := kmsg.NewOffsetFetchResponseTopicPartition()
		partition.Offset, partition.ErrorCode = -1, int16(kafka.GroupLoadInProgress)
		answer.Topics = []kmsg.OffsetFetchResponseTopic{{Topic: w.cfg.Topic, Partitions: []kmsg.OffsetFetchResponseTopicPartition{partition}}}
		return answer, nil
	})
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("the failure shows", func() bool { return f.count(stageBegin) > 2 && errors.Is(f.Ready(), kafka.GroupLoadInProgress) })
	w.until("the last is taken", func() bool { return l.count(0) == 1 && f.Ready() == nil })
	stop()
	if got := l.of(0); !reflect.DeepEqual(got, [][]int64{{4}}) {
		t.Errorf("taken %v", got)
	}
}

// TestCommitsThatFailShowAndAreRepeated covers those at intervals and the last one.
func TestCommitsThatFailShowAndAreRepeated(t *testing.T) { inVirtualTime(t, failingCommits) }

func failingCommits(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	var refusals atomic.Int32
	w.faulty(kmsg.OffsetCommit, func(r kmsg.Request) (kmsg.Response, error) {
		if refusals.Add(-1) < 0 {
			return nil, nil
		}
		answer := r.ResponseKind().(*kmsg.OffsetCommitResponse)
		partition := kmsg.NewOffsetCommitResponseTopicPartition()
		partition.ErrorCode = int16(kafka.NotCoordinatorForGroup)
		answer.Topics = []kmsg.OffsetCommitResponseTopic{{Topic: w.cfg.Topic, Partitions: []kmsg.OffsetCommitResponseTopicPartition{partition}}}
		return answer, nil
	})
	refusals.Store(4)
	w.publish(0, w.entries(0, 2)...)
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("the failure shows", func() bool { return errors.Is(f.Ready(), kafka.NotCoordinatorForGroup) })
	w.until("it is committed", func() bool { return w.committed(0) == 2 && f.Ready() == nil })
	if got := f.count(stageCommit); got != 4 {
		t.Errorf("%d failures counted", got)
	}
	var finishing atomic.Bool
	l.mu.Lock()
	l.closing = func(int32) { finishing.Store(true); refusals.Store(3) }
	l.mu.Unlock()
	w.publish(0, w.entries(0, 1)...)
	w.until("it is taken", func() bool { return l.count(0) == 3 })
	stop()
	if got := w.committed(0); got != 3 || !finishing.Load() {
		t.Errorf("committed %d at the end, want 3", got)
	}
}

// TestPinnedPartitionsKeepTheirOffsets without anybody being a member of the group.
func TestPinnedPartitionsKeepTheirOffsets(t *testing.T) { inVirtualTime(t, pinned) }

func pinned(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{1, 3}
	for p := range int32(worldPartitions) {
		w.publish(p, w.entries(p, 3)...)
	}
	first := w.ledger()
	f, stop := w.follow(first)
	w.until("both are taken", func() bool { return first.total() == 6 && f.Ready() == nil })
	stop()
	w.publish(3, w.entries(3, 1)...)
	second := w.ledger()
	_, stop = w.follow(second)
	w.until("the rest is taken", func() bool { return second.total() == 1 })
	stop()
	if got := second.of(3); !reflect.DeepEqual(got, [][]int64{{3}}) {
		t.Errorf("taken %v", got)
	}
	if got := w.committed(0); got != none {
		t.Errorf("committed %d for a partition that nobody follows", got)
	}
}

// TestIdleOffsetsAreKept: brokers forget offsets that nobody commits, and a commit may ask them to forget.
func TestIdleOffsetsAreKept(t *testing.T) { inVirtualTime(t, idleOffsets) }

func idleOffsets(t *testing.T, w *world) {
	w.cfg.Partitions, w.cfg.FetchWaitMax, w.cfg.CommitInterval = []int32{0}, 30*time.Second, time.Minute
	var mu sync.Mutex
	var commits []*kmsg.OffsetCommitRequest
	w.faulty(kmsg.OffsetCommit, func(r kmsg.Request) (kmsg.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		commits = append(commits, r.(*kmsg.OffsetCommitRequest))
		return nil, nil
	})
	w.publish(0, w.entries(0, 1)...)
	_, stop := w.follow(w.ledger())
	time.Sleep(10*time.Hour + 20*time.Minute)
	stop()
	if len(commits) != 11 {
		t.Errorf("%d commits in ten hours, want one and then one an hour", len(commits))
	}
	for _, commit := range commits {
		p := commit.Topics[0].Partitions[0]
		if commit.RetentionTimeMillis != -1 || p.LeaderEpoch != -1 || p.Offset != 1 {
			t.Errorf("retention %d ms, leader epoch %d, offset %d", commit.RetentionTimeMillis, p.LeaderEpoch, p.Offset)
		}
	}
}

// TestALaneThatBlocksShows: the lag is measured beside the lanes, and what is done is committed while one of them is slow.
func TestALaneThatBlocksShows(t *testing.T) { inVirtualTime(t, blocks) }

func blocks(t *testing.T, w *world) {
	w.cfg.Partitions = []int32{0}
	w.publish(0, w.entries(0, 20)...)
	l := w.ledger()
	l.take = func(ctx context.Context, e *Event) error {
		if e.Position == 15 {
			<-ctx.Done()
			return ctx.Err()
		}
		time.Sleep(500 * time.Millisecond)
		return nil
	}
	l.done = func(next int64) int64 { return next - 3 }
	f, stop := w.follow(l)
	gauge := func(of string) float64 {
		if of == "lag" {
			return testutil.ToFloat64(f.metrics.lagEntries.WithLabelValues("0"))
		}
		return testutil.ToFloat64(f.metrics.pendingEntries.WithLabelValues("0"))
	}
	w.until("what is done is committed", func() bool { return w.committed(0) >= 5 && w.committed(0) < 12 })
	w.until("the lag shows", func() bool { return gauge("lag") == 5 })
	w.publish(0, w.entries(0, 7)...)
	w.until("the growing lag shows", func() bool { return gauge("lag") == 12 })
	if got := gauge("pending"); got < 3 {
		t.Errorf("%v entries pending", got)
	}
	stop()
	if got := w.committed(0); got != 12 {
		t.Errorf("committed %d at the end, want 12", got)
	}
}

// TestIsTakenAtOnce: the broker answers when there is something, however long the wait.
func TestIsTakenAtOnce(t *testing.T) { inVirtualTime(t, takenAtOnce) }

func takenAtOnce(t *testing.T, w *world) {
	w.cfg.FetchWaitMax = 30 * time.Second
	arrived := make(chan time.Time, 1)
	l := w.ledger()
	l.take = func(_ context.Context, e *Event) error { arrived <- time.Now(); return nil }
	f, stop := w.follow(l)
	w.until("it waits", func() bool { return f.Ready() == nil })
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
