//go:build integration

package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/engine"
	"drawdown/internal/servers/serverstest"
	sink "drawdown/sinks/clickhouse"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	m.Run()
}

// startClickHouse starts the real engine with the project's tables.
func startClickHouse(t *testing.T) driver.Conn {
	t.Helper()
	dsn := "http://" + serverstest.ClickHouse(t, clickhouse.Options{}).Addr() + "/drawdown"
	if _, err := sink.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	options, err := ch.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ch.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// macro is what Grafana's ClickHouse plugin replaces in SQL: here a time range around the rows below.
var macro = regexp.MustCompile(`\$__timeFilter\((\w+)\)|\$\{account:sqlstring\}`)

// filled returns a panel's SQL as the plugin would send it.
func filled(t *testing.T, sql, account string) string {
	t.Helper()
	text := macro.ReplaceAllStringFunc(sql, func(found string) string {
		if column := macro.FindStringSubmatch(found)[1]; column != "" {
			return column + " >= toDateTime(1772323200) AND " + column + " <= toDateTime(1772409600)" // 2026-03-01, one day
		}
		return "'" + strings.ReplaceAll(account, "'", "''") + "'"
	})
	if strings.Contains(text, "$") {
		t.Errorf("a macro is left: %s", text)
	}
	return text
}

// insertUsage writes two connections of acme and one of another account, in the range and after it, two changes of status, and
// what became of purchases.
func insertUsage(t *testing.T, conn driver.Conn) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO charges (partition, offset, n, at, time, account, connection, source_connector, destination_connector, meter, quantity, credits_nano, category)
		VALUES (0, 1, 0, '2026-03-01 10:15:00', '2026-03-01 10:15:00', 'acme', 'c1', 'source-stripe', 'destination-s3', 'records', 1000000, 6000000000, 'billed'),
			(0, 2, 0, '2026-03-01 10:45:00', '2026-03-01 10:45:00', 'acme', 'c1', 'source-stripe', 'destination-s3', 'records', 500000, 3000000000, 'billed'),
			(0, 3, 0, '2026-03-01 11:00:00', '2026-03-01 11:00:00', 'acme', 'c2', 'source-postgres', 'destination-s3', 'bytes', 250000000, 1000000000, 'billed'),
			(0, 4, 0, '2026-03-01 12:00:00', '2026-03-01 12:00:00', 'o''hara', 'c3', 'source-s3', 'destination-s3', 'bytes', 500000000, 2000000000, 'billed'),
			(0, 5, 0, '2026-03-03 00:00:00', '2026-03-03 00:00:00', 'acme', 'c1', 'source-stripe', 'destination-s3', 'records', 9000000, 54000000000, 'billed')`,
		`INSERT INTO ledger (partition, offset, n, at, account, type, line)
		VALUES (0, 3, 1, '2026-03-01 11:00:00', 'acme', 'status.changed', '{"from":"active","to":"exhausted"}'),
			(0, 4, 1, '2026-03-01 12:00:00', 'o''hara', 'status.changed', '{"from":"exhausted","to":"active"}'),
			(0, 6, 0, '2026-03-01 13:05:00', 'acme', 'purchase.requested', '{"purchase":"acme:1","quantity":"10000","amount":"11.70","currency":"USD"}'),
			(0, 6, 1, '2026-03-01 13:10:00', 'acme', 'purchase.declined', '{"purchase":"acme:1","attempt":1,"reason":"card_declined","retry_at":"2026-03-01T17:05:00Z","method":"primary"}'),
			(0, 7, 0, '2026-03-01 13:20:00', 'acme', 'purchase.settled', '{"purchase":"acme:1","kind":"auto","quantity":"10000","amount":"11.70","currency":"USD","tax":null,"receipt":null}'),
			(0, 8, 0, '2026-03-01 13:30:00', 'acme', 'purchase.settled', '{"purchase":"order-1","kind":"manual","quantity":"200","amount":"500.00","currency":"USD","tax":"40.00","receipt":"r"}'),
			(0, 9, 0, '2026-03-01 13:40:00', 'acme', 'purchase.settled', '{"purchase":"order-2","kind":"manual","quantity":"100","amount":"250.10","currency":"USD","tax":null,"receipt":null}'),
			(0, 10, 0, '2026-03-01 14:00:00', 'o''hara', 'purchase.settled', '{"purchase":"o:1","kind":"auto","quantity":"20","amount":"46.00","currency":"EUR","tax":null,"receipt":null}'),
			(0, 11, 0, '2026-03-01 14:10:00', 'o''hara', 'purchase.failed', '{"purchase":"o:2","reason":"card_declined"}'),
			(0, 12, 0, '2026-03-01 15:00:00', 'acme', 'purchase.failed', '{"purchase":"acme:2","reason":"expired_card"}'),
			(0, 13, 0, '2026-03-01 16:00:00', 'acme', 'grant.refunded', '{"grant":"acme:1","amount":"10000","overdraft":"0.000000001"}'),
			(0, 14, 0, '2026-03-04 00:00:00', 'acme', 'purchase.settled', '{"purchase":"acme:3","kind":"auto","quantity":"1","amount":"9.00","currency":"USD","tax":null,"receipt":null}')`,
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// rows reads a query's answer, a line of JSON for each row.
func rows(t *testing.T, conn driver.Conn, query string) (lines []string) {
	t.Helper()
	result, err := conn.Query(t.Context(), "SELECT toJSONString(tuple(*)) FROM ("+query+")")
	if err != nil {
		t.Errorf("%v\n%s", err, query)
		return nil
	}
	defer result.Close()
	for result.Next() {
		var line string
		if err := result.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := result.Err(); err != nil {
		t.Errorf("%v\n%s", err, query)
	}
	return lines
}

// TestPanelsSQL runs every panel's SQL on the tables of the migrations, and compares what it shows.
func TestPanelsSQL(t *testing.T) {
	conn := startClickHouse(t)
	insertUsage(t, conn)
	panels := 0
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			if target.RawSQL == "" {
				continue
			}
			panels++
			if len(shown[p.Title]) == 0 {
				t.Errorf("it is not said what %s should show", p.Title)
			}
			for account, want := range shown[p.Title] {
				if got := rows(t, conn, filled(t, target.RawSQL, account)); !slices.Equal(got, want) {
					t.Errorf("%s of account %q shows\n%s\nwant\n%s", p.Title, account, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		}
	}
	if panels != len(shown) {
		t.Errorf("%d panels have SQL, expected are %d", panels, len(shown))
	}
}

// shown is what panels show of the rows above, by title and chosen account; empty for all accounts.
var shown = map[string]map[string][]string{
	"Credits by connection": {
		"": {
			`["2026-03-01 10:00:00","acme \/ c1",9]`,
			`["2026-03-01 11:00:00","acme \/ c2",1]`,
			`["2026-03-01 12:00:00","o'hara \/ c3",2]`,
		},
		"acme": {
			`["2026-03-01 10:00:00","acme \/ c1",9]`,
			`["2026-03-01 11:00:00","acme \/ c2",1]`,
		},
		"nobody": nil,
	},
	"Credits by source connector": {
		"": {
			`["2026-03-01 10:00:00","source-stripe",9]`,
			`["2026-03-01 11:00:00","source-postgres",1]`,
			`["2026-03-01 12:00:00","source-s3",2]`,
		},
		"o'hara": {`["2026-03-01 12:00:00","source-s3",2]`},
	},
	"Usage per connection": {
		"": {
			`["acme","c1",9,0,2,1500000,0,0]`,
			`["o'hara","c3",2,0,1,0,500000000,0]`,
			`["acme","c2",1,0,1,0,250000000,0]`,
		},
		"o'hara": {`["o'hara","c3",2,0,1,0,500000000,0]`},
	},
	"Accounts that ran out": {
		"":       {`["2026-03-01 11:00:00.000","acme","active","exhausted"]`},
		"o'hara": nil,
	},
	"Purchases by hour": {
		"": {
			`["2026-03-01 13:00:00","declined",1]`,
			`["2026-03-01 13:00:00","requested",1]`,
			`["2026-03-01 13:00:00","settled",3]`,
			`["2026-03-01 14:00:00","failed",1]`,
			`["2026-03-01 14:00:00","settled",1]`,
			`["2026-03-01 15:00:00","failed",1]`,
		},
		"o'hara": {`["2026-03-01 14:00:00","failed",1]`, `["2026-03-01 14:00:00","settled",1]`},
	},
	"Money settled by hour": {
		"": {
			`["2026-03-01 13:00:00","USD, auto",11.7]`,
			`["2026-03-01 13:00:00","USD, manual",750.1]`,
			`["2026-03-01 14:00:00","EUR, auto",46]`,
		},
		"nobody": nil,
	},
	"Why payments were refused": {
		"": {
			`["card_declined",1,1,2,"2026-03-01 14:10:00.000"]`,
			`["expired_card",0,1,1,"2026-03-01 15:00:00.000"]`,
		},
		"o'hara": {`["card_declined",0,1,1,"2026-03-01 14:10:00.000"]`},
	},
	"Refunds and chargebacks": {
		"":       {`["2026-03-01 16:00:00.000","acme","acme:1",10000,1e-9]`},
		"o'hara": nil,
	},
}
