package loggen_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"drawdown/internal/loggen"
	"drawdown/internal/reference"
)

// wanted is everything that the contract names in its output, and the rarer turns of its rules.
var wanted = []string{
	"type charge", "type period.started", "type grant.added", "type grant.expired", "type grant.voided",
	"type purchase.requested", "type purchase.settled", "type purchase.failed", "type status.changed", "type notice",
	"type rejected", "type duplicate", "type balance",
	"reason malformed", "reason unknown_type", "reason future", "reason late", "reason unknown_account",
	"reason account_exists", "reason unknown_connector", "reason no_rate", "reason out_of_range", "reason unknown_plan",
	"reason same_plan", "reason card_required", "reason email_not_verified", "reason no_payment_method",
	"reason no_eligible_connector", "reason unknown_connection", "reason bad_amount", "reason grant_exists",
	"reason unknown_grant", "reason unknown_purchase", "reason backdated", "reason version_exists",
	"reason notice_too_short", "reason plan_exists",
	"notice low_balance", "notice usage_percent", "notice credits_expiring", "notice leaving_free_program",
	"notice auto_purchase_capped",
	"status active", "status purchasing", "status grace", "status payment_failed", "status exhausted",
	"charge billed", "charge free", "charge with overdraft", "charge of several grants", "charge of zero",
	"grant subscription", "grant promotional", "grant purchased", "grant repays overdraft",
	"grant of a period that began before under the same id", "purchase failed by timeout", "purchase settled late",
	"purchase settled out of range", "duplicate broadcast", "duplicate usage", "duplicate settlement",
	"rejected without account", "rejected with null account", "rejected before the clock", "missing numbers",
	"more than 64 missing ranges", "payment failure in a balance", "two notices of one instant",
	"type purchase.declined", "type purchase.retried", "type grant.refunded", "notice webhook_disabled",
	"reason too_many_endpoints", "reason unknown_endpoint",
	"declined and retried at once", "declined to wait", "declined under another plan than before",
	"retried at its instant", "retried with a primary just saved", "retried with a backup just saved",
	"retried with primary", "retried with backup", "retried with a customer", "retried without a customer",
	"retried with what was removed", "requested of a customer", "requested of nobody named", "retried the last of many times",
	"refused while it waits", "refused with another attempt", "failed while it waits", "settled while it waits",
	"failed after a retry", "timed out after a retry", "plan changed while it waits", "method removed while it waits",
	"refund of what is left", "refund of what was used", "refund of both", "refund of nothing", "refund in part",
	"refund after expiry", "refund after a void", "refund of an auto-purchase", "refund of a manual purchase",
	"refund beside other grants", "refund beside a grant of the same id", "refund of no purchase", "refund out of range",
	"duplicate refund", "low balance by a refund", "purchase requested by a refund", "refund of more than once",
	"contacts verify an e-mail", "contacts put an e-mail in doubt", "enrolment refused for new contacts",
}

// TestLogsReachEverything fails with the list of what some hundred logs never reach.
func TestLogsReachEverything(t *testing.T) {
	seen := map[string]int{}
	records, rejected := 0, 0
	for seed := range uint64(300) {
		options := loggen.Options{WithoutLogtime: seed%10 == 9}
		log := loggen.Generate(seed, 400, options)
		engine := reference.New()
		striped := map[string]int{}
		extension, gate := newExtension(seen), newGate(seen)
		for _, record := range reference.Records(log) {
			records++
			account := reference.SubjectOf(record)
			before := engine.Probe(account)
			lines, err := engine.Apply(record)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			after := engine.Probe(account)
			extension.note(account, record, before, after, lines)
			gate.note(account, record, before, after, lines)
			failed := engine.FailedPurchases()
			for _, line := range lines {
				note(seen, line, record, failed)
				if line["type"] == "rejected" {
					rejected++
				}
			}
			for name, ranges := range engine.MissingRanges() {
				if striped[name] = max(striped[name], ranges); ranges == 64 {
					seen["more than 64 missing ranges"]++
				}
			}
		}
		for _, line := range engine.Balances() {
			note(seen, line, nil, nil)
		}
	}
	var missing []string
	for _, name := range slices.Concat(wanted, wantedOfGate) {
		if seen[name] == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("never reached: %s", strings.Join(missing, ", "))
	}
	if share := rejected * 100 / records; share > 20 {
		t.Errorf("%d %% of the records are rejected: the state does not get deep", share)
	}
	t.Logf("%d records, %d rejected", records, rejected)
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%7d %s", seen[name], name)
	}
}

