package loggen

import "fmt"

var kinds = []string{"api", "database", "module"}

func (g *generator) publishRates() event {
	e := g.broadcast("rates.published")
	version := fmt.Sprintf("v%d", len(g.versions)+1)
	if len(g.versions) > 0 && g.chance(8) {
		version = oneOf(g, g.versions...)
	} else {
		g.versions = append(g.versions, version)
	}
	from := e.time + oneOf(g, 0, 0, minute, hour, day, 10*day)
	if len(g.versions) == 1 {
		from = max(0, e.time-40*day)
	} else if g.chance(8) {
		from = max(0, e.time-oneOf(g, millisecond, day))
	}
	rates := [][]member{}
	for _, kind := range kinds {
		if g.chance(98) {
			rates = append(rates, g.rate(kind))
		}
	}
	e.data = []member{
		texts("version", version), {"effective_from", g.instant(from)}, {"rates", rates},
	}
	return e
}

// rate is a rate of a kind: whole, with remainders, free, tiny or dear.
func (g *generator) rate(kind string) []member {
	meter := oneOf(g, "records", "bytes", "operations")
	credits, per := "1", int64(1)
	switch g.IntN(6) {
	case 0:
		credits, per = "6", 1_000_000
	case 1:
		credits, per = "4", 1<<30
	case 2:
		credits, per = oneOf(g, "0.000000001", "0.000000007", "0.1"), oneOf[int64](g, 3, 7, integerMax)
	case 3:
		credits, per = oneOf(g, "0", "100000000", "0.333333333"), oneOf[int64](g, 1, 3, 1000)
	}
	return []member{texts("kind", kind), texts("meter", meter), texts("credits", credits), integer("per", per)}
}

func (g *generator) setConnector() event {
	e := g.broadcast("connector.set")
	known := g.engine.Connectors()
	name := fmt.Sprintf("connector-%d", len(known))
	if len(known) > 0 && (len(known) > 2 || g.chance(30)) && !g.chance(4) {
		name = oneOf(g, known...)
	}
	kind := kinds[len(name)%len(kinds)]
	if g.chance(20) {
		kind = oneOf(g, kinds[0], kinds[1], kinds[2])
	}
	e.data = []member{
		texts("connector", name), texts("kind", kind), texts("stage", oneOf(g, "alpha", "beta", "beta", "ga", "ga", "ga")),
	}
	if g.chance(85) {
		at := e.time + oneOf(g, 0, 14*day, 14*day, 14*day, 14*day-millisecond, 14*day+millisecond, 15*day, 20*day, 20*day,
			30*day, 60*day, hour, -millisecond)
		if instants := g.engine.CatalogueInstants(); len(instants) > 0 && g.chance(30) {
			if boundary := g.nearly(oneOf(g, instants...)); boundary >= e.time { // equals: the one written last holds
				at = boundary
			}
		}
		e.data = append(e.data, member{"effective_at", g.instant(max(at, 0))})
	}
	return e
}
