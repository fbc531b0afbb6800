package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawdown"
	"drawdown/sinks/clickhouse"
)

// catchUpTimeout bounds how long the parts may take for what is in flight when the last sync has ended: a second
// or two, unless the machine is very busy.
const catchUpTimeout = 2 * time.Minute

// waitBalances waits until nothing more happens: the balances have everything that is in the log, every purchase has
// ended, everybody is told, and no owner is about to act on it.
func (d *demo) waitBalances(ctx context.Context) error {
	return d.pipeline.poll(ctx, catchUpTimeout, func() error { return d.restless(ctx) })
}

var errBusy = errors.New("an owner is replacing a card")

// restless says what is still going on, nil when nothing is. The order matters: what the log has caused so far is read
// first, then whoever could append to it is looked at, and at last whether somebody has.
func (d *demo) restless(ctx context.Context) error {
	ends, behind, err := d.behind(ctx)
	if err != nil {
		return err
	}
	if behind > 0 {
		return errors.Join(fmt.Errorf("the balances are %d records behind", behind), d.pipeline.Ready())
	}
	if atEnd, err := d.ledger.atEnd(ctx); err != nil || !atEnd {
		return errors.Join(err, errLedger)
	}
	if err := d.unfinished(); err != nil {
		return errors.Join(err, d.pipeline.Ready())
	}
	after, _, err := d.behind(ctx)
	if err == nil && after != ends {
		err = fmt.Errorf("%d more records have come", after-ends)
	}
	return err
}

var errLedger = errors.New("the ledger is not read to its end")

// unfinished says what the purchaser, the notifier and the owners still have to do about the entries read so far.
func (d *demo) unfinished() error {
	m, err := d.pipeline.metrics()
	if err != nil {
		return err
	}
	told := d.told()
	open, paying := d.till.takings().open, int(m.sum("drawdown_purchases_open", ""))
	untold, telling := told.untold(d.story), int(m.sum("drawdown_deliveries_pending", ""))
	switch {
	case open > 0 || paying > 0:
		return fmt.Errorf("%d purchases are not settled yet, of %d payments the outcome is not in the log", open, paying)
	case untold > 0 || telling > 0:
		return fmt.Errorf("%d messages have not arrived yet, of %d deliveries the outcome is not known", untold, telling)
	case d.cardholders.busy.Load() > 0:
		return errBusy
	}
	return nil
}

// told is who was told what so far.
func (d *demo) told() *told {
	t := &told{news: d.newsroom.known(), mails: d.servers.mail.arrived(), changed: d.pipeline.door.changed()}
	t.webhooks, t.forged = d.servers.webhooks.counts()
	return t
}

// behind is where the log ends, all partitions together, and how many records of it are not in the balances.
func (d *demo) behind(ctx context.Context) (end, records int64, err error) {
	ends, err := d.reader.Offsets(ctx, d.config.Worker.MeteringTopic, allPartitions())
	if err != nil {
		return 0, 0, err
	}
	for p, of := range ends {
		position, err := d.store.Position(ctx, p)
		if err != nil {
			return 0, 0, err
		}
		end += of.Latest
		records += of.Latest - int64(position.Next)
	}
	return end, records, nil
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
