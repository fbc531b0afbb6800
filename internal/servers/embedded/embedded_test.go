package embedded_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
	kafkago "github.com/segmentio/kafka-go"

	"drawdown/internal/servers/embedded"
)

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// roundTrip writes one message and reads it back.
func roundTrip(ctx context.Context, addr string, dial dial) error {
	transport := &kafkago.Transport{Dial: dial}
	defer transport.CloseIdleConnections()
	writer := &kafkago.Writer{Addr: kafkago.TCP(addr), Topic: "log", Transport: transport, BatchTimeout: time.Millisecond, RequiredAcks: kafkago.RequireAll}
	if err := errors.Join(writer.WriteMessages(ctx, kafkago.Message{Key: []byte("a"), Value: []byte("value")}), writer.Close()); err != nil {
		return err
	}
	conn, err := (&kafkago.Dialer{DialFunc: dial}).DialLeader(ctx, "tcp", addr, "log", 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	message, err := conn.ReadMessage(1 << 20)
	if err != nil {
		return err
	}
	if string(message.Value) != "value" {
		return errors.New("read " + string(message.Value))
	}
	return nil
}

func TestKafkaOnLoopback(t *testing.T) {
	kafka, err := embedded.StartKafka(embedded.KafkaOptions{Topics: map[string]int32{"log": 1, "other": 8}})
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	if err := roundTrip(t.Context(), kafka.Addr(), (&net.Dialer{}).DialContext); err != nil {
		t.Error(err)
	}
	if n := len(kafka.PartitionInfos("other")); n != 8 {
		t.Errorf("the topic has %d partitions, expected 8", n)
	}
}

func TestKafkaInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{"log": 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer kafka.Close()
		if err := roundTrip(t.Context(), kafka.Addr(), dial); err != nil {
			t.Error(err)
		}
	})
}

func TestRedis(t *testing.T) {
	server, err := embedded.StartRedis("secret")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for password, admitted := range map[string]bool{"secret": true, "guess": false} {
		client := goredis.NewClient(&goredis.Options{Addr: server.Addr(), Password: password})
		n, err := client.Eval(t.Context(), "return redis.call('INCRBY', KEYS[1], 5)", []string{"{p}n"}).Int()
		if admitted != (err == nil && n == 5) {
			t.Errorf("password %q: %d, %v", password, n, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}
