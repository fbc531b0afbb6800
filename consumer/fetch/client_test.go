package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "metering"

// deadline bounds every wait of these tests: only one that hangs meets it.
const deadline = 30 * time.Second

// world is a cluster in this process, and a client on it.
type world struct {
	*kfake.Cluster
	client *Client
	ctx    context.Context
}

func newWorld(t testing.TB, brokers, partitions int, options ...kfake.Opt) *world {
	t.Helper()
	c, err := kfake.NewCluster(append(options, kfake.NumBrokers(brokers), kfake.SeedTopics(int32(partitions), topic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return &world{Cluster: c, client: newTestClient(t, kafka.TCP(c.ListenAddrs()...)), ctx: ctx}
}

func newTestClient(t testing.TB, addr net.Addr) *Client {
	t.Helper()
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := NewClient(Config{Transport: transport, Addr: addr, AllowCreateTime: true, Contiguous: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// produce puts n records of bytes each on every partition.
func (w *world) produce(t testing.TB, partitions, n, bytes int) {
	t.Helper()
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.ListenAddrs()...), Topic: topic, BatchTimeout: time.Millisecond, BatchSize: 10, RequiredAcks: kafka.RequireAll,
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(int) }),
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer.Transport = transport
	defer writer.Close()
	var messages []kafka.Message
	for p := range partitions {
		for i := range n {
			messages = append(messages, kafka.Message{Key: fmt.Appendf(nil, "%d/%d", p, i), Value: make([]byte, bytes), WriterData: p})
		}
	}
	if err := writer.WriteMessages(w.ctx, messages...); err != nil {
		t.Fatalf("producing: %v", err)
	}
}

// request asks for all partitions from the offsets given.
func request(bytesMax int32, wait time.Duration, offsets ...int64) Request {
	req := Request{Topic: topic, BytesMin: 1, BytesMax: bytesMax, WaitMax: wait}
	for p, offset := range offsets {
		req.Partitions = append(req.Partitions, Partition{ID: int32(p), Offset: offset, BytesMax: bytesMax})
	}
	return req
}

func TestFetchReadsPartitionsOfSeveralLeadersInOneAnswer(t *testing.T) {
	const partitions = 8
	w := newWorld(t, 3, partitions)
	for p := range int32(partitions) {
		if err := w.MoveTopicPartition(topic, p, p%3); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(t, partitions, 25, 100)
	res, err := w.client.Fetch(w.ctx, request(1<<20, time.Second, make([]int64, partitions)...))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Release()
	for p, s := range res.Sets {
		all, err := drain(s)
		if err != nil || len(all) != 25 || int(s.Partition) != p || s.HighWatermark != 25 || s.LogStart != 0 {
			t.Fatalf("set %d: partition %d, %d records, log %d to %d, error %v", p, s.Partition, len(all), s.LogStart, s.HighWatermark, err)
		}
		for i, g := range all {
			if want := fmt.Sprintf("%d/%d", p, i); string(g.key) != want || g.offset != int64(i) {
				t.Fatalf("partition %d: record %d has key %s", p, g.offset, g.key)
			}
		}
	}
	groups, err := w.client.ByLeader(w.ctx, topic, []int32{0, 1, 2, 3, 4, 5, 99})
	if want := [][]int32{{0, 3}, {1, 4}, {2, 5}, {99}}; err != nil || !slices.EqualFunc(groups, want, slices.Equal) {
		t.Fatalf("groups %v, error %v, want %v", groups, err, want)
	}
}

func TestFetchFollowsALeaderThatMoves(t *testing.T) {
	w := newWorld(t, 3, 2)
	w.produce(t, 2, 10, 100)
	next := []int64{0, 0}
	for round := range 4 {
		for p := range int32(2) {
			if err := w.MoveTopicPartition(topic, p, (w.LeaderFor(topic, p)+1)%3); err != nil {
				t.Fatal(err)
			}
		}
		for slices.Min(next) < int64(10*(round+1)) { // ends by the deadline of w.ctx
			res, err := w.client.Fetch(w.ctx, request(1<<20, 10*time.Millisecond, next...))
			if err != nil {
				if !Retriable(err) {
					t.Fatalf("round %d: %v", round, err)
				}
				continue
			}
			for p, s := range res.Sets {
				if _, err := drain(s); err != nil && !Retriable(err) {
					t.Fatalf("round %d: %v", round, err)
				}
				next[p] = s.NextOffset()
			}
			res.Release()
		}
		w.produce(t, 2, 10, 100)
	}
}

func TestOffsetOutOfRangeSaysWhatTheLogHolds(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.produce(t, 3, 40, 10)
	if err := w.DeleteRecords(topic, 0, 20); err != nil {
		t.Fatal(err)
	}
	res, err := w.client.Fetch(w.ctx, request(1<<20, time.Second, 5, 41, 7))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Release()
	for p, want := range []OutOfRangeError{
		{Topic: topic, Partition: 0, Offset: 5, Earliest: 20, Latest: 40},
		{Topic: topic, Partition: 1, Offset: 41, Earliest: 0, Latest: 40},
	} {
		all, err := drain(res.Sets[p])
		var out *OutOfRangeError
		if len(all) != 0 || !errors.As(err, &out) || *out != want || Retriable(err) {
			t.Errorf("partition %d: %d records, error %v", p, len(all), err)
		}
	}
	if all, err := drain(res.Sets[2]); err != nil || len(all) != 33 {
		t.Errorf("the partition in range: %d records, error %v", len(all), err)
	}
	ranges, err := w.client.Offsets(w.ctx, topic, []int32{0, 1})
	if err != nil || ranges[0] != (Range{20, 40}) || ranges[1] != (Range{0, 40}) {
		t.Errorf("ranges %v, error %v", ranges, err)
	}
}

func TestOutOfRangeThatIsInRangeByNowIsRetriable(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.produce(t, 1, 10, 10)
	w.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange})
	if err := fetchOne(t, w); !Retriable(err) || !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Fatalf("got %v", err)
	}
	if err := fetchOne(t, w); err != nil {
		t.Fatalf("asked again: %v", err)
	}
}

// fetchOne fetches partition 0 from its beginning and returns the error of the answer or of the set.
func fetchOne(t *testing.T, w *world) error {
	t.Helper()
	res, err := w.client.Fetch(w.ctx, request(1<<20, 0, 0))
	if err != nil {
		return err
	}
	defer res.Release()
	_, err = drain(res.Sets[0])
	return err
}

func TestErrorsOfABrokerAreRetriableOrFinal(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.produce(t, 1, 1, 10)
	for _, c := range []struct {
		err       *kerr.Error
		topLevel  bool
		retriable bool
	}{
		{err: kerr.NotLeaderForPartition, retriable: true},
		{err: kerr.LeaderNotAvailable, retriable: true},
		{err: kerr.ReplicaNotAvailable, retriable: true},
		{err: kerr.UnknownTopicOrPartition, retriable: true},
		{err: kerr.FencedLeaderEpoch, retriable: true},
		{err: kerr.KafkaStorageError, retriable: true},
		{err: kerr.OffsetNotAvailable, retriable: true},
		{err: kerr.UnknownServerError, retriable: true},
		{err: kerr.RequestTimedOut, topLevel: true, retriable: true},
		{err: kerr.TopicAuthorizationFailed},
		{err: kerr.CorruptMessage},
		{err: kerr.UnsupportedVersion, topLevel: true},
		{err: kerr.ClusterAuthorizationFailed, topLevel: true},
	} {
		w.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: c.err, TopLevel: c.topLevel})
		err := fetchOne(t, w)
		if err == nil || Retriable(err) != c.retriable {
			t.Errorf("%s: got %v, retriable %v", c.err.Message, err, Retriable(err))
		}
		var corrupt *CorruptBatchError
		if errors.As(err, &corrupt) != (c.err == kerr.CorruptMessage) {
			t.Errorf("%s: got %v", c.err.Message, err)
		}
		if err := fetchOne(t, w); err != nil {
			t.Errorf("after %s: %v", c.err.Message, err)
		}
	}
}

