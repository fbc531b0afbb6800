package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"drawdown/balance/redisstore"
	"drawdown/consumer/fetch"
	"drawdown/consumer/signature"
	"drawdown/internal/app"
	"drawdown/notify"
	"drawdown/notify/webhook"
	"drawdown/purchasing"
	"drawdown/sinks/clickhouse"
)

// Options say how the demo is run.
type Options struct {
	// For is how long syncs run, 1 s to 1 h; 0 stands for 30 s.
	For time.Duration
	// Keep leaves everything up after the end, until the context ends.
	Keep bool
	// Plain prints lines instead of the live view. So does an output that is no terminal, and NO_COLOR.
	Plain bool
}

// Bounds of Options.For.
const (
	forDefault = 30 * time.Second
	forMin     = time.Second
	forMax     = time.Hour
)

// demo is everything that runs.
type demo struct {
	options Options
	out     *os.File
	style   style
	story   []customer

	config   *app.Config
	servers  *servers
	pipeline *pipeline

	cluster    *app.Cluster
	reader     *fetch.Client
	keys       *signature.Keys
	operations *app.Operations
	redis      redis.UniversalClient
	store      *redisstore.Store
	database   *clickhouse.Database
	transport  *http.Transport // to the API
	curl       *client         // whose key the visitor may use
	reports    *client         // reads usage of all accounts

	happenings  happenings
	till        till
	newsroom    newsroom
	cardholders *cardholders
	ledger      *ledgerReader
	traffic     *traffic
	recording   *recording
	gatekeeper  *gatekeeper
	schedulers  *schedulers
	observer    *observer
}

// Run runs the demo and prints it to out. When the context ends it ends early, but still reconciles; a signal after
// that gives up. It returns a *DriftError where the stores disagree. The binary must call engine.MaybeRunChild first in
// main (package internal/servers/clickhouse).
func Run(ctx context.Context, options Options, out *os.File) (err error) {
	if options.For == 0 {
		options.For = forDefault
	}
	if options.For < forMin || options.For > forMax {
		return fmt.Errorf("demo: for: is %v; allowed are %v to %v", options.For, forMin, forMax)
	}
	live := !options.Plain && showsView(out)
	d := &demo{options: options, out: out, style: newStyle(out, live), story: story()}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.prepare(ctx, &steps{out: out, style: d.style, live: live}); err != nil {
		if ctx.Err() != nil {
			return errors.New("demo: interrupted")
		}
		return fmt.Errorf("demo: %w", err)
	}
	d.printAddresses()
	// From here on the end of the context ends the syncs only.
	work, giveUp := afterInterrupt(ctx)
	defer giveUp()
	defer d.startLedger(work)()
	if err := d.run(ctx, work, live); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// run streams usage until ctx ends or the time is over, then reconciles. work ends when there is nobody to wait.
func (d *demo) run(ctx, work context.Context, live bool) error {
	if err := d.stream(ctx, work, live); err != nil {
		return err
	}
	if err := d.finish(work, live); err != nil || !d.options.Keep {
		return err
	}
	return d.keep(ctx, work)
}

// afterInterrupt returns a context that goes on when ctx ends and is ended by a signal after that.
func afterInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(again)
		select {
		case <-again:
			giveUp()
		case <-work.Done():
		}
	})
	return work, func() { stop(); giveUp() }
}

// prepare starts everything and writes what precedes the first sync.
func (d *demo) prepare(ctx context.Context, steps *steps) (err error) {
	if d.servers, err = startServers(ctx, steps); err != nil {
		return err
	}
	err = steps.run("worker, sink, purchaser, notifier, API and billing page, in this process", func(io.Writer) error { return d.startWork(ctx) })
	if err != nil {
		return err
	}
	err = steps.run("plans, rates and connectors published: signed, to every partition", func(io.Writer) error {
		return publish(ctx, d.operations)
	})
	if err != nil {
		return err
	}
	return steps.run(fmt.Sprintf("%d accounts opened, cards saved, credits bought", len(d.story)), func(io.Writer) error {
		for i := range d.story {
			if err := d.open(ctx, &d.story[i]); err != nil {
				return err
			}
		}
		return d.waitOpened(ctx)
	})
}

