package demo

import (
	"errors"
	"strings"
	"testing"

	"drawdown"
	"drawdown/notify"
	"drawdown/purchasing/sandbox"
	"drawdown/sinks/clickhouse"
)

// agreeing is a small demo in which everybody tells the same: one account, two connections, one of them free.
func agreeing() *reconciliation {
	credits := func(c drawdown.Credits) drawdown.Total { return drawdown.TotalOf(c * drawdown.Credit) }
	billed, free := owner{"acme", "billed"}, owner{"acme", "free"}
	balance := func() drawdown.Balance {
		return drawdown.Balance{Account: "acme", Plan: "plan", Status: drawdown.Active, Available: 7 * drawdown.Credit, Granted: credits(10), Used: credits(3)}
	}
	return &reconciliation{
		story:   []customer{{account: "acme"}},
		charges: map[string]sandbox.Charge{"dune:1": {Count: 1, Amount: usd("11.70")}, "elm:1": {Count: 1, Amount: usd("11.70")}},
		told: told{
			news:  map[string]news{"0-1-0": {kind: notify.LowBalance, account: "acme"}},
			mails: []mail{{to: "owner@acme.example", notice: "0-1-0"}},
		},
		sent: map[owner]sent{billed: {events: 3, quantity: 300}, free: {quantity: 50}},
		log: &logEvidence{
			total: usage{events: 4, credits: credits(3), waived: credits(1)},
			connections: map[owner]*usage{
				billed: {events: 3, quantity: drawdown.Total128(0, 300), credits: credits(3)},
				free:   {events: 1, quantity: drawdown.Total128(0, 50), waived: credits(1)},
			},
			balances:  map[string]drawdown.Balance{"acme": balance()},
			purchases: dealt(),
			rejected:  map[drawdown.Reason]int{},
		},
		redis: &redisEvidence{
			available: map[string]drawdown.Credits{"acme": 7 * drawdown.Credit},
			balances:  map[string]drawdown.Balance{"acme": balance()},
		},
		rows: &clickhouseEvidence{
			totals: clickhouse.ChargeTotals{Charges: 4, Credits: credits(3), Waived: credits(1)},
			connections: []clickhouse.ConnectionUsage{
				{Account: "acme", Connection: "billed", Events: 3, Credits: credits(3), Quantity: [drawdown.MeterCount]drawdown.Total{drawdown.Records: drawdown.Total128(0, 300)}},
				{Account: "acme", Connection: "free", Events: 1, Waived: credits(1), Quantity: [drawdown.MeterCount]drawdown.Total{drawdown.Bytes: drawdown.Total128(0, 50)}},
			},
		},
		reported: map[owner]*reportedUsage{
			billed: {Events: 3, Billed: "3", Free: "0", Records: "300", Bytes: "0", Operations: "0"},
			free:   {Events: 1, Billed: "0", Free: "1", Records: "0", Bytes: "50", Operations: "0"},
		},
	}
}

