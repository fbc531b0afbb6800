package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// brokers answers produce requests. Each topic may have a leader of its own.
type brokers struct {
	leader   map[string]int
	log      map[string][]string // values by topic
	requests int
	// refuse decides on the error of a topic in a request.
	refuse func(topic string) kafka.Error
	// lose decides whether an answer gets lost.
	lose func() bool
}

func (b *brokers) RoundTrip(_ context.Context, _ net.Addr, r kafka.Request) (kafka.Response, error) {
	request := r.(*produce.Request)
	if request.Acks != -1 {
		return nil, errors.New("not acks=all")
	}
	for _, topic := range request.Topics {
		if b.leader[topic.Topic] != b.leader[request.Topics[0].Topic] {
			return nil, produce.NewError(errors.New("mismatching leaders"))
		}
	}
	b.requests++
	response := &produce.Response{}
	for _, topic := range request.Topics {
		answer := produce.ResponsePartition{Partition: topic.Partitions[0].Partition, BaseOffset: int64(len(b.log[topic.Topic]))}
		if b.refuse != nil {
			answer.ErrorCode = int16(b.refuse(topic.Topic))
		}
		for answer.ErrorCode == 0 {
			record, err := topic.Partitions[0].RecordSet.Records.ReadRecord()
			if err != nil {
				break
			}
			value, _ := protocol.ReadAll(record.Value)
			b.log[topic.Topic] = append(b.log[topic.Topic], string(value))
		}
		response.Topics = append(response.Topics, produce.ResponseTopic{
			Topic: topic.Topic, Partitions: []produce.ResponsePartition{answer},
		})
	}
	if b.lose != nil && b.lose() {
		return nil, errAway
	}
	return response, nil
}

func values(count, size int) (list []message) {
	for i := range count {
		list = append(list, message{value: []byte(fmt.Sprintf("%03d%s", i, strings.Repeat(".", size-3)))})
	}
	return list
}

func numbers(log []string) (list []string) {
	for _, value := range log {
		list = append(list, value[:3])
	}
	return list
}

func TestOneRequestCarriesAllTopics(t *testing.T) {
	b := &brokers{log: make(map[string][]string)}
	p := &producer{transport: b, messageBytesMax: 10_000}
	err := p.publish(t.Context(), newRetrier(time.Second), 3, []publication{
		{topic: "charges", messages: values(5, 100)}, {topic: "ledger"}, {topic: "rejected", messages: values(2, 100)},
	}, func() { t.Error("failed") })
	if err != nil || b.requests != 1 || len(b.log["charges"]) != 5 || len(b.log["rejected"]) != 2 {
		t.Errorf("error %v, %d requests, log %v", err, b.requests, b.log)
	}
}

func TestRequestsAreBoundedByBytesAndKeepTheOrder(t *testing.T) {
	b := &brokers{log: make(map[string][]string)}
	p := &producer{transport: b, messageBytesMax: 1000}
	messages := append(values(20, 200), values(1, 5000)...)
	last, err := p.append(t.Context(), newRetrier(time.Second), 0, []publication{{topic: "ledger", messages: messages}}, func() {})
	if err != nil || last[0] != 20 {
		t.Fatalf("error %v, last offset %v", err, last)
	}
	if want := (20*240+1000)/(1000-61) + 1; b.requests < 5 || b.requests > want+1 {
		t.Errorf("%d requests", b.requests)
	}
	if got := numbers(b.log["ledger"][:20]); !slices.IsSorted(got) {
		t.Errorf("order %v", got)
	}
}

func TestEachLeaderGetsItsOwnRequest(t *testing.T) {
	b := &brokers{log: make(map[string][]string), leader: map[string]int{"ledger": 2}}
	p := &producer{transport: b, messageBytesMax: 1000}
	err := p.publish(t.Context(), newRetrier(time.Second), 0, []publication{
		{topic: "charges", messages: values(1, 10)}, {topic: "ledger", messages: values(1, 10)},
	}, func() { t.Error("failed") })
	if err != nil || b.requests != 2 || len(b.log["charges"]) != 1 || len(b.log["ledger"]) != 1 {
		t.Errorf("error %v, %d requests, log %v", err, b.requests, b.log)
	}
}

func TestWhatIsAcknowledgedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals, failures := 3, 0
		b := &brokers{log: make(map[string][]string), refuse: func(topic string) kafka.Error {
			if topic == "ledger" {
				if refusals--; refusals >= 0 {
					return kafka.NotEnoughReplicas
				}
			}
			return 0
		}}
		p := &producer{transport: b, messageBytesMax: 1000}
		err := p.publish(t.Context(), newRetrier(time.Second), 0, []publication{
			{topic: "charges", messages: values(2, 10)}, {topic: "ledger", messages: values(2, 10)},
		}, func() { failures++ })
		if err != nil || len(b.log["charges"]) != 2 || len(b.log["ledger"]) != 2 || failures != 3 {
			t.Errorf("error %v, %d failures, log %v", err, failures, b.log)
		}
	})
}

func TestALostAnswerRepeatsTheMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		losses := 2
		b := &brokers{log: make(map[string][]string), lose: func() bool { losses--; return losses >= 0 }}
		p := &producer{transport: b, messageBytesMax: 1000}
		err := p.publish(t.Context(), newRetrier(time.Second), 0, []publication{{topic: "charges", messages: values(2, 10)}}, func() {})
		if err != nil || fmt.Sprint(numbers(b.log["charges"])) != "[000 001 000 001 000 001]" {
			t.Errorf("error %v, log %v", err, b.log)
		}
	})
}

func TestAMessageThatTheBrokerNeverTakesStops(t *testing.T) {
	b := &brokers{log: make(map[string][]string), refuse: func(string) kafka.Error { return kafka.MessageSizeTooLarge }}
	p := &producer{transport: b, messageBytesMax: 1000}
	err := p.publish(t.Context(), newRetrier(time.Second), 4, []publication{{topic: "rejected", messages: values(1, 5000)}}, func() {})
	var refused *PublishError
	if !errors.As(err, &refused) || refused.Partition != 4 || refused.Topic != "rejected" || Classify(err) != Stop || b.requests != 1 {
		t.Errorf("error %v after %d requests", err, b.requests)
	}
}

// TestMemoryOfAnAbandonedAttemptIsNotReused: the library may read the messages of a request that was given up, while
// the next batch is being written.
func TestMemoryOfAnAbandonedAttemptIsNotReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		failures := 1
		var kept []*batch
		worker := w.worker(func(call string, _ bool) error {
			if call == "publish" {
				if failures--; failures >= 0 {
					return errAway
				}
			}
			return nil
		})
		p := worker.newPartition(assignment{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := p.start(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a := &applier{cfg: &w.cfg, machine: s.machine, gauge: p.gauge, accounts: 9, inFlight: 2}
		for range 2 {
			b := &batch{tally: newTally()}
			publishing := &publisher{cfg: &w.cfg, producer: worker.producer, retrier: p.retrier, metrics: worker.metrics}
			b.charges.list = values(1, 10)
			if err := publishing.publish(ctx, b); err != nil {
				t.Fatal(err)
			}
			a.release(b)
			kept = append(kept, b)
		}
		cancel()
		if len(a.free) != 1 || a.free[0] != kept[1] {
			t.Errorf("%d batches are free, want the second alone", len(a.free))
		}
	})
}
