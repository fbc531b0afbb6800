//go:build integration

package clickhouse_test

import (
	"errors"
	"testing"
	"testing/fstest"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
	"github.com/shopspring/decimal"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/serverstest"
)

func TestTypesComeBackAsTheyWent(t *testing.T) {
	conn := open(t, clientOptions(serverstest.ClickHouse(t, clickhouse.Options{})))
	exec(t, conn, `CREATE TABLE typed (id UInt64, amount Decimal(38, 9), at DateTime64(3, 'UTC'), account LowCardinality(String),
		parts Array(Tuple(grant String, amount Decimal(38, 9)))) ENGINE = MergeTree ORDER BY id`)
	amount := decimal.RequireFromString("99999999999999999999999999999.123456789")
	at := time.Date(2026, 2, 1, 12, 30, 45, 123_000_000, time.UTC)
	parts := []map[string]any{{"grant": "plan", "amount": decimal.RequireFromString("-0.000000001")}, {"grant": "añejo", "amount": amount}}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO typed")
	if err != nil {
		t.Fatal(err)
	}
	const id = uint64(1)<<63 + 7
	if err := errors.Join(batch.Append(id, amount, at, "a:1", parts), batch.Send()); err != nil {
		t.Fatal(err)
	}
	var (
		gotID      uint64
		gotAmount  decimal.Decimal
		gotAt      time.Time
		gotAccount string
		gotParts   []map[string]any
	)
	row := conn.QueryRow(ch.Context(t.Context(), ch.WithParameters(ch.Parameters{"account": "a:1"})),
		"SELECT id, amount, at, account, parts FROM typed WHERE account = {account:String}")
	if err := row.Scan(&gotID, &gotAmount, &gotAt, &gotAccount, &gotParts); err != nil {
		t.Fatal(err)
	}
	if gotID != id || !gotAmount.Equal(amount) || !gotAt.Equal(at) || gotAccount != "a:1" {
		t.Errorf("found %d %s %s %s", gotID, gotAmount, gotAt, gotAccount)
	}
	if len(gotParts) != 2 || gotParts[1]["grant"] != "añejo" || !gotParts[1]["amount"].(decimal.Decimal).Equal(amount) {
		t.Errorf("parts: %v", gotParts)
	}
}

func TestGooseMigratesUpAndKnowsItHas(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{})
	db := ch.OpenDB(clientOptions(server))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	migrations := fstest.MapFS{
		"00001_events.sql": {Data: []byte("-- +goose Up\n" + createEvents + ";\n-- +goose Down\nDROP TABLE events;\n")},
		"00002_totals.sql": {Data: []byte("-- +goose Up\n" + createTotals + ";\n" + createView + ";\n-- +goose Down\nDROP TABLE totals_view;\n")},
	}
	for run, applied := range []int{2, 0} {
		provider, err := goose.NewProvider(goose.DialectClickHouse, db, migrations)
		if err != nil {
			t.Fatal(err)
		}
		results, err := provider.Up(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(results) != applied {
			t.Errorf("run %d applied %d migrations, expected %d", run, len(results), applied)
		}
	}
	conn := open(t, clientOptions(server))
	if err := insert(t.Context(), conn, "a", 0, 10); err != nil {
		t.Fatal(err)
	}
	var events, sum uint64
	if err := db.QueryRowContext(t.Context(), "SELECT sum(events), sum(sum) FROM totals WHERE account != ?", "it's").Scan(&events, &sum); err != nil {
		t.Fatal(err)
	}
	if events != 10 || sum != 45 {
		t.Errorf("the view has %d events and sum %d, expected 10 and 45", events, sum)
	}
}

func TestRowsArriveThroughEveryCompression(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{})
	createTables(t, open(t, clientOptions(server)))
	want := uint64(0)
	for _, method := range []ch.CompressionMethod{ch.CompressionNone, ch.CompressionLZ4, ch.CompressionZSTD, ch.CompressionGZIP, ch.CompressionDeflate} {
		options := clientOptions(server)
		options.Compression = &ch.Compression{Method: method, Level: 3}
		conn := open(t, options)
		if err := insert(t.Context(), conn, method.String(), 0, 5000); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		want += 5000
		if n := number(t, conn, "SELECT count() FROM events"); n != want {
			t.Errorf("%s: %d rows, expected %d", method, n, want)
		}
		rows, err := conn.Query(t.Context(), "SELECT number, toString(number) FROM numbers(300000)")
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		count := 0
		for rows.Next() {
			count++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || count != 300_000 {
			t.Errorf("%s: read %d rows, expected 300000: %v", method, count, err)
		}
	}
}
