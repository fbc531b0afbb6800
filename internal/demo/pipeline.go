package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/internal/app"
)

// pipeline is the running worker and sink, with their metrics.
type pipeline struct {
	worker, sink app.Part
	registry     *prometheus.Registry
	metricsAddr  string
	log          *tail
	failed       chan error // what ended a part too early; has room for one

	stop    context.CancelFunc // nil before the parts run
	server  *http.Server
	running sync.WaitGroup
	closers []func()
}

// startPipeline starts worker and sink; they run until close.
func startPipeline(config *app.Config) (*pipeline, error) {
	p := &pipeline{registry: app.NewRegistry(), log: &tail{}, failed: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	worker, closeWorker, err := config.NewWorker(p.registry, log.With("part", "worker"))
	if err != nil {
		return nil, err
	}
	sink, closeSink, err := config.NewSink(p.registry, log.With("part", "sink"))
	if err != nil {
		closeWorker()
		return nil, err
	}
	p.worker, p.sink, p.closers = worker, sink, []func(){closeSink, closeWorker}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.close()
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	p.metricsAddr = listener.Addr().String()
	p.server = &http.Server{Handler: app.Handler(p.registry, p), ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.running.Go(func() { _ = p.server.Serve(listener) })
	p.run(ctx, "worker", worker)
	p.run(ctx, "sink", sink)
	return p, nil
}

func (p *pipeline) run(ctx context.Context, name string, part app.Part) {
	p.running.Go(func() {
		if err := part.Run(ctx); err != nil || ctx.Err() == nil {
			p.fail(fmt.Errorf("the %s ended: %w", name, errors.Join(err, p.Ready())))
		}
	})
}

// fail ends the demo with an error. Of several the first counts.
func (p *pipeline) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// Run implements app.Part for the metrics' handler, which does not call it.
func (p *pipeline) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Ready implements app.Part: why one of the two does not work as it should.
func (p *pipeline) Ready() error { return errors.Join(p.worker.Ready(), p.sink.Ready()) }

// readyTimeout bounds the start: joining a consumer group and making tables takes seconds on a busy machine.
const readyTimeout = time.Minute

// waitReady waits until both parts work.
func (p *pipeline) waitReady(ctx context.Context) error {
	return p.poll(ctx, readyTimeout, p.Ready)
}

// pollInterval is how often something awaited is looked at.
const pollInterval = 50 * time.Millisecond

// poll calls check until it returns nil, and gives up when a part ends or the time is over.
func (p *pipeline) poll(ctx context.Context, limit time.Duration, check func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case failure := <-p.failed:
			return p.explain(failure)
		case <-deadline.C:
			return p.explain(fmt.Errorf("gave up after %v: %w", limit, err))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// explain adds what worker and sink have logged.
func (p *pipeline) explain(err error) error {
	if err == nil {
		return nil
	}
	if logged := p.log.String(); logged != "" {
		return fmt.Errorf("%w\n  what worker and sink logged last:\n%s", err, logged)
	}
	return err
}

// close stops both parts and the metrics, and waits for them.
func (p *pipeline) close() {
	if p.stop != nil {
		p.stop()
		_ = p.server.Close()
	}
	p.running.Wait()
	for _, closeAll := range p.closers {
		closeAll()
	}
}

// tailLines is how much of the log an error quotes.
const tailLines = 20

// tail keeps the last lines written to it: a log that would destroy the view. Safe for concurrent use.
type tail struct {
	mu    sync.Mutex
	lines [][]byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, bytes.Clone(p))
	if len(t.lines) > tailLines {
		t.lines = t.lines[len(t.lines)-tailLines:]
	}
	return len(p), nil
}

// String returns the lines kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(t.lines, nil))
}
