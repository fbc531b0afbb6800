package fetchtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
)

// Broker is where to run. AppendTime says that it stamps records when a topic asks for it, as real brokers do; if not,
// times are those of the producer, and are compared as such.
type Broker struct {
	Addr       string
	AppendTime bool
}

// timeout bounds each check: far more than a broker needs, so that only one that hangs meets it.
const timeout = 2 * time.Minute

const (
	partitions   = 3
	recordsCodec = 400 // records of each codec, over all partitions
)

// producerTime is what every record claims, long before any test runs.
var producerTime = time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC)

// record is what both readers must agree on.
type record struct {
	Offset     int64
	Key, Value string
	Headers    string
	Time       int64 // ms; zero where the readers are known to differ
}

// Differential produces records in every codec and reads them with package fetch and with kafka.Reader: offsets, keys,
// values and headers must be the same, and what was written. Where the broker stamps append time, fetch must give the
// broker's and not the producer's.
func Differential(t *testing.T, b Broker) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	transport := &kafka.Transport{MetadataTTL: time.Second}
	defer transport.CloseIdleConnections()

	topic := createTopic(ctx, t, b, transport, partitions, "LogAppendTime")
	began := time.Now()
	written := produce(ctx, t, b, topic, transport)
	ended := time.Now()

	client, err := fetch.NewClient(fetch.Config{
		Transport: transport, Addr: kafka.TCP(b.Addr), AllowCreateTime: !b.AppendTime, Contiguous: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int32{1, 20_000, 8 << 20} {
		t.Run(fmt.Sprintf("limit of %d bytes", limit), func(t *testing.T) {
			ours := readOurs(ctx, t, client, topic, limit)
			for p := range partitions {
				if b.AppendTime {
					checkTimes(t, ours[p], began, ended)
				}
				compare(t, "the library", p, ours[p], readLibrary(ctx, t, b, topic, p, len(written[p])))
				compare(t, "what was written", p, ours[p], written[p])
			}
		})
	}
}

// createTopic makes a topic with a name of its own. Only a broker that knows append time is told a timestamp type.
func createTopic(ctx context.Context, t *testing.T, b Broker, transport *kafka.Transport, partitions int, timestampType string) string {
	t.Helper()
	topic := fmt.Sprintf("fetchtest-%d", time.Now().UnixNano())
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	if b.AppendTime {
		config.ConfigEntries = []kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: timestampType}}
	}
	client := kafka.Client{Addr: kafka.TCP(b.Addr), Transport: transport}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		t.Fatalf("creating topic %s: %v", topic, err)
	}
	return topic
}

// produce writes awkward records in every codec and returns them by partition.
func produce(ctx context.Context, t *testing.T, b Broker, topic string, transport *kafka.Transport) [partitions][]record {
	t.Helper()
	var written [partitions][]record
	random := rand.New(rand.NewPCG(1, 2))
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		w := &kafka.Writer{
			Addr: kafka.TCP(b.Addr), Topic: topic, Transport: transport, Compression: codec,
			BatchSize: 37, BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll,
			Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(int) }),
		}
		messages := make([]kafka.Message, recordsCodec)
		for i := range messages {
			p := random.IntN(partitions)
			messages[i] = awkward(random, i)
			messages[i].WriterData, messages[i].Time = p, producerTime.Add(time.Duration(i)*time.Second)
			written[p] = append(written[p], of(messages[i], int64(len(written[p])), b))
		}
		if err := w.WriteMessages(ctx, messages...); err != nil {
			t.Fatalf("writing with codec %d: %v", codec, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("closing the writer: %v", err)
		}
	}
	return written
}

// awkward makes a record: nothing in it, empty things, large and incompressible things, several headers of one name.
func awkward(random *rand.Rand, i int) kafka.Message {
	m := kafka.Message{Key: fmt.Appendf(nil, "acct_%d", i), Value: fmt.Appendf(nil, `{"id":%d,"text":%q}`, i, strings.Repeat("drawdown ", random.IntN(40)))}
	switch random.IntN(8) {
	case 0:
		m.Key = nil
	case 1:
		m.Value = nil
	case 2:
		m.Key, m.Value = []byte{}, []byte{}
	case 3:
		m.Value = make([]byte, random.IntN(20_000))
		for i := range m.Value {
			m.Value[i] = byte(random.Uint32())
		}
	}
	for range random.IntN(4) {
		m.Headers = append(m.Headers, kafka.Header{Key: fmt.Sprint("h", random.IntN(2)), Value: fmt.Appendf(nil, "%x", random.Uint64())})
	}
	return m
}

