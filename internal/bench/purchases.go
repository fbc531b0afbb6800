package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"drawdown/balance/redisstore"
)

// purchaseRun is one run of the benchmark of purchases.
type purchaseRun struct {
	run
	options *PurchaseOptions
	buyers  *buyers
	store   *redisstore.Store
	worker  *process
	figures purchaseFigures
}

// purchaseFigures are what was measured.
type purchaseFigures struct {
	burst, steady phase
	naive         phase
	others        processorTime
	own           float64 // processor seconds of worker and purchaser in the burst
	purchaser     report
	lags          lags
}

// phase is some accounts that cross, and the time until all have what they bought.
type phase struct {
	purchases int
	took      time.Duration
}

func (p *phase) perSecond() float64 {
	if p.took == 0 {
		return 0
	}
	return float64(p.purchases) / p.took.Seconds()
}

// RunPurchases measures how fast accounts that run out get what they buy by themselves, shows the figures on out and
// returns them. A purchase too many or too few, anywhere, is a *DriftError instead. It stops everything that it started.
func RunPurchases(ctx context.Context, options PurchaseOptions, out io.Writer) (result PurchaseResult, err error) {
	options.Config.Purchasing.WebhooksAddr = "" // nothing is told from outside
	if err := errors.Join(options.Validate(), options.Config.Validate()); err != nil {
		return PurchaseResult{}, err
	}
	shown := Options{JSON: options.JSON, KeepData: options.KeepData}
	r := &purchaseRun{run: run{options: &shown, out: out}, options: &options}
	r.say("starting Kafka and Redis")
	r.cluster, err = startCluster(ctx, options.machinery())
	defer func() { err = errors.Join(err, r.stop()) }()
	if err != nil {
		return PurchaseResult{}, err
	}
	client, store, err := r.cluster.config.OpenRedis()
	if err != nil {
		return PurchaseResult{}, err
	}
	defer client.Close()
	r.store = store
	if err := r.measure(ctx); err != nil {
		return PurchaseResult{}, err
	}
	result = r.result()
	return result, show(out, &result, options.JSON)
}

// measure goes through the phases of a run.
func (r *purchaseRun) measure(ctx context.Context) (err error) {
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
	bought := r.paymentsFile("purchaser")
	if err := r.withPurchaser(ctx, bought); err != nil {
		return err
	}
	payments := map[string]payment{}
	if err := readPayments(bought, payments); err != nil {
		return err
	}
	if r.options.BaselineAccounts > 0 {
		naive := r.paymentsFile("naive")
		if err := r.baseline(ctx, naive); err != nil {
			return fmt.Errorf("buy the naive way: %w", err)
		}
		if err := readPayments(naive, payments); err != nil {
			return err
		}
	}
	if err := r.worker.tell(commandFinish); err != nil {
		return err
	}
	if _, err := r.worker.result(); err != nil {
		return err
	}
	r.say("comparing every account and every purchase with what had to come of it")
	return r.verify(ctx, payments)
}

// child is what a child of the run does.
func (r *purchaseRun) child(kind jobKind) *job {
	j := &job{Kind: kind, Config: r.cluster.config}
	if r.options.CPUProfile != "" {
		j.CPUProfile = r.options.CPUProfile + "." + string(kind)
	}
	return j
}

func (r *purchaseRun) paymentsFile(of string) string {
	return filepath.Join(r.cluster.dir, of+"-payments.jsonl")
}

// setUp opens the accounts.
func (r *purchaseRun) setUp(ctx context.Context) error {
	r.say("opening %s accounts with a pack of credits each", thousands(int64(r.options.Accounts)))
	r.buyers = newBuyers(r.options.Accounts, r.options.Partitions)
	loader := r.cluster.newLoader(ctx, r.options.Partitions)
	if err := errors.Join(r.buyers.setup(loader), loader.close()); err != nil {
		return err
	}
	return r.await(ctx, 0, r.worker)
}

// withPurchaser measures what needs one: all accounts at once, and then half as many a second as it managed.
func (r *purchaseRun) withPurchaser(ctx context.Context, payments string) (err error) {
	j := r.child(purchaserJob)
	j.Till = tillJob{Delay: r.options.GatewayDelay, Payments: payments}
	purchaser, err := r.cluster.spawn("purchaser", j)
	if err != nil {
		return err
	}
	defer purchaser.stop()
	if err := purchaser.tell(commandGo); err != nil {
		return err
	}
	if err := r.warmUp(ctx, purchaser); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	if err := r.burst(ctx, purchaser); err != nil {
		return fmt.Errorf("all at once: %w", err)
	}
	if err := r.steady(ctx, purchaser); err != nil {
		return fmt.Errorf("at half load: %w", err)
	}
	if err := purchaser.tell(commandFinish); err != nil {
		return err
	}
	r.figures.purchaser, err = purchaser.result()
	return err
}

