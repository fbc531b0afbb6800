package loggen_test

import (
	"encoding/json"
	"slices"

	"drawdown/internal/reference"
)

// extension counts what one log shows of refunds, the payment ladder and contacts.
type extension struct {
	seen map[string]int
	// ended are the ways in which grants ended, by account, id and type of line.
	ended map[[3]string]bool
	// refunds counts those of a purchase that took something, by account and purchase.
	refunds map[[2]string]int
	// plans are those under which the open purchase was declined last, by account.
	plans map[string]string
	// doubted are the accounts whose e-mail contacts.set was the last to leave unverified.
	doubted map[string]bool
}

func newExtension(seen map[string]int) *extension {
	return &extension{
		seen: seen, ended: map[[3]string]bool{}, refunds: map[[2]string]int{}, plans: map[string]string{}, doubted: map[string]bool{},
	}
}

func (x *extension) when(holds bool, name string) {
	if holds {
		x.seen[name]++
	}
}

// note looks at a record of an account, at the account before and after it, and at the lines between.
func (x *extension) note(account string, record []byte, before, after reference.Probe, lines []reference.Line) {
	var members map[string]any
	if json.Unmarshal(record, &members) != nil {
		return
	}
	typ, _ := members["type"].(string)
	data, _ := members["data"].(map[string]any)
	x.noteContacts(account, typ, before, after)
	for i, line := range lines {
		switch line["type"] {
		case "grant.expired", "grant.voided":
			x.ended[[3]string{account, line["grant"].(string), line["type"].(string)}] = true
		case "grant.refunded":
			x.noteRefund(account, after, line, lines[i+1:])
		case "purchase.requested":
			_, named := line["customer"]
			x.when(named, "requested of a customer")
			x.when(!named, "requested of nobody named")
		case "purchase.declined", "purchase.retried", "purchase.failed", "purchase.settled":
			x.noteAttempt(account, typ, before, after, line)
		case "rejected":
			_, numbered := data["attempt"]
			unknown := line["reason"] == "unknown_purchase"
			x.when(unknown && typ == "purchase.failed" && numbered && before.Waiting && after.Waiting, "refused while it waits")
			x.when(unknown && typ == "purchase.failed" && numbered && after.Open == data["purchase"] && !after.Waiting, "refused with another attempt")
			x.when(unknown && typ == "purchase.refunded", "refund of no purchase")
			x.when(line["reason"] == "out_of_range" && typ == "purchase.refunded", "refund out of range")
			x.when(line["reason"] == "email_not_verified" && x.doubted[account], "enrolment refused for new contacts")
		case "duplicate":
			x.when(typ == "purchase.refunded", "duplicate refund")
		}
	}
	waits := before.Waiting && after.Waiting && before.Open == after.Open
	x.when(waits && typ == "account.plan_changed" && before.Plan != after.Plan, "plan changed while it waits")
	x.when(waits && typ == "payment_method.removed" && len(lines) == 0, "method removed while it waits")
}

func (x *extension) noteContacts(account, typ string, before, after reference.Probe) {
	switch {
	case before.EmailVerified == after.EmailVerified || !before.Known:
	case typ == "contacts.set":
		x.when(after.EmailVerified, "contacts verify an e-mail")
		x.when(!after.EmailVerified, "contacts put an e-mail in doubt")
		x.doubted[account] = !after.EmailVerified
	default:
		x.doubted[account] = false
	}
}

func (x *extension) noteAttempt(account, typ string, before, after reference.Probe, line reference.Line) {
	attempt, _ := line["attempt"].(int64)
	switch line["type"] {
	case "purchase.declined":
		x.when(line["retry_at"] == line["at"], "declined and retried at once")
		x.when(after.Waiting, "declined to wait")
		x.when(attempt > 1 && x.plans[account] != after.Plan, "declined under another plan than before")
		x.plans[account] = after.Plan
	case "purchase.retried":
		method := line["method"].(string)
		x.seen["retried with "+method]++
		x.when(line["customer"] != nil, "retried with a customer")
		x.when(line["customer"] == nil && line["payment_method"] != nil, "retried without a customer")
		x.when(line["payment_method"] == nil, "retried with what was removed")
		x.when(attempt > 4, "retried the last of many times")
		x.when(typ == "tick", "retried at its instant")
		x.when(typ == "payment_method.saved" && line["n"] == 0 && before.Waiting, "retried with a "+method+" just saved")
	case "purchase.failed":
		x.when(typ == "purchase.failed" && before.Waiting, "failed while it waits")
		x.when(typ == "purchase.failed" && before.Attempt > 1, "failed after a retry")
		x.when(line["reason"] == "timeout" && before.Attempt > 1, "timed out after a retry")
	case "purchase.settled":
		x.when(before.Waiting && before.Open == line["purchase"], "settled while it waits")
	}
}

func (x *extension) noteRefund(account string, after reference.Probe, line reference.Line, rest []reference.Line) {
	id := line["grant"].(string)
	amount, overdraft := line["amount"], line["overdraft"]
	x.when(amount != "0" && overdraft == "0", "refund of what is left")
	x.when(amount != "0" && overdraft == amount, "refund of what was used")
	x.when(overdraft != "0" && overdraft != amount, "refund of both")
	x.when(amount == "0", "refund of nothing")
	x.when(overdraft != "0" && len(after.Grants) > 0, "refund beside other grants")
	x.when(x.ended[[3]string{account, id, "grant.expired"}], "refund after expiry")
	x.when(x.ended[[3]string{account, id, "grant.voided"}], "refund after a void")
	for _, p := range after.Paid {
		if p.Purchase != id {
			continue
		}
		x.when(p.Requested, "refund of an auto-purchase")
		x.when(!p.Requested, "refund of a manual purchase")
		x.when(amount != "0" && p.Gone.Cmp(p.Bought) < 0, "refund in part")
		x.when(p.Left.Sign() == 0 && slices.Contains(after.Grants, id), "refund beside a grant of the same id")
	}
	if amount != "0" {
		x.refunds[[2]string{account, id}]++
		x.when(x.refunds[[2]string{account, id}] > 1, "refund of more than once")
	}
	for _, next := range rest {
		x.when(next["kind"] == "low_balance", "low balance by a refund")
		x.when(next["type"] == "purchase.requested", "purchase requested by a refund")
	}
}
