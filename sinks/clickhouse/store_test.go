package clickhouse

import (
	"errors"
	"testing"
	"time"

	"drawdown"
)

func TestRepairOf(t *testing.T) {
	const diverged = repair(-1)
	old, many := repeatAgeMax, uint64(repeatBlocksMax)
	for _, c := range []struct {
		name   string
		stream Stream
		counts Counts
		age    time.Duration
		want   repair
	}{
		{"all there", Charges, Counts{Rows: 10, Month: 30, Hour: 30, Day: 30}, 0, complete},
		{"all there, long ago", Charges, Counts{Rows: 10, Month: 30, Hour: 30, Day: 30, Since: many}, old, complete},
		{"nothing there", Charges, Counts{Month: 20, Hour: 20, Day: 20}, 0, insert},
		{"nothing there, long ago", Charges, Counts{Month: 20, Hour: 20, Day: 20, Since: many}, old, insert},
		{"no rollups", Charges, Counts{Rows: 10, Month: 30, Hour: 20, Day: 20}, 0, insert},
		{"no rollups, many blocks ago", Charges, Counts{Rows: 10, Month: 30, Hour: 20, Day: 20, Since: many}, 0, fill},
		{"no rollups, long ago", Charges, Counts{Rows: 10, Month: 30, Hour: 20, Day: 20}, old, fill},
		{"one rollup, long ago", Charges, Counts{Rows: 10, Month: 30, Hour: 30, Day: 20}, old, fill},
		{"only rollups", Charges, Counts{Month: 20, Hour: 30, Day: 30}, 0, insert},
		{"only rollups, long ago", Charges, Counts{Month: 20, Hour: 30, Day: 30}, old, diverged},
		{"some rows, long ago", Charges, Counts{Rows: 4, Month: 24, Hour: 20, Day: 20}, old, diverged},
		{"too many rows", Charges, Counts{Rows: 11, Month: 31, Hour: 31, Day: 31}, 0, diverged},
		{"a rollup that lacks more, long ago", Charges, Counts{Rows: 10, Month: 30, Hour: 19, Day: 20}, old, diverged},
		{"ledger, all there", Ledger, Counts{Rows: 10}, 0, complete},
		{"ledger, nothing there, long ago", Ledger, Counts{}, old, insert},
		{"ledger, some rows", Ledger, Counts{Rows: 4}, 0, insert},
		{"ledger, some rows, long ago", Ledger, Counts{Rows: 4}, old, diverged},
	} {
		got, err := repairOf(&Intent{Stream: c.stream, Rows: 10, Age: c.age}, c.counts)
		var isDiverged *DivergedError
		if errors.As(err, &isDiverged) {
			got = diverged
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestPositionsAreOrdered(t *testing.T) {
	ascending := []Position{none, {0, 0}, {0, 1}, {1, 0}, {7, 3}, endless}
	for i, p := range ascending {
		for j, q := range ascending {
			if p.After(q) != (i > j) {
				t.Errorf("%v after %v: %v", p, q, p.After(q))
			}
		}
	}
}

// TestTokens: the data's token tells ranges apart, the intent's only numbers.
func TestTokens(t *testing.T) {
	a := Intent{Stream: Ledger, Partition: 3, Block: 7, From: Position{1, 2}, To: Position{3, 4}}
	b := a
	b.To.N = drawdown.MaxInteger
	if a.token() == b.token() || a.numberToken() != b.numberToken() || a.numberToken() != "ledger/3/7" {
		t.Errorf("%s, %s; %s, %s", a.token(), b.token(), a.numberToken(), b.numberToken())
	}
}
