package demo

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"drawdown"
	"drawdown/notify"
)

// happening is a ledger entry in words.
type happening struct {
	after   time.Duration // since the first sync
	account string
	text    string
	tone    tone
}

// tone says how a happening is coloured.
type tone int

const (
	plainTone tone = iota
	goodTone
	warnTone
	badTone
	moneyTone
)

// happenings collects what is told, in order. Safe for concurrent use.
type happenings struct {
	mu    sync.Mutex
	start time.Time // zero before the first sync: nothing is told
	list  []happening
}

func (h *happenings) begin(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.start = now
}

// take tells an entry, unless it was caused before the first sync.
func (h *happenings) take(e *ledgerEntry) {
	if text, tone := describe(e); text != "" {
		h.tell(time.UnixMilli(int64(e.At)), e.Account, text, tone)
	}
}

// tell tells something else of an account.
func (h *happenings) tell(at time.Time, account, text string, tone tone) {
	h.mu.Lock()
	defer h.mu.Unlock()
	after := at.Sub(h.start)
	if !h.start.IsZero() && after >= 0 {
		h.list = append(h.list, happening{after: after, account: account, text: text, tone: tone})
	}
}

// since returns what was told from the n-th on.
func (h *happenings) since(n int) []happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list[n:len(h.list):len(h.list)]
}

// describe puts an entry into words, "" where it is not told: periods and grants follow from what is, and most notices are
// told as the e-mails that they become.
func describe(e *ledgerEntry) (string, tone) {
	switch e.Type {
	case "purchase.requested":
		return fmt.Sprintf("purchase requested: %s credits for %s %s", withCommas(e.Quantity), e.Amount, e.Currency), moneyTone
	case "purchase.settled":
		return fmt.Sprintf("purchase settled: %s credits, %s %s paid", withCommas(e.Quantity), e.Amount, e.Currency), moneyTone
	case "purchase.declined":
		return fmt.Sprintf("payment refused: %s; next is the %s card", reasonName(e.Reason), e.Method), warnTone
	case "purchase.retried":
		return fmt.Sprintf("payment tried again, with the %s card", e.Method), moneyTone
	case "purchase.failed":
		return fmt.Sprintf("purchase failed: %s", reasonName(e.Reason)), badTone
	case "status.changed":
		return describeStatus(e)
	case "notice":
		return describeNotice(e)
	default:
		return describeHold(e)
	}
}

// describeHold tells what a scheduler has held.
func describeHold(e *ledgerEntry) (string, tone) {
	switch e.Type {
	case "hold.placed":
		return fmt.Sprintf("%s credits held for %s", e.Amount, e.Connection), goodTone
	case "hold.queued":
		return fmt.Sprintf("%s waits in line for %s credits", e.Connection, e.Amount), warnTone
	case "hold.released":
		return fmt.Sprintf("hold of %s released: %s credits used of it, %s left", e.Connection, e.Used, e.Amount), plainTone
	default:
		return "", plainTone
	}
}

// describeNotice tells what no e-mail tells as briefly.
func describeNotice(e *ledgerEntry) (string, tone) {
	if e.Kind != string(notify.Runaway) {
		return "", plainTone
	}
	return fmt.Sprintf("breaker: a sync of %s used %s credits, usual are %s: stopped", e.Connection, e.Used, e.Usual), badTone
}

func describeStatus(e *ledgerEntry) (string, tone) {
	switch e.To {
	case drawdown.Exhausted.String():
		return "exhausted: no credits left and none on order; its syncs stop", badTone
	case drawdown.Purchasing.String():
		return "purchasing: no credits left, more are on order; syncs may run", warnTone
	case drawdown.PaymentFailed.String():
		return "paused: the payment failed; its syncs stop until a card works", badTone
	case drawdown.Active.String():
		return "active again", goodTone
	default:
		return strings.ReplaceAll(e.To, "_", " "), warnTone
	}
}

// withCommas groups the digits of a whole number.
func withCommas(number string) string {
	sign, digits := "", number
	if strings.HasPrefix(number, "-") {
		sign, digits = "-", number[1:]
	}
	if strings.Trim(digits, "0123456789") != "" {
		return number
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}
