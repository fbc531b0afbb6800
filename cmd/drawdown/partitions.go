package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance/redisstore"
	"drawdown/internal/app"
)

type partitionsCommand struct {
	Show    partitionsShowCommand    `cmd:"" help:"Show where each partition stands."`
	Rebuild partitionsRebuildCommand `cmd:"" help:"Make a partition's state anew from the log."`
}

type partitionsShowCommand struct {
	JSON bool `name:"json" help:"Print a JSON list."`
}

// Run implements the command.
func (c *partitionsShowCommand) Run(ctx context.Context, line *commands) error {
	var rows []partitionRow
	err := line.withAccounts(ctx, func(ctx context.Context, accounts *app.Accounts, store *redisstore.Store) (err error) {
		rows, err = partitionRows(ctx, accounts, store)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(rows)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PARTITION\tNEXT\tCLOCK\tEPOCH\tACCOUNTS")
	for _, row := range rows {
		fmt.Fprintf(table, "%d\t%d\t%s\t%d\t%d\n", row.Partition, row.Next, row.Clock, row.Epoch, row.Accounts)
	}
	return table.Flush()
}

// partitionRow is where one partition stands.
type partitionRow struct {
	Partition int32           `json:"partition"`
	Exists    bool            `json:"exists"`
	Next      drawdown.Offset `json:"next"`
	Clock     string          `json:"clock"`
	Epoch     int64           `json:"epoch"`
	Accounts  int64           `json:"accounts"`
}

func partitionRows(ctx context.Context, accounts *app.Accounts, store *redisstore.Store) ([]partitionRow, error) {
	var rows []partitionRow
	for partition := range int32(accounts.Partitions()) {
		position, err := store.Position(ctx, partition)
		if err != nil {
			return nil, err
		}
		row := partitionRow{
			Partition: partition, Exists: position.Exists, Next: position.Next, Clock: position.Clock.String(), Epoch: position.Epoch.Number,
		}
		for _, n := range position.Statuses {
			row.Accounts += n
		}
		rows = append(rows, row)
	}
	return rows, nil
}

type partitionsRebuildCommand struct {
	Partition int32 `required:"" help:"The partition."`
	Until     int64 `default:"-1" help:"Up to which offset; default: where the worker's group stands, up to which everything is published."`
	Drop      bool  `help:"Delete what Redis has of the partition first. No worker may be at work on it."`
}

func (*partitionsRebuildCommand) Help() string {
	return `When Redis has lost a partition, the worker refuses to begin it at offset 0 and names this command. It replays the log
from its beginning into Redis and publishes nothing. It needs the whole log: where it was cut, restore Redis from a
backup instead; the worker replays what the backup lacks by itself.`
}

// Run implements the command.
func (c *partitionsRebuildCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	worker, store, closeAll, err := config.NewRebuilder(prometheus.NewRegistry(), log)
	if err != nil {
		return err
	}
	defer closeAll()
	until := drawdown.Offset(c.Until)
	if until < 0 {
		if until, err = worker.Committed(ctx, c.Partition); err != nil {
			return err
		}
	}
	if c.Drop {
		if err := store.Drop(ctx, c.Partition); err != nil {
			return err
		}
	}
	err = worker.Rebuild(ctx, c.Partition, until, func(next drawdown.Offset) {
		fmt.Printf("partition %d: %d of %d records\n", c.Partition, next, until)
	})
	if err != nil {
		return err
	}
	fmt.Printf("partition %d stands at offset %d again; a worker goes on from there\n", c.Partition, until)
	return nil
}
