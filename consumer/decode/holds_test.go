package decode_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"drawdown"
)

const holdAt = "2026-02-01T00:00:00Z"

// operationLine is a sound operation with data.
func operationLine(recordType, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"e","source":"s","type":%q,"subject":"acme","time":%q,"data":%s}`, recordType, holdAt, data)
}

func TestOperationsOnHoldsAndTheGate(t *testing.T) {
	at, _ := drawdown.ParseTime([]byte(holdAt))
	const placed = `{"hold":"h","connection":"c","job":7,"amount":"1.5","expires_at":"2026-02-01T00:00:00Z"}`
	hold := drawdown.PlaceHold{Hold: "h", Connection: "c", Job: 7, Amount: 1_500_000_000, ExpiresAt: at}
	waits, negative := hold, hold
	waits.Wait, negative.Amount = true, -1_500_000_000
	replace := func(part, by string) string { return strings.Replace(placed, part, by, 1) }
	long := `"` + strings.Repeat("x", 129) + `"`
	for _, test := range []struct {
		rule, recordType, data string
		want                   drawdown.Operation // nil: malformed
	}{
		{"a hold", "hold.placed", placed, &hold},
		{"it may wait", "hold.placed", replace(`"job"`, `"wait":true,"job"`), &waits},
		{"or not", "hold.placed", replace(`"job"`, `"wait":false,"job"`), &hold},
		{"null is absent", "hold.placed", replace(`"job"`, `"wait":null,"job"`), &hold},
		{"wait is no string", "hold.placed", replace(`"job"`, `"wait":"true","job"`), nil},
		{"the amount is judged later", "hold.placed", replace(`1.5`, `-1.5`), &negative},
		{"but must be credits", "hold.placed", replace(`"1.5"`, `1.5`), nil},
		{"an amount is required", "hold.placed", replace(`"amount"`, `"x"`), nil},
		{"a hold is required", "hold.placed", replace(`"hold"`, `"x"`), nil},
		{"of at most 128 bytes", "hold.placed", replace(`"h"`, long), nil},
		{"a connection is required", "hold.placed", replace(`"connection"`, `"x"`), nil},
		{"a job is an integer", "hold.placed", replace(`7`, `"7"`), nil},
		{"that is not negative", "hold.placed", replace(`7`, `-7`), nil},
		{"an end is required", "hold.placed", replace(`"expires_at"`, `"x"`), nil},
		{"a release", "hold.released", `{"hold":"h"}`, &drawdown.ReleaseHold{Hold: "h"}},
		{"of a hold", "hold.released", `{}`, nil},
		{"critical", "connection.prioritized", `{"connection":"c","priority":"critical"}`, &drawdown.PrioritizeConnection{Connection: "c", Priority: drawdown.PriorityCritical}},
		{"normal", "connection.prioritized", `{"connection":"c","priority":"normal"}`, &drawdown.PrioritizeConnection{Connection: "c", Priority: drawdown.PriorityNormal}},
		{"low", "connection.prioritized", `{"connection":"c","priority":"low"}`, &drawdown.PrioritizeConnection{Connection: "c", Priority: drawdown.PriorityLow}},
		{"there are no others", "connection.prioritized", `{"connection":"c","priority":"Low"}`, nil},
		{"a priority is required", "connection.prioritized", `{"connection":"c"}`, nil},
		{"all of a gate is optional", "gate.set", `{}`, &drawdown.SetGate{}},
		{"all of a gate", "gate.set", `{"reserve":"10","runaway_factor":2,"runaway_min":"0.5"}`, &drawdown.SetGate{Reserve: 10 * drawdown.Credit, RunawayFactor: 2, RunawayMin: drawdown.Credit / 2}},
		{"a reserve is not negative", "gate.set", `{"reserve":"-1"}`, nil},
		{"nor a minimum", "gate.set", `{"runaway_min":"-1"}`, nil},
		{"a factor is at least 2", "gate.set", `{"runaway_factor":1}`, nil},
		{"and at most 1000", "gate.set", `{"runaway_factor":1000}`, &drawdown.SetGate{RunawayFactor: 1000}},
		{"not more", "gate.set", `{"runaway_factor":1001}`, nil},
		{"data of a gate is not left out", "gate.set", `null`, nil},
		{"an acknowledgement", "runaway.acknowledged", `{"connection":"c"}`, &drawdown.AcknowledgeRunaway{Connection: "c"}},
		{"of a connection", "runaway.acknowledged", `{}`, nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			rec := decodeOne(operationLine(test.recordType, test.data))
			if malformed := rec.Reject == drawdown.Malformed; malformed != (test.want == nil) {
				t.Fatalf("%s: %q", test.data, rec.Reject)
			}
			if test.want != nil && !reflect.DeepEqual(rec.Operation, test.want) {
				t.Errorf("%s: %+v", test.data, rec.Operation)
			}
			if !rec.Type.IsOperation() || rec.Type.IsBroadcast() {
				t.Errorf("%v is no operation on an account", rec.Type)
			}
		})
	}
}

func TestOrdersOfAPlan(t *testing.T) {
	for member, want := range map[string]string{``: "true", `"orders":true,`: "true", `"orders":null,`: "true", `"orders":false,`: "false", `"orders":0,`: "malformed", `"orders":"no",`: "malformed"} {
		line := `{"specversion":"1.0","id":"e","source":"s","type":"plan.published","time":"2026-02-01T00:00:00Z","data":{"id":"p","currency":"USD","purchase":{` + member + `"unit":1,"min":1,"max":1,"default":1,"unit_price":"1","validity":"end_of_period"}}}`
		rec := decodeOne(line)
		got := string(rec.Reject)
		if plan, ok := rec.Operation.(*drawdown.Plan); ok && got == "" {
			got = fmt.Sprint(plan.Purchase.Orders)
		}
		if got != want {
			t.Errorf("%s %s, want %s", member, got, want)
		}
	}
}
