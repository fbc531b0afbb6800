package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/api/access"
	"drawdown/balance/redisstore"
	"drawdown/internal/servers"
)

// gateRun is one run of the benchmark of the gate.
type gateRun struct {
	run
	options     *GateOptions
	accounts    *gateAccounts
	store       *redisstore.Store
	worker, api *process
	empty       *process
	addr        string   // of the API
	emptyAddr   string   // of the empty handler
	programs    []string // keys that may ask the gate
	readers     []string // keys that may read balances

	gate, emptied, naive gatePhase
}

// gatePhase is what was measured of one way of asking.
type gatePhase struct {
	latencies
	own    time.Duration // processor time of who answers
	others processorTime
	worker time.Duration // processor time of the worker
	events float64       // usage events a second meanwhile
}

// RunGate measures how fast the gate answers while balances change, shows the figures on out and returns them. An answer
// that does not follow from the balances is a *WrongAnswerError instead. It stops everything that it started.
func RunGate(ctx context.Context, options GateOptions, out io.Writer) (result GateResult, err error) {
	if err := errors.Join(options.Validate(), options.Config.Validate()); err != nil {
		return GateResult{}, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(loadPercent)) // the load's own collections would be latency
	shown := Options{JSON: options.JSON, KeepData: options.KeepData}
	r := &gateRun{run: run{options: &shown, out: out}, options: &options}
	r.say("starting Kafka and Redis")
	r.cluster, err = startCluster(ctx, options.machinery())
	defer func() { err = errors.Join(err, r.stop()) }()
	if err != nil {
		return GateResult{}, err
	}
	if err := r.configure(); err != nil {
		return GateResult{}, err
	}
	client, store, err := r.cluster.config.OpenRedis()
	if err != nil {
		return GateResult{}, err
	}
	defer client.Close()
	r.store = store
	if err := r.measure(ctx); err != nil {
		return GateResult{}, err
	}
	result = r.result()
	return result, show(out, &result, options.JSON)
}

// loadPercent is how much garbage the load lets gather, in percent of what it keeps.
const loadPercent = 400

// configure makes the API's part of the configuration that of the run: an address, no ClickHouse, which the gate does not
// need, and for the naive way, which is not what people ask so often, the rate that it is measured at.
func (r *gateRun) configure() (err error) {
	config := &r.cluster.config
	if r.addr, err = servers.FreeAddr(); err != nil {
		return err
	}
	if r.emptyAddr, err = servers.FreeAddr(); err != nil {
		return err
	}
	config.API.Addr, config.API.PublicURL = r.addr, ""
	config.API.RequestsPerSecond = max(config.API.RequestsPerSecond, gateRateMax)
	config.API.RequestsBurst = max(config.API.RequestsBurst, gateRateMax)
	config.ClickHouse.DSN, config.ClickHouse.DSNFile = "http://127.0.0.1:1/none", ""
	config.Purchasing.Gateway = ""
	return nil
}

// measure goes through the phases of a run.
func (r *gateRun) measure(ctx context.Context) (err error) {
	if r.worker, err = r.cluster.spawn("worker", r.child(workerJob)); err != nil {
		return err
	}
	defer r.worker.stop()
	if err := r.worker.tell(commandGo); err != nil {
		return err
	}
	if err := r.setUp(ctx); err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	if err := r.issueKeys(ctx); err != nil {
		return fmt.Errorf("issue keys: %w", err)
	}
	if r.api, err = r.cluster.spawn("api", r.child(apiJob)); err != nil {
		return err
	}
	defer r.api.stop()
	if r.empty, err = r.cluster.spawn("empty handler", r.child(emptyJob)); err != nil {
		return err
	}
	defer r.empty.stop()
	if err := errors.Join(r.api.tell(commandGo), r.empty.tell(commandGo), r.awaitAPI(ctx), r.lowerOthers()); err != nil {
		return err
	}
	if err := r.underLoad(ctx); err != nil {
		return err
	}
	return r.finish(ctx)
}

// child is what a child of the run does.
func (r *gateRun) child(kind jobKind) *job {
	j := &job{Kind: kind, Config: r.cluster.config, Addr: r.emptyAddr}
	if r.options.CPUProfile != "" && kind != emptyJob {
		j.CPUProfile = r.options.CPUProfile + "." + string(kind)
	}
	return j
}

// setUp opens the accounts and waits until the worker has them.
func (r *gateRun) setUp(ctx context.Context) error {
	o := r.options
	r.say("opening %s accounts of %d connections", thousands(int64(o.Accounts)), gateConnections)
	r.accounts = newGateAccounts(o.Accounts, o.Partitions, o.eventsOfAll())
	loader := r.cluster.newLoader(ctx, o.Partitions)
	if err := errors.Join(r.accounts.setup(loader), loader.close()); err != nil {
		return err
	}
	return r.settled(ctx)
}

// lowerOthers gives the broker and the worker a lower priority than what the gate consists of, if that is wanted.
func (r *gateRun) lowerOthers() error {
	if r.options.Nice == 0 {
		return nil
	}
	for _, group := range []int{r.cluster.servers[0].PID(), r.worker.command.Process.Pid} { // each leads a group of its own
		if err := syscall.Setpriority(syscall.PRIO_PGRP, group, r.options.Nice); err != nil {
			return fmt.Errorf("lower the priority of the broker and the worker: %w", err)
		}
	}
	return nil
}

