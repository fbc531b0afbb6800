package page

import "math/big"

// ticksMax is how many steps an axis has at most.
const ticksMax = 4

// axis returns the values that are written beside an axis, from 0 to the first that is not below the maximum, in steps of
// 1, 2 or 5 times a power of ten. Where there is nothing it is one step of a whole credit.
func axis(maximum *big.Int) []*big.Int {
	step := new(big.Int).Set(whole(1).nano)
	if maximum.Sign() > 0 {
		step = niceStep(maximum)
	}
	ticks := []*big.Int{new(big.Int)}
	for last := ticks[0]; len(ticks) < 2 || last.Cmp(maximum) < 0; {
		last = new(big.Int).Add(last, step)
		ticks = append(ticks, last)
	}
	return ticks
}

// niceStep returns the smallest step with which ticksMax of them reach the maximum.
func niceStep(maximum *big.Int) *big.Int {
	least := new(big.Int).Add(maximum, big.NewInt(ticksMax-1))
	least.Quo(least, big.NewInt(ticksMax))
	for power := big.NewInt(1); ; power.Mul(power, big.NewInt(10)) {
		for _, factor := range []int64{1, 2, 5} {
			if step := new(big.Int).Mul(power, big.NewInt(factor)); step.Cmp(least) >= 0 {
				return step
			}
		}
	}
}

// tickText is the amount beside an axis, short: "2.5k", "20M".
func tickText(nano *big.Int) string {
	for _, unit := range []struct {
		credits int64
		suffix  string
	}{{1_000_000_000, "G"}, {1_000_000, "M"}, {10_000, "k"}} {
		size := whole(unit.credits).nano
		if nano.CmpAbs(size) < 0 {
			continue
		}
		if unit.suffix == "k" {
			size = whole(1000).nano
		}
		scaled := new(big.Int).Mul(nano, whole(1).nano)
		return amountOf(scaled.Quo(scaled, size), "").Shown + unit.suffix
	}
	return exactTick(nano)
}

// exactTick shows small steps with all their decimals: the amounts of other places are rounded.
func exactTick(nano *big.Int) string {
	text, fraction := new(big.Int).QuoRem(nano, whole(1).nano, new(big.Int))
	if fraction.Sign() == 0 {
		return group(text.String())
	}
	digits := fraction.String()
	for len(digits) < 9 {
		digits = "0" + digits
	}
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return group(text.String()) + "." + digits
}