// warmUp has an account of each partition buy, so that worker and purchaser are known to follow all of them.
func (r *purchaseRun) warmUp(ctx context.Context, purchaser *process) error {
	var first []int
	for _, accounts := range r.buyers.partitions {
		first = append(first, accounts[:min(1, len(accounts))]...)
	}
	_, err := r.crossAtOnce(ctx, first, purchaser)
	return err
}

// crossAtOnce lets accounts cross and returns when all have what they bought.
func (r *purchaseRun) crossAtOnce(ctx context.Context, accounts []int, running ...*process) (phase, error) {
	until, err := r.recordsAfter(ctx, 2*len(accounts))
	if err != nil {
		return phase{}, err
	}
	loader := r.cluster.newLoader(ctx, r.options.Partitions)
	begun := time.Now()
	if err := r.buyers.crossAll(loader, accounts); err != nil {
		return phase{}, err
	}
	err = r.await(ctx, until, append(running, r.worker)...)
	return phase{len(accounts), time.Since(begun)}, err
}

// burst lets all accounts cross at once.
func (r *purchaseRun) burst(ctx context.Context, purchaser *process) (err error) {
	r.say("%s accounts cross their threshold at once", thousands(int64(r.options.Accounts)))
	all := make([]int, r.options.Accounts)
	for i := range all {
		all[i] = i
	}
	before, own := r.cluster.processorTime(), r.worker.cpu()+purchaser.cpu()
	r.figures.burst, err = r.crossAtOnce(ctx, all, purchaser)
	r.figures.others = r.cluster.processorTime().since(before)
	r.figures.own = (r.worker.cpu() + purchaser.cpu() - own).Seconds()
	r.say("  settled in %.1f s: %.0f purchases/s", r.figures.burst.took.Seconds(), r.figures.burst.perSecond())
	return err
}

// steady lets accounts cross at half the rate of the burst.
func (r *purchaseRun) steady(ctx context.Context, purchaser *process) error {
	rate := r.figures.burst.perSecond() / 2
	count := min(int(rate*r.options.SteadyFor.Seconds())+1, r.options.Accounts)
	r.say("%s accounts cross at half that load, %.0f a second", thousands(int64(count)), rate)
	until, err := r.recordsAfter(ctx, 2*count)
	if err != nil {
		return err
	}
	r.figures.lags.begun = time.Now()
	took, err := r.buyers.crossSteadily(ctx, r.cluster, count, rate)
	if err != nil {
		return err
	}
	r.figures.steady = phase{count, took}
	err = r.await(ctx, until, purchaser, r.worker)
	r.figures.lags.ended = time.Now()
	return err
}

// baseline has some accounts cross while nobody buys, and then measures how long the naive way takes for their purchases.
func (r *purchaseRun) baseline(ctx context.Context, payments string) error {
	o := r.options
	count := min(o.BaselineAccounts, o.Accounts)
	r.say("buying for %s accounts the naive way, for comparison", thousands(int64(count)))
	ledger := r.cluster.config.Worker.LedgerTopic
	begins, err := r.cluster.endsOf(ctx, ledger, o.Partitions)
	if err != nil {
		return err
	}
	until, err := r.recordsAfter(ctx, count)
	if err != nil {
		return err
	}
	some := make([]int, count)
	for i := range some {
		some[i] = i
	}
	loader := r.cluster.newLoader(ctx, o.Partitions)
	if err := errors.Join(r.buyers.crossAll(loader, some), r.await(ctx, until, r.worker)); err != nil {
		return err
	}
	ends, err := r.cluster.endsOf(ctx, ledger, o.Partitions)
	if err != nil {
		return err
	}
	var shares []span
	for partition := range begins {
		shares = append(shares, span{Partition: partition, From: begins[partition], Events: ends[partition] - begins[partition]})
	}
	j := &job{Kind: naivePurchaserJob, Config: r.cluster.config, Till: tillJob{Delay: o.GatewayDelay, Payments: payments, Shares: shares}}
	child, err := r.cluster.spawn("naive", j)
	if err != nil {
		return err
	}
	defer child.stop()
	begun := time.Now()
	if err := child.tell(commandGo); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-child.ended:
	}
	r.figures.naive = phase{count, time.Since(begun)}
	if _, err := child.result(); err != nil {
		return err
	}
	r.say("  %.0f purchases/s", r.figures.naive.perSecond())
	return r.await(ctx, until+int64(count), r.worker)
}
