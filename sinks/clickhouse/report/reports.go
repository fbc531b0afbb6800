package report

import (
	"context"
	"embed"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
)

//go:embed sql/*.sql
var statements embed.FS

// statement returns the text of sql/name.sql.
func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(text)
}

// Reports answers from ClickHouse. Its methods may be called at the same time.
type Reports struct {
	conn    driver.Conn
	timeout time.Duration
	// exportPage is how many rows an export reads at a time. They are in memory before the first is passed on: a slow
	// reader holds no query open.
	exportPage int
}

// New returns reports from the database of the connections, which stay their owner's. timeout bounds each query; an
// answer takes up to three, an export as many as it needs.
func New(conn driver.Conn, timeout time.Duration) *Reports {
	return &Reports{conn: conn, timeout: timeout, exportPage: 10_000}
}

// settings make a read on a replica see what was written on another, and the server give up a query that nobody waits
// for any more.
func (r *Reports) settings() ch.Settings {
	return ch.Settings{
		"select_sequential_consistency": 1,
		"max_execution_time":            int(r.timeout/time.Second) + 1,
	}
}

// each runs the query of a file and calls use for each row. All rows are of one moment.
func (r *Reports) each(ctx context.Context, name string, p parameters, use func(driver.Rows) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithSettings(r.settings()), ch.WithParameters(ch.Parameters(p)))
	rows, err := r.conn.Query(ctx, statement(name))
	if err != nil {
		return fmt.Errorf("report: %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := use(rows); err != nil {
			return fmt.Errorf("report: %s: %w", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("report: %s: %w", name, err)
	}
	return nil
}

// parameters are the values of a query's parameters. Texts are sent as hexadecimal digits, which the queries turn back
// with unhex: the server reads backslashes in a parameter as escapes, and the driver's two protocols differ in
// whether they write them so.
type parameters ch.Parameters

func (p parameters) text(name, value string) parameters {
	p[name] = hex.EncodeToString([]byte(value))
	return p
}

// texts sets a list; an empty one means no restriction.
func (p parameters) texts(name string, values []string) parameters {
	digits := make([]string, len(values))
	for i, value := range values {
		digits[i] = hex.EncodeToString([]byte(value))
	}
	p[name] = strings.Join(digits, ",")
	return p
}

func (p parameters) integer(name string, value int64) parameters {
	p[name] = strconv.FormatInt(value, 10)
	return p
}

func (p parameters) unsigned(name string, value uint64) parameters {
	p[name] = strconv.FormatUint(value, 10)
	return p
}

// Bounds of what the columns can hold, for questions without bounds of their own.
var (
	beginning = time.Unix(0, 0).UTC()
	end       = time.Date(2299, 12, 31, 0, 0, 0, 0, time.UTC)
)

// within sets the parameters from and to, in milliseconds. Zero times are without bound. An instant within a
// millisecond is rounded up: what is stamped with that millisecond is before it.
func (p parameters) within(from, to time.Time) parameters {
	if from.IsZero() {
		from = beginning
	}
	if to.IsZero() {
		to = end
	}
	return p.integer("from", milliUp(from)).integer("to", milliUp(to))
}

func milliUp(t time.Time) int64 {
	t = t.Add(time.Millisecond - 1)
	return min(max(t.UnixMilli(), beginning.UnixMilli()), end.UnixMilli())
}

// instant turns milliseconds into a time; 0 is no time.
func instant(milli int64) time.Time {
	if milli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milli).UTC()
}

// nano turns a decimal with nine digits after the point into nano-credits.
func nano(d decimal.Decimal) drawdown.Total {
	return drawdown.TotalOfBig(d.Shift(9).BigInt())
}

// sums are the columns of Amounts as the driver gives them.
type sums struct {
	events                     uint64
	billed, free               decimal.Decimal
	records, bytes, operations big.Int
}

// columns are where the columns are read to, in the order in which all queries have them.
func (s *sums) columns() []any {
	return []any{&s.events, &s.billed, &s.free, &s.records, &s.bytes, &s.operations}
}

func (s *sums) amounts() Amounts {
	return Amounts{
		Events: s.events, Billed: nano(s.billed), Free: nano(s.free),
		Records: drawdown.TotalOfBig(&s.records), Bytes: drawdown.TotalOfBig(&s.bytes), Operations: drawdown.TotalOfBig(&s.operations),
	}
}

// plus adds up two amounts.
func (a Amounts) plus(b Amounts) Amounts {
	return Amounts{
		Events: a.Events + b.Events, Billed: a.Billed.Plus(b.Billed), Free: a.Free.Plus(b.Free),
		Records: a.Records.Plus(b.Records), Bytes: a.Bytes.Plus(b.Bytes), Operations: a.Operations.Plus(b.Operations),
	}
}
