package report

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// costsOf are syncs, in order, that moved so many records for so many nano-credits.
func costsOf(pairs ...[2]uint64) (costs []syncCost) {
	for i, pair := range pairs {
		c := syncCost{last: place{offset: drawdown.Offset(i)}, meter: "records", credits: drawdown.Total128(0, pair[1])}
		c.byMeter[drawdown.Records].quantity, c.byMeter[drawdown.Records].credits = drawdown.Total128(0, pair[0]), c.credits
		costs = append(costs, c)
	}
	return costs
}

func TestEstimateFromCosts(t *testing.T) {
	quantity := func(n uint64) *uint64 { return &n }
	bytes := costsOf([2]uint64{1, 10}, [2]uint64{1, 10}, [2]uint64{1, 10}, [2]uint64{0, 5})
	bytes[3].meter = "bytes"
	for _, test := range []struct {
		rule        string
		costs       []syncCost
		quantity    *uint64
		enough      bool
		syncs       int
		median, p90 uint64
	}{
		{"two are too few", costsOf([2]uint64{1, 10}, [2]uint64{1, 20}), nil, false, 0, 0, 0},
		{"the middle one of three, and the last", costsOf([2]uint64{1, 30}, [2]uint64{1, 10}, [2]uint64{1, 20}), nil, true, 3, 20, 30},
		{"the lower middle one of four", costsOf([2]uint64{1, 30}, [2]uint64{1, 10}, [2]uint64{1, 20}, [2]uint64{1, 40}), nil, true, 4, 20, 40},
		{"the ninth of ten", costsOf([2]uint64{1, 1}, [2]uint64{1, 2}, [2]uint64{1, 3}, [2]uint64{1, 4}, [2]uint64{1, 5}, [2]uint64{1, 6},
			[2]uint64{1, 7}, [2]uint64{1, 8}, [2]uint64{1, 9}, [2]uint64{1, 100}), nil, true, 10, 5, 9},
		{"a sync of 0 credits is a sync", costsOf([2]uint64{1, 0}, [2]uint64{1, 0}, [2]uint64{1, 20}), nil, true, 3, 0, 20},
		{"by price a unit", costsOf([2]uint64{10, 30}, [2]uint64{100, 100}, [2]uint64{1, 2}), quantity(1000), true, 3, 2000, 3000},
		{"rounded up", costsOf([2]uint64{3, 1}, [2]uint64{3, 1}, [2]uint64{3, 2}), quantity(2), true, 3, 1, 2},
		{"nothing to move", costsOf([2]uint64{3, 1}, [2]uint64{3, 1}, [2]uint64{3, 2}), quantity(0), true, 3, 0, 0},
		{"what moved nothing has no price", costsOf([2]uint64{0, 0}, [2]uint64{3, 1}, [2]uint64{3, 2}), quantity(2), false, 0, 0, 0},
		{"by the meter of the latest charge", bytes, quantity(2), false, 0, 0, 0},
		{"whatever the meter, without a quantity", bytes, nil, true, 4, 10, 10},
		{"as much as there can be", costsOf([2]uint64{1, math.MaxUint64}, [2]uint64{1, math.MaxUint64}, [2]uint64{1, math.MaxUint64}), quantity(1), true, 3,
			math.MaxUint64, math.MaxUint64},
	} {
		var e Estimate
		enough := e.from(test.costs, test.quantity, BasisConnection)
		if enough != test.enough || e.Syncs != test.syncs || e.Median != drawdown.Total128(0, test.median) || e.P90 != drawdown.Total128(0, test.p90) {
			t.Errorf("%s: %v, %+v", test.rule, enough, e)
		}
		if enough && (e.Basis != BasisConnection || e.Meter != test.costs[len(test.costs)-1].meter) {
			t.Errorf("%s: basis %q, meter %q", test.rule, e.Basis, e.Meter)
		}
	}
}

// TestNearestRank: at least so many percent of the values are not above it, and of those below it that is not true.
func TestNearestRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 50).Draw(t, "values")
		slices.Sort(values)
		for _, percent := range []int{50, 90} {
			notAbove := nearestRank(len(values), percent) + 1
			if notAbove*100 < percent*len(values) || (notAbove-1)*100 >= percent*len(values) {
				t.Fatalf("%d of %d are %d percent", notAbove, len(values), percent)
			}
		}
	})
}
