package main

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/internal/app"
)

type workerCommand struct{}

func (*workerCommand) Help() string {
	return `Runs until SIGTERM, then finishes what is in flight within worker.drain_timeout. Run as many as you like: Kafka's
consumer group shares the partitions out, and Redis refuses whoever is not the owner any more.
/metrics, /healthz and /readyz are served at metrics_addr.`
}

// Run implements the command.
func (*workerCommand) Run(ctx context.Context, line *commands) error {
	return line.serve(ctx, "worker", (*app.Config).NewWorker)
}

type sinkCommand struct{}

func (*sinkCommand) Help() string {
	return `Brings the tables up to date, then runs until SIGTERM. It never holds up balances: while ClickHouse is away it waits,
and catches up after. Where it goes on is what ClickHouse itself holds.`
}

// Run implements the command.
func (*sinkCommand) Run(ctx context.Context, line *commands) error {
	return line.serve(ctx, "sink", (*app.Config).NewSink)
}

type purchaserCommand struct{}

func (*purchaserCommand) Help() string {
	return `Follows the ledger: each purchase that it asks for becomes one payment at the gateway (purchasing.gateway: stripe, or
sandbox to try it out), and the outcome is appended to the log, signed. Takes the gateway's webhooks at
purchasing.webhooks_addr, under /webhooks/stripe: orders by hand, saved cards, refunds, disputes, subscriptions.
It keeps nothing: stop it, start it, run several. What a killed one had under way, the next one finds in the ledger.`
}

// Run implements the command.
func (*purchaserCommand) Run(ctx context.Context, line *commands) error {
	return line.serve(ctx, "purchaser", (*app.Config).NewPurchaser)
}

type notifierCommand struct{}

func (*notifierCommand) Help() string {
	return `Follows the ledger and tells each account what it wants to know: by e-mail (email.addr and what follows) and by webhook
(webhooks.master_key_file; see docs/webhooks.md). What was tried, and what came of it, is in the topic
drawdown.deliveries: 'drawdown deliveries list'. A restart sends nothing again that was delivered.`
}

// Run implements the command.
func (*notifierCommand) Run(ctx context.Context, line *commands) error {
	return line.serve(ctx, "notifier", (*app.Config).NewNotifier)
}

type apiCommand struct{}

func (*apiCommand) Help() string {
	return `Listens at api.addr: the API under /v1/ (its description is /v1/openapi.json; docs/api.md has examples) and the billing page
under /billing/. It computes nothing: balances come from Redis, reports from ClickHouse, and every write is a signed
operation in the log that names who asked for it. Run as many as you like.

  drawdown keys issue --role worker --name scheduler    a key for a program; its secret is shown once
  drawdown account page-link acme                       signs a customer in to the billing page, once

Behind a proxy with a certificate set api.public_url to the address that customers use, and api.access.session_keys_file, so
that a restart signs nobody out. People of your own sign in by api.access.oidc. SIGTERM lets requests under way end, within
api.drain_timeout. /metrics, /healthz and /readyz are served at metrics_addr.`
}

// Run implements the command.
func (*apiCommand) Run(ctx context.Context, line *commands) error {
	return line.serve(ctx, "api", (*app.Config).NewAPI)
}

// serve puts a part together and runs it beside its metrics.
func (c *commands) serve(ctx context.Context, name string,
	newPart func(*app.Config, prometheus.Registerer, *slog.Logger) (app.Part, func(), error),
) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	log := config.Logger().With("part", name)
	log.Info("starting", "version", version(), "config", config.Values())
	registry := app.NewRegistry()
	part, closeAll, err := newPart(&config, registry, log)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := app.Serve(ctx, config.MetricsAddr, registry, part, log); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// version is that of the build, "devel" where none was stamped.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
