package loggen

import (
	"fmt"
	"math/big"
	"strings"
)

// amount is an amount of credits, as a decimal string: usually some hundreds, seldom tiny or as much as can be read.
func (g *generator) amount() string {
	if g.rich || g.indebted {
		return oneOf(g, "100000000", "99999999.999999999", "100000000", "1")
	}
	return oneOf(g, "0.000000001", "0.5", "1", "7", "10", "61.5", "100", "100.000000001", "250", "1000", "1000", "4000", "100000000",
		fmt.Sprint(1+g.IntN(3000)), fmt.Sprintf("%d.%09d", g.IntN(500), g.IntN(1_000_000_000)))
}

func (g *generator) grantCredits() event {
	account := g.account()
	amount := g.amount()
	if g.chance(3) {
		amount = oneOf(g, "0", "-0", "-1", "-0.000000001")
	}
	if missing, lacking := g.lacking(account); lacking && g.chance(50) {
		amount = decimalOf(missing)
	}
	e := g.operationOf(account, "credits.granted",
		texts("amount", amount), texts("category", oneOf(g, "promotional", "purchased")))
	if g.chance(70) && !g.rich {
		expires := e.logTime + oneOf(g, millisecond, hour, day, 3*day, 30*day, 31*day, 60*day, 365*day, 0, -millisecond)
		if g.chance(20) {
			expires = g.engine.Probe(account).PeriodEnd
		}
		e.data = append(e.data, member{"expires_at", g.instant(max(expires, 0))})
	}
	if g.chance(6) {
		e.id = g.grantID(account)
	} else if paid := g.engine.Probe(account).Paid; len(paid) > 0 && g.chance(6) {
		e.id = oneOf(g, paid...).Purchase // a second grant of a purchase's id, where nothing is left of the first
	}
	return e
}

// lacking is what would repay an account's overdraft, exactly or with something to spare, if that can be written.
func (g *generator) lacking(account string) (nanoCredits *big.Int, lacking bool) {
	available := g.engine.Probe(account).Available
	if available.Sign() >= 0 || available.CmpAbs(big.NewInt(90_000_000_000_000_000)) > 0 {
		return nil, false
	}
	spare := big.NewInt(oneOf(g, 0, 1, g.Int64N(100_000_000_000), g.Int64N(5_000_000_000_000)))
	return spare.Sub(spare, available), true
}

// grantID is an id that grants have, or must not have.
func (g *generator) grantID(account string) string {
	p := g.engine.Probe(account)
	ids := []string{
		account + ":1", account + ":007", account + ":", account + ":1x", account + ":sub:x", account + ":su", "cs_1",
		account + ":sub:" + p.PeriodEnd.String(), "other:1",
	}
	return oneOf(g, append(ids, p.Grants...)...)
}

func (g *generator) voidGrant() event {
	account := g.account()
	grants := g.engine.Probe(account).Grants
	if len(grants) == 0 && g.chance(85) {
		return g.usage()
	}
	id := g.grantID(account)
	if len(grants) > 0 && g.chance(90) {
		id = oneOf(g, grants...)
	}
	return g.operationOf(account, "credits.voided", texts("grant", id))
}

// settled is a settlement with all that it needs.
func (g *generator) settled(account, purchase, kind, quantity string) event {
	data := []member{
		texts("purchase", purchase), texts("kind", kind), texts("quantity", quantity),
		texts("amount", oneOf(g, "0.00", "11.70", "250.00", "0.01")), texts("currency", oneOf(g, "USD", "USD", "EUR")),
	}
	if g.chance(60) {
		data = append(data, member{"tax", oneOf(g, `"0.00"`, `"40.00"`, "null")})
	}
	if g.chance(60) {
		data = append(data, texts("receipt", "rcpt-"+purchase))
	}
	return g.operationOf(account, "purchase.settled", data...)
}

// wholeAmount is a quantity that a settlement may have.
func (g *generator) wholeAmount() string {
	whole, _, _ := strings.Cut(g.amount(), ".")
	if whole == "0" {
		return "1.000"
	}
	return whole
}

// accountWhere is one of the accounts for which the condition holds, if there is one.
func (g *generator) accountWhere(holds func(account string) bool) (string, bool) {
	for _, i := range g.Perm(len(g.accounts)) {
		if holds(g.accounts[i]) {
			return g.accounts[i], true
		}
	}
	return "", false
}

func (g *generator) accountWithOpenPurchase() (string, bool) {
	return g.accountWhere(func(account string) bool { return g.engine.Probe(account).Open != "" })
}

// settleRequested settles an open purchase, mostly as it was requested.
func (g *generator) settleRequested() event {
	account, found := g.accountWithOpenPurchase()
	if !found {
		return g.usage()
	}
	return g.settleOf(account)
}

// settleOf settles the open purchase of an account, if it has one.
func (g *generator) settleOf(account string) event {
	kind := "auto"
	if g.chance(8) {
		kind = "manual"
	}
	id := g.engine.Probe(account).Open
	if id == "" {
		id = g.requestID(account)
	}
	return g.settled(account, id, kind, g.wholeAmount())
}

// requestID is the id of some request of the engine, also one still to come.
func (g *generator) requestID(account string) string {
	return fmt.Sprintf("%s:%d", account, 1+g.IntN(g.engine.Probe(account).Requested+2))
}

// settleFailed settles late a purchase that had failed.
func (g *generator) settleFailed() event {
	account, found := g.accountWhere(func(account string) bool { return len(g.engine.Probe(account).Failed) > 0 })
	if !found {
		return g.usage()
	}
	failed := g.engine.Probe(account).Failed
	id := failed[len(failed)-1]
	if g.chance(40) {
		id = oneOf(g, failed...)
	}
	return g.settled(account, id, oneOf(g, "auto", "auto", "auto", "manual"), g.wholeAmount())
}

func (g *generator) settleManual() event {
	account := g.account()
	quantity := g.wholeAmount()
	if missing, lacking := g.lacking(account); lacking && g.chance(60) {
		whole, _, _ := strings.Cut(decimalOf(missing), ".")
		quantity = whole + "0"
		if quantity == "00" || len(quantity) > 8 {
			quantity = "1"
		}
	}
	return g.settled(account, fmt.Sprintf("cs_%d", g.IntN(1000)), "manual", quantity)
}

// settleStrange settles what was never requested, or under an id that other grants have.
func (g *generator) settleStrange() event {
	account := g.account()
	id := g.grantID(account)
	if g.chance(40) {
		id = g.requestID(account)
	}
	return g.settled(account, id, oneOf(g, "auto", "manual", "manual"), g.wholeAmount())
}

// decimalOf prints nano-credits that are not negative, in a spelling that is seldom canonical.
func decimalOf(nanoCredits *big.Int) string {
	whole, fraction := new(big.Int).DivMod(nanoCredits, big.NewInt(1_000_000_000), new(big.Int))
	return fmt.Sprintf("%s.%09d", whole, fraction.Int64())
}
