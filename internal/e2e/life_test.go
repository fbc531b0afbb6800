//go:build integration

package e2e

import (
	"encoding/json"
	"maps"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/consumer/signature"
	"drawdown/internal/app"
)

// past is when the lives of accounts begin, by the log's clock: credits expire, with a notice a day before, in no time.
var past = time.Now().Add(-48 * time.Hour)

// at appends an operation with a log time. The topic must take its producers' times.
func (in *installation) at(instant time.Time, op app.Operation) {
	in.t.Helper()
	in.records++
	event := map[string]any{
		"specversion": "1.0", "id": "at-" + number(in.records), "source": "e2e", "type": op.Type.String(),
		"time": instant.UTC().Format(time.RFC3339Nano), "data": op.Data,
	}
	if op.Account != "" {
		event["subject"] = op.Account
	}
	value, err := json.Marshal(event)
	in.must(err)
	header, err := in.keys.Sign(value)
	in.must(err)
	to := map[int32][]protocol.Record{}
	for partition := range int32(in.partitions) {
		if op.Type.IsBroadcast() || partition == in.home(op.Account) {
			signed := record(op.Account, value)
			signed.Time, signed.Headers = instant, []kafka.Header{{Key: signature.Header, Value: header}}
			to[partition] = append(to[partition], signed)
		}
	}
	in.produce(to)
}

// publishPast publishes what the lives need: the plan "life", a rate, and connectors of which one leaves the free program
// in less than two weeks, as was announced in time.
func (s *shop) publishPast() {
	s.t.Helper()
	var plan, rates map[string]any
	s.example("make-10k", &plan)
	maps.Copy(plan, map[string]any{
		"id": "life", "low_balance": "20", "usage_notices": []int{75, 90}, "expiry_notice_days": []int{1},
		"subscription":   map[string]any{"credits": "100", "price": "9.00", "period": "month"},
		"auto_purchase":  map[string]any{"mode": "pack", "pack": 10, "threshold": "0", "surcharge_percent": 0, "cap": 1},
		"payment_ladder": []any{map[string]any{"after_minutes": 600, "method": "primary"}},
	})
	s.example("rates", &rates)
	s.at(past, app.Operation{Type: drawdown.PlanPublished, Data: plan})
	s.at(past, app.Operation{Type: drawdown.RatesPublished, Data: rates})
	for connector, kind := range map[string]string{"scenario-module": "module", "destination-postgres": "database"} {
		s.at(past, app.Operation{Type: drawdown.ConnectorSet, Data: map[string]any{"connector": connector, "kind": kind, "stage": "ga"}})
	}
	s.at(past, app.Operation{Type: drawdown.ConnectorSet, Data: map[string]any{"connector": "source-new", "kind": "api", "stage": "alpha"}})
	s.at(past, app.Operation{Type: drawdown.ConnectorSet, Data: map[string]any{
		"connector": "source-new", "kind": "api", "stage": "ga", "effective_at": past.Add(14 * 24 * time.Hour).UTC().Format(time.RFC3339Nano),
	}})
	for i := range noticeAccounts { // before anything of the present moves the clock
		s.begin("reader-" + number(i))
	}
}

// begin opens an account two days ago, with a grant that has expired since.
func (s *shop) begin(account string) {
	s.t.Helper()
	s.at(past, app.Operation{Type: drawdown.AccountOpened, Account: account, Data: map[string]any{
		"plan": "life", "email": account + "@example.com", "email_verified": true,
	}})
	s.at(past, app.Operation{Type: drawdown.CreditsGranted, Account: account, Data: map[string]any{
		"amount": "5", "category": "purchased", "expires_at": past.Add(25 * time.Hour).UTC().Format(time.RFC3339Nano),
	}})
}

// live takes an account through everything that there are notices of. Its purchase is decided here, by no gateway.
func (s *shop) live(account string) {
	s.t.Helper()
	do := func(kind drawdown.Type, data map[string]any) {
		s.t.Helper()
		s.append(app.Operation{Type: kind, Account: account, Data: data})
	}
	purchase := account + ":1"
	do(drawdown.AutoPurchaseSet, map[string]any{"enabled": true}) // and what has expired, expires
	do(drawdown.PaymentMethodSaved, map[string]any{"method": "pm_1", "kind": "card"})
	s.receiver.tell(account, mainEndpoint)
	s.receiver.tell(account, goneEndpoint, "low_balance") // which disables it
	s.use(account, 76)
	s.use(account, 15)
	s.use(account, 10) // one more than there is
	do(drawdown.PurchaseFailed, map[string]any{"purchase": purchase, "attempt": 1, "reason": "card_declined"})
	do(drawdown.PurchaseFailed, map[string]any{"purchase": purchase, "reason": "card_declined"})
	do(drawdown.PurchaseSettled, map[string]any{
		"purchase": purchase, "kind": "auto", "quantity": "10", "amount": "0.90", "currency": "USD", "receipt": "https://pay.example.com/1",
	})
	do(drawdown.PurchaseRefunded, map[string]any{"purchase": purchase, "quantity": "5", "reason": "goodwill"})
	s.use(account, 5) // again one more than there is, and nothing may be bought
	do(drawdown.ConnectionSet, map[string]any{
		"connection": "new", "source_connector": "source-new", "destination_connector": "destination-postgres",
	})
	do(drawdown.ProgramEnrolled, nil)
	do(drawdown.CreditsGranted, map[string]any{"amount": "50", "category": "promotional"})
	do(drawdown.GateSet, map[string]any{"runaway_factor": 5})
	s.report( // what is left stays above the plan's low_balance
		usage{account: account, job: 1, operations: 1}, usage{account: account, job: 2, operations: 1},
		usage{account: account, job: 3, operations: 1}, usage{account: account, job: 4, operations: 10},
	)
}
