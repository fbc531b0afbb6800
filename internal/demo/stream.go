package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"drawdown"
	"drawdown/consumer/murmur"
)

// showInterval is how often the view is drawn, and how old an answer of the gate may be that decides whether a sync may
// start.
const showInterval = 250 * time.Millisecond

// stream runs syncs until ctx ends or the time is over, and then waits until everything they sent is in the balances.
func (d *demo) stream(ctx, work context.Context, live bool) error {
	if err := d.startTraffic(work); err != nil {
		return err
	}
	work, cancel := context.WithCancel(work)
	defer cancel()
	syncs, stop := context.WithTimeout(ctx, d.options.For)
	defer stop()
	d.schedulers.start, d.schedulers.hurry = time.Now(), syncs.Done()
	settled := make(chan error, 1)
	go func() {
		settled <- d.runSyncs(syncs, work)
		close(settled)
	}()
	err := d.display(work, syncs, live, settled)
	stop()
	cancel()
	for range settled {
		// until it is closed; what ended the display is the error that counts
	}
	return err
}

// runSyncs runs syncs until their context ends, delivers what they reported, and waits until the balances have it.
func (d *demo) runSyncs(syncs, work context.Context) error {
	group, running := errgroup.WithContext(syncs)
	group.Go(func() error { return d.traffic.run(running, work) })
	group.Go(func() error { return d.recording.run(running) })
	group.Go(func() error { return d.gatekeeper.run(running) })
	group.Go(func() error { return d.schedulers.run(work) }) // to its end, so that nothing stays held
	err := group.Wait()
	if err = errors.Join(err, d.traffic.close(work)); err != nil {
		return err
	}
	d.cardholders.hurry()
	if err := d.waitBalances(work); err != nil {
		return err
	}
	return d.gatekeeper.ask(work) // what the gate says in the end
}

// startTraffic prepares the syncs and takes a first look at the accounts.
func (d *demo) startTraffic(work context.Context) (err error) {
	d.recording = newRecording(d.config, d.servers.folder)
	if d.traffic, err = newTraffic(d.config, d.story, d.options.For, d.gatekeeper.admits); err != nil {
		return err
	}
	now := time.Now()
	d.observer = &observer{demo: d, start: now, full: map[string]drawdown.Credits{}}
	if _, err := d.observer.observe(work, now); err != nil { // it remembers with how many credits each begins
		return err
	}
	d.happenings.begin(now)
	return d.gatekeeper.ask(work)
}

// display shows what happens until everything is settled.
func (d *demo) display(work, syncs context.Context, live bool, settled <-chan error) error {
	var shown display = &plain{out: d.out}
	if live {
		shown = newScreen(d.out, d.style)
	}
	defer shown.end()
	ticker := time.NewTicker(showInterval)
	defer ticker.Stop()
	for {
		now, err := d.observer.observe(work, time.Now())
		if err != nil {
			return unlessGivenUp(work, err)
		}
		now.ended = syncs.Err() != nil
		shown.show(now, d.happenings.since(0))
		select {
		case <-ticker.C:
		case err := <-settled:
			if err == nil {
				err = d.showLast(work, shown)
			}
			return unlessGivenUp(work, err)
		case failure := <-d.pipeline.failed:
			return d.pipeline.explain(failure)
		}
	}
}

// showLast shows how it all ended.
func (d *demo) showLast(work context.Context, shown display) error {
	now, err := d.observer.observe(work, time.Now())
	if err != nil {
		return err
	}
	now.ended = true
	shown.show(now, d.happenings.since(0))
	return nil
}

var errGivenUp = errors.New("given up, as a second interrupt asked; nothing was reconciled")

func unlessGivenUp(work context.Context, err error) error {
	if err != nil && work.Err() != nil {
		return errGivenUp
	}
	return err
}

// syncs counts the connections of an account, and those with a sync under way.
func (d *demo) syncs(account string) (running, all int) {
	running, all = d.traffic.syncs(account)
	switch account {
	case recordedAccount:
		all++
		if d.recording.running.Load() {
			running++
		}
	case holdsAccount:
		running, all = int(d.schedulers.running.Load()), len(d.schedulers.of.scheduled)
	}
	return running, all
}

