package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"drawdown/producer/internal/kafkatest"
)

func newLog(t *testing.T, config Config) *Log {
	t.Helper()
	log, err := NewLog(config)
	if err != nil {
		t.Fatalf("NewLog: %v", err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func TestAppendTellsWhereTheRecordIs(t *testing.T) {
	broker := kafkatest.Start(t, 8)
	log := newLog(t, Config{Brokers: []string{broker.Addr}})
	type position struct {
		partition int32
		offset    int64
	}
	told := map[string]position{}
	for i := range 20 {
		key := fmt.Sprintf("account-%d", i%5)
		value := fmt.Sprintf("value-%d", i)
		partition, offset, err := log.Append(t.Context(), key, []byte(value), kafka.Header{Key: "h", Value: []byte("x")})
		if err != nil {
			t.Fatalf("Append: %v", err)
		}
		told[value] = position{partition, offset}
	}
	before := time.Now()
	for _, r := range broker.Read(t, 20) {
		if at := (position{r.Partition, r.Offset}); told[string(r.Value)] != at {
			t.Errorf("%s is at %v, Append told %v", r.Value, at, told[string(r.Value)])
		}
		if len(r.Headers) != 1 || r.Headers[0].Key != "h" || string(r.Headers[0].Value) != "x" {
			t.Errorf("headers %v", r.Headers)
		}
		if age := before.Sub(r.Timestamp); age < 0 || age > time.Minute {
			t.Errorf("record time %v is not the time of writing", r.Timestamp)
		}
	}
}

// The other client's default partitioner is the Java one too: the same keys must land together.
func TestPartitionsAreKafkasDefault(t *testing.T) {
	broker := kafkatest.Start(t, 8)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr), kgo.DefaultProduceTopic(kafkatest.Topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 50 {
		key := fmt.Sprintf("account-%d", i)
		r := client.ProduceSync(t.Context(), kgo.KeyStringRecord(key, "v"))
		if err := r.FirstErr(); err != nil {
			t.Fatalf("produce: %v", err)
		}
		if got := PartitionOf(key, 8); got != r[0].Record.Partition {
			t.Errorf("PartitionOf(%q) = %d, the other client wrote to %d", key, got, r[0].Record.Partition)
		}
	}
}

func TestAppendToReachesEveryPartition(t *testing.T) {
	broker := kafkatest.Start(t, 4)
	log := newLog(t, Config{Brokers: []string{broker.Addr}})
	count, err := log.Partitions(t.Context())
	if err != nil || count != 4 {
		t.Fatalf("Partitions() = %d, %v", count, err)
	}
	for partition := range count {
		if offset, err := log.AppendTo(t.Context(), partition, "", []byte("plan")); err != nil || offset != 0 {
			t.Fatalf("AppendTo(%d) = %d, %v", partition, offset, err)
		}
	}
	seen := map[int32]bool{}
	for _, r := range broker.Read(t, 4) {
		seen[r.Partition] = r.Key == nil
	}
	if len(seen) != 4 || !seen[0] || !seen[1] || !seen[2] || !seen[3] {
		t.Errorf("copies without a key by partition: %v", seen)
	}
}

func TestAppendTriesAgainWhileTheBrokerIsAway(t *testing.T) {
	port := kafkatest.FreePort(t)
	dials := make(chan struct{}, 1000)
	log := newLog(t, Config{Brokers: []string{kafkatest.Address(port)}, Dial: countingDial(dials)})
	result := make(chan error, 1)
	go func() {
		_, _, err := log.Append(t.Context(), "acme", []byte("v"))
		result <- err
	}()
	<-dials // refused at least once
	broker := kafkatest.StartOn(t, port, 2)
	if err := <-result; err != nil {
		t.Fatalf("Append: %v", err)
	}
	broker.Read(t, 1)
}

func TestAppendGivesUpWithTheLastFailure(t *testing.T) {
	log := newLog(t, Config{
		Brokers: []string{kafkatest.Address(kafkatest.FreePort(t))}, DeliveryTimeout: 300 * time.Millisecond,
	})
	_, _, err := log.Append(t.Context(), "acme", []byte("v"))
	var failure *AppendError
	if !errors.As(err, &failure) || failure.MaybeWritten || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Append = %v, want an *AppendError of a record surely not written", err)
	}
	if text := err.Error(); !bytes.Contains([]byte(text), []byte("delivery timeout of 300ms")) || !bytes.Contains([]byte(text), []byte("refused")) {
		t.Errorf("the error does not say why: %s", text)
	}
}

func TestAppendSaysWhenItMayHaveBeenWritten(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	broker.Cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster.KeepControl()
		return nil, errors.New("the connection drops"), true
	})
	log := newLog(t, Config{Brokers: []string{broker.Addr}, DeliveryTimeout: 500 * time.Millisecond})
	_, err := log.AppendTo(t.Context(), 0, "acme", []byte("v"))
	var failure *AppendError
	if !errors.As(err, &failure) || !failure.MaybeWritten {
		t.Fatalf("AppendTo = %v, want an *AppendError that may have been written", err)
	}
}

