package demo

import (
	"context"
	"fmt"
	"math/big"
	"net/http"
)

// reportedUsage is what the API reports of a connection: the same that the billing page shows.
type reportedUsage struct {
	Events                     uint64
	Billed, Free               string // credits
	Records, Bytes, Operations string // of the meter that was charged
}

// quantity adds up the meters: a connection has one, unless its source changed.
func (u *reportedUsage) quantity() string {
	sum := new(big.Int)
	for _, text := range []string{u.Records, u.Bytes, u.Operations} {
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return "unreadable: " + text
		}
		sum.Add(sum, n)
	}
	return sum.String()
}

// readReports asks for every account what each connection used. A demo is within the last twelve months.
func (d *demo) readReports(ctx context.Context) (map[owner]*reportedUsage, error) {
	all := map[owner]*reportedUsage{}
	for i := range d.story {
		account := d.story[i].account
		var answer struct {
			Series []struct {
				Name  string
				Total reportedUsage
			}
		}
		path := accountPath(account, "usage") + "?window=monthly&by=connection"
		if _, err := d.reports.ask(ctx, http.MethodGet, path, nil, nil, &answer); err != nil {
			return nil, fmt.Errorf("ask the API for usage: %w", err)
		}
		for k := range answer.Series {
			all[owner{account, answer.Series[k].Name}] = &answer.Series[k].Total
		}
	}
	return all, nil
}

// compareReports holds what the API reports against the log.
func (r *reconciliation) compareReports() {
	const where = "the API's report"
	for _, of := range owners(r.log.connections, r.reported) {
		expected, found := r.log.connections[of], r.reported[of]
		if expected == nil || found == nil {
			r.differ("%v: in the log %v, in the API's report %v", of, expected != nil, found != nil)
			continue
		}
		same(r, of.String()+": events", expected.events, found.Events, where)
		same(r, of.String()+": quantity", expected.quantity.Big().String(), found.quantity(), where)
		same(r, of.String()+": credits", expected.credits.String(), found.Billed, where)
		same(r, of.String()+": waived", expected.waived.String(), found.Free, where)
	}
}