// startWork makes the topics, the connections of the demo itself, and starts the parts and whoever they tell.
func (d *demo) startWork(ctx context.Context) (err error) {
	if d.config, err = d.servers.configure(ctx); err != nil {
		return err
	}
	if err := d.connect(); err != nil {
		return err
	}
	if d.pipeline, err = startPipeline(d.config, d.servers, d.story[0].account); err != nil {
		return err
	}
	if err := d.startTelling(); err != nil {
		return err
	}
	if err := d.pipeline.waitReady(ctx); err != nil {
		return err
	}
	return d.issueKeys(ctx)
}

// startTelling opens the gateway's desk to the owners of the accounts, and begins to take what they are told.
func (d *demo) startTelling() error {
	d.cardholders = newCardholders(d.story, d.options.For, d.happenings.tell)
	d.cardholders.gateway, d.cardholders.fail = d.pipeline.gateway, d.pipeline.fail
	urls := purchasing.ReturnURLs{Success: d.config.Purchasing.SuccessURL, Cancel: d.config.Purchasing.CancelURL}
	d.cardholders.desk = purchasing.NewDesk(d.pipeline.gateway, app.NewDirectory(d.store), urls)
	folder := ""
	if d.options.Keep {
		folder = d.servers.mailFolder()
		if err := os.Mkdir(folder, 0o700); err != nil {
			return fmt.Errorf("make a folder for e-mails: %w", err)
		}
	}
	d.servers.mail.serve(folder, d.mailed)
	secrets, err := webhook.NewSecrets(&d.config.Webhooks)
	if err != nil {
		return err
	}
	return d.servers.webhooks.serve(secrets.Secret(webhookAccount, endpointName, 1), d.posted)
}

// mailed is called with each e-mail.
func (d *demo) mailed(m mail) {
	d.cardholders.read(m)
	for i := range d.story {
		if c := &d.story[i]; c.address() == m.to {
			d.newsroom.after(m.notice, func() {
				d.happenings.tell(m.at, c.account, "e-mail to owner: "+m.subject, plainTone)
				if c.account == holdsAccount && d.newsroom.kind(m.notice) == notify.Runaway {
					d.schedulers.read()
				}
			})
		}
	}
}

// posted is called with each webhook. Of what is also mailed one line is enough; receipts are told twice, to show it.
func (d *demo) posted(kind notify.Kind, notice string) {
	if kind == notify.PurchaseSettled {
		text := "webhook to its " + endpointName + ", signature valid: " + string(kind)
		at := time.Now()
		d.newsroom.after(notice, func() { d.happenings.tell(at, webhookAccount, text, plainTone) })
	}
}

func (d *demo) connect() (err error) {
	d.transport = newTransport()
	if d.cluster, err = d.config.Cluster(); err != nil {
		return err
	}
	d.reader, err = fetch.NewClient(fetch.Config{
		Transport: d.cluster.Transport, Addr: d.cluster.Addr, AllowCreateTime: true, Contiguous: true,
	})
	if err != nil {
		return err
	}
	if d.keys, err = d.config.Keys(); err != nil {
		return err
	}
	if d.operations, err = d.config.OpenOperations(operationSource); err != nil {
		return err
	}
	if d.redis, d.store, err = d.config.OpenRedis(); err != nil {
		return err
	}
	d.database, err = d.config.OpenDatabase()
	return err
}

// startLedger reads the ledger until stop.
func (d *demo) startLedger(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	d.ledger = &ledgerReader{client: d.reader, topic: d.config.Worker.LedgerTopic, handle: func(e *ledgerEntry) {
		d.happenings.take(e)
		d.till.take(e)
		d.newsroom.take(e)
	}}
	var reading sync.WaitGroup
	reading.Go(func() {
		if err := d.ledger.run(ctx); err != nil {
			d.pipeline.fail(err)
		}
	})
	return func() {
		cancel()
		reading.Wait()
	}
}

// close ends what is still open, in the order in which it depends on each other.
func (d *demo) close() error {
	var faults []error
	if d.cardholders != nil {
		d.cardholders.stop()
	}
	if d.transport != nil {
		d.transport.CloseIdleConnections()
	}
	if d.pipeline != nil {
		d.pipeline.close()
	}
	if d.cardholders != nil {
		d.cardholders.acting.Wait() // nobody is told any more, so nobody begins to act
	}
	if d.database != nil {
		faults = append(faults, d.database.Close())
	}
	if d.redis != nil {
		faults = append(faults, d.redis.Close())
	}
	if d.operations != nil {
		faults = append(faults, d.operations.Close())
	}
	if d.cluster != nil {
		d.cluster.Close()
	}
	if d.servers != nil {
		faults = append(faults, d.servers.close())
	}
	return errors.Join(faults...)
}
