//go:build integration

package clickhouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/engine"
	"drawdown/internal/servers/serverstest"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	m.Run()
}

func clientOptions(server *clickhouse.Server) *ch.Options {
	return &ch.Options{Protocol: ch.HTTP, Addr: []string{server.Addr()}}
}

func open(t *testing.T, options *ch.Options) driver.Conn {
	t.Helper()
	conn, err := ch.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func exec(t *testing.T, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func number(t *testing.T, conn driver.Conn, query string, args ...any) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const (
	createEvents = `CREATE TABLE events (account LowCardinality(String), n UInt64)
		ENGINE = MergeTree ORDER BY (account, n) SETTINGS non_replicated_deduplication_window = 1000`
	createTotals = `CREATE TABLE totals (account LowCardinality(String), events UInt64, sum UInt64)
		ENGINE = SummingMergeTree ORDER BY account SETTINGS non_replicated_deduplication_window = 1000`
	createView = `CREATE MATERIALIZED VIEW totals_view TO totals AS
		SELECT account, count() AS events, sum(n) AS sum FROM events GROUP BY account`
)

func createTables(t *testing.T, conn driver.Conn) {
	t.Helper()
	for _, statement := range []string{createEvents, createTotals, createView} {
		exec(t, conn, statement)
	}
}

// insert sends rows n from first on, in one block under one deduplication token.
func insert(ctx context.Context, conn driver.Conn, token string, first, rows int) error {
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{
		"async_insert": 0, "insert_deduplication_token": token, "deduplicate_blocks_in_dependent_materialized_views": 1,
	}))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO events (account, n)")
	if err != nil {
		return err
	}
	for i := first; i < first+rows; i++ {
		if err := batch.Append(fmt.Sprintf("account-%d", i%100), uint64(i)); err != nil {
			return err
		}
	}
	return batch.Send()
}

func TestARepeatedInsertWithTheSameTokenChangesNeitherTableNorView(t *testing.T) {
	conn := open(t, clientOptions(serverstest.ClickHouse(t, clickhouse.Options{})))
	createTables(t, conn)
	const rows = 200_000
	for range 2 {
		began := time.Now()
		if err := insert(t.Context(), conn, "block-1", 0, rows); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d rows in %s", rows, time.Since(began))
		if n := number(t, conn, "SELECT count() FROM events"); n != rows {
			t.Fatalf("events has %d rows, expected %d", n, rows)
		}
		if n := number(t, conn, "SELECT sum(events) FROM totals"); n != rows {
			t.Fatalf("the view counted %d rows, expected %d", n, rows)
		}
	}
	if err := insert(t.Context(), conn, "block-2", 0, rows); err != nil {
		t.Fatal(err)
	}
	if n := number(t, conn, "SELECT count() FROM events"); n != 2*rows {
		t.Fatalf("the same rows under another token: %d rows, expected %d", n, 2*rows)
	}
	if n := number(t, conn, "SELECT sum(sum) FROM totals"); n != 2*rows*(rows-1)/2 {
		t.Fatalf("the view's sum is %d, expected %d", n, 2*rows*(rows-1)/2)
	}
}

func TestReadersSeeWholeBlocksWhileWritersInsert(t *testing.T) {
	conn := open(t, clientOptions(serverstest.ClickHouse(t, clickhouse.Options{})))
	createTables(t, conn)
	const writers, blocks, rows = 4, 5, 1000
	writing, readers := errgroup.Group{}, errgroup.Group{}
	written := make(chan struct{})
	for writer := range writers {
		writing.Go(func() error {
			for block := range blocks {
				if err := insert(t.Context(), conn, fmt.Sprintf("%d-%d", writer, block), block*rows, rows); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 4 {
		readers.Go(func() error {
			for {
				var n uint64
				if err := conn.QueryRow(t.Context(), "SELECT count() FROM events").Scan(&n); err != nil {
					return err
				}
				if n%rows != 0 {
					return fmt.Errorf("a reader saw %d rows: part of a block", n)
				}
				select {
				case <-written:
					return nil
				default:
				}
			}
		})
	}
	if err := writing.Wait(); err != nil {
		t.Error(err)
	}
	close(written)
	if err := readers.Wait(); err != nil {
		t.Error(err)
	}
	if n := number(t, conn, "SELECT sum(events) FROM totals"); n != writers*blocks*rows {
		t.Errorf("the view counted %d rows, expected %d", n, writers*blocks*rows)
	}
}

func TestDataAndTokensOutliveStopAndCrash(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{})
	conn := open(t, clientOptions(server))
	createTables(t, conn)
	for i, end := range []func() error{server.Halt, server.Kill} {
		if err := insert(t.Context(), conn, "only", 0, 1000); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatalf("end %d: %v", i, err)
		}
		if err := insert(t.Context(), conn, "only", 0, 1000); err == nil {
			t.Fatal("an insert succeeded while the server was down")
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := insert(t.Context(), conn, "only", 0, 1000); err != nil {
			t.Fatal(err)
		}
		if n := number(t, conn, "SELECT sum(events) FROM totals"); n != 1000 {
			t.Fatalf("after end %d the view counted %d rows, expected 1000", i, n)
		}
	}
}
