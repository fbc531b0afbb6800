package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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

// Database is ClickHouse itself.
type Database struct {
	conn    driver.Conn
	timeout time.Duration
}

// OpenDatabase opens the database that the address names: clickhouse://user:password@host:9000/database for the native
// protocol, http:// or https:// for HTTP. It does not connect. timeout bounds each request. Rows are sent as they are,
// which costs least on a fast network; with ?compress=lz4 they take a third of it.
func OpenDatabase(dsn string, timeout time.Duration) (*Database, error) {
	options, err := ch.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse: read its address: %w", err)
	}
	options.ReadTimeout = timeout
	conn, err := ch.Open(options)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse: %w", err)
	}
	return &Database{conn: conn, timeout: timeout}, nil
}

// Conn is the driver's connections, for reports (package report). They stay the database's.
func (d *Database) Conn() driver.Conn { return d.conn }

// Close closes the connections.
func (d *Database) Close() error { return d.conn.Close() }

// Ping reports whether ClickHouse answers.
func (d *Database) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return d.conn.Ping(ctx)
}

// blockRowsBound is more rows than a block may have (Config.Validate), so that the server never divides a block. What
// it would divide it would also deduplicate in parts, which is right as long as it divides alike each time; better
// not to depend on that.
const blockRowsBound = 1_048_576

// insertSettings make an insert one block that is written at once, is recognised when it is repeated, and is passed on
// to the rollups by the same rule. Every one of them has had, in some version, a default that loses or doubles rows.
func insertSettings(token string) ch.Settings {
	return ch.Settings{
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         token,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"materialized_views_ignore_errors":                   0,
		"parallel_view_processing":                           0,
		"async_insert":                                       0,
		"max_insert_threads":                                 1,
		"max_insert_block_size":                              blockRowsBound,
		"min_insert_block_size_rows":                         blockRowsBound,
		"min_insert_block_size_bytes":                        0,
	}
}

// readSettings make a read on a replica see what was written on another.
var readSettings = ch.Settings{"select_sequential_consistency": 1}

// parameters turns what an intent says into parameters of a statement.
func (i *Intent) parameters() ch.Parameters {
	return ch.Parameters{
		"stream":      i.Stream.String(),
		"table":       i.Stream.String(),
		"partition":   strconv.Itoa(int(i.Partition)),
		"block":       strconv.FormatUint(i.Block, 10),
		"from_offset": strconv.FormatInt(int64(i.From.Offset), 10),
		"from_n":      strconv.Itoa(i.From.N),
		"to_offset":   strconv.FormatInt(int64(i.To.Offset), 10),
		"to_n":        strconv.Itoa(i.To.N),
		"month":       strconv.FormatUint(uint64(i.Month), 10),
	}
}

// row reads one row and reports whether there was one.
func (d *Database) row(ctx context.Context, name string, intent *Intent, dest ...any) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	rows, err := d.conn.Query(ch.Context(ctx, ch.WithParameters(intent.parameters()), ch.WithSettings(readSettings)), statement(name))
	if err != nil {
		return false, fmt.Errorf("ClickHouse: %s: %w", name, err)
	}
	defer rows.Close()
	found := rows.Next()
	if found {
		err = rows.Scan(dest...)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		return false, fmt.Errorf("ClickHouse: %s: %w", name, err)
	}
	return found, nil
}

// Last implements [Store].
func (d *Database) Last(ctx context.Context, stream Stream, partition int32) (Intent, bool, error) {
	last := Intent{Stream: stream, Partition: partition}
	var from, to, covered, until, at, age int64
	var fromN, toN int32
	ok, err := d.row(ctx, "last", &last, &last.Block, &from, &fromN, &to, &toN, &last.Rows, &last.Month, &covered,
		&last.KafkaFirst, &last.KafkaNext, &last.Writer, &until, &at, &last.Last.Account, &last.Last.Connection, &age)
	last.From, last.To = Position{drawdown.Offset(from), int(fromN)}, Position{drawdown.Offset(to), int(toN)}
	last.Covered, last.Age = drawdown.Offset(covered), time.Duration(age)*time.Millisecond
	last.Until, last.Last.At = drawdown.Time(until), drawdown.Time(at)
	return last, ok, err
}

// Held implements [Store].
func (d *Database) Held(ctx context.Context, stream Stream, partition int32) (Position, error) {
	var offset int64
	var n int32
	ok, err := d.row(ctx, "held", &Intent{Stream: stream, Partition: partition}, &offset, &n)
	if err != nil || !ok {
		return none, err
	}
	return Position{drawdown.Offset(offset), int(n)}, nil
}

// Count implements [Store].
func (d *Database) Count(ctx context.Context, intent Intent) (c Counts, err error) {
	var found bool
	if intent.Stream == Charges {
		var counted []any
		found, err = d.row(ctx, "count_charges", &intent, &counted, &c.Rows, &c.Month, &c.Hour, &c.Day)
	} else {
		found, err = d.row(ctx, "count_ledger", &intent, &c.Rows)
	}
	if err != nil {
		return c, err
	}
	foundSince, err := d.row(ctx, "since", &intent, &c.Since)
	if err == nil && (!found || !foundSince) {
		err = errors.New("ClickHouse: a count had no row")
	}
	return c, err
}

// Propose implements [Store].
func (d *Database) Propose(ctx context.Context, i Intent) error {
	return d.insert(ctx, "sink_blocks", blockSent, i.numberToken(), func(batch driver.Batch) error {
		return batch.Append(int8(i.Stream), uint32(i.Partition), i.Block, int64(i.From.Offset), int32(i.From.N),
			int64(i.To.Offset), int32(i.To.N), i.Rows, i.Month, int64(i.Covered), i.KafkaFirst, i.KafkaNext, i.Writer,
			int64(i.Until), int64(i.Last.At), i.Last.Account, i.Last.Connection)
	})
}

// Insert implements [Store].
func (d *Database) Insert(ctx context.Context, b *Block) error {
	columns := chargesSent
	if b.Stream == Ledger {
		columns = ledgerSent
	}
	return d.insert(ctx, b.Stream.String(), columns, b.token(), b.appendTo)
}

func (d *Database) insert(ctx context.Context, table string, columns []ch.ColumnNameAndType, token string, add func(driver.Batch) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithSettings(insertSettings(token)), ch.WithColumnNamesAndTypes(columns))
	batch, err := d.conn.PrepareBatch(ctx, insertInto(table, columns))
	if err != nil {
		return fmt.Errorf("ClickHouse: insert into %s: %w", table, err)
	}
	defer batch.Close()
	if err := add(batch); err != nil {
		return fmt.Errorf("ClickHouse: insert into %s: add rows: %w", table, err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("ClickHouse: insert into %s: %w", table, err)
	}
	return nil
}

// Fill implements [Store].
func (d *Database) Fill(ctx context.Context, intent Intent, hour, day bool) error {
	for _, rollup := range [...]struct {
		name   string
		wanted bool
	}{{"fill_hour", hour}, {"fill_day", day}} {
		if !rollup.wanted {
			continue
		}
		if err := d.fill(ctx, rollup.name, intent); err != nil {
			return err
		}
	}
	return nil
}

func (d *Database) fill(ctx context.Context, name string, intent Intent) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	settings := insertSettings(name + "/" + intent.token())
	ctx = ch.Context(ctx, ch.WithParameters(intent.parameters()), ch.WithSettings(settings))
	if err := d.conn.Exec(ctx, statement(name)); err != nil {
		return fmt.Errorf("ClickHouse: %s: %w", name, err)
	}
	return nil
}

var _ Store = (*Database)(nil)
