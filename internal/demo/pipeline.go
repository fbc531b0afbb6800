package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/internal/app"
	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

// pipeline is the running parts, with their metrics.
type pipeline struct {
	parts       []part
	gateway     *sandbox.Gateway
	api         *app.RunningAPI
	door        *door
	page        string // the address of the billing page, with which its visitor is signed in
	metricsAddr string
	log         *tail
	failed      chan error // what ended a part too early; has room for one

	stop    context.CancelFunc // nil before the parts run
	server  *http.Server
	running sync.WaitGroup
	closers []func()
}

// part is one of the programs of a deployment, in this process. As there, each has its own metrics.
type part struct {
	name string
	app.Part
	registry *prometheus.Registry
}

// gatewayDelay is how long the sandbox takes for a payment: about what a bank does.
const gatewayDelay = 200 * time.Millisecond

// startPipeline starts worker, sink, purchaser, notifier, and the API with the page; they run until close. The page shows
// first an account at first.
func startPipeline(config *app.Config, servers *servers, first string) (*pipeline, error) {
	p := &pipeline{log: &tail{}, failed: make(chan error, 1)}
	if err := p.assemble(config, servers.page, first, slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelWarn}))); err != nil {
		p.close()
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.close()
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	p.metricsAddr = listener.Addr().String()
	p.server = &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.running.Go(func() { _ = p.server.Serve(listener) })
	_ = servers.checkout.Close() // the purchaser listens there itself
	for _, part := range p.parts {
		p.running.Go(func() {
			if err := part.Run(ctx); err != nil || ctx.Err() == nil {
				p.fail(fmt.Errorf("the %s ended: %w", part.name, errors.Join(err, p.Ready())))
			}
		})
	}
	return p, nil
}

// assemble puts the parts together as the commands of their names do.
func (p *pipeline) assemble(config *app.Config, page net.Listener, first string, log *slog.Logger) error {
	for _, of := range []struct {
		name     string
		assemble func(prometheus.Registerer, *slog.Logger) (app.Part, func(), error)
	}{
		{"worker", config.NewWorker}, {"sink", config.NewSink}, {"notifier", config.NewNotifier},
	} {
		registry := app.NewRegistry()
		running, closeAll, err := of.assemble(registry, log.With("part", of.name))
		if err != nil {
			return fmt.Errorf("put the %s together: %w", of.name, err)
		}
		p.parts, p.closers = append(p.parts, part{of.name, running, registry}), append(p.closers, closeAll)
	}
	if err := p.assemblePurchaser(config, log); err != nil {
		return err
	}
	return p.assembleAPI(config, page, first, log)
}

// assembleAPI puts the API and the billing page together, behind the demo's door.
func (p *pipeline) assembleAPI(config *app.Config, page net.Listener, first string, log *slog.Logger) error {
	const name = "api"
	registry := app.NewRegistry()
	running, closeAll, err := config.OpenAPI(registry, log.With("part", name))
	if err != nil {
		return fmt.Errorf("put the API together: %w", err)
	}
	p.closers = append(p.closers, closeAll)
	door, err := newDoor(config.API.Access.SessionKeys, first, running.Handler)
	if err != nil {
		return fmt.Errorf("put the API together: %w", err)
	}
	running.Handler = door
	p.api, p.door, p.page = running, door, config.API.Origin()+door.path
	p.parts = append(p.parts, part{name, &front{running, page}, registry})
	return nil
}

// assemblePurchaser puts the purchaser together, on a gateway that takes no money.
func (p *pipeline) assemblePurchaser(config *app.Config, log *slog.Logger) error {
	const name = "purchaser"
	var purchaser *app.Purchaser
	gateway, err := config.Sandbox()
	if err != nil {
		return err
	}
	gateway.Delay = gatewayDelay
	gateway.Told = func(e purchasing.Event) { // by what runs, hence not before there is a purchaser
		if err := purchaser.Intake.Take(context.Background(), &e); err != nil {
			p.fail(fmt.Errorf("take what the gateway tells: %w", err))
		}
	}
	p.gateway = sandbox.New(gateway)
	registry := app.NewRegistry()
	purchaser, closeAll, err := config.NewPurchaserOn(p.gateway, registry, log.With("part", name))
	if err != nil {
		return fmt.Errorf("put the %s together: %w", name, err)
	}
	p.parts, p.closers = append(p.parts, part{name, purchaser, registry}), append(p.closers, closeAll)
	return nil
}

// handler answers for each part what its own process would, such as /worker/metrics and /worker/readyz.
func (p *pipeline) handler() http.Handler {
	mux := http.NewServeMux()
	for _, part := range p.parts {
		mux.Handle("/"+part.name+"/", http.StripPrefix("/"+part.name, app.Handler(part.registry, part)))
	}
	return mux
}

// fail ends the demo with an error. Of several the first counts.
func (p *pipeline) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// Ready returns why one of the parts does not work as it should, nil while all do.
func (p *pipeline) Ready() error {
	var faults []error
	for _, part := range p.parts {
		faults = append(faults, part.Ready())
	}
	return errors.Join(faults...)
}

// readyTimeout bounds the start: joining a consumer group and making tables takes seconds on a busy machine.
const readyTimeout = time.Minute

// waitReady waits until all parts work.
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

// explain adds what the parts have logged.
func (p *pipeline) explain(err error) error {
	if err == nil {
		return nil
	}
	if logged := p.log.String(); logged != "" {
		return fmt.Errorf("%w\n  what its parts logged last:\n%s", err, logged)
	}
	return err
}

// close stops the parts and the metrics, and waits for them.
func (p *pipeline) close() {
	if p.stop != nil {
		p.stop()
		_ = p.server.Close()
	}
	p.running.Wait()
	for _, closeAll := range slices.Backward(p.closers) {
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