// settled waits until the worker has applied all of the log.
func (r *gateRun) settled(ctx context.Context) error {
	w := purchaseRun{run: r.run, options: &PurchaseOptions{Partitions: r.options.Partitions}, store: r.store}
	return w.await(ctx, 0, r.worker)
}

// keysSpare is how many times as many credentials there are as the rate limit of one asks for.
const keysSpare = 2

// issueKeys issues the API keys of the run, as an operator does, before the API runs.
func (r *gateRun) issueKeys(ctx context.Context) error {
	running, closeAll, err := r.cluster.config.OpenAPI(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer closeAll()
	following, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { _ = running.Keys.Run(following) }) // ends when it is told to
	defer func() { cancel(); ended.Wait() }()
	if err := until(ctx, func() error { return running.Keys.Ready() }); err != nil {
		return err
	}
	owner := &access.Principal{ID: "bench", Role: access.Operator}
	issue := func(role access.Role, count int) (tokens []string, err error) {
		for range count {
			_, token, err := running.Office.IssueKey(ctx, owner, access.NewKey{Name: "bench", Role: role})
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, token)
		}
		return tokens, nil
	}
	perKey := r.cluster.config.API.GatePerSecond
	if r.programs, err = issue(access.Worker, keysSpare*(1+r.options.Rate/perKey)); err != nil {
		return err
	}
	r.readers, err = issue(access.Operator, 1)
	return err
}

// startTimeout is how long the API may take to know its keys and to answer.
const startTimeout = time.Minute

// until tries until it works.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(positionInterval)
	defer ticker.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", startTimeout, err)
		case <-ticker.C:
		}
	}
}

// awaitAPI waits until every key is known to the API.
func (r *gateRun) awaitAPI(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	load := &gateLoad{addr: r.addr, accounts: r.accounts}
	for _, key := range append(r.readers, r.programs...) {
		err := until(ctx, func() error {
			select {
			case <-r.api.ended:
				return r.api.failure("run")
			default:
			}
			return load.askOne(ctx, client, key, &question{account: &r.accounts.all[0]})
		})
		if err != nil {
			return fmt.Errorf("wait for the API at http://%s/: %w; see its log, %s", r.addr, err, r.api.log)
		}
	}
	return nil
}

// underLoad measures the gate and what it is compared with while usage changes the balances.
func (r *gateRun) underLoad(ctx context.Context) (err error) {
	o := r.options
	r.say("asking %s times a second, while %s usage events a second change balances", thousands(int64(o.Rate)), thousands(int64(o.Events)))
	load := gateLoad{addr: r.addr, keys: r.programs, accounts: r.accounts, rate: o.Rate, warmUp: warmUp, lasts: o.For, count: o.Connections}
	if err := r.phase(ctx, load, r.api, &r.gate); err != nil || o.BaselineRate == 0 {
		return err
	}
	load.lasts = min(o.For, baselineFor)
	r.say("asking an empty HTTP handler as often, for comparison")
	load.asking, load.addr = askEmpty, r.emptyAddr
	if err := r.phase(ctx, load, r.empty, &r.emptied); err != nil {
		return err
	}
	r.say("asking %s times a second for the whole balance, for comparison", thousands(int64(o.BaselineRate)))
	load.asking, load.addr, load.keys, load.rate = askBalance, r.addr, r.readers, o.BaselineRate
	return r.phase(ctx, load, r.api, &r.naive)
}

// phase measures one load on a process, with usage beside it.
func (r *gateRun) phase(ctx context.Context, load gateLoad, asked *process, p *gatePhase) error {
	usage := r.use(ctx)
	var before processorTime
	var own, worker time.Duration
	load.started = func() { before, own, worker = r.cluster.processorTime(), asked.cpu(), r.worker.cpu() }
	found, err := load.run(ctx)
	if err == nil {
		p.others, p.own, p.worker = r.cluster.processorTime().since(before), asked.cpu()-own, r.worker.cpu()-worker
		p.latencies = *found
	}
	if err := errors.Join(err, usage.stop()); err != nil {
		return err
	}
	p.events = float64(usage.sent) / usage.took.Seconds()
	if len(p.took) == 0 {
		return fmt.Errorf("no question was answered: %w", p.first)
	}
	return nil
}

// finish waits for the rest of the usage, asks once about every account, and ends the processes.
func (r *gateRun) finish(ctx context.Context) error {
	r.say("asking once about every account, with all of its usage in it")
	if err := r.settled(ctx); err != nil {
		return err
	}
	load := gateLoad{addr: r.addr, keys: r.programs, accounts: r.accounts, count: len(r.programs)}
	if err := load.askAll(ctx); err != nil {
		return err
	}
	for _, p := range []*process{r.api, r.empty, r.worker} {
		if err := p.tell(commandFinish); err != nil {
			return err
		}
		if _, err := p.result(); err != nil {
			return err
		}
	}
	return nil
}