// note counts what a line shows.
func note(seen map[string]int, line reference.Line, record []byte, failed []string) {
	when := func(holds bool, name string) {
		if holds {
			seen[name]++
		}
	}
	typ := line["type"].(string)
	seen["type "+typ]++
	switch typ {
	case "charge":
		burned := line["burned"].([]any)
		seen["charge "+line["category"].(string)]++
		when(line["overdraft"] != "0", "charge with overdraft")
		when(len(burned) > 1, "charge of several grants")
		when(line["quantity"] == int64(0), "charge of zero")
	case "grant.added":
		seen["grant "+line["category"].(string)]++
		when(line["repaid"] != "0", "grant repays overdraft")
		when(strings.Contains(line["grant"].(string), "#"), "grant of a period that began before under the same id")
	case "purchase.failed":
		when(line["reason"] == "timeout", "purchase failed by timeout")
	case "purchase.settled":
		when(slices.Contains(failed, line["purchase"].(string)), "purchase settled late")
	case "status.changed":
		seen["status "+line["to"].(string)]++
	case "notice":
		seen["notice "+line["kind"].(string)]++
		when(line["n"] != 0, "two notices of one instant")
	case "rejected":
		account, present := line["account"]
		seen["reason "+line["reason"].(string)]++
		when(!present, "rejected without account")
		when(present && account == nil, "rejected with null account")
		when(line["at"] == nil, "rejected before the clock")
		when(line["reason"] == "out_of_range" && bytes.Contains(record, []byte("purchase.settled")), "purchase settled out of range")
	case "duplicate":
		_, present := line["account"]
		when(!present, "duplicate broadcast")
		when(bytes.Contains(record, []byte("sync.usage")), "duplicate usage")
		when(bytes.Contains(record, []byte("purchase.settled")), "duplicate settlement")
	case "balance":
		when(fmt.Sprint(line["missing"]) != "0", "missing numbers")
		when(line["holds"] != nil, "balance with holds")
		when(line["auto_purchase"].(reference.Line)["payment_failed"] == true, "payment failure in a balance")
	}
}

func TestTheSameSeedGivesTheSameLog(t *testing.T) {
	for seed := range uint64(20) {
		first := loggen.Generate(seed, 200, loggen.Options{})
		if !bytes.Equal(first, loggen.Generate(seed, 200, loggen.Options{})) {
			t.Fatalf("seed %d gives two logs", seed)
		}
		if got := len(reference.Records(first)); got != 200 {
			t.Fatalf("seed %d: %d records instead of 200", seed, got)
		}
	}
}

func TestWithoutWeirdnessNothingIsMalformed(t *testing.T) {
	for seed := range uint64(60) {
		log := loggen.Generate(seed, 200, loggen.Options{Weirdness: -1, WithoutLogtime: seed%2 == 0})
		engine := reference.New()
		for offset, record := range reference.Records(log) {
			lines, err := engine.Apply(record)
			if err != nil {
				t.Fatal(err)
			}
			if now, _ := engine.Now(); now.String() >= "8999" {
				break // at the end of the calendar times run out
			}
			for _, line := range lines {
				if offset > 1 && line["reason"] == "malformed" {
					t.Errorf("seed %d: malformed: %s", seed, record)
				}
			}
		}
	}
}