func TestOneLeaderAwayDoesNotKeepTheOthersBack(t *testing.T) {
	w := newWorld(t, 2, 2)
	for p := range int32(2) {
		if err := w.MoveTopicPartition(topic, p, p); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(t, 2, 5, 10)
	w.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Nodes: []int32{1}, Err: kerr.BrokerNotAvailable, TopLevel: true})
	res, err := w.client.Fetch(w.ctx, request(1<<20, time.Second, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Release()
	if all, err := drain(res.Sets[0]); err != nil || len(all) != 5 {
		t.Errorf("partition 0: %d records, error %v", len(all), err)
	}
	if all, err := drain(res.Sets[1]); !Retriable(err) || len(all) != 0 {
		t.Errorf("partition 1: %d records, error %v", len(all), err)
	}
}

func TestUnknownTopicAndPartitionAreRetriable(t *testing.T) {
	w := newWorld(t, 1, 1)
	req := request(1<<20, 0, 0)
	req.Topic = "missing"
	if _, err := w.client.Fetch(w.ctx, req); !Retriable(err) || !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Errorf("topic: got %v", err)
	}
	res, err := w.client.Fetch(w.ctx, request(1<<20, 0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Release()
	if err := res.Sets[1].Err(); !Retriable(err) || !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Errorf("partition: got %v", err)
	}
	if n, err := w.client.PartitionCount(w.ctx, topic); n != 1 || err != nil {
		t.Errorf("%d partitions, error %v", n, err)
	}
	if _, err := w.client.PartitionCount(w.ctx, "missing"); !Retriable(err) {
		t.Errorf("partitions of a missing topic: %v", err)
	}
}

func TestBrokerThatIsAwayIsRetriable(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.produce(t, 1, 1, 10)
	if err := fetchOne(t, w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for i := range 3 { // the first loses a connection, the others cannot make one
		if err := fetchOne(t, w); !Retriable(err) {
			t.Fatalf("fetch %d: got %v", i, err)
		}
	}
	if _, err := w.client.Offsets(w.ctx, topic, []int32{0}); !Retriable(err) {
		t.Fatalf("offsets: got %v", err)
	}
}

func TestBrokerThatNeverAnswersIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts in its backlog, answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	transport := &kafka.Transport{DialTimeout: 100 * time.Millisecond}
	defer transport.CloseIdleConnections()
	client, err := NewClient(Config{Transport: transport, Addr: l.Addr(), RequestTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.Fetch(t.Context(), request(1000, 0, 0)); !Retriable(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want a deadline that may be tried again", err)
	}
}

func TestCallerWhoGivesUpGetsItsOwnReason(t *testing.T) {
	w := newWorld(t, 1, 1)
	arrived := w.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	why := errors.New("the assignment has ended")
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	result := make(chan error, 1)
	go func() {
		_, err := w.client.Fetch(ctx, request(1000, 2*time.Second, 0)) // nothing was produced: the broker waits
		result <- err
	}()
	if err := arrived.Wait(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if err := <-result; !errors.Is(err, why) || Retriable(err) {
		t.Fatalf("got %v", err)
	}
}

func TestNoPartitionStarvesBehindABacklog(t *testing.T) {
	const partitions = 4
	w := newWorld(t, 1, partitions)
	w.produce(t, partitions, 100, 1000)
	next := make([]int64, partitions)
	for range 2 * partitions { // an answer has room for one partition's batch
		res, err := w.client.Fetch(w.ctx, request(10_000, 0, next...))
		if err != nil {
			t.Fatal(err)
		}
		for p, s := range res.Sets {
			if _, err := drain(s); err != nil {
				t.Fatal(err)
			}
			next[p] = s.NextOffset()
		}
		res.Release()
	}
	if slices.Min(next) == 0 {
		t.Fatalf("after %d fetches: %v", 2*partitions, next)
	}
}

func TestImpossibleRequestsAreRefused(t *testing.T) {
	client := newTestClient(t, kafka.TCP("127.0.0.1:1"))
	for name, change := range map[string]func(*Request){
		"no topic":         func(r *Request) { r.Topic = "" },
		"no partition":     func(r *Request) { r.Partitions = nil },
		"a partition -1":   func(r *Request) { r.Partitions[0].ID = -1 },
		"an offset of -1":  func(r *Request) { r.Partitions[0].Offset = -1 },
		"no bytes":         func(r *Request) { r.BytesMax = 0 },
		"none of one":      func(r *Request) { r.Partitions[0].BytesMax = 0 },
		"a negative wait":  func(r *Request) { r.WaitMax = -1 },
		"a negative least": func(r *Request) { r.BytesMin = -1 },
		"one twice":        func(r *Request) { r.Partitions = append(r.Partitions, r.Partitions[0]) },
	} {
		req := request(1000, 0, 0)
		change(&req)
		if _, err := client.Fetch(t.Context(), req); err == nil || Retriable(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := NewClient(Config{}); err == nil {
		t.Error("a client without transport")
	}
	if _, err := NewClient(Config{Transport: &kafka.Transport{}, Addr: kafka.TCP("127.0.0.1:1"), BatchBytesMax: -1}); err == nil {
		t.Error("a client with a negative limit")
	}
}