func TestAppendDoesNotRepeatWhatCannotSucceed(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	var produces atomic.Int32
	broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster.KeepControl()
		produces.Add(1)
		return refuse(request, kerr.TopicAuthorizationFailed), nil, true
	})
	log := newLog(t, Config{Brokers: []string{broker.Addr}})
	_, err := log.AppendTo(t.Context(), 0, "acme", []byte("v"))
	var failure *AppendError
	if !errors.As(err, &failure) || !errors.Is(err, kafka.TopicAuthorizationFailed) || failure.MaybeWritten {
		t.Fatalf("AppendTo = %v", err)
	}
	if n := produces.Load(); n != 1 {
		t.Errorf("%d requests for a refusal that lasts", n)
	}
}

func TestBatchesAreHalvedForABrokerThatAllowsLess(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster.KeepControl()
		size := len(request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records)
		if size > 20_000 {
			return refuse(request, kerr.MessageTooLarge), nil, true
		}
		return nil, nil, false
	})
	log := newLog(t, Config{Brokers: []string{broker.Addr}})
	values := make([][]byte, 100)
	for i := range values {
		values[i] = fmt.Appendf(nil, "%04d%s", i, bytes.Repeat([]byte("x"), 1000))
	}
	written, err := log.AppendBatch(t.Context(), "acme", values)
	if err != nil || written != 100 {
		t.Fatalf("AppendBatch = %d, %v", written, err)
	}
	for i, r := range broker.Read(t, 100) {
		if !bytes.Equal(r.Value, values[i]) {
			t.Fatalf("record %d is %.10s", i, r.Value)
		}
	}
	_, err = log.AppendBatch(t.Context(), "acme", [][]byte{make([]byte, 30_000)})
	if !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Errorf("one record too large: %v", err)
	}
}

func TestBatchBytesBoundsABatch(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	largest := make(chan int, 1000)
	broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster.KeepControl()
		largest <- len(request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records)
		return nil, nil, false
	})
	log := newLog(t, Config{Brokers: []string{broker.Addr}, BatchBytes: batchBytesMin})
	values := make([][]byte, 500)
	for i := range values {
		values[i] = make([]byte, 300)
	}
	if written, err := log.AppendBatch(t.Context(), "acme", values); err != nil || written != 500 {
		t.Fatalf("AppendBatch = %d, %v", written, err)
	}
	close(largest)
	batches := 0
	for size := range largest {
		batches++
		if size > batchBytesMin+100 {
			t.Errorf("a batch of %d bytes, the bound is %d", size, batchBytesMin)
		}
	}
	if batches < 500*300/batchBytesMin {
		t.Errorf("%d batches", batches)
	}
}

func TestLogin(t *testing.T) {
	broker := kafkatest.Start(t, 1, kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-256", "worker", "secret"), kfake.Superuser("PLAIN", "plain", "secret"))
	passwordFile := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(passwordFile, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, security := range []Security{
		{Mechanism: "SCRAM-SHA-256", Username: "worker", PasswordFile: passwordFile},
		{Mechanism: "PLAIN", Username: "plain", Password: "secret"},
	} {
		log := newLog(t, Config{Brokers: []string{broker.Addr}, Security: security})
		if _, _, err := log.Append(t.Context(), "acme", []byte("v")); err != nil {
			t.Errorf("%s: %v", security.Mechanism, err)
		}
	}
	wrong := Security{Mechanism: "PLAIN", Username: "plain", Password: "wrong"}
	log := newLog(t, Config{Brokers: []string{broker.Addr}, Security: wrong, DeliveryTimeout: time.Second})
	if _, _, err := log.Append(t.Context(), "acme", []byte("v")); err == nil {
		t.Error("a wrong password is accepted")
	}
}

func refuse(request kmsg.Request, code *kerr.Error) kmsg.Response {
	produce := request.(*kmsg.ProduceRequest)
	response := produce.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range produce.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic = topic.Topic
		for _, partition := range topic.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode = partition.Partition, code.Code
			answer.Partitions = append(answer.Partitions, part)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}
