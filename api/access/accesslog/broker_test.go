package accesslog

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/api/access"
	"drawdown/consumer/signature"
	"drawdown/internal/servers/embedded"
	"drawdown/producer"
)

const auditPartitions = 3

// broker is how a test reaches Kafka.
type broker struct {
	address     string
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	transport   *kafka.Transport
	keys, audit string // the topics' names
}

func newBroker(address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *broker {
	return &broker{address: address, dial: dial, keys: "drawdown.access", audit: "drawdown.audit",
		transport: &kafka.Transport{Dial: dial, MetadataTTL: time.Second}}
}

// onEmbedded runs a test on a broker of its own, in virtual time.
func onEmbedded(t *testing.T, test func(t *testing.T, b *broker)) {
	synctest.Test(t, func(t *testing.T) {
		server, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{
			"drawdown.access": 1, "drawdown.audit": auditPartitions, "wide": 2,
		}})
		if err != nil {
			t.Fatal(err)
		}
		b := newBroker(server.Addr(), dial)
		defer func() { b.transport.CloseIdleConnections(); server.Close() }()
		test(t, b)
	})
}

// config is that of an instance with connections of its own to append with. Call its end.
func (b *broker) config(t *testing.T, topic string) (Config, func()) {
	t.Helper()
	log, err := producer.NewLog(producer.Config{Brokers: []string{b.address}, Topic: topic, Dial: b.dial, DeliveryTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return Config{Producer: log, Transport: b.transport, Addr: kafka.TCP(b.address), AttemptTimeout: 10 * time.Second}, func() { log.Close() }
}

// put writes what anybody could write who can write to Kafka.
func (b *broker) put(t *testing.T, topic string, partition int32, value, signed []byte) {
	t.Helper()
	config, end := b.config(t, topic)
	defer end()
	var headers []kafka.Header
	if signed != nil {
		headers = append(headers, kafka.Header{Key: signature.Header, Value: signed})
	}
	if _, err := config.Producer.AppendTo(t.Context(), partition, "", value, headers...); err != nil {
		t.Fatal(err)
	}
}

func signingKeys(t *testing.T, id string) *signature.Keys {
	t.Helper()
	keys, err := signature.Parse([]byte(id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 64)[:64]))))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// store runs a key store until its end.
func (b *broker) store(t *testing.T) (*access.KeyStore, func()) {
	t.Helper()
	config, closeLog := b.config(t, b.keys)
	log, err := NewKeyLog(config)
	if err != nil {
		t.Fatal(err)
	}
	store, err := access.NewKeyStore(access.KeyStoreConfig{
		Log: log, Signer: signingKeys(t, "k1"), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = store.Run(ctx) }()
	eventually(t, "ready", func() bool { return store.Ready() == nil })
	return store, func() { cancel(); <-done; closeLog() }
}

// eventually waits for something that must come true.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("after a minute, not ", what)
		}
	}
}

// line is a network that can be cut.
type line struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	isCut bool
	open  []net.Conn
}

func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCut {
		return nil, &net.OpError{Op: "dial", Err: errors.New("the line is cut")}
	}
	conn, err := l.dial(ctx, network, address)
	if err == nil {
		l.open = append(l.open, conn)
	}
	return conn, err
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for _, conn := range l.open {
		conn.Close()
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}
