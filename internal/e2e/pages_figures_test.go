//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"drawdown"
)

// usageAnswer is what the API says of usage, and series one connection of it.
type usageAnswer struct {
	From, To string
	Points   []string
	Series   []series
	Total    series
}

type series struct {
	Name   string
	Points []used
	Total  used
}

// used is usage in exact credits: what was billed, and what free usage would have cost.
type used struct{ Billed, Free string }

func (u used) String() string { return u.Billed + " billed, " + u.Free + " free" }

// shownUsage is what the page shows of usage, in exact credits.
type shownUsage struct {
	Rows   map[string]used // by connection
	Total  used
	Names  []string // of the columns of the table by time
	Points []struct {
		Cells []string // by connection
		used
	}
}

// figures compares what the page shows with the API, ClickHouse's charges, and the engine's replay of the log.
func (s *storefront) figures(chromium context.Context) {
	s.spend(
		usage{account: history, connection: "Stripe → Snowflake", source: "source-stripe", destination: "destination-snowflake", job: 2000, seq: 1, records: 123_457},
		usage{account: history, connection: "Notion → Postgres", source: "source-notion", job: 2000, seq: 1, records: 54_321},
	)
	s.await("the log is worked off", func(context.Context) (bool, any) { return s.caughtUp() })
	m := s.replay()
	s.awaitRows(m)
	charges := s.chargesOf(m)
	for _, account := range []string{history, "acme", "fable", "maker", "bounce"} {
		b := s.customer(chromium, account)
		s.compare(b, account, "daily", charges[account])
		s.compareLifetime(account, m)
		if account == history { // the others began today
			s.compare(b, account, "weekly", charges[account])
			s.compare(b, account, "monthly", charges[account])
			s.pictures(b)
		}
	}
	for window, points := range map[string]int{"daily": 29, "weekly": 26, "monthly": 6} {
		if answer := s.usageOf(history, window); answer.used() < points {
			s.t.Errorf("%s: only %d points have usage", window, answer.used())
		}
	}
}

// used counts the points with usage.
func (u *usageAnswer) used() (count int) {
	for _, point := range u.Total.Points {
		if point.Billed != "0" {
			count++
		}
	}
	return count
}

// billedCharge is a charge of the replay.
type billedCharge struct {
	Account, Connection string
	At                  time.Time
	Credits, Waived     string
}

// chargesOf are the charges that the log means, by account.
func (s *storefront) chargesOf(m *meaning) map[string][]billedCharge {
	s.t.Helper()
	all := map[string][]billedCharge{}
	for _, line := range m.only(charge) {
		var c billedCharge
		s.must(json.Unmarshal([]byte(line), &c))
		all[c.Account] = append(all[c.Account], c)
	}
	return all
}

func (s *storefront) usageOf(account, window string) *usageAnswer {
	s.t.Helper()
	var answer usageAnswer
	s.tell(http.MethodGet, "/accounts/"+account+"/usage?window="+window, nil, &answer)
	return &answer
}

// compare compares an account's usage in one window, by connection and by point.
func (s *storefront) compare(b *tab, account, window string, charges []billedCharge) {
	s.t.Helper()
	answer := s.usageOf(account, window)
	shown := s.shown(b, window)
	if s.usageOf(account, window).From != answer.From { // midnight has passed between the two
		answer, shown = s.usageOf(account, window), s.shown(b, window)
	}
	what := account + ", " + window + ": "
	api := map[string]string{}
	for _, one := range answer.Series {
		api[one.Name] = one.Total.String()
		for at, point := range one.Points {
			if point != (used{"0", "0"}) {
				api[one.Name+" "+answer.Points[at]] = point.String()
			}
		}
	}
	same(s.installation, what+"API against replay,", api, s.replayed(answer, charges))
	same(s.installation, what+"ClickHouse against API,", s.queried(account, answer), totals(answer))
	page := map[string]string{}
	for name, amounts := range shown.Rows {
		page[name] = amounts.String()
	}
	same(s.installation, what+"page against API,", page, totals(answer))
	if len(answer.Series) == 0 {
		return
	}
	if shown.Total != answer.Total.Total {
		s.t.Errorf("%sthe page shows %v in total, the API %v", what, shown.Total, answer.Total.Total)
	}
	s.comparePoints(what, shown, answer)
}

func totals(answer *usageAnswer) map[string]string {
	all := map[string]string{}
	for _, one := range answer.Series {
		all[one.Name] = one.Total.String()
	}
	return all
}

// comparePoints compares the page's table by time, whose latest row is its first, with the API.
func (s *storefront) comparePoints(what string, shown *shownUsage, answer *usageAnswer) {
	s.t.Helper()
	if len(shown.Points) != len(answer.Points) {
		s.t.Fatalf("%sthe page has %d rows, the API %d points", what, len(shown.Points), len(answer.Points))
	}
	slices.Reverse(shown.Points)
	for at, row := range shown.Points {
		if row.used != answer.Total.Points[at] {
			s.t.Errorf("%s%s: the page shows %v, the API %v", what, answer.Points[at], row.used, answer.Total.Points[at])
		}
		for column, name := range shown.Names {
			of := slices.IndexFunc(answer.Series, func(one series) bool { return one.Name == name })
			if of >= 0 && row.Cells[column] != answer.Series[of].Points[at].Billed {
				s.t.Errorf("%s%s, %s: the page shows %s, the API %s", what, answer.Points[at], name, row.Cells[column], answer.Series[of].Points[at].Billed)
			}
		}
	}
}