// finish reads everything back, prints the table and compares.
func (d *demo) finish(ctx context.Context, live bool) error {
	steps := &steps{out: d.out, style: d.style, live: live}
	r := &reconciliation{
		story: d.story, sent: d.sent(), refused: d.schedulers.refused, charges: d.pipeline.gateway.Charges(), told: *d.told(),
	}
	err := steps.run("the log read back from Kafka and replayed", func(io.Writer) (err error) {
		r.log, err = d.replayLog(ctx)
		return err
	})
	if err != nil {
		return unlessGivenUp(ctx, err)
	}
	err = steps.run("the sink has written the last charge", func(io.Writer) error { return d.waitRows(ctx, r.log) })
	if err != nil {
		return unlessGivenUp(ctx, err)
	}
	err = steps.run("accounts read from Redis, usage from ClickHouse and by the API", func(io.Writer) (err error) {
		if r.redis, err = d.readRedis(ctx); err != nil {
			return err
		}
		if r.rows, err = d.readClickHouse(ctx); err != nil {
			return err
		}
		r.reported, err = d.readReports(ctx)
		return err
	})
	if err != nil {
		return unlessGivenUp(ctx, err)
	}
	_, _ = fmt.Fprintf(d.out, "\nUsage per connection, from ClickHouse:\n\n")
	printUsage(d.out, d.style, r.rows.connections, columnsOf(d.out))
	_, _ = fmt.Fprintf(d.out, "\n%s repeated events were counted once.\n", number(uint64(r.log.duplicates)))
	_, _ = fmt.Fprintf(d.out, "\nPurchases, from the log, and what the gateway's books say was charged, in USD:\n\n")
	printPurchases(d.out, d.style, r.log.purchases, r.charges, columnsOf(d.out))
	_, _ = fmt.Fprintf(d.out, "\nPayments told twice, by the gateway's reply and its event, and settled once: %d.\n", r.log.echoes)
	_, _ = fmt.Fprintf(d.out, "E-mails: %d (%s).\nWebhooks, each with a valid signature: %d.\n", len(r.told.mails), r.told.mailsByKind(), len(r.told.webhooks))
	if !d.options.Keep {
		_, _ = fmt.Fprintln(d.out, "To keep the billing page, the e-mails and the stores up: make demo KEEP=1")
	}
	_, _ = fmt.Fprintln(d.out)
	return conclude(d.out, r)
}

// conclude compares and prints the last line.
func conclude(out io.Writer, r *reconciliation) error {
	differences := r.run()
	if len(differences) > 0 {
		for _, difference := range differences {
			_, _ = fmt.Fprintln(out, "differs:", difference)
		}
		_, _ = fmt.Fprintf(out, "not reconciled: %d events, %v credits, drift %d\n", r.log.total.events, r.log.total.credits, len(differences))
		return &DriftError{Differences: differences}
	}
	paid, amount, credits := r.paid()
	_, _ = fmt.Fprintf(out, "%d purchases: %s USD charged = settled, %s credits bought = granted; every notice told once\n",
		paid, dollars(amount), withCommas(credits.String()))
	_, _ = fmt.Fprintf(out, "Usage of %d connections of %d accounts: the API's report = ClickHouse = Redis = log\n", len(r.reported), len(r.log.balances))
	_, _ = fmt.Fprintf(out, "reconciled: %d events, %v credits, drift 0\n", r.log.total.events, r.log.total.credits)
	return nil
}

// sent is what the workers of each connection counted.
func (d *demo) sent() map[owner]sent {
	all := map[owner]sent{{recordedAccount, recordedConnection.name}: d.recording.sent()}
	for _, f := range d.traffic.flows {
		if f.sent.events > 0 {
			all[owner{f.account, f.connection.name}] = f.sent
		}
	}
	maps.Copy(all, d.schedulers.sent)
	return all
}

// rejectedSoFar reads the log and names the reasons, for an error message.
func (d *demo) rejectedSoFar() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	evidence, err := d.replayLog(ctx)
	if err != nil || len(evidence.rejected) == 0 {
		return "none"
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(evidence.rejected)))
}

// keep leaves everything up until an interrupt, and says where it is.
func (d *demo) keep(ctx, work context.Context) error {
	// Looked at before anything is printed: an interrupt that answers what is printed is for this.
	end := ctx.Done()
	if ctx.Err() != nil { // that interrupt ended the syncs; the next one is for this
		end = work.Done()
	}
	account := d.story[0].account
	partition := murmur.Partition([]byte(account), partitions)
	_, _ = fmt.Fprintf(d.out, `
Everything stays up until Ctrl-C:

%s
  Kafka       %s
              topics %s, %s,
              %s, %s
  Redis       %s
              redis-cli -p %s HGET '%s{p%03d}:a:%s' b
  ClickHouse  http://%s
              curl http://%s -d 'SELECT account, sum(credits) FROM charges GROUP BY account'
  Metrics     http://%s/worker/metrics, the same with sink, purchaser, notifier, api
  E-mails     %s
`, d.addresses(), d.servers.kafka.Addr(), d.config.Worker.MeteringTopic, d.config.Worker.ChargesTopic, d.config.Worker.LedgerTopic, d.config.Worker.RejectedTopic,
		d.servers.redis.Addr(), d.servers.redis.Port(), d.config.Redis.Prefix, partition, account,
		d.servers.clickhouse.Addr(), d.servers.clickhouse.Addr(), d.pipeline.metricsAddr,
		filepath.Join(d.servers.mailFolder(), "*.eml"))
	select {
	case <-end:
		return nil
	case failure := <-d.pipeline.failed:
		return d.pipeline.explain(failure)
	}
}
