//go:build integration

package e2e

import (
	"context"
	"fmt"
	"math/big"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
	"drawdown/sinks/clickhouse"
)

// database opens the installation's tables for queries of the test's own.
func (in *installation) database() driver.Conn {
	in.t.Helper()
	options, err := ch.ParseDSN(in.config.ClickHouse.DSN)
	in.must(err)
	conn, err := ch.Open(options)
	in.must(err)
	in.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// reports opens the project's own reports.
func (in *installation) reports() *clickhouse.Database {
	in.t.Helper()
	reports, err := in.config.OpenDatabase()
	in.must(err)
	in.t.Cleanup(func() { _ = reports.Close() })
	return reports
}

// awaitRows waits until ClickHouse has as many charges and ledger entries as the log means, or more.
func (in *installation) awaitRows(m *meaning) {
	in.t.Helper()
	conn := in.database()
	in.await("the rows are in ClickHouse", func(ctx context.Context) (bool, any) {
		var charges, entries uint64
		row := conn.QueryRow(ctx, "SELECT (SELECT count() FROM charges), (SELECT count() FROM ledger)")
		if err := row.Scan(&charges, &entries); err != nil {
			return false, err
		}
		return charges >= uint64(m.charged) && entries >= uint64(m.entries),
			fmt.Sprintf("%d charges of %d, %d entries of %d", charges, m.charged, entries, m.entries)
	})
}

// checkRows compares every row in ClickHouse, and the rollups, with what the log means.
func (in *installation) checkRows(m *meaning) {
	in.t.Helper()
	conn := in.database()
	same(in, "row of charges", in.chargeRows(conn), m.only(charge))
	same(in, "row of ledger", in.ledgerRows(conn), m.only(entry))
	events, used := uint64(0), drawdown.Total{}
	usage, err := in.reports().Usage(in.t.Context(), "")
	in.must(err)
	for _, u := range usage {
		events += u.Events
		used = used.Plus(u.Credits)
	}
	if events != uint64(m.charged) || used != m.used {
		in.t.Errorf("the rollups have %d events and %v nano-credits, want %d and %v", events, used.Big(), m.charged, m.used.Big())
	}
}

// chargeRows writes each row of charges as the contract's line.
func (in *installation) chargeRows(conn driver.Conn) map[place]string {
	in.t.Helper()
	rows, err := conn.Query(in.t.Context(), `
		SELECT partition, offset, n, at, time, account, connection, source_connector, destination_connector, job, attempt,
			stream, event, kind, toString(meter), quantity, credits, waived, category = 'free', rates, overdraft,
			arrayMap(b -> b.1, burned), arrayMap(b -> toInt64(b.2 * 1000000000), burned)
		FROM charges`)
	in.must(err)
	defer rows.Close()
	found := map[place]string{}
	for rows.Next() {
		var c drawdown.Charge
		var partition, n uint32
		var offset uint64
		var at, happened time.Time
		var stream, event, meter string
		var credits, waived, overdraft decimal.Decimal
		var grants []string
		var burned []int64
		in.must(rows.Scan(&partition, &offset, &n, &at, &happened, &c.Account, &c.Connection, &c.SourceConnector,
			&c.DestinationConnector, &c.Job, &c.Attempt, &stream, &event, &c.Kind, &meter, &c.Quantity, &credits, &waived,
			&c.Free, &c.Rates, &overdraft, &grants, &burned))
		c.Offset, c.N, c.At, c.Time = drawdown.Offset(offset), int(n), drawdown.TimeOf(at), drawdown.TimeOf(happened)
		if c.Event = []byte(event); stream != "" {
			c.Stream = []byte(stream)
		}
		c.Meter, _ = drawdown.ParseMeter([]byte(meter))
		c.Credits, c.Waived = drawdown.TotalOfBig(nano(credits)), drawdown.TotalOfBig(nano(waived))
		c.Overdraft = drawdown.Credits(nano(overdraft).Int64())
		for i := range grants {
			c.Burned = append(c.Burned, drawdown.Burn{Grant: grants[i], Credits: drawdown.Credits(burned[i])})
		}
		in.keep(found, place{int32(partition), c.Offset, c.N}, drawdown.AppendCharge(nil, &c))
	}
	in.must(rows.Err())
	return found
}

func (in *installation) ledgerRows(conn driver.Conn) map[place]string {
	in.t.Helper()
	rows, err := conn.Query(in.t.Context(), "SELECT partition, offset, n, line FROM ledger")
	in.must(err)
	defer rows.Close()
	found := map[place]string{}
	for rows.Next() {
		var partition, n uint32
		var offset uint64
		var line string
		in.must(rows.Scan(&partition, &offset, &n, &line))
		in.keep(found, place{int32(partition), drawdown.Offset(offset), int(n)}, []byte(line))
	}
	in.must(rows.Err())
	return found
}

// keep notes a row; a second one at the same place is one too many.
func (in *installation) keep(rows map[place]string, at place, line []byte) {
	if before, twice := rows[at]; twice {
		in.t.Errorf("%+v has two rows:\n%s\n%s", at, before, line)
	}
	rows[at] = string(line)
}

// nano turns a decimal with nine digits after the point into nano-credits.
func nano(d decimal.Decimal) *big.Int { return d.Shift(9).BigInt() }
