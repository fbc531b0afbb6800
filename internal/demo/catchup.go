package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawdown"
	"drawdown/sinks/clickhouse"
)

// catchUpTimeout bounds how long worker and sink may take for what is in flight when the last sync has ended: a second
// or two, unless the machine is very busy.
const catchUpTimeout = 2 * time.Minute

// waitBalances waits until the balances have everything that is in the log, every purchase is settled, and that
// settlement is in the balances too.
func (d *demo) waitBalances(ctx context.Context) error {
	return d.pipeline.poll(ctx, catchUpTimeout, func() error {
		before, err := d.behind(ctx)
		if err != nil {
			return err
		}
		if before > 0 {
			return fmt.Errorf("the balances are %d records behind: %w", before, orNothing(d.pipeline.worker.Ready()))
		}
		atEnd, err := d.ledger.atEnd(ctx)
		if err != nil {
			return err
		}
		if pending := d.sandbox.pending.Load(); !atEnd || pending > 0 {
			return fmt.Errorf("%d purchases are not settled yet", pending)
		}
		// A settlement may have been appended in between.
		if after, err := d.behind(ctx); err != nil || after > 0 {
			return errors.Join(err, fmt.Errorf("the balances are %d records behind", after))
		}
		return nil
	})
}

var errNoReason = errors.New("nothing is wrong with the worker")

func orNothing(err error) error {
	if err == nil {
		return errNoReason
	}
	return err
}

// behind is how many records of the log are not in the balances.
func (d *demo) behind(ctx context.Context) (records int64, err error) {
	ends, err := d.reader.Offsets(ctx, d.config.Worker.MeteringTopic, allPartitions())
	if err != nil {
		return 0, err
	}
	for p, end := range ends {
		position, err := d.store.Position(ctx, p)
		if err != nil {
			return 0, err
		}
		records += end.Latest - int64(position.Next)
	}
	return records, nil
}

// waitRows waits until the sink has written the last charge of each partition, and then for the rollups, which the
// same inserts write a moment later. Rows that are missing before the last one are not waited for: they are a drift.
func (d *demo) waitRows(ctx context.Context, expected *logEvidence) error {
	err := d.pipeline.poll(ctx, catchUpTimeout, func() error {
		positions, err := d.database.Positions(ctx)
		if err != nil {
			return err
		}
		return missingRows(expected.last, positions)
	})
	if err != nil {
		return err
	}
	const rollupTimeout = 5 * time.Second
	err = d.pipeline.poll(ctx, rollupTimeout, func() error {
		connections, err := d.database.Usage(ctx, "")
		if err != nil {
			return err
		}
		var events uint64
		for i := range connections {
			events += connections[i].Events
		}
		if events < expected.total.events {
			return errRollups
		}
		return nil
	})
	if errors.Is(err, errRollups) {
		return nil // the reconciliation says by how much
	}
	return err
}

var errRollups = errors.New("the rollups are not complete")

// missingRows says what the sink has still to write.
func missingRows(expected map[int32]clickhouse.Position, written []clickhouse.PartitionPosition) error {
	last := map[int32]clickhouse.Position{}
	for _, p := range written {
		last[p.Partition] = p.Last
	}
	for p, end := range expected {
		at, some := last[p]
		if !some {
			at = clickhouse.Position{Offset: drawdown.Offset(-1)}
		}
		if at.Offset < end.Offset || at.Offset == end.Offset && at.N < end.N {
			return fmt.Errorf("the sink has written partition %d up to offset %d of %d", p, at.Offset, end.Offset)
		}
	}
	return nil
}
