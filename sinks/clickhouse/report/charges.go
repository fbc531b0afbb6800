package report

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
)

// EachCharge calls use for each charge that the query asks for, the oldest first, up to the last that is there when the
// export begins. It ends with the first error of use.
//
// charges are sorted by connection, and an account can have more of them than can be sorted at a time. So the export goes
// by hours, several at a time where they are small: the clock of the log never goes back, so hours are in order.
func (r *Reports) EachCharge(ctx context.Context, q ChargeQuery, use func(*Charge) error) error {
	p := q.parameters().within(q.From, q.To)
	var spans []exportSpan
	last := lastCharge{}
	err := r.each(ctx, "charges_by_hour", p, func(rows driver.Rows) error {
		var hour, count uint64
		var inHour lastCharge
		if err := rows.Scan(&hour, &count, &inHour.offset, &inHour.n); err != nil {
			return err
		}
		spans, last = addHour(spans, time.Unix(int64(hour), 0).UTC(), count, uint64(r.exportPage)), inHour
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range spans {
		if err := r.eachOfSpan(ctx, &q, s, last, use); err != nil {
			return err
		}
	}
	return nil
}

// exportSpan is some hours that are exported at a time, to exclusive.
type exportSpan struct {
	from, to time.Time
	count    uint64
}

// addHour adds an hour with charges to the last span, or begins one where that would be more than a page.
func addHour(spans []exportSpan, hour time.Time, count, page uint64) []exportSpan {
	if i := len(spans) - 1; i >= 0 && spans[i].count+count <= page {
		spans[i].to, spans[i].count = hour.Add(time.Hour), spans[i].count+count
		return spans
	}
	return append(spans, exportSpan{hour, hour.Add(time.Hour), count})
}

// lastCharge is the last charge of an export. What comes while it goes on is left out: it could be in an hour that is
// already written.
type lastCharge struct {
	offset uint64
	n      uint32
}

// eachOfSpan exports a span, by pages: one hour can have more than a page.
func (r *Reports) eachOfSpan(ctx context.Context, q *ChargeQuery, s exportSpan, last lastCharge, use func(*Charge) error) error {
	if !q.From.IsZero() && s.from.Before(q.From) {
		s.from = q.From
	}
	if !q.To.IsZero() && q.To.Before(s.to) {
		s.to = q.To
	}
	p := q.parameters().within(s.from, s.to).unsigned("last_offset", last.offset).unsigned("last_n", uint64(last.n))
	return export(ctx, r, "charges_export", p, scanCharge, func(c *Charge) (drawdown.Offset, int) { return c.Offset, c.N }, use)
}

func (q *ChargeQuery) parameters() parameters {
	p := parameters{"any_job": "1", "job": "0"}.text("account", q.Account).text("connection", q.Connection)
	if q.Job != nil {
		p["any_job"] = "0"
		p.unsigned("job", *q.Job)
	}
	return p
}

func scanCharge(rows driver.Rows) (c Charge, err error) {
	var partition, n uint32
	var offset uint64
	var at, happened int64
	var credits, waived, overdraft decimal.Decimal
	var grants []string
	var burned []decimal.Decimal
	err = rows.Scan(&partition, &offset, &n, &at, &happened, &c.Connection, &c.Source, &c.Destination, &c.Job, &c.Attempt,
		&c.Stream, &c.Event, &c.Kind, &c.Meter, &c.Rates, &c.Category, &c.Quantity, &credits, &waived, &overdraft, &grants, &burned)
	if err != nil {
		return c, err
	}
	c.Partition, c.Offset, c.N = int32(partition), drawdown.Offset(offset), int(n)
	c.At, c.Time = time.UnixMilli(at).UTC(), time.UnixMilli(happened).UTC()
	c.Credits, c.Waived, c.Overdraft = nano(credits), nano(waived), nano(overdraft)
	for i, grant := range grants {
		c.Burned = append(c.Burned, Burn{grant, nano(burned[i])})
	}
	return c, nil
}
