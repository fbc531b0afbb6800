//go:build integration

package accesslog

import (
	"net"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/serverstest"
)

// TestOnRealKafka runs the same tests on a real broker, with the topics as they are created.
func TestOnRealKafka(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{})
	for name, test := range map[string]func(*testing.T, *broker){
		"keys": keysOnKafka, "audit": auditOnKafka, "a long audit log": aLongAuditLog,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(server.Addr(), (&net.Dialer{}).DialContext)
			defer b.transport.CloseIdleConnections()
			b.keys, b.audit = strings.ReplaceAll(name, " ", "-")+".access", strings.ReplaceAll(name, " ", "-")+".audit"
			b.create(t)
			test(t, b)
		})
	}
}

// create creates the topics, and waits until their partitions have leaders.
func (b *broker) create(t *testing.T) {
	t.Helper()
	client := kafkago.Client{Addr: kafkago.TCP(b.address), Transport: b.transport}
	answer, err := client.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
		KeysTopicConfig(b.keys, 1), AuditTopicConfig(b.audit, auditPartitions, 1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for topic, err := range answer.Errors {
		if err != nil {
			t.Fatalf("create topic %s: %v", topic, err)
		}
	}
	for topic, partitions := range map[string][]int32{b.keys: {0}, b.audit: {0, 1, 2}} {
		config, end := b.config(t, topic)
		defer end()
		reader, err := config.client(false)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "led", func() bool { _, err := reader.Offsets(t.Context(), topic, partitions); return err == nil })
	}
}
