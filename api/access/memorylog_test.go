package access

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown/consumer/signature"
)

// memoryLog is a log in memory, which can be away.
type memoryLog struct {
	mu      sync.Mutex
	records []LogRecord
	away    error
	grown   chan struct{}
}

func newMemoryLog() *memoryLog { return &memoryLog{grown: make(chan struct{})} }

func (l *memoryLog) Append(_ context.Context, r LogRecord) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away != nil {
		return 0, l.away
	}
	l.records = append(l.records, r)
	close(l.grown)
	l.grown = make(chan struct{})
	return int64(len(l.records) - 1), nil
}

func (l *memoryLog) Read(ctx context.Context, from int64, take func(LogRecord)) (int64, error) {
	records, grown, err := l.since(from)
	if err == nil && len(records) == 0 {
		select {
		case <-grown:
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return from, ctx.Err()
		}
		records, _, err = l.since(from)
	}
	for _, r := range records {
		take(r)
	}
	return from + int64(len(records)), err
}

func (l *memoryLog) since(from int64) ([]LogRecord, chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[from:], l.grown, l.away
}

func (l *memoryLog) End(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.records)), l.away
}

func (l *memoryLog) goAway(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = err
}

// all returns a copy of what was appended.
func (l *memoryLog) all() []LogRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]LogRecord(nil), l.records...)
}

var errAway = errors.New("the log is away")

// signingKeys returns keys of an id, always the same of one id.
func signingKeysOf(t testing.TB, id string) *signature.Keys {
	t.Helper()
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 64)[:64]))
	keys, err := signature.Parse([]byte(id + ":" + secret))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// instance is a key store that runs until the test ends.
type instance struct {
	*KeyStore
	metrics *prometheus.Registry
	logs    *strings.Builder
	stop    func()
}

func newStore(t testing.TB, log Log) *instance {
	t.Helper()
	i := &instance{metrics: prometheus.NewRegistry(), logs: &strings.Builder{}}
	var err error
	i.KeyStore, err = NewKeyStore(KeyStoreConfig{
		Log: log, Signer: signingKeysOf(t, "k1"), Logger: slog.New(slog.NewTextHandler(i.logs, nil)), Registerer: i.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// start runs a store, and waits until it is ready. Inside a bubble.
func start(t testing.TB, log Log) *instance {
	t.Helper()
	i := newStore(t, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = i.Run(ctx) }()
	i.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(i.stop)
	synctest.Wait()
	if err := i.Ready(); err != nil {
		t.Fatalf("after all that can happen at once: %v", err)
	}
	return i
}

// records is how many records of a result were counted.
func (i *instance) records(result string) int {
	return int(testutil.ToFloat64(i.KeyStore.metrics.records.WithLabelValues(result)))
}

var root = &Principal{ID: "test:root", Role: Operator}

// issue makes a key that works.
func (i *instance) issue(t testing.TB, wanted NewKey) (Key, string) {
	t.Helper()
	if wanted.Name == "" {
		wanted.Name = "a key"
	}
	if wanted.Role == "" {
		wanted.Role = Worker
	}
	key, token, err := i.Issue(t.Context(), root, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return key, token
}

// why is why a credential was refused; "" where it was not.
func why(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *UnauthenticatedError
	if !errors.As(err, &refused) || !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("the error is %v, expected one that says why the credential is refused", err)
	}
	if err.Error() != ErrUnauthenticated.Error() || strings.Contains(err.Error(), refused.Why()) {
		t.Errorf("the error's text tells a caller why: %v", err)
	}
	return refused.Why()
}
