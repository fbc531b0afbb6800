package feed

import (
	"context"
	"errors"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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

// TestMembersAndFixedPartitionsDontMix: the broker refuses the offsets of whoever is no member, which shows, and is not
// waited for at the end.
func TestMembersAndFixedPartitionsDontMix(t *testing.T) { inVirtualTime(t, dontMix) }

func dontMix(t *testing.T, w *world) {
	w.publish(1, w.entries(1, 3)...)
	member := w.ledger()
	f, stop := w.follow(member)
	w.until("the member has the partitions", func() bool { return member.total() == 3 && f.Ready() == nil })
	w.cfg.Partitions = []int32{1}
	fixed, stopFixed := w.follow(newWorld(t, "", nil).ledger())
	w.until("the refusal shows", func() bool { return errors.Is(fixed.Ready(), kafka.UnknownMemberId) && fixed.count(stageCommit) > 0 })
	began := time.Now()
	stopFixed()
	if took := time.Since(began); took > w.cfg.AttemptTimeout/2 {
		t.Errorf("ended after %v", took)
	}
	stop()
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
	time.Sleep(3*time.Hour + 20*time.Minute)
	stop()
	if len(commits) != 4 {
		t.Errorf("%d commits in three hours, want one and then one an hour", len(commits))
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
	w.cfg.Partitions, w.cfg.FetchBytesMax = []int32{0}, 1<<10
	for range 20 {
		w.publish(0, w.entries(0, 1)...)
	}
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
	if err := f.Ready(); err != nil {
		t.Errorf("what is behind is well all the same: %v", err)
	}
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

// answerer answers one kind of request by itself.
type answerer func(kafka.Request) kafka.Response

func (a answerer) RoundTrip(_ context.Context, _ net.Addr, r kafka.Request) (kafka.Response, error) {
	return a(r), nil
}

// TestCommitsAsTheBrokerIsConfigured: an older broker would take the library's own word for how long to keep an offset.
func TestCommitsAsTheBrokerIsConfigured(t *testing.T) {
	var request *offsetcommit.Request
	answer := &offsetcommit.Response{Topics: []offsetcommit.ResponseTopic{{Name: "ledger", Partitions: make([]offsetcommit.ResponsePartition, 1)}}}
	o := &offsets{topic: "ledger", timeout: time.Minute, transport: answerer(func(r kafka.Request) kafka.Response {
		request = r.(*offsetcommit.Request)
		return answer
	})}
	if err := o.commit(t.Context(), member{generation: 3, id: "me"}, map[int32]int64{0: 7}); err != nil {
		t.Fatal(err)
	}
	if request.RetentionTimeMs != -1 || request.GenerationID != 3 || request.MemberID != "me" || request.Topics[0].Partitions[0].CommittedOffset != 7 {
		t.Errorf("the request is %+v", request)
	}
	if err := o.commit(t.Context(), noMember, map[int32]int64{0: 7, 1: 8}); err == nil {
		t.Error("an answer that leaves a partition out is taken for a commit of it")
	}
}
