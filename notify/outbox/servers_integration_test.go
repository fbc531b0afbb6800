//go:build integration

package outbox

import (
	"net"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/serverstest"
)

// TestOnRealKafka runs the same tests on a real broker, with the topic as it is created.
func TestOnRealKafka(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{})
	for name, test := range map[string]func(*testing.T, *broker){
		"what is appended is read": whatIsAppendedIsRead, "reading since": readingSince, "a notifier": aNotifierOnKafka,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(server.Addr(), (&net.Dialer{}).DialContext)
			defer b.transport.CloseIdleConnections()
			b.topic, b.ledger = strings.ReplaceAll(name, " ", "-"), strings.ReplaceAll(name, " ", "-")+".ledger"
			b.create(t)
			test(t, b)
		})
	}
}

// create creates the topics.
func (b *broker) create(t *testing.T) {
	t.Helper()
	client := kafkago.Client{Addr: kafkago.TCP(b.address), Transport: b.transport}
	topics := []kafkago.TopicConfig{TopicConfig(b.topic, partitions, 1), {Topic: b.ledger, NumPartitions: partitions, ReplicationFactor: 1}}
	answer, err := client.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	for topic, err := range answer.Errors {
		if err != nil {
			t.Fatalf("create topic %s: %v", topic, err)
		}
	}
	for deadline := time.Now().Add(time.Minute); b.leaderless(t); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("after a minute, the new topic's partitions still have no leaders")
		}
	}
}

// leaderless reports whether a broker has partitions, of either topic, that it knows of and does not lead yet.
func (b *broker) leaderless(t *testing.T) bool {
	ledger := *b
	ledger.topic = b.ledger
	for partition := range int32(partitions) {
		_, err := b.outbox(t).Last(t.Context(), partition)
		_, ledgerErr := ledger.outbox(t).Last(t.Context(), partition)
		if err != nil || ledgerErr != nil {
			return true
		}
	}
	return false
}
