package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"drawdown"
	"drawdown/purchasing/sandbox"
	"drawdown/sinks/clickhouse"
)

// DriftError says that what was sent, charged and told is not the same everywhere.
type DriftError struct{ Differences []string }

func (e *DriftError) Error() string {
	return fmt.Sprintf("%d differences between what was sent, charged and told, the log, Redis and ClickHouse; please report them with the lines above", len(e.Differences))
}

// reconciliation compares what the sync workers sent, the log, Redis, ClickHouse, the gateway's books, and what was told.
type reconciliation struct {
	story   []customer
	sent    map[owner]sent
	refused map[drawdown.Reason]int // operations that programs were told are rejected
	log     *logEvidence
	redis   *redisEvidence
	rows    *clickhouseEvidence
	charges map[string]sandbox.Charge // by purchase
	told    told
	// reported is what the API reports.
	reported map[owner]*reportedUsage

	differences []string
}

func (r *reconciliation) differ(format string, args ...any) {
	r.differences = append(r.differences, fmt.Sprintf(format, args...))
}

// same notes a difference unless both are equal.
func same[T comparable](r *reconciliation, what string, a, b T, where string) {
	if a != b {
		r.differ("%s: the log says %v, %s %v", what, a, where, b)
	}
}

// run compares everything, and returns every difference.
func (r *reconciliation) run() []string {
	r.compareSent()
	r.compareRedis()
	r.compareRows()
	r.compareRollups()
	r.compareReports()
	r.comparePurchases()
	r.compareTold()
	return r.differences
}

// compareSent holds the log against what the workers counted: an event that was lost before the log, or charged twice,
// shows here.
func (r *reconciliation) compareSent() {
	reasons := keysOf(r.log.rejected, r.refused)
	slices.Sort(reasons)
	for _, reason := range reasons {
		same(r, "records rejected as "+string(reason), r.log.rejected[reason], r.refused[reason], "their writers were told of")
	}
	for _, of := range owners(r.sent, r.log.connections) {
		charged := r.log.connections[of]
		if charged == nil {
			charged = &usage{}
		}
		sent := r.sent[of]
		if sent.events > 0 {
			same(r, of.String()+": events", charged.events, sent.events, "its workers sent")
		}
		same(r, of.String()+": quantity", charged.quantity.Big().String(), fmt.Sprint(sent.quantity), "its workers sent")
	}
}

// compareRedis holds every account against the log: the plain number, and everything else that is known of it.
func (r *reconciliation) compareRedis() {
	for _, err := range r.redis.damaged {
		r.differ("Redis: %v", err)
	}
	for _, account := range keysOfBoth(r.log.balances, r.redis.available) {
		expected, inLog := r.log.balances[account]
		available, inRedis := r.redis.available[account]
		if !inLog || !inRedis {
			r.differ("account %s: in the log %v, in Redis %v", account, inLog, inRedis)
			continue
		}
		same(r, account+": available", expected.Available, available, "Redis")
		held, readable := r.redis.balances[account]
		if !readable && len(r.redis.damaged) > 0 {
			continue // told above
		}
		same(r, account+": balance", line(&expected), line(&held), "Redis")
	}
}

func line(b *drawdown.Balance) string { return string(drawdown.AppendBalance(nil, b)) }

// compareRows holds the rows of ClickHouse, all together, against the log.
func (r *reconciliation) compareRows() {
	same(r, "charges", r.log.total.events, r.rows.totals.Charges, "ClickHouse has rows for")
	same(r, "credits", r.log.total.credits, r.rows.totals.Credits, "ClickHouse's rows")
	same(r, "waived", r.log.total.waived, r.rows.totals.Waived, "ClickHouse's rows")
}

// compareRollups holds the rollups, by connection, against the log.
func (r *reconciliation) compareRollups() {
	reported := map[owner]*clickhouse.ConnectionUsage{}
	for i := range r.rows.connections {
		u := &r.rows.connections[i]
		reported[owner{u.Account, u.Connection}] = u
	}
	const where = "ClickHouse's report"
	for _, of := range owners(r.log.connections, reported) {
		expected, found := r.log.connections[of], reported[of]
		if expected == nil || found == nil {
			r.differ("%v: in the log %v, in ClickHouse's report %v", of, expected != nil, found != nil)
			continue
		}
		var quantity drawdown.Total
		for _, q := range found.Quantity {
			quantity = quantity.Plus(q)
		}
		same(r, of.String()+": events", expected.events, found.Events, where)
		same(r, of.String()+": quantity", expected.quantity.Big().String(), quantity.Big().String(), where)
		same(r, of.String()+": credits", expected.credits, found.Credits, where)
		same(r, of.String()+": waived", expected.waived, found.Waived, where)
	}
}

// compareTold holds the messages that arrived against what the ledger says is news: each once, to whom it belongs.
func (r *reconciliation) compareTold() {
	expected, arrived := r.told.expected(r.story), r.told.arrived()
	order := func(a, b message) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.notice, b.notice))
	}
	for _, of := range slices.SortedFunc(slices.Values(keysOf(expected, arrived)), order) {
		to := arrived[of]
		if want, known := expected[of]; !known || len(to) != 1 || to[0] != want {
			r.differ("%s of notice %s (%s): should have gone to %q, has gone to %q", of.channel, of.notice, r.told.news[of.notice].kind, want, to)
		}
	}
	if r.told.forged > 0 {
		r.differ("%d webhooks had no valid signature", r.told.forged)
	}
}

// String names the connection in a difference.
func (o owner) String() string { return o.account + "/" + o.connection }

// owners lists those of either map, in order.
func owners[A, B any](a map[owner]A, b map[owner]B) []owner {
	list := keysOf(a, b)
	slices.SortFunc(list, func(x, y owner) int {
		return cmp.Or(cmp.Compare(x.account, y.account), cmp.Compare(x.connection, y.connection))
	})
	return list
}

func keysOfBoth[A, B any](a map[string]A, b map[string]B) []string {
	list := keysOf(a, b)
	slices.Sort(list)
	return list
}

// keysOf lists the keys of either map, each once.
func keysOf[K comparable, A, B any](a map[K]A, b map[K]B) []K {
	list := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, both := a[key]; !both {
			list = append(list, key)
		}
	}
	return list
}