// shown reads the exact amounts from the page's tables.
func (s *storefront) shown(b *tab, window string) *shownUsage {
	s.t.Helper()
	b.visit("usage?window=" + window)
	text := evaluate[string](b, `(() => {
		const amounts = (row) => [...row.querySelectorAll("td.number data")].map((d) => d.value);
		const pair = (row) => { const [Billed, Free] = amounts(row).slice(-2); return { Billed, Free }; };
		const [connections, points] = document.querySelectorAll("#per-connection table");
		if (connections === undefined) return JSON.stringify({ Rows: {}, Names: [], Points: [] });
		return JSON.stringify({
			Rows: Object.fromEntries([...connections.tBodies[0].rows].map((row) => [row.querySelector("bdi").textContent, pair(row)])),
			Total: pair(connections.tFoot.rows[0]),
			Names: [...points.tHead.querySelectorAll("bdi")].map((name) => name.textContent),
			Points: [...points.tBodies[0].rows].map((row) => ({ Cells: amounts(row).slice(0, -2), ...pair(row) })),
		});
	})()`)
	var shown shownUsage
	s.must(json.Unmarshal([]byte(text), &shown))
	return &shown
}

// replayed adds the log's charges up, by connection and by connection and point.
func (s *storefront) replayed(answer *usageAnswer, charges []billedCharge) map[string]string {
	s.t.Helper()
	type sums struct{ billed, free drawdown.Total }
	all := map[string]sums{}
	for _, c := range charges {
		at := c.At.Format(time.RFC3339)
		if at < answer.From || at >= answer.To {
			continue
		}
		point, _ := slices.BinarySearchFunc(answer.Points, at, func(point, at string) int {
			if point <= at {
				return -1
			}
			return 1
		})
		for _, name := range []string{c.Connection, c.Connection + " " + answer.Points[point-1]} {
			all[name] = sums{all[name].billed.Plus(s.credits(c.Credits)), all[name].free.Plus(s.credits(c.Waived))}
		}
	}
	texts := map[string]string{}
	for name, sum := range all {
		if text := (used{sum.billed.String(), sum.free.String()}).String(); text != (used{"0", "0"}).String() {
			texts[name] = text
		}
	}
	return texts
}

// queried asks ClickHouse's charges themselves.
func (s *storefront) queried(account string, answer *usageAnswer) map[string]string {
	s.t.Helper()
	rows, err := s.tables.Query(s.t.Context(), `
		SELECT connection, sum(credits), sum(waived) FROM charges
		WHERE account = ? AND at >= parseDateTime64BestEffort(?, 3, 'UTC') AND at < parseDateTime64BestEffort(?, 3, 'UTC')
		GROUP BY connection`, account, answer.From, answer.To)
	s.must(err)
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var connection string
		var credits, waived decimal.Decimal
		s.must(rows.Scan(&connection, &credits, &waived))
		found[connection] = used{drawdown.TotalOfBig(nano(credits)).String(), drawdown.TotalOfBig(nano(waived)).String()}.String()
	}
	s.must(rows.Err())
	return found
}

// compareLifetime compares what the API says that each connection ever used with the balance that the log means.
func (s *storefront) compareLifetime(account string, m *meaning) {
	s.t.Helper()
	var answer struct {
		Connections []struct{ Connection, Used, Waived string }
	}
	s.tell(http.MethodGet, "/accounts/"+account+"/connections", nil, &answer)
	found, want := map[string]string{}, map[string]string{}
	for _, one := range answer.Connections {
		found[one.Connection] = used{one.Used, one.Waived}.String()
	}
	answer.Connections = nil
	s.must(json.Unmarshal([]byte(m.balances[account]), &answer))
	for _, one := range answer.Connections {
		want[one.Connection] = used{one.Used, one.Waived}.String()
	}
	same(s.installation, account+": API against balance,", found, want)
}

func (s *storefront) credits(text string) drawdown.Total {
	s.t.Helper()
	amount, ok := drawdown.ParseCredits([]byte(text))
	if !ok {
		s.t.Fatalf("%q are no credits", text)
	}
	return drawdown.TotalOf(amount)
}

// pictures looks at each page of the account with a history, as customers see it.
func (s *storefront) pictures(b *tab) {
	s.t.Helper()
	receipt := "syncs/receipt?" + url.Values{"connection": {"Stripe → Snowflake"}, "job": {number(1000 + historyDays - 1)}}.Encode()
	for _, one := range []struct {
		place string
		width int64
		style string
		name  string // "" for no picture
	}{
		{"", desktop, "light", "overview"},
		{"", phone, "light", "overview-phone"},
		{"usage", desktop, "light", "usage"},
		{"usage", phone, "light", "usage-phone"},
		{"usage?window=weekly", desktop, "dark", "usage-dark"},
		{"purchases", desktop, "light", "purchases"},
		{"purchases", phone, "light", ""},
		{receipt, desktop, "light", "receipt"},
		{receipt, phone, "light", ""},
		{"syncs", phone, "light", ""},
		{"settings", phone, "dark", ""},
	} {
		b.look(one.width, one.style)
		b.visit(one.place)
		if b.fits(); one.name != "" {
			b.picture(one.name)
		}
	}
}
