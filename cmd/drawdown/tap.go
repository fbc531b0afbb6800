package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"drawdown/producer/tap"
)

type tapCommand struct {
	Pass  tapPassCommand  `cmd:"" default:"withargs" help:"Pass standard input to standard output and report it (the default)."`
	Flush tapFlushCommand `cmd:"" help:"Send what earlier taps left in the spool."`
}

func (*tapCommand) Help() string {
	return `Every line passes through untouched; records and bytes are counted per stream and reported at STATE messages, at least
every --interval, and at the end. Kafka may be away: events wait in the spool, and the sync never notices.

  source-faker read --config c.json --catalog k.json |
    drawdown tap --brokers localhost:9092 --account acme --connection faker-to-bq \
      --source-connector source-faker --destination-connector destination-bigquery --job 7 --attempt 0 |
    destination-bigquery write --config d.json --catalog k.json`
}

type tapPassCommand struct {
	Account              string        `env:"DRAWDOWN_ACCOUNT" placeholder:"ID" help:"The account that pays."`
	Connection           string        `env:"DRAWDOWN_CONNECTION" placeholder:"ID" help:"The connection that syncs."`
	SourceConnector      string        `env:"DRAWDOWN_SOURCE_CONNECTOR" placeholder:"NAME" help:"Its source, such as source-faker."`
	DestinationConnector string        `env:"DRAWDOWN_DESTINATION_CONNECTOR" placeholder:"NAME" help:"Its destination."`
	Job                  int64         `env:"DRAWDOWN_JOB" help:"The job's number."`
	Attempt              int64         `env:"DRAWDOWN_ATTEMPT" help:"The attempt's number: every start of a sync needs its own unless the spool folder is kept."`
	Interval             time.Duration `default:"10s" help:"How long usage waits for a STATE message."`
	NoSync               bool          `help:"Do not fsync the spool."`
	tapDelivery
}

// tapDelivery is where events go, and where they wait.
type tapDelivery struct {
	Brokers       []string      `env:"DRAWDOWN_BROKERS" placeholder:"HOST:PORT" help:"Kafka; default: kafka.brokers of the configuration."`
	Topic         string        `env:"DRAWDOWN_TOPIC" placeholder:"NAME" help:"Default: worker.metering_topic of the configuration."`
	SpoolDir      string        `env:"DRAWDOWN_SPOOL_DIR" placeholder:"DIR" help:"Where events wait for Kafka."`
	FinishTimeout time.Duration `default:"10s" help:"How long to wait for Kafka after the last line; what is left stays in the spool."`
}

func (d *tapDelivery) options(line *commands) (tap.Options, error) {
	config, err := line.load()
	if err != nil {
		return tap.Options{}, err
	}
	options := tap.Options{
		Brokers: d.Brokers, Topic: d.Topic, SpoolDir: d.SpoolDir, FinishTimeout: d.FinishTimeout, Security: config.Kafka.Security(),
	}
	if len(options.Brokers) == 0 {
		options.Brokers = config.Kafka.Brokers
	}
	if options.Topic == "" {
		options.Topic = config.Worker.MeteringTopic
	}
	return options, nil
}

// Run implements the command. Its result is that of the pipe, whatever becomes of the reports.
func (t *tapPassCommand) Run(ctx context.Context, line *commands) error {
	options, err := t.options(line)
	if err != nil {
		return err
	}
	options.Account, options.Connection = t.Account, t.Connection
	options.SourceConnector, options.DestinationConnector = t.SourceConnector, t.DestinationConnector
	options.Job, options.Attempt = t.Job, t.Attempt
	options.Interval, options.NoSync = t.Interval, t.NoSync
	err = tap.Run(ctx, options, os.Stdin, os.Stdout, os.Stderr)
	var pass *tap.PassError
	if errors.As(err, &pass) && pass.DownstreamClosed() {
		return fmt.Errorf("the destination stopped reading: %w", err)
	}
	return err
}

type tapFlushCommand struct {
	tapDelivery
}

// Run implements the command.
func (t *tapFlushCommand) Run(ctx context.Context, line *commands) error {
	options, err := t.options(line)
	if err != nil {
		return err
	}
	drained, err := tap.Drain(ctx, options)
	fmt.Printf("%d events delivered, %d remain, %d spools in use\n", drained.Delivered, drained.Remaining, drained.Busy)
	return err
}
