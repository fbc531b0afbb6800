package bench

import (
	"fmt"
	"strings"
	"time"

	"drawdown"
	"drawdown/producer"
)

// What the workload is made of. An account has a few connections, whose syncs report one stream after the other.
const (
	connectionsPerAccount = 5
	eventsPerJob          = 10 // then the connection's next sync begins
	eventBytesMin         = 300
	eventBytesMax         = 500
)

// One account in this many has few credits and runs out about halfway, so that notices and changes of status are part
// of what is measured.
const poorAccountEach = 20

// richGrant is more than an account of any run uses.
const richGrant = 1_000_000 * drawdown.Credit

// lowBalance is when a poor account is told, and in its JSON form.
const (
	lowBalance     = drawdown.Credit / 1000
	lowBalanceText = "0.001"
)

var (
	streams      = []string{"orders", "users", "invoices", "tickets"}
	destinations = []string{"snowflake", "bigquery", "clickhouse"}
	// sources alternate between what is rated by records and what is rated by bytes.
	sources = []connector{{"hubspot", api}, {"postgres", database}, {"stripe", api}, {"mysql", database}, {"github", api}}
)

type connector struct {
	name string
	rate *rate
}

// rate is one line of the rate card.
type rate struct {
	kind, meter string
	credits     string
	nano, per   int64
}

var (
	api      = &rate{kind: "api", meter: "records", credits: "6", nano: 6 * int64(drawdown.Credit), per: 1_000_000}
	database = &rate{kind: "database", meter: "bytes", credits: "4", nano: 4 * int64(drawdown.Credit), per: 1_000_000_000}
)

// workload makes usage events, and knows what they must come to. Event i belongs to account i mod accounts: the events of
// an account are as far apart as can be.
type workload struct {
	events      int
	accounts    []string
	connections [][connectionsPerAccount]string
	source      string // the producer's name, as long as makes the events' size
	time        time.Time
	expected    [][connectionsPerAccount]connectionTotal
}

// newWorkload returns so many events of about eventBytes bytes, all of which happened at one time.
func newWorkload(events, accounts, eventBytes int, at time.Time) *workload {
	w := &workload{
		events: events, time: at, accounts: make([]string, accounts),
		connections: make([][connectionsPerAccount]string, accounts),
		expected:    make([][connectionsPerAccount]connectionTotal, accounts),
	}
	for i := range w.accounts {
		w.accounts[i] = fmt.Sprintf("a-%06d", i)
		for c := range w.connections[i] {
			w.connections[i][c] = fmt.Sprintf("c%06d-%d", i, c)
		}
	}
	sample := w.usage(0)
	w.source = "tap/"
	w.source += strings.Repeat("x", max(0, eventBytes-len(sample.Event(w.source))))
	for i := range events {
		account, connection := w.place(i)
		u := w.usage(i)
		w.expected[account][connection].add(&u, sourceOf(account, connection).rate)
	}
	return w
}

// eventBytes is the size of the first event's value; the others differ by a few digits.
func (w *workload) eventBytes() int {
	first := w.usage(0)
	return len(first.Event(w.source))
}

// place is which account and connection event i is of, as indexes.
func (w *workload) place(i int) (account, connection int) {
	return i % len(w.accounts), i / len(w.accounts) % connectionsPerAccount
}

func sourceOf(account, connection int) connector {
	return sources[(account+connection)%len(sources)]
}

// usage is event i.
func (w *workload) usage(i int) producer.Usage {
	account, connection := w.place(i)
	sync := i / len(w.accounts) / connectionsPerAccount // events of the connection before this one
	records := 800 + int64(i%401)
	return producer.Usage{
		Account: w.accounts[account], Connection: w.connections[account][connection],
		SourceConnector: sourceOf(account, connection).name, DestinationConnector: destinations[(account+connection)%len(destinations)],
		Job: int64(1 + sync/eventsPerJob), Attempt: 1, Seq: int64(1 + sync%eventsPerJob), Stream: streams[sync%len(streams)],
		Records: records, Bytes: 250 * records, Time: w.time,
	}
}

// entriesPerPoor are the ledger entries of an account that runs out: the notice, and the change of its status.
const entriesPerPoor = 2

// connectionTotal is what the events of a connection come to.
type connectionTotal struct {
	events   int
	quantity int64
	rate     *rate
}

func (t *connectionTotal) add(u *producer.Usage, r *rate) {
	t.rate = r
	t.events++
	if r == api {
		t.quantity += u.Records
	} else {
		t.quantity += u.Bytes
	}
}

// credits are the whole nano-credits of the sum: what is left over is carried from event to event (the contract,
// section 7).
func (t *connectionTotal) credits() drawdown.Credits {
	if t.rate == nil {
		return 0
	}
	return drawdown.Credits(t.quantity * t.rate.nano / t.rate.per)
}

// charged is what an account is charged.
func (w *workload) charged(account int) (credits drawdown.Credits) {
	for c := range w.expected[account] {
		credits += w.expected[account][c].credits()
	}
	return credits
}

// chargedAll is what all accounts are charged.
func (w *workload) chargedAll() (credits drawdown.Credits) {
	for account := range w.accounts {
		credits += w.charged(account)
	}
	return credits
}

// grant is what an account has before the events.
func (w *workload) grant(account int) drawdown.Credits {
	if half := w.charged(account) / 2; account%poorAccountEach == 0 && half > lowBalance {
		return half
	}
	return richGrant
}

// poor is how many accounts run out: each causes a notice and a change of status.
func (w *workload) poor() (count int) {
	for account := range w.accounts {
		if w.grant(account) < w.charged(account) {
			count++
		}
	}
	return count
}