// of makes a library message comparable. Time is left out where the library is known to give the producer's.
func of(m kafka.Message, offset int64, b Broker) record {
	r := record{Offset: offset, Key: present(m.Key), Value: present(m.Value), Headers: fmt.Sprintf("%q", m.Headers)}
	if !b.AppendTime {
		r.Time = m.Time.UnixMilli()
	}
	return r
}

// present tells nil from empty, which comparing strings would not.
func present(b []byte) string {
	if b == nil {
		return "nil"
	}
	return "=" + string(b)
}

// readOurs reads all partitions with package fetch.
func readOurs(ctx context.Context, t *testing.T, client *fetch.Client, topic string, limit int32) [partitions][]record {
	t.Helper()
	var read [partitions][]record
	ids := make([]int32, partitions)
	for p := range ids {
		ids[p] = int32(p)
	}
	ends, err := client.Offsets(ctx, topic, ids)
	if err != nil {
		t.Fatalf("asking for offsets: %v", err)
	}
	next := make([]int64, partitions)
	for {
		req := fetch.Request{Topic: topic, BytesMin: 1, BytesMax: limit, WaitMax: 100 * time.Millisecond}
		for p, offset := range next {
			if offset < ends[int32(p)].Latest {
				req.Partitions = append(req.Partitions, fetch.Partition{ID: int32(p), Offset: offset, BytesMax: limit})
			}
		}
		if len(req.Partitions) == 0 {
			return read
		}
		res, err := client.Fetch(ctx, req)
		if err != nil {
			t.Fatalf("fetching: %v", err)
		}
		for _, s := range res.Sets {
			read[s.Partition] = append(read[s.Partition], drain(t, s)...)
			next[s.Partition] = s.NextOffset()
		}
		res.Release()
	}
}

func drain(t *testing.T, s *fetch.Set) (all []record) {
	t.Helper()
	var rec fetch.Record
	for {
		ok, err := s.Next(&rec)
		if err != nil {
			t.Fatalf("partition %d: %v", s.Partition, err)
		}
		if !ok {
			return all
		}
		headers := []kafka.Header(nil)
		for k, v := range rec.Headers() {
			headers = append(headers, kafka.Header{Key: string(k), Value: v})
		}
		all = append(all, record{
			Offset: rec.Offset, Key: present(rec.Key), Value: present(rec.Value),
			Headers: fmt.Sprintf("%q", headers), Time: rec.AppendTime,
		})
	}
}

// readLibrary reads n records of one partition with kafka.Reader.
func readLibrary(ctx context.Context, t *testing.T, b Broker, topic string, partition, n int) []record {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{b.Addr}, Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond,
	})
	defer r.Close()
	all := make([]record, 0, n)
	for range n {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			t.Fatalf("reading with the library: %v", err)
		}
		all = append(all, of(m, m.Offset, b))
	}
	return all
}

// checkTimes wants the broker's clock, which runs on the machine of the test, and takes the times out of the records.
func checkTimes(t *testing.T, all []record, began, ended time.Time) {
	t.Helper()
	for i, r := range all {
		if r.Time < began.UnixMilli() || r.Time > ended.UnixMilli() {
			t.Errorf("offset %d was appended at %v, which is not between %v and %v", r.Offset, time.UnixMilli(r.Time), began, ended)
		}
		all[i].Time = 0
	}
}

func compare(t *testing.T, with string, partition int, ours, theirs []record) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("partition %d: %d records, %s has %d", partition, len(ours), with, len(theirs))
	}
	for i := range ours {
		if !reflect.DeepEqual(normal(ours[i], with), normal(theirs[i], with)) {
			t.Fatalf("partition %d differs from %s:\n%.500v\n%.500v", partition, with, ours[i], theirs[i])
		}
	}
}

// normal hides the one difference that the library's reader makes of its own: it gives nil for what is empty.
func normal(r record, with string) record {
	if with == "the library" {
		r.Key, r.Value = strings.TrimPrefix(r.Key, "="), strings.TrimPrefix(r.Value, "=")
		if r.Key == "nil" {
			r.Key = ""
		}
		if r.Value == "nil" {
			r.Value = ""
		}
	}
	return r
}
