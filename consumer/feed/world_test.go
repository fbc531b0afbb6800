package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
	"drawdown/internal/servers/embedded"
)

const worldPartitions = 4

var errAway = errors.New("server away")

// world is a broker with a ledger, and how to reach it.
type world struct {
	t         *testing.T
	cfg       Config
	broker    *embedded.Kafka // nil where the broker is a real one
	address   string
	transport *kafka.Transport
	dialer    *kafka.Dialer
	log       drawdown.Offset // grows by one a record that causes entries

	// causes are the records that caused entries of a partition.
	causes map[int32][]drawdown.Offset

	mu   sync.Mutex
	held map[int32]int // lanes that are open now, over all followers
}

// inVirtualTime runs a test on a broker of its own.
func inVirtualTime(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		broker, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{"drawdown.ledger": worldPartitions}})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, broker.Addr(), dial)
		w.broker = broker
		t.Cleanup(func() { w.transport.CloseIdleConnections(); broker.Close() })
		test(t, w)
	})
}

func newWorld(t *testing.T, address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *world {
	cfg := Default()
	cfg.Group = "drawdown-test"
	return &world{
		t: t, cfg: cfg, address: address, causes: make(map[int32][]drawdown.Offset), held: make(map[int32]int),
		transport: &kafka.Transport{Dial: dial, MetadataTTL: time.Second}, dialer: &kafka.Dialer{DialFunc: dial},
	}
}

// entries returns the values of events of a partition, each of a record of its own.
func (w *world) entries(partition int32, count int) (values [][]byte) {
	for range count {
		entry := &drawdown.GrantExpired{
			Head:  drawdown.Head{Offset: w.log, At: 1_769_904_000_000, Account: fmt.Sprint("account-", partition)},
			Grant: "g", Amount: 1,
		}
		w.causes[partition] = append(w.causes[partition], w.log)
		w.log++
		values = append(values, ledgerevent.Append(nil, partition, entry))
	}
	return values
}

// end returns the offset that the next event of a partition gets.
func (w *world) end(partition int32) int64 {
	w.t.Helper()
	client, err := fetch.NewClient(fetch.Config{Transport: w.transport, Addr: kafka.TCP(w.address)})
	if err != nil {
		w.t.Fatal(err)
	}
	ranges, err := client.Offsets(w.t.Context(), w.cfg.Topic, []int32{partition})
	if err != nil {
		w.t.Fatal(err)
	}
	return ranges[partition].Latest
}

// published returns the ids of all events of a partition.
func (w *world) published(partition int32) map[string]bool {
	ids := make(map[string]bool)
	for _, offset := range w.causes[partition] {
		ids[fmt.Sprint(partition, "-", offset, "-", 0)] = true
	}
	return ids
}

// publish appends values to a partition of the ledger, as a worker does.
func (w *world) publish(partition int32, values ...[]byte) {
	w.t.Helper()
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.address), Transport: w.transport, Topic: w.cfg.Topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return int(partition) }),
	}
	messages := make([]kafka.Message, 0, len(values))
	for _, value := range values {
		messages = append(messages, kafka.Message{Key: []byte("key"), Value: value})
	}
	if err := errors.Join(writer.WriteMessages(w.t.Context(), messages...), writer.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// follow runs a follower until stop is called.
func (w *world) follow(handler Handler) (*Follower, func()) {
	w.t.Helper()
	f := w.follower(handler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	}()
	stop := func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return f, stop
}

func (w *world) follower(handler Handler) *Follower {
	w.t.Helper()
	f, err := New(w.cfg, Deps{
		Consumer: "tester", Handler: handler, Transport: w.transport, Addr: kafka.TCP(w.address),
		Brokers: []string{w.address}, Dialer: w.dialer, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// faulty lets a test answer requests of a kind instead of the broker: with an answer, or with an error that closes the
// connection. With neither the broker answers.
func (w *world) faulty(request kmsg.Key, answer func(kmsg.Request) (kmsg.Response, error)) {
	w.broker.ControlKey(int16(request), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.broker.KeepControl()
		response, err := answer(r)
		return response, err, response != nil || err != nil
	})
}

// admin makes requests that a follower never makes.
func (w *world) admin() *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.address), kgo.Dialer(w.dialer.DialFunc))
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// commit sets the group's offset of a partition, as an operator does with Kafka's own tools.
func (w *world) commit(partition int32, offset int64) {
	w.t.Helper()
	o := w.offsets()
	if err := o.commit(w.t.Context(), noMember, map[int32]int64{partition: offset}); err != nil {
		w.t.Fatal(err)
	}
}

// cut removes the records of a partition before an offset, as retention does.
func (w *world) cut(partition int32, before int64) {
	w.t.Helper()
	admin := w.admin()
	defer admin.Close()
	cut := kmsg.NewDeleteRecordsRequestTopicPartition()
	cut.Partition, cut.Offset = partition, before
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: w.cfg.Topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{cut}}}
	answer, err := request.RequestWith(w.t.Context(), admin)
	if err != nil {
		w.t.Fatal(err)
	}
	if code := answer.Topics[0].Partitions[0].ErrorCode; code != 0 {
		w.t.Fatalf("delete records: error code %d", code)
	}
}

// count returns how often something of a stage failed.
func (f *Follower) count(s stage) int {
	return int(testutil.ToFloat64(f.metrics.errors.WithLabelValues(string(s))))
}

// until waits for a condition, and fails the test if it does not come.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 1200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("after a minute, still not: %s", what)
}

func (w *world) offsets() *offsets {
	return &offsets{transport: w.transport, addr: kafka.TCP(w.address), group: w.cfg.Group, topic: w.cfg.Topic, timeout: 10 * time.Second}
}

// committed returns what the group has for a partition.
func (w *world) committed(partition int32) int64 {
	w.t.Helper()
	o := w.offsets()
	offset, err := o.committed(w.t.Context(), partition)
	if err != nil {
		w.t.Fatal(err)
	}
	return offset
}

// hold counts the open lanes of a partition. There is never more than one.
func (w *world) hold(partition int32, lanes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[partition] += lanes; w.held[partition] > 1 {
		w.t.Errorf("partition %d is followed by two at once", partition)
	}
}

func (w *world) ledger() *ledger { return &ledger{world: w} }
