package loggen

import (
	"fmt"
	"strings"
)

func (g *generator) publishPlan() event {
	published := g.engine.Plans()
	id := fmt.Sprintf("plan-%d", len(published)+1)
	if len(published) > 0 && (len(published) > 9 || g.chance(10)) {
		id = oneOf(g, published...)
	}
	e := g.broadcast("plan.published")
	e.data = g.planMembers(id)
	return e
}

func (g *generator) planMembers(id string) []member {
	list := []member{texts("id", id), texts("currency", oneOf(g, "USD", "EUR", "JPY"))}
	subscribed := g.chance(60)
	if subscribed {
		list = append(list, member{"subscription", g.subscription()})
	}
	list = append(list, member{"purchase", g.purchaseMembers(subscribed)})
	if g.laddered || g.chance(85) {
		list = append(list, member{"auto_purchase", g.autoPurchaseMembers(subscribed)})
	}
	if g.chance(50) {
		list = append(list, integer("grace_hours", oneOf[int64](g, 0, 1, 24, 48, 8760)))
		list = append(list, texts("max_overdraft", oneOf(g, "0", "5", "50", "1000", "100000000")))
	}
	if g.chance(65) {
		list = append(list, texts("low_balance", oneOf(g, "0", "20", "99.5", "1000", "0.000000001")))
	}
	if subscribed && g.chance(70) {
		list = append(list, member{"usage_notices", oneOf(g, "[75,90]", "[1,50,100]", "[100]", "[]", "null")})
	} else if g.chance(30) {
		list = append(list, member{"usage_notices", "[]"})
	}
	if g.chance(75) {
		list = append(list, member{"expiry_notice_days", g.noticeDays()})
	}
	if g.laddered || g.chance(60) {
		list = append(list, g.ladder())
	}
	return list
}

func (g *generator) subscription() []member {
	credits := oneOf(g, "10", "100", "1000", "10000", "0.5", "33.333333333", "7")
	if g.rich {
		credits = "100000000"
	}
	list := []member{
		texts("credits", credits), texts("price", oneOf(g, "0.00", "9.00", "10.01", "388.80", "1000000000000000.00")),
		texts("period", oneOf(g, "month", "month", "month", "year")),
	}
	if g.chance(30) {
		list = append(list, texts("gateway_price", "price_1"))
	}
	if g.chance(30) {
		list = append(list, texts("fallback", oneOf(g, "plan-1", "never-published")))
	}
	return list
}

func (g *generator) purchaseMembers(subscribed bool) []member {
	list := []member{integer("unit", 1), integer("min", 1), integer("max", 1_000_000), integer("default", 200)}
	if g.chance(30) {
		list = []member{integer("unit", 1000), integer("min", 1000), integer("max", 100_000_000), integer("default", 2000)}
	}
	if !subscribed || g.chance(40) {
		list = append(list, texts("unit_price", oneOf(g, "2.50", "0", "0.000000001", "1000000", "0.0333", "1.005", "0.115")))
	}
	if g.chance(15) {
		list = append(list, member{"orders", oneOf(g, "true", "false", "null")})
	}
	if g.chance(50) {
		return append(list, texts("validity", "end_of_period"))
	}
	months := oneOf[int64](g, 1, 1, 2, 3, 12, 120)
	return append(list, member{"validity", []member{integer("months", months)}})
}

func (g *generator) autoPurchaseMembers(subscribed bool) []member {
	threshold := oneOf(g, "0", "0", "10", "0.5", "50")
	list := []member{
		texts("threshold", threshold), integer("surcharge_percent", oneOf[int64](g, 0, 30, 30, 7, 1000)),
	}
	cap := oneOf(g, `"none"`, `"none"`, "0", "1", "2", "3", "9007199254740991")
	if g.laddered {
		cap = `"none"`
	}
	if g.chance(50) {
		list = append(list, texts("mode", "pack"), integer("pack", oneOf[int64](g, 10, 50, 100, 1000, 1, 100_000_000)))
		if subscribed && g.chance(50) && !g.laddered {
			cap = `"subscription"`
		}
		if g.chance(20) { // the other mode's members are ignored
			list = append(list, member{"target", oneOf(g, "5", `"x"`, "null")}, member{"min", `"no"`})
		}
	} else {
		list = append(list, texts("mode", "target"), texts("target", oneOf(g, "50.000000001", "60", "100", "100000000")))
		if g.chance(60) {
			list = append(list, integer("min", oneOf[int64](g, 1, 20, 500, 100_000_000)))
		}
		if g.chance(20) {
			list = append(list, member{"pack", oneOf(g, "0", `"x"`, "-1")})
		}
	}
	return append(list, member{"cap", cap})
}

// noticeDays is a strictly descending list of days.
func (g *generator) noticeDays() string {
	var chosen []string
	for _, days := range []int{365, 60, 30, 14, 7, 3, 2, 1} {
		if g.chance(35) {
			chosen = append(chosen, fmt.Sprint(days))
		}
	}
	return "[" + strings.Join(chosen, ",") + "]"
}
