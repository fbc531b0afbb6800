package report

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown"
)

// Purchases returns a page of an account's purchases, the latest first: by where the ledger first names them. Errors:
// ErrBadCursor, *QueryError for the limit.
func (r *Reports) Purchases(ctx context.Context, q PurchaseQuery) (*PurchasePage, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	list := list{"purchases", q.Account}
	before, err := list.place(q.Cursor)
	if err != nil {
		return nil, err
	}
	fresh, err := r.freshness(ctx, ledger, q.Account)
	if err != nil {
		return nil, err
	}
	page := &PurchasePage{AsOf: fresh.asOf}
	var places []place
	p := parameters{}.text("account", q.Account).before(before).integer("limit", int64(q.Limit)+1)
	err = r.each(ctx, "purchases", p, func(rows driver.Rows) error {
		var id string
		var offset uint64
		var n uint32
		var at []int64
		var types, lines []string
		if err := rows.Scan(&id, &offset, &n, &at, &types, &lines); err != nil {
			return err
		}
		purchase, err := purchaseOf(id, at, types, lines)
		page.Purchases = append(page.Purchases, purchase)
		places = append(places, place{offset: drawdown.Offset(offset), n: n})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Purchases) > q.Limit {
		page.Purchases = page.Purchases[:q.Limit]
		page.Next = list.cursor(places[q.Limit-1])
	}
	return page, nil
}

// purchaseLine has the members of all lines about purchases (contract, sections 8 and 9) that a report shows.
type purchaseLine struct {
	Kind     string  `json:"kind"`
	Quantity string  `json:"quantity"`
	Amount   string  `json:"amount"`
	Currency string  `json:"currency"`
	Tax      *string `json:"tax"`
	Receipt  *string `json:"receipt"`
	Reason   string  `json:"reason"`
	Attempt  int     `json:"attempt"`
}

// purchaseOf is what a purchase's lines, in their order, make of it.
func purchaseOf(id string, at []int64, types, lines []string) (Purchase, error) {
	p := Purchase{ID: id}
	var refunded drawdown.Total
	for i := range lines {
		var line purchaseLine
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			return p, fmt.Errorf("ledger line of purchase %s: %w", id, err)
		}
		if types[i] == "grant.refunded" {
			amount, ok := drawdown.ParseCredits([]byte(line.Amount))
			if !ok || amount < 0 {
				return p, fmt.Errorf("ledger line of purchase %s: refunded %q", id, line.Amount)
			}
			refunded = refunded.Plus(drawdown.TotalOf(amount))
			continue
		}
		p.apply(types[i], at[i], &line)
	}
	if !refunded.IsZero() {
		p.Refunded = refunded.String()
	}
	return p, nil
}

// apply adds what one line says. What was paid counts more than what was requested. A purchase that failed can still be
// settled, when the money arrives late.
func (p *Purchase) apply(entryType string, at int64, line *purchaseLine) {
	p.Attempts = max(p.Attempts, line.Attempt, 1)
	switch entryType {
	case "purchase.requested":
		p.Kind, p.State, p.RequestedAt = "auto", "open", instant(at)
		p.Quantity, p.Amount, p.Currency = line.Quantity, line.Amount, line.Currency
	case "purchase.settled":
		p.Kind, p.State, p.SettledAt = line.Kind, "settled", instant(at)
		p.Quantity, p.Amount, p.Currency = line.Quantity, line.Amount, line.Currency
		p.Tax, p.Receipt = text(line.Tax), text(line.Receipt)
	case "purchase.failed":
		p.State, p.FailedAt, p.Reason = "failed", instant(at), line.Reason
	case "purchase.declined":
		p.Reason = line.Reason
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
