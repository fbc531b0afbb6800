package main

import (
	"time"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

// A receipt of two attempts: each line and each grant adds up to the sync; what no grant covered stands by itself.
func Example_printReceipt() {
	credits := func(n int64) drawdown.Total { return drawdown.TotalOf(drawdown.Credits(n * 1_000_000_000)) }
	count := func(n int64) drawdown.Total { return drawdown.TotalOf(drawdown.Credits(n)) }
	at := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	line := report.ReceiptLine{Kind: "api", Meter: "records", Rates: "2026-01", Category: "billed", Events: 1}
	orders, users, again := line, line, line
	orders.Stream, orders.Quantity, orders.Credits = "orders", count(2_000_000), credits(12)
	orders.Burned = []report.Burn{{Grant: "welcome", Credits: credits(10)}, {Grant: "p-1", Credits: credits(2)}}
	users.Stream, users.Quantity, users.Category, users.Waived = "users", count(1_000_000), "free", credits(6)
	again.Quantity, again.Credits, again.Overdraft = count(500_000), credits(3), credits(1)
	again.Burned = []report.Burn{{Grant: "p-1", Credits: credits(2)}}
	receipt := &report.Receipt{
		AsOf: at.Add(time.Minute), Account: "acme",
		Sync: report.Sync{
			Connection: "shop", Job: 7, Source: "source-stripe", Destination: "destination-s3", Attempts: 2, FirstAt: at, LastAt: at.Add(time.Second),
			Amounts: report.Amounts{Events: 3, Billed: credits(15), Free: credits(6)},
		},
		Attempts: []report.ReceiptAttempt{
			{Attempt: 0, Lines: []report.ReceiptLine{orders, users}, Amounts: report.Amounts{Events: 2, Billed: credits(12), Free: credits(6)}},
			{Attempt: 1, Lines: []report.ReceiptLine{again}, Amounts: report.Amounts{Events: 1, Billed: credits(3)}},
		},
		Burned:    []report.Burn{{Grant: "welcome", Credits: credits(10)}, {Grant: "p-1", Credits: credits(4)}},
		Overdraft: credits(1),
	}
	if err := printReceipt(receipt); err != nil {
		panic(err)
	}
	// Output:
	// job 7 of shop, account acme: source-stripe to destination-s3
	// charged from 2026-02-01T12:00:00Z to 2026-02-01T12:00:01Z; as of 2026-02-01T12:01:00Z
	//
	// ATTEMPT  STREAM  KIND  QUANTITY         RATES    EVENTS  CREDITS  FREE  BURNED
	// 0        orders  api   2000000 records  2026-01  1       12       0     welcome 10, p-1 2
	// 0        users   api   1000000 records  2026-01  1       0        6     -
	// 0        in all                                  2       12       6     -
	// 1        -       api   500000 records   2026-01  1       3        0     p-1 2, overdraft 1
	// in all                                           3       15       6     -
	//
	// BURNED FROM           CREDITS
	// welcome               10
	// p-1                   4
	// no grant (overdraft)  1
	// in all                15
}
