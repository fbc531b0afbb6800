package bench

import (
	"context"
	"errors"
	"fmt"

	"drawdown"
	"drawdown/consumer/murmur"
)

// DriftError says that Redis or ClickHouse does not have what the events come to.
type DriftError struct {
	Where    string // what was compared
	Expected string
	Found    string
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("drift: %s: expected %s, found %s; no figure of this run counts", e.Where, e.Expected, e.Found)
}

// driftsMax bounds how many differences are told one by one.
const driftsMax = 5

// drifts collects differences.
type drifts struct{ list []error }

func (d *drifts) compare(where, expected, found string) {
	if expected != found && len(d.list) < driftsMax {
		d.list = append(d.list, &DriftError{Where: where, Expected: expected, Found: found})
	}
}

// verify compares every balance in Redis and every connection's usage in ClickHouse with what was appended.
func (r *run) verify(ctx context.Context) error {
	var d drifts
	if err := r.verifyBalances(ctx, &d); err != nil {
		return fmt.Errorf("verify balances: %w", err)
	}
	if err := r.verifyUsage(ctx, &d); err != nil {
		return fmt.Errorf("verify usage: %w", err)
	}
	return errors.Join(d.list...)
}

func (r *run) verifyBalances(ctx context.Context, d *drifts) error {
	client, store, err := r.cluster.config.OpenRedis()
	if err != nil {
		return err
	}
	defer client.Close()
	indexes := make([][]int, r.options.Partitions) // of accounts, by partition
	names := make([][]string, r.options.Partitions)
	for i, account := range r.load.accounts {
		partition := murmur.Partition([]byte(account), r.options.Partitions)
		indexes[partition], names[partition] = append(indexes[partition], i), append(names[partition], account)
	}
	for partition := range names {
		marks, err := store.Balances(ctx, int32(partition), names[partition])
		if err != nil {
			return err
		}
		for i, account := range indexes[partition] {
			expected := r.load.grant(account) - r.load.charged(account)
			d.compare("balance of "+names[partition][i], expected.String(), marks[i].Balance.String())
		}
	}
	return nil
}

func (r *run) verifyUsage(ctx context.Context, d *drifts) error {
	database, err := r.cluster.config.OpenDatabase()
	if err != nil {
		return err
	}
	defer database.Close()
	totals, err := database.Totals(ctx)
	if err != nil {
		return err
	}
	d.compare("rows of charges", fmt.Sprint(r.options.Events), fmt.Sprint(totals.Charges))
	d.compare("credits of all charges", r.load.chargedAll().String(), totals.Credits.String())
	d.compare("credits waived", "0", totals.Waived.String())
	usage, err := database.Usage(ctx, "")
	if err != nil {
		return err
	}
	found := make(map[string]connectionFigures, len(usage))
	for i := range usage {
		found[usage[i].Connection] = connectionFigures{int(usage[i].Events), usage[i].Credits}
	}
	for account := range r.load.connections {
		for c, connection := range r.load.connections[account] {
			total := &r.load.expected[account][c]
			expected := connectionFigures{total.events, drawdown.TotalOf(total.credits())}
			d.compare("usage of "+connection, expected.String(), found[connection].String())
		}
	}
	return nil
}

// connectionFigures are what is compared of a connection.
type connectionFigures struct {
	events  int
	credits drawdown.Total
}

func (f connectionFigures) String() string {
	return fmt.Sprintf("%d events, %s credits", f.events, f.credits)
}
