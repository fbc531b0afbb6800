package demo

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"drawdown"
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
	text, tone := describe(e)
	if text == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	after := time.UnixMilli(int64(e.At)).Sub(h.start)
	if !h.start.IsZero() && after >= 0 {
		h.list = append(h.list, happening{after: after, account: e.Account, text: text, tone: tone})
	}
}

// since returns what was told from the n-th on.
func (h *happenings) since(n int) []happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list[n:len(h.list):len(h.list)]
}

// describe puts an entry into words, "" where it is not told: periods and grants follow from what is.
func describe(e *ledgerEntry) (string, tone) {
	switch e.Type {
	case "purchase.requested":
		return fmt.Sprintf("purchase requested: %s credits for %s %s", withCommas(e.Quantity), e.Amount, e.Currency), moneyTone
	case "purchase.settled":
		return fmt.Sprintf("purchase settled: %s credits, %s %s paid", withCommas(e.Quantity), e.Amount, e.Currency), moneyTone
	case "purchase.failed":
		return "purchase failed: " + e.Reason, badTone
	case "status.changed":
		return describeStatus(e)
	case "notice":
		return describeNotice(e)
	default:
		return "", plainTone
	}
}

func describeStatus(e *ledgerEntry) (string, tone) {
	switch e.To {
	case drawdown.Exhausted.String():
		return "exhausted: no credits left and none on order; its syncs stop", badTone
	case drawdown.Purchasing.String():
		return "purchasing: no credits left, but more are on order; its syncs go on", warnTone
	case drawdown.Active.String():
		return "active again", goodTone
	default:
		return strings.ReplaceAll(e.To, "_", " "), warnTone
	}
}

func describeNotice(e *ledgerEntry) (string, tone) {
	switch e.Kind {
	case "low_balance":
		return fmt.Sprintf("notice: low balance, %s credits left", threeDecimals(e.Available)), warnTone
	case "usage_percent":
		return fmt.Sprintf("notice: %d %% of the period's credits used", e.Percent), warnTone
	case "auto_purchase_capped":
		return "notice: auto-purchase is at its cap for this period", warnTone
	default:
		return "notice: " + strings.ReplaceAll(e.Kind, "_", " "), plainTone
	}
}

// threeDecimals cuts a credits string for reading.
func threeDecimals(credits string) string {
	whole, fraction, _ := strings.Cut(credits, ".")
	if len(fraction) > 3 {
		fraction = fraction[:3]
	}
	if fraction == "" {
		return withCommas(whole)
	}
	return withCommas(whole) + "." + fraction
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
