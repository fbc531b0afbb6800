package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"drawdown/producer/internal/kafkatest"
)

func newProducer(t *testing.T, config Config) *Producer {
	t.Helper()
	p, err := New(config)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Close(ctx) // nothing is left of a test that ended before its Close
	})
	return p
}

// countingDial dials for real and tells, after each dial that failed.
func countingDial(failures chan<- struct{}) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			failures <- struct{}{}
		}
		return conn, err
	}
}

func seqs(t *testing.T, records []*kgo.Record) map[int64]int {
	t.Helper()
	counts := map[int64]int{}
	for _, r := range records {
		var event envelope
		if err := json.Unmarshal(r.Value, &event); err != nil {
			t.Fatalf("read an event: %v", err)
		}
		if string(r.Key) != event.Subject {
			t.Errorf("key %q, subject %q", r.Key, event.Subject)
		}
		counts[event.Data.Seq]++
	}
	return counts
}

func TestWhatIsReportedIsDelivered(t *testing.T) {
	broker := kafkatest.Start(t, 8)
	p := newProducer(t, Config{Brokers: []string{broker.Addr}, BufferEvents: 50, BatchEvents: 20})
	var workers sync.WaitGroup
	for worker := range 4 {
		attempt, err := p.Attempt(Usage{Account: fmt.Sprintf("account-%d", worker), Connection: "c",
			SourceConnector: "s", DestinationConnector: "d", Job: int64(worker)})
		if err != nil {
			t.Fatal(err)
		}
		workers.Go(func() {
			for range 250 {
				if err := attempt.Report(t.Context(), "users", Amount{Records: 1}, time.Time{}); err != nil {
					t.Errorf("Report: %v", err)
				}
			}
			if attempt.Last() != 250 {
				t.Errorf("Last() = %d", attempt.Last())
			}
		})
	}
	workers.Wait()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	for seq, count := range seqs(t, broker.Read(t, 1000)) {
		if seq < 1 || seq > 250 || count != 4 {
			t.Errorf("seq %d came %d times, want once from each of 4", seq, count)
		}
	}
}

func TestBadEventsAreNotSent(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	p := newProducer(t, Config{Brokers: []string{broker.Addr}})
	bad := validUsage()
	bad.Connection = ""
	var invalid *UsageError
	if err := p.Report(t.Context(), bad); !errors.As(err, &invalid) {
		t.Fatalf("Report = %v, want a *UsageError", err)
	}
	good := validUsage()
	good.Seq = 77
	if err := p.Report(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if got := seqs(t, broker.Read(t, 1)); got[77] != 1 || len(got) != 1 {
		t.Errorf("in the log: %v", got)
	}
	if err := p.Report(t.Context(), good); !errors.Is(err, ErrClosed) {
		t.Errorf("Report after Close = %v", err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("second Close = %v", err)
	}
}

func TestReportWaitsWhileTheBufferIsFull(t *testing.T) {
	port := kafkatest.FreePort(t)
	p := newProducer(t, Config{Brokers: []string{kafkatest.Address(port)}, BufferEvents: 3})
	usage := validUsage()
	for usage.Seq = 1; usage.Seq <= 3; usage.Seq++ {
		if err := p.Report(t.Context(), usage); err != nil {
			t.Fatal(err)
		}
	}
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Report(impatient, usage); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Report into a full buffer = %v", err)
	}
	if err := p.Flush(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Flush without a broker = %v", err)
	}
	accepted := make(chan error, 1)
	go func() { accepted <- p.Report(t.Context(), usage) }()
	broker := kafkatest.StartOn(t, port, 1)
	if err := <-accepted; err != nil {
		t.Fatalf("Report when the broker is back = %v", err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if got := seqs(t, broker.Read(t, 4)); len(got) != 4 {
		t.Errorf("in the log: %v", got)
	}
}

func TestUndeliveredEventsAreHandedBackAndCanBeReportedAgain(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	var refusing atomic.Bool
	refusing.Store(true)
	broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster.KeepControl()
		return refuse(request, kerr.TopicAuthorizationFailed), nil, refusing.Load()
	})
	p := newProducer(t, Config{Brokers: []string{broker.Addr}, BufferEvents: 2})
	usage := validUsage()
	for usage.Seq = 1; usage.Seq <= 2; usage.Seq++ {
		if err := p.Report(t.Context(), usage); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Report(t.Context(), usage); !errors.Is(err, ErrUncollected) {
		t.Fatalf("Report over undelivered events = %v", err)
	}
	var failure *DeliveryError
	if err := p.Flush(t.Context()); !errors.As(err, &failure) || len(failure.Undelivered) != 2 {
		t.Fatalf("Flush = %v", err)
	}
	var cause *AppendError
	if !errors.As(failure, &cause) {
		t.Errorf("no *AppendError in %v", failure)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Errorf("events are handed back twice: %v", err)
	}
	refusing.Store(false)
	for _, again := range failure.Undelivered {
		if err := p.Report(t.Context(), again); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if got := seqs(t, broker.Read(t, 2)); got[1] != 1 || got[2] != 1 {
		t.Errorf("in the log: %v", got)
	}
}

func TestTheHandlerGetsWhatIsUndelivered(t *testing.T) {
	handed := make(chan *DeliveryError, 1)
	p := newProducer(t, Config{
		Brokers: []string{kafkatest.Address(kafkatest.FreePort(t))}, DeliveryTimeout: 100 * time.Millisecond,
		OnUndelivered: func(failure *DeliveryError) { handed <- failure },
	})
	if err := p.Report(t.Context(), validUsage()); err != nil {
		t.Fatal(err)
	}
	if failure := <-handed; len(failure.Undelivered) != 1 || failure.Undelivered[0] != validUsage() {
		t.Errorf("handed %+v", failure)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Errorf("Flush hands the same back again: %v", err)
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	p, err := New(Config{Brokers: []string{kafkatest.Address(kafkatest.FreePort(t))}})
	if err != nil {
		t.Fatal(err)
	}
	for seq := range int64(5) {
		usage := validUsage()
		usage.Seq = seq + 1
		if err := p.Report(t.Context(), usage); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var failure *DeliveryError
	if err := p.Close(ctx); !errors.As(err, &failure) || len(failure.Undelivered) != 5 {
		t.Fatalf("Close = %v, want five events back", err)
	}
	goleak.VerifyNone(t, ignore)
}