func TestAgreementIsReconciled(t *testing.T) {
	var out strings.Builder
	if err := conclude(&out, agreeing()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	const bought = "2 purchases: 23.40 USD charged = settled, 20,000 credits bought = granted; every notice told once\n"
	const reported = "Usage of 2 connections of 1 accounts: the API's report = ClickHouse = Redis = log\n"
	if want := bought + reported + "reconciled: 4 events, 3 credits, drift 0\n"; out.String() != want {
		t.Errorf("printed %q, expected %q", &out, want)
	}
}

func TestEveryDifferenceIsADrift(t *testing.T) {
	const nano = drawdown.Credits(1)
	tampered := []struct {
		name   string
		tamper func(r *reconciliation)
		says   string // part of the line that tells
	}{
		{"balance one nano-credit off", func(r *reconciliation) { r.redis.available["acme"] += nano }, "differs: acme: available: the log says 7, Redis 7.000000001"},
		{"packed state with another status", func(r *reconciliation) {
			b := r.redis.balances["acme"]
			b.Status = drawdown.Exhausted
			r.redis.balances["acme"] = b
		}, "acme: balance"},
		{"damaged state", func(r *reconciliation) { r.redis.damaged = []error{errors.New("account acme: damaged")} }, "Redis: account acme: damaged"},
		{"account lost in Redis", func(r *reconciliation) { delete(r.redis.available, "acme") }, "in the log true, in Redis false"},
		{"account only in Redis", func(r *reconciliation) { r.redis.available["other"] = 0 }, "in the log false, in Redis true"},
		{"a row lost", func(r *reconciliation) { r.rows.totals.Charges-- }, "charges: the log says 4, ClickHouse has rows for 3"},
		{"a row doubled", func(r *reconciliation) { r.rows.totals.Charges++ }, "ClickHouse has rows for 5"},
		{"rows of other credits", func(r *reconciliation) { r.rows.totals.Credits = drawdown.TotalOf(nano) }, "credits: the log says 3, ClickHouse's rows 0.000000001"},
		{"rows of other waived credits", func(r *reconciliation) { r.rows.totals.Waived = drawdown.Total{} }, "waived: the log says 1"},
		{"a rollup short of an event", func(r *reconciliation) { r.rows.connections[0].Events-- }, "acme/billed: events: the log says 3, ClickHouse's report 2"},
		{"a rollup of another quantity", func(r *reconciliation) { r.rows.connections[1].Quantity[drawdown.Bytes] = drawdown.Total{} }, "acme/free: quantity"},
		{"a rollup of other credits", func(r *reconciliation) { r.rows.connections[0].Credits = drawdown.TotalOf(nano) }, "acme/billed: credits"},
		{"a rollup of other waived credits", func(r *reconciliation) { r.rows.connections[1].Waived = drawdown.TotalOf(nano) }, "acme/free: waived"},
		{"a connection lost in ClickHouse", func(r *reconciliation) { r.rows.connections = r.rows.connections[:1] }, "acme/free: in the log true"},
		{"an event lost before the log", func(r *reconciliation) { r.sent[owner{"acme", "billed"}] = sent{events: 4, quantity: 300} }, "its workers sent 4"},
		{"an event of the tap lost", func(r *reconciliation) { r.sent[owner{"acme", "free"}] = sent{quantity: 51} }, "its workers sent 51"},
		{"a connection that never reached the log", func(r *reconciliation) { r.sent[owner{"acme", "new"}] = sent{events: 1} }, "acme/new: events: the log says 0"},
		{"a purchase charged twice", func(r *reconciliation) { r.charges["dune:1"] = sandbox.Charge{Count: 2, Amount: usd("23.40")} }, "purchase dune:1: times settled: the log says 1, the gateway charged it 2"},
		{"a charge of another amount", func(r *reconciliation) { r.charges["dune:1"] = sandbox.Charge{Count: 1, Amount: usd("9.00")} }, "purchase dune:1: amount: the log says 11.70, the gateway charged 9.00"},
		{"a settlement without a charge", func(r *reconciliation) { delete(r.charges, "elm:1") }, "purchase elm:1: times settled: the log says 1, the gateway charged it 0"},
		{"a charge that was never settled", func(r *reconciliation) { r.charges["fjord:1"] = sandbox.Charge{Count: 1, Amount: usd("11.70")} }, "purchase fjord:1: times settled: the log says 0, the gateway charged it 1"},
		{"a charge of nothing known", func(r *reconciliation) { r.charges["other"] = sandbox.Charge{Count: 1, Amount: usd("1.00")} }, "purchase other: the gateway charged 1.00, the log does not know it"},
		{"a settlement without a grant", func(r *reconciliation) { r.log.purchases["dune:1"].granted = nil }, "purchase dune:1: bought: the log says 10000, what was granted is 0"},
		{"settled and charged twice", func(r *reconciliation) {
			r.charges["dune:1"] = sandbox.Charge{Count: 2, Amount: usd("11.70")}
			r.log.purchases["dune:1"].settled = 2
		}, "purchase dune:1: settled 2 times, granted 1 times"},
		{"granted in two halves", func(r *reconciliation) {
			r.log.purchases["dune:1"].granted = []drawdown.Credits{5_000 * drawdown.Credit, 5_000 * drawdown.Credit}
		}, "purchase dune:1: settled 1 times, granted 2 times"},
		{"a mail lost", func(r *reconciliation) { r.told.mails = nil }, `email of notice 0-1-0 (low_balance): should have gone to "owner@acme.example", has gone to []`},
		{"a mail sent twice", func(r *reconciliation) { r.told.mails = append(r.told.mails, r.told.mails[0]) }, `has gone to ["owner@acme.example" "owner@acme.example"]`},
		{"a mail to somebody else", func(r *reconciliation) { r.told.mails[0].to = "owner@other.example" }, `has gone to ["owner@other.example"]`},
		{"a mail of nothing known", func(r *reconciliation) {
			r.told.mails = append(r.told.mails, mail{to: "owner@acme.example", notice: "9-9-9"})
		}, `email of notice 9-9-9 (): should have gone to ""`},
		{"a webhook that nobody wants", func(r *reconciliation) { r.told.webhooks = map[string]int{"0-1-0": 1} }, "webhook of notice 0-1-0"},
		{"a webhook without a valid signature", func(r *reconciliation) { r.told.forged = 1 }, "1 webhooks had no valid signature"},
		{"a rejected record", func(r *reconciliation) { r.log.rejected[drawdown.NoRate] = 2 }, "records rejected as no_rate: the log says 2, their writers were told of 0"},
		{"a refusal that the log does not know", func(r *reconciliation) { r.refused = map[drawdown.Reason]int{drawdown.InsufficientCredits: 1} }, "records rejected as insufficient_credits: the log says 0, their writers were told of 1"},
		{"a report short of an event", func(r *reconciliation) { r.reported[owner{"acme", "billed"}].Events-- }, "acme/billed: events: the log says 3, the API's report 2"},
		{"a report of another quantity", func(r *reconciliation) { r.reported[owner{"acme", "free"}].Operations = "1" }, "acme/free: quantity: the log says 50, the API's report 51"},
		{"a report of no quantity", func(r *reconciliation) { r.reported[owner{"acme", "free"}].Bytes = "" }, "acme/free: quantity"},
		{"a report of other credits", func(r *reconciliation) { r.reported[owner{"acme", "billed"}].Billed = "3.000000001" }, "acme/billed: credits: the log says 3, the API's report 3.000000001"},
		{"a report of other waived credits", func(r *reconciliation) { r.reported[owner{"acme", "free"}].Free = "0" }, "acme/free: waived"},
		{"a connection that is not reported", func(r *reconciliation) { delete(r.reported, owner{"acme", "free"}) }, "acme/free: in the log true, in the API's report false"},
	}
	for _, c := range tampered {
		t.Run(c.name, func(t *testing.T) {
			r := agreeing()
			c.tamper(r)
			var out strings.Builder
			err := conclude(&out, r)
			var drift *DriftError
			if !errors.As(err, &drift) || len(drift.Differences) == 0 {
				t.Fatalf("error %v, printed %s", err, &out)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("printed\n%sexpected a line with %q", &out, c.says)
			}
			if !strings.Contains(out.String(), "\nnot reconciled: 4 events, 3 credits, drift ") {
				t.Errorf("the last line is missing:\n%s", &out)
			}
		})
	}
}

func TestRowsThatAreMissingAreWaitedFor(t *testing.T) {
	expected := map[int32]clickhouse.Position{0: {Offset: 5, N: 1}, 1: {Offset: 0}}
	at := func(p int32, offset drawdown.Offset, n int) clickhouse.PartitionPosition {
		return clickhouse.PartitionPosition{Partition: p, Last: clickhouse.Position{Offset: offset, N: n}}
	}
	for _, c := range []struct {
		name    string
		written []clickhouse.PartitionPosition
		done    bool
	}{
		{"nothing", nil, false},
		{"a partition without rows", []clickhouse.PartitionPosition{at(0, 5, 1)}, false},
		{"an earlier record", []clickhouse.PartitionPosition{at(0, 4, 9), at(1, 0, 0)}, false},
		{"an earlier row of the record", []clickhouse.PartitionPosition{at(0, 5, 0), at(1, 0, 0)}, false},
		{"the last rows", []clickhouse.PartitionPosition{at(0, 5, 1), at(1, 0, 0)}, true},
	} {
		if err := missingRows(expected, c.written); (err == nil) != c.done {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
