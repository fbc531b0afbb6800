package reference

import "math/big"

// applyUsage rates a usage event and takes its charge (contract, section 7).
func (e *Engine) applyUsage(a *account, r record, usage usageData) (reason string) {
	source := e.catalogue.entryAt(usage.source, r.time)
	destination := e.catalogue.entryAt(usage.destination, r.time)
	if source == nil || destination == nil {
		return "unknown_connector"
	}
	card := e.catalogue.cardAt(r.time)
	if card == nil || card.rateOf(source.kind) == nil {
		return "no_rate"
	}
	rate := card.rateOf(source.kind)
	quantity := usage.meters[rate.meter]
	cost := times(big.NewInt(quantity), rate.credits)

	charge, waived, category := zero(), zero(), "free"
	key := remainderKey{usage.connection, card.version, rate.kind}
	if a.isFree(r.time, source, destination) {
		waived = new(big.Int).Div(cost, big.NewInt(rate.per))
	} else {
		category = "billed"
		remainder := zero()
		charge, remainder = new(big.Int).DivMod(plus(a.remainder(key), cost), big.NewInt(rate.per), remainder)
		if !a.mayCharge(charge) {
			return "out_of_range"
		}
		a.remainders[key] = remainder
	}
	a.setConnection(usage.connection, usage.source, usage.destination, *e.now)
	burned, overdraft := a.charge(charge, *e.now)
	a.waived = plus(a.waived, waived)
	a.countUsage(usage.connection, charge, waived)
	e.line(a, *e.now, "charge", Line{
		"time": r.time.String(), "connection": usage.connection,
		"source_connector": usage.source, "destination_connector": usage.destination,
		"job": usage.job, "attempt": usage.attempt, "stream": optionalText(usage.stream), "event": r.id,
		"kind": rate.kind, "meter": rate.meter, "quantity": quantity,
		"credits": formatCredits(charge), "waived": formatCredits(waived), "category": category,
		"rates": card.version, "burned": burnedList(burned), "overdraft": formatCredits(overdraft),
	})
	a.useHold(usage.connection, usage.job, charge)
	if category == "billed" {
		e.watch(a, usage.connection, usage.job, charge)
	}
	return ""
}

// isFree tells whether an event at an instant is free under the Free Connector Program.
func (a *account) isFree(at Instant, source, destination *entry) bool {
	enrolled := a.enrolledAt != nil && *a.enrolledAt <= at
	return enrolled && (source.stage != stageGA || destination.stage != stageGA)
}

// remainder is what is left over from earlier charges of a connection and rate, in nano-credits × per.
func (a *account) remainder(key remainderKey) *big.Int {
	if kept := a.remainders[key]; kept != nil {
		return kept
	}
	return zero()
}

// mayCharge tells whether a charge leaves the overdraft in range.
func (a *account) mayCharge(charge *big.Int) bool {
	rest := minus(charge, smaller(charge, a.remaining()))
	return rest.Sign() == 0 || plus(a.overdraft, rest).Cmp(wholeCredits(rangeMax)) <= 0
}

func (a *account) countUsage(connection string, charge, waived *big.Int) {
	u := a.usage[connection]
	if u == nil {
		u = &usageOfConnection{used: zero(), waived: zero()}
		a.usage[connection] = u
	}
	u.used = plus(u.used, charge)
	u.waived = plus(u.waived, waived)
}
