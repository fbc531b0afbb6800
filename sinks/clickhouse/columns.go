package clickhouse

import (
	"errors"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// The columns that are sent, in the order in which they are appended, with the types for HTTP: the native protocol
// asks the server for them. Over HTTP texts are sent plain and the server builds the dictionaries of LowCardinality,
// which the driver does slowly.
var (
	chargesSent = []ch.ColumnNameAndType{
		{Name: "partition", Type: "UInt32"},
		{Name: "offset", Type: "UInt64"},
		{Name: "n", Type: "UInt32"},
		{Name: "at", Type: "DateTime64(3, 'UTC')"},
		{Name: "time", Type: "DateTime64(3, 'UTC')"},
		{Name: "account", Type: "String"},
		{Name: "connection", Type: "String"},
		{Name: "source_connector", Type: "String"},
		{Name: "destination_connector", Type: "String"},
		{Name: "job", Type: "UInt64"},
		{Name: "attempt", Type: "UInt64"},
		{Name: "stream", Type: "String"},
		{Name: "event", Type: "String"},
		{Name: "kind", Type: "String"},
		{Name: "meter", Type: "Enum8('records' = 0, 'bytes' = 1, 'operations' = 2)"},
		{Name: "quantity", Type: "UInt64"},
		{Name: "category", Type: "Enum8('billed' = 0, 'free' = 1)"},
		{Name: "rates", Type: "String"},
		{Name: "credits_nano", Type: "UInt64"},
		{Name: "waived_nano_low", Type: "UInt64"},
		{Name: "waived_nano_high", Type: "UInt64"},
		{Name: "overdraft_nano", Type: "UInt64"},
		{Name: "burned_grants", Type: "Array(String)"},
		{Name: "burned_nano", Type: "Array(UInt64)"},
	}
	ledgerSent = []ch.ColumnNameAndType{
		{Name: "partition", Type: "UInt32"},
		{Name: "offset", Type: "UInt64"},
		{Name: "n", Type: "UInt32"},
		{Name: "at", Type: "DateTime64(3, 'UTC')"},
		{Name: "account", Type: "String"},
		{Name: "type", Type: "String"},
		{Name: "line", Type: "String"},
	}
	blockSent = []ch.ColumnNameAndType{
		{Name: "stream", Type: "Enum8('charges' = 0, 'ledger' = 1)"},
		{Name: "partition", Type: "UInt32"},
		{Name: "block", Type: "UInt64"},
		{Name: "from_offset", Type: "Int64"},
		{Name: "from_n", Type: "Int32"},
		{Name: "to_offset", Type: "Int64"},
		{Name: "to_n", Type: "Int32"},
		{Name: "rows", Type: "UInt64"},
		{Name: "month", Type: "UInt32"},
		{Name: "covered", Type: "Int64"},
		{Name: "kafka_first", Type: "Int64"},
		{Name: "kafka_next", Type: "Int64"},
		{Name: "writer", Type: "UUID"},
		{Name: "until", Type: "DateTime64(3, 'UTC')"},
		{Name: "to_at", Type: "DateTime64(3, 'UTC')"},
		{Name: "to_account", Type: "String"},
		{Name: "to_connection", Type: "String"},
	}
)

// insertInto writes the statement for the columns.
func insertInto(table string, columns []ch.ColumnNameAndType) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")"
}

// appender appends whole columns to a batch, in order.
type appender struct {
	batch driver.Batch
	next  int
	err   error
}

func (a *appender) column(values any) {
	if a.err == nil {
		a.err = a.batch.Column(a.next).Append(values)
	}
	a.next++
}

// rows appends an array column row by row, which is quicker in the driver than all rows at once.
func (a *appender) rows(count int, row func(i int) any) {
	column := a.batch.Columns()[a.next]
	for i := 0; i < count && a.err == nil; i++ {
		a.err = column.AppendRow(row(i))
	}
	a.next++
}

// appendTo appends the block's rows.
func (b *Block) appendTo(batch driver.Batch) error {
	partition := make([]uint32, b.Rows)
	for i := range partition {
		partition[i] = uint32(b.Partition)
	}
	a := &appender{batch: batch}
	a.column(partition)
	if b.Stream == Ledger {
		b.ledger.appendTo(a)
	} else {
		b.charges.appendTo(a)
	}
	if a.err == nil && batch.Rows() != int(b.Rows) {
		a.err = errors.New("columns of different lengths")
	}
	return a.err
}

func (c *chargeColumns) appendTo(a *appender) {
	a.column(c.offset)
	a.column(c.n)
	a.column(c.at)
	a.column(c.time)
	a.column(c.account)
	a.column(c.connection)
	a.column(c.sourceConnector)
	a.column(c.destinationConnector)
	a.column(c.job)
	a.column(c.attempt)
	a.column(c.stream)
	a.column(c.event)
	a.column(c.kind)
	a.column(c.meter)
	a.column(c.quantity)
	a.column(c.category)
	a.column(c.rates)
	a.column(c.credits)
	a.column(c.waivedLow)
	a.column(c.waivedHigh)
	a.column(c.overdraft)
	a.rows(len(c.burnEnd), func(i int) any {
		begin, end := c.burns(i)
		return c.burnGrant[begin:end]
	})
	a.rows(len(c.burnEnd), func(i int) any {
		begin, end := c.burns(i)
		return c.burnCredits[begin:end]
	})
}

func (c *ledgerColumns) appendTo(a *appender) {
	a.column(c.offset)
	a.column(c.n)
	a.column(c.at)
	a.column(c.account)
	a.column(c.kind)
	a.column(c.line)
}
