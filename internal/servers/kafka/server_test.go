//go:build integration

package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/serverstest"
)

func write(ctx context.Context, server *kafka.Server, values ...string) error {
	writer := &kafkago.Writer{Addr: kafkago.TCP(server.Addr()), Topic: "log", BatchTimeout: time.Millisecond, RequiredAcks: kafkago.RequireAll, BatchBytes: 64 << 20}
	messages := make([]kafkago.Message, len(values))
	for i, value := range values {
		messages[i].Value = []byte(value)
	}
	return errors.Join(writer.WriteMessages(ctx, messages...), writer.Close())
}

// read takes n messages with a group of its own, from the beginning.
func read(t *testing.T, server *kafka.Server, group string, n int) []string {
	t.Helper()
	reader := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{server.Addr()}, GroupID: group, Topic: "log", StartOffset: kafkago.FirstOffset, MaxWait: 100 * time.Millisecond})
	defer func() {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	values := make([]string, n)
	for i := range values {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatalf("read message %d of %d: %v", i, n, err)
		}
		values[i] = string(message.Value)
	}
	return values
}

func TestTheLogOutlivesStopAndCrashOnTheSamePort(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{})
	if err := server.CreateTopic(t.Context(), "log", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}); err != nil {
		t.Fatal(err)
	}
	addr, written := server.Addr(), []string{}
	for _, step := range []struct {
		value string
		end   func() error
	}{{"before stop", server.Halt}, {"before crash", server.Kill}, {"last", nil}} {
		if err := write(t.Context(), server, step.value); err != nil {
			t.Fatal(err)
		}
		written = append(written, step.value)
		if got := read(t, server, step.value, len(written)); strings.Join(got, ",") != strings.Join(written, ",") {
			t.Fatalf("read %q, expected %q", got, written)
		}
		if step.end == nil {
			break
		}
		if err := errors.Join(step.end(), server.Restart(t.Context())); err != nil {
			t.Fatal(err)
		}
		if server.Addr() != addr {
			t.Fatalf("restarted on %s, expected %s", server.Addr(), addr)
		}
	}
}

func TestOptionsReachTheBroker(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{HeapMiB: 512, MessageMaxBytes: 2000, Properties: map[string]string{"compression.type": "producer"}})
	if err := server.CreateTopic(t.Context(), "log", 1, nil); err != nil {
		t.Fatal(err)
	}
	var refused kafkago.WriteErrors
	if err := write(t.Context(), server, strings.Repeat("x", 3000)); !errors.As(err, &refused) || !errors.Is(refused[0], kafkago.MessageSizeTooLarge) {
		t.Errorf("a message above message.max.bytes: %v, expected %v", err, kafkago.MessageSizeTooLarge)
	}
	if err := server.CreateTopic(t.Context(), "log", 1, nil); !errors.Is(err, kafkago.TopicAlreadyExists) {
		t.Errorf("a topic that exists: %v, expected %v", err, kafkago.TopicAlreadyExists)
	}
}

func TestABrokerThatCannotStartSaysWhy(t *testing.T) {
	_, err := kafka.Start(t.Context(), kafka.Options{Properties: map[string]string{"num.io.threads": "none"}})
	if err == nil || !strings.Contains(err.Error(), "num.io.threads") {
		t.Errorf("expected an error that quotes the broker's reason, found %v", err)
	}
}
