package report

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
)

// Receipt returns what a sync cost and why. Errors: ErrNoSync where nothing was charged for it in this account.
func (r *Reports) Receipt(ctx context.Context, account, connection string, job uint64) (*Receipt, error) {
	fresh, err := r.freshness(ctx, charges, account)
	if err != nil {
		return nil, err
	}
	p := parameters{}.text("account", account).text("connection", connection).unsigned("job", job)
	var parts []receiptPart
	err = r.each(ctx, "receipt", p, func(rows driver.Rows) error {
		var part receiptPart
		err := part.scan(rows)
		parts = append(parts, part)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, ErrNoSync
	}
	receipt := &Receipt{AsOf: fresh.asOf, Account: account}
	receipt.Sync = Sync{Connection: connection, Job: job}
	receipt.fill(parts)
	return receipt, nil
}

// receiptPart is what the charges of one line took from one grant. What does not belong to a grant is counted in one
// part of each charge.
type receiptPart struct {
	attempt                                      uint64
	stream, kind, meter, rates, category         string
	grant                                        string // "" where nothing was burned
	first                                        burnPlace
	last                                         place
	source, destination                          string
	firstAt, lastAt                              int64
	events                                       uint64
	quantity, credits, waived, burned, overdraft drawdown.Total
}

// burnPlace says when a grant was first taken from: by which charge, and as its which grant.
type burnPlace struct {
	offset   uint64
	n, index uint32
}

func (a burnPlace) compare(b burnPlace) int {
	return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.n, b.n), cmp.Compare(a.index, b.index))
}

func (p *receiptPart) scan(rows driver.Rows) error {
	var quantity big.Int
	var credits, waived, burned, overdraft decimal.Decimal
	var lastOffset uint64
	err := rows.Scan(&p.attempt, &p.stream, &p.kind, &p.meter, &p.rates, &p.category, &p.grant,
		&p.first.offset, &p.first.n, &p.first.index, &lastOffset, &p.last.n, &p.source, &p.destination, &p.firstAt, &p.lastAt,
		&p.events, &quantity, &credits, &waived, &burned, &overdraft)
	p.last.offset = drawdown.Offset(lastOffset)
	p.quantity, p.credits, p.waived = drawdown.TotalOfBig(&quantity), nano(credits), nano(waived)
	p.burned, p.overdraft = nano(burned), nano(overdraft)
	return err
}

func (p *receiptPart) line() ReceiptLine {
	return ReceiptLine{Stream: p.stream, Kind: p.kind, Meter: p.meter, Rates: p.rates, Category: p.category}
}

func (l *ReceiptLine) compare(m *ReceiptLine) int {
	return cmp.Or(strings.Compare(l.Stream, m.Stream), strings.Compare(l.Kind, m.Kind), strings.Compare(l.Meter, m.Meter),
		strings.Compare(l.Rates, m.Rates), strings.Compare(l.Category, m.Category))
}

func (p *receiptPart) amounts() Amounts {
	a := Amounts{Events: p.events, Billed: p.credits, Free: p.waived}
	switch p.meter {
	case drawdown.Records.String():
		a.Records = p.quantity
	case drawdown.Bytes.String():
		a.Bytes = p.quantity
	case drawdown.Operations.String():
		a.Operations = p.quantity
	}
	return a
}

// fill adds up the parts, which come in the order of first use of their grants.
func (r *Receipt) fill(parts []receiptPart) {
	slices.SortFunc(parts, func(a, b receiptPart) int { return a.first.compare(b.first) })
	last := place{offset: -1}
	for i := range parts {
		p := &parts[i]
		line := r.attempt(p.attempt).line(p.line())
		line.Quantity, line.Events = line.Quantity.Plus(p.quantity), line.Events+p.events
		line.Credits, line.Waived = line.Credits.Plus(p.credits), line.Waived.Plus(p.waived)
		line.Overdraft, r.Overdraft = line.Overdraft.Plus(p.overdraft), r.Overdraft.Plus(p.overdraft)
		if p.grant != "" {
			line.Burned, r.Burned = burn(line.Burned, p), burn(r.Burned, p)
		}
		amounts := p.amounts()
		attempt := r.attempt(p.attempt)
		attempt.Amounts = attempt.Amounts.plus(amounts)
		r.Sync.Amounts = r.Sync.Amounts.plus(amounts)
		r.Sync.extend(instant(p.firstAt), instant(p.lastAt))
		if p.last.offset > last.offset || p.last.offset == last.offset && p.last.n > last.n {
			last, r.Sync.Source, r.Sync.Destination = p.last, p.source, p.destination
		}
	}
	slices.SortFunc(r.Attempts, func(a, b ReceiptAttempt) int { return cmp.Compare(a.Attempt, b.Attempt) })
	for i := range r.Attempts {
		slices.SortFunc(r.Attempts[i].Lines, func(a, b ReceiptLine) int { return a.compare(&b) })
	}
	r.Sync.Attempts = len(r.Attempts)
}

// attempt returns the receipt's attempt of that number, which it adds if it is not there.
func (r *Receipt) attempt(number uint64) *ReceiptAttempt {
	i := slices.IndexFunc(r.Attempts, func(a ReceiptAttempt) bool { return a.Attempt == number })
	if i < 0 {
		i = len(r.Attempts)
		r.Attempts = append(r.Attempts, ReceiptAttempt{Attempt: number})
	}
	return &r.Attempts[i]
}

// line returns the attempt's line of that stream and rate, which it adds if it is not there.
func (a *ReceiptAttempt) line(of ReceiptLine) *ReceiptLine {
	i := slices.IndexFunc(a.Lines, func(l ReceiptLine) bool { return l.compare(&of) == 0 })
	if i < 0 {
		i = len(a.Lines)
		a.Lines = append(a.Lines, of)
	}
	return &a.Lines[i]
}

func burn(burned []Burn, p *receiptPart) []Burn {
	i := slices.IndexFunc(burned, func(b Burn) bool { return b.Grant == p.grant })
	if i < 0 {
		return append(burned, Burn{p.grant, p.burned})
	}
	burned[i].Credits = burned[i].Credits.Plus(p.burned)
	return burned
}

// extend widens the time in which the sync was charged.
func (s *Sync) extend(first, last time.Time) {
	if s.FirstAt.IsZero() || first.Before(s.FirstAt) {
		s.FirstAt = first
	}
	if last.After(s.LastAt) {
		s.LastAt = last
	}
}
