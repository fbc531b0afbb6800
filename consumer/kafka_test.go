package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/chargebatch"
	"drawdown/balance/memstore"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
	"drawdown/internal/servers/embedded"
)

// cluster is a broker in virtual time, with the topics, and what a worker needs to reach it.
type cluster struct {
	t         *testing.T
	cfg       Config
	store     *memstore.Store
	keys      *signature.Keys
	address   string
	transport *kafka.Transport
	dialer    *kafka.Dialer
	topics    *Topics
}

const clusterPartitions = 4

// onCluster runs a test in virtual time on a broker of its own.
func onCluster(t *testing.T, test func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		broker, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := newCluster(t, broker.Addr(), dial)
		c.cfg.AllowCreateTime = true
		c.ensureTopics()
		test(t, c)
		c.transport.CloseIdleConnections()
		broker.Close()
	})
}

func newCluster(t *testing.T, address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *cluster {
	keys, err := signature.Parse([]byte("ops:" + strings.Repeat("QUJD", 11) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{
		t: t, cfg: Default(), store: memstore.New(), keys: keys, address: address,
		transport: &kafka.Transport{Dial: dial, MetadataTTL: time.Second}, dialer: &kafka.Dialer{DialFunc: dial},
	}
}

func (c *cluster) ensureTopics() {
	c.t.Helper()
	c.topics = NewTopics(c.cfg, c.transport, c.addr())
	spec := DefaultTopicSpec()
	spec.Partitions = clusterPartitions
	if err := c.topics.Ensure(c.t.Context(), spec); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) addr() net.Addr { return kafka.TCP(c.address) }

func (c *cluster) worker() *Worker {
	c.t.Helper()
	w, err := New(c.cfg, Deps{
		Transport: c.transport, Addr: c.addr(), Brokers: []string{c.address}, Dialer: c.dialer,
		Store: c.store, Keys: c.keys, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	w.deps.NewMachine = func(index int32) machine { m := newToyMachine(); m.index = index; return m }
	return w
}

// produce writes records to the metering topic as a producer that is not ours does: by the key's hash.
func (c *cluster) produce(messages ...kafka.Message) {
	c.t.Helper()
	c.write(1<<20, messages)
}

// produceLarge is produce for batches that are larger than usual.
func (c *cluster) produceLarge(messages ...kafka.Message) {
	c.t.Helper()
	c.write(20<<20, messages)
}

func (c *cluster) write(batchBytes int64, messages []kafka.Message) {
	c.t.Helper()
	writer := &kafka.Writer{
		BatchBytes: batchBytes,
		Addr:       c.addr(), Transport: c.transport, Topic: c.cfg.MeteringTopic, Balancer: kafka.Murmur2Balancer{Consistent: true},
		RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
	}
	if err := errors.Join(writer.WriteMessages(c.t.Context(), messages...), writer.Close()); err != nil {
		c.t.Fatal(err)
	}
}

// ends returns how many records a topic has in each partition.
func (c *cluster) ends(topic string) (ends [clusterPartitions]int64) {
	c.t.Helper()
	client, err := fetch.NewClient(fetch.Config{Transport: c.transport, Addr: c.addr()})
	if err != nil {
		c.t.Fatal(err)
	}
	ranges, err := client.Offsets(c.t.Context(), topic, []int32{0, 1, 2, 3})
	if err != nil {
		c.t.Fatal(err)
	}
	for partition, r := range ranges {
		ends[partition] = r.Latest
	}
	return ends
}

// caughtUp waits until the store stands at the end of every partition.
func (c *cluster) caughtUp(workers ...*Worker) {
	c.t.Helper()
	c.caughtUpIn(c.store, workers...)
}

func (c *cluster) caughtUpIn(store balance.Store, workers ...*Worker) {
	c.t.Helper()
	var ends, stand [clusterPartitions]int64
	for range 600 {
		ends = c.ends(c.cfg.MeteringTopic)
		for partition := range stand {
			position, err := store.Position(c.t.Context(), int32(partition))
			if err != nil {
				c.t.Fatal(err)
			}
			stand[partition] = int64(position.Next)
		}
		if stand == ends {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	var states []error
	for _, w := range workers {
		states = append(states, w.Ready())
	}
	c.t.Fatalf("the log ends at %v, the store stands at %v: %v", ends, stand, states)
}

// read returns all records of a topic's partition.
func (c *cluster) read(topic string, partition int32) (records []RecordHeader) {
	c.t.Helper()
	end := c.ends(topic)[partition]
	client, err := fetch.NewClient(fetch.Config{Transport: c.transport, Addr: c.addr(), AllowCreateTime: true, Contiguous: true})
	if err != nil {
		c.t.Fatal(err)
	}
	source := &kafkaSource{cfg: &Config{MeteringTopic: topic, FetchBytesMax: 1 << 20, FetchWaitMax: time.Second}, client: client}
	for next := drawdown.Offset(0); int64(next) < end; {
		answer, err := source.read(c.t.Context(), partition, next)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, record := range answer.records {
			records = append(records, RecordHeader{Name: string(record.Key), Value: slices.Clone(record.Value)})
		}
		next = answer.next
		answer.release()
	}
	return records
}

func usageMessage(account string, quantity, attempt int) kafka.Message {
	return kafka.Message{Key: []byte(account), Value: []byte(usage(account, quantity, attempt))}
}

func TestWorkersOnKafka(t *testing.T) { onCluster(t, workersShareTheLog) }

// workersShareTheLog runs two workers of one group.
func workersShareTheLog(t *testing.T, c *cluster) {
	for i := range 40 {
		c.produce(usageMessage(fmt.Sprint("account-", i), i+1, 1))
	}
	first := c.worker()
	stopFirst := run(t, first)
	c.caughtUp(first)
	if err := first.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}

	second := c.worker() // takes half of the partitions over
	stopSecond := run(t, second)
	for range 600 {
		if len(second.assigned()) == 2 && len(first.assigned()) == 2 && first.Ready() == nil && second.Ready() == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got := append(first.assigned(), second.assigned()...); len(got) != clusterPartitions {
		t.Errorf("the workers have the partitions %v", got)
	}
	c.produce(usageMessage("account-1", 100, 1), usageMessage("account-2", 100, 1), usageMessage("account-7", 100, 7))
	c.caughtUp(first, second)
	time.Sleep(5 * time.Second) // account-7 is due by then
	c.caughtUp(first, second)
	stopFirst()
	c.produce(usageMessage("account-3", 1000, 1))
	c.caughtUp(second)
	stopSecond()
	c.checkCharges(map[string]uint64{"account-1": 102, "account-2": 103, "account-3": 1004, "account-7": 108})
	c.checkTick("account-7")
	c.checkGroup()
}

// assigned returns the partitions that the worker has.
func (w *Worker) assigned() (partitions []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.owned {
		partitions = append(partitions, p.index)
	}
	return partitions
}

// checkCharges checks the last charge of some accounts, which holds the sum of all.
func (c *cluster) checkCharges(want map[string]uint64) {
	c.t.Helper()
	sums, rows := make(map[string]uint64), make(map[string]bool)
	for partition := range int32(clusterPartitions) {
		for _, record := range c.read(c.cfg.ChargesTopic, partition) {
			var b chargebatch.Batch
			if err := b.Decode(record.Value); err != nil {
				c.t.Fatal(err)
			}
			for i := range b.Charges.Rows {
				var charge drawdown.Charge
				b.Charge(i, &charge)
				rows[fmt.Sprint(partition, charge.Offset, charge.N)] = true
				sum, _ := charge.Credits.Uint64()
				sums[charge.Account] = max(sums[charge.Account], sum)
				if place := murmur.Partition([]byte(charge.Account), clusterPartitions); b.Partition != partition || place != partition {
					c.t.Errorf("a charge of %s, of partition %d, stands in partition %d", charge.Account, b.Partition, partition)
				}
			}
		}
	}
	if len(rows) != 44 {
		c.t.Errorf("%d different charges, want 44", len(rows))
	}
	for account, sum := range want {
		if sums[account] != sum {
			c.t.Errorf("account %s: %d, want %d", account, sums[account], sum)
		}
	}
}

func (c *cluster) checkTick(account string) {
	c.t.Helper()
	found := 0
	for partition := range int32(clusterPartitions) {
		for _, record := range c.read(c.cfg.MeteringTopic, partition) {
			if strings.Contains(string(record.Value), `"type":"tick"`) && record.Name == account {
				found++
			}
		}
	}
	if found != 1 {
		c.t.Errorf("%d ticks for %s, want one", found, account)
	}
}

// checkGroup checks what lag displays see.
func (c *cluster) checkGroup() {
	c.t.Helper()
	client := kafka.Client{Addr: c.addr(), Transport: c.transport}
	answer, err := client.OffsetFetch(c.t.Context(), &kafka.OffsetFetchRequest{
		GroupID: c.cfg.Group, Topics: map[string][]int{c.cfg.MeteringTopic: {0, 1, 2, 3}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	var told [clusterPartitions]int64
	for _, partition := range answer.Topics[c.cfg.MeteringTopic] {
		told[partition.Partition] = partition.CommittedOffset
	}
	if ends := c.ends(c.cfg.MeteringTopic); told != ends {
		c.t.Errorf("the group stands at %v, the log ends at %v", told, ends)
	}
}

func TestRejectsAreKeptWholeAndPutBack(t *testing.T) { onCluster(t, rejectsAreKeptWholeAndPutBack) }

func rejectsAreKeptWholeAndPutBack(t *testing.T, c *cluster) {
	at := func(account string) int32 { return murmur.Partition([]byte(account), clusterPartitions) }
	opened := `{"specversion":"1.0","id":"o1","source":"test","type":"email.verified","subject":"acme","time":"2026-01-01T00:00:00Z"}`
	wrong := (at("lost") + 1) % clusterPartitions
	headers := []kafka.Header{{Key: "trace", Value: []byte{0, 255}}, {Key: HeaderReason, Value: []byte("forged")}, {Key: "trace"}}
	c.produce(
		kafka.Message{Key: []byte("acme"), Value: []byte("{not JSON"), Headers: headers},
		kafka.Message{Key: []byte("acme"), Value: nil},
		kafka.Message{Key: []byte("acme"), Value: []byte(opened), Headers: []kafka.Header{{Key: signature.Header, Value: []byte("ops:" + strings.Repeat("0", 64))}}},
	)
	p := &producer{transport: c.transport, addr: c.addr(), messageBytesMax: c.cfg.MessageBytesMax}
	misplaced := message{key: []byte("lost"), value: []byte(usage("lost", 5, 1))}
	if err := p.publish(t.Context(), newRetrier(time.Second), wrong, []publication{{topic: c.cfg.MeteringTopic, messages: []message{misplaced}}}, func() {}); err != nil {
		t.Fatal(err)
	}
	worker := c.worker()
	stop := run(t, worker)
	c.caughtUp(worker)

	foreign := publication{topic: c.cfg.RejectedTopic, messages: []message{{value: []byte("somebody else's")}}}
	if err := p.publish(t.Context(), newRetrier(time.Second), wrong, []publication{foreign}, func() {}); err != nil {
		t.Fatal(err)
	}
	rejects, err := NewRejects(c.cfg, c.transport, c.addr(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	list := func(filter RejectFilter) (reasons []string) {
		t.Helper()
		for record, err := range rejects.List(t.Context(), filter) {
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, string(record.Reason))
		}
		return slices.Sorted(slices.Values(reasons))
	}
	if got := list(AllRejects()); !slices.Equal(got, []string{"malformed", "malformed", "unsigned_operation", "wrong_partition"}) {
		t.Errorf("rejected: %v", got)
	}
	for _, f := range []struct {
		narrow func(*RejectFilter)
		want   int
	}{
		{func(f *RejectFilter) { f.Reason = drawdown.Malformed }, 2},
		{func(f *RejectFilter) { f.Account = "acme" }, 1},
		{func(f *RejectFilter) { f.Account = "lost" }, 1},
		{func(f *RejectFilter) { f.Partition = wrong; f.Reason = drawdown.WrongPartition }, 1},
		{func(f *RejectFilter) { f.Since = drawdown.TimeOf(time.Now().Add(time.Hour)) }, 0},
	} {
		filter := AllRejects()
		f.narrow(&filter)
		if got := list(filter); len(got) != f.want {
			t.Errorf("filter %+v: %v, want %d", filter, got, f.want)
		}
	}

	// The first record is there whole: bytes, headers in their order, also those that look like the worker's.
	shown, err := rejects.Show(t.Context(), at("acme"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if string(shown.Value) != "{not JSON" || string(shown.Key) != "acme" || len(shown.Headers) != 3 ||
		shown.Headers[0].Name != "trace" || string(shown.Headers[0].Value) != "\x00\xff" ||
		shown.Headers[1].Name != HeaderReason || string(shown.Headers[1].Value) != "forged" || len(shown.Headers[2].Value) != 0 {
		t.Errorf("shown: %+v", shown)
	}
	if empty, err := rejects.Show(t.Context(), at("acme"), 1); err != nil || empty.Value != nil || empty.Reason != drawdown.Malformed {
		t.Errorf("the record without a value: %+v, %v", empty, err)
	}
	if _, err := rejects.Show(t.Context(), 0, 999); !errors.Is(err, ErrNotRejected) {
		t.Errorf("a record that was not rejected: %v", err)
	}

	// Put back, the misplaced record gets to its partition; what is malformed is rejected once more.
	done, err := rejects.Redrive(t.Context(), AllRejects())
	if err != nil || done != 4 {
		t.Fatalf("redriven %d, error %v", done, err)
	}
	c.caughtUp(worker)
	stop()
	if got := list(AllRejects()); !slices.Equal(got, []string{
		"malformed", "malformed", "malformed", "malformed", "unsigned_operation", "unsigned_operation", "wrong_partition",
	}) {
		t.Errorf("rejected after the redrive: %v", got)
	}
	stored, err := c.store.Load(t.Context(), at("lost"), []string{"lost"})
	if err != nil || stored[0].Mark.Balance != 5 {
		t.Errorf("the misplaced record had no effect: %+v, %v", stored, err)
	}
	copies := 0
	for record, err := range rejects.List(t.Context(), AllRejects()) {
		if err != nil {
			t.Fatal(err)
		}
		if string(record.Value) == "{not JSON" {
			copies++
			if len(record.Headers) != 3 || string(record.Headers[1].Value) != "forged" {
				t.Errorf("offset %d: headers %+v", record.Offset, record.Headers)
			}
		}
	}
	if copies != 2 {
		t.Errorf("the first record stands in the log %d times, want 2", copies)
	}
}

func TestEnsureTopics(t *testing.T) {
	onCluster(t, func(t *testing.T, c *cluster) {
		spec := DefaultTopicSpec()
		spec.Partitions = clusterPartitions
		if err := c.topics.Ensure(t.Context(), spec); err != nil {
			t.Errorf("topics that are there already: %v", err)
		}
		spec.Partitions = 5
		var count *PartitionCountError
		if err := c.topics.Ensure(t.Context(), spec); !errors.As(err, &count) || count.Found != clusterPartitions {
			t.Errorf("another number of partitions: %v", err)
		}
		state, err := c.topics.State(t.Context())
		if err != nil || state.TimestampType != logAppendTime || state.Partitions[c.cfg.RejectedTopic] != clusterPartitions {
			t.Errorf("state %+v, %v", state, err)
		}
		other := c.cfg
		other.LedgerTopic = "absent"
		if _, err := NewTopics(other, c.transport, c.addr()).State(t.Context()); err == nil || !strings.Contains(err.Error(), "topic absent") ||
			!strings.Contains(err.Error(), "drawdown topics create") {
			t.Errorf("an absent topic: %v", err)
		}
	})
}

// TestCreateTimeStopsOnABroker looks at the batch itself: the topic's settings are right, and the batch is not.
func TestCreateTimeStopsOnABroker(t *testing.T) {
	onCluster(t, func(t *testing.T, c *cluster) {
		c.cfg.AllowCreateTime = false
		c.produce(usageMessage("acme", 1, 1))
		worker := c.worker()
		stop := run(t, worker)
		time.Sleep(time.Minute)
		var createTime *fetch.CreateTimeError
		if err := worker.Ready(); !errors.As(err, &createTime) {
			t.Errorf("ready: %v", err)
		}
		if states := worker.states(); states[Stopped] != 1 || states[Running] != clusterPartitions-1 {
			t.Errorf("states %v: one partition stops, the others go on", states)
		}
		stop()
	})
}

func (w *Worker) states() map[State]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := make(map[State]int)
	for _, p := range w.owned {
		states[State(p.gauge.state.Load())]++
	}
	return states
}

func TestABrokerThatIsAwayIsWaitedFor(t *testing.T) {
	onCluster(t, func(t *testing.T, c *cluster) {
		unreachable := c.worker()
		unreachable.brokers = []string{"127.0.0.1:1"}
		stop := run(t, unreachable)
		time.Sleep(10 * time.Second)
		if err := unreachable.Ready(); err == nil || !strings.Contains(err.Error(), "can't join the consumer group") {
			t.Errorf("ready: %v", err)
		}
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > c.cfg.DrainTimeout {
			t.Errorf("the end took %v", took)
		}
	})
}
