package clickhouse

import (
	"context"
	"fmt"
	"math/big"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
)

// ConnectionUsage is what one connection used over its lifetime.
type ConnectionUsage struct {
	Account, Connection string
	Events              uint64
	Credits, Waived     drawdown.Total // billed, and what free events would have cost
	Quantity            [drawdown.MeterCount]drawdown.Total
}

// Usage reads what connections used from the rollups, by account and connection; of one account, or of all where
// account is empty.
func (d *Database) Usage(ctx context.Context, account string) ([]ConnectionUsage, error) {
	var report []ConnectionUsage
	err := d.each(ctx, "report_usage", ch.Parameters{"account": account}, func(rows driver.Rows) error {
		var u ConnectionUsage
		var credits, waived decimal.Decimal
		var quantity [drawdown.MeterCount]big.Int
		err := rows.Scan(&u.Account, &u.Connection, &u.Events, &credits, &waived,
			&quantity[drawdown.Records], &quantity[drawdown.Bytes], &quantity[drawdown.Operations])
		if err != nil {
			return err
		}
		u.Credits, u.Waived = nano(credits), nano(waived)
		for m := range quantity {
			u.Quantity[m] = drawdown.TotalOfBig(&quantity[m])
		}
		report = append(report, u)
		return nil
	})
	return report, err
}

// ChargeTotals are all charges together.
type ChargeTotals struct {
	Charges         uint64
	Credits, Waived drawdown.Total
}

// Totals counts all charges, row by row.
func (d *Database) Totals(ctx context.Context) (totals ChargeTotals, err error) {
	err = d.each(ctx, "report_totals", nil, func(rows driver.Rows) error {
		var credits, waived decimal.Decimal
		if err := rows.Scan(&totals.Charges, &credits, &waived); err != nil {
			return err
		}
		totals.Credits, totals.Waived = nano(credits), nano(waived)
		return nil
	})
	return totals, err
}

// PartitionPosition is the last charge of a partition.
type PartitionPosition struct {
	Partition int32
	Last      Position
	Charges   uint64
}

// Positions reads the last charge of each partition that has any.
func (d *Database) Positions(ctx context.Context) ([]PartitionPosition, error) {
	var positions []PartitionPosition
	err := d.each(ctx, "report_positions", nil, func(rows driver.Rows) error {
		var partition, n uint32
		var offset, charges uint64
		if err := rows.Scan(&partition, &offset, &n, &charges); err != nil {
			return err
		}
		positions = append(positions, PartitionPosition{int32(partition), Position{drawdown.Offset(offset), int(n)}, charges})
		return nil
	})
	return positions, err
}

// each runs a report and calls use for each row.
func (d *Database) each(ctx context.Context, name string, parameters ch.Parameters, use func(driver.Rows) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	options := []ch.QueryOption{ch.WithSettings(readSettings)}
	if parameters != nil {
		options = append(options, ch.WithParameters(parameters))
	}
	rows, err := d.conn.Query(ch.Context(ctx, options...), statement(name))
	if err != nil {
		return fmt.Errorf("ClickHouse: %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := use(rows); err != nil {
			return fmt.Errorf("ClickHouse: %s: %w", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ClickHouse: %s: %w", name, err)
	}
	return nil
}

// nano turns a decimal with nine digits after the point into nano-credits.
func nano(d decimal.Decimal) drawdown.Total {
	return drawdown.TotalOfBig(d.Shift(9).BigInt())
}
