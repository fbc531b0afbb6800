//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
)

// line is an entry of the ledger, with the members that the tests look at.
type line struct {
	Account   string
	Type      string
	Kind      string // of a notice
	Purchase  string
	Quantity  string
	Amount    string
	Tax       string
	Reason    string
	Grant     string
	Overdraft string
	From, To  string
}

// ledger is what was published so far, each entry once.
type ledger struct {
	in    *installation
	next  []drawdown.Offset
	seen  map[place]bool
	lines []line
}

func (in *installation) openLedger() *ledger {
	return &ledger{in: in, next: make([]drawdown.Offset, in.partitions), seen: map[place]bool{}}
}

// refresh reads what was published meanwhile.
func (l *ledger) refresh() {
	l.in.t.Helper()
	topic := l.in.config.Worker.LedgerTopic
	for partition, end := range l.in.ends(topic) {
		l.in.readFrom(topic, int32(partition), l.next[partition], end, func(raw *fetch.Record) {
			event, err := ledgerevent.Decode(raw.Value)
			l.in.must(err)
			at := place{event.Partition, event.Offset, event.N}
			if l.seen[at] {
				return // a worker that was killed publishes again
			}
			l.seen[at] = true
			one := line{}
			l.in.must(json.Unmarshal(event.Line, &one))
			l.lines = append(l.lines, one)
		})
		l.next[partition] = max(l.next[partition], end)
	}
}

// of returns the entries of an account of some types, in order; of all accounts where it is "", of all types where none is
// given.
func (l *ledger) of(account string, types ...string) (found []line) {
	l.in.t.Helper()
	l.refresh()
	for _, one := range l.lines {
		if (account == "" || one.Account == account) && (len(types) == 0 || slices.Contains(types, one.Type)) {
			found = append(found, one)
		}
	}
	return found
}

// await waits until an account has so many entries of a type, or more, and returns them.
func (l *ledger) await(account, kind string, count int) (found []line) {
	l.in.t.Helper()
	l.in.await(fmt.Sprintf("%s has %d of %s", account, count, kind), func(context.Context) (bool, any) {
		found = l.of(account, kind)
		return len(found) >= count, fmt.Sprintf("it has %d: %+v", len(found), found)
	})
	return found
}

// awaitNotice waits for a notice of a kind.
func (l *ledger) awaitNotice(account, kind string) {
	l.in.t.Helper()
	l.in.await(account+" gets the notice "+kind, func(context.Context) (bool, any) {
		notices := l.of(account, "notice")
		return slices.ContainsFunc(notices, func(n line) bool { return n.Kind == kind }), notices
	})
}

// statuses are the states that an account went through.
func (l *ledger) statuses(account string) (names []string) {
	l.in.t.Helper()
	for _, change := range l.of(account, "status.changed") {
		names = append(names, change.To)
	}
	return names
}

// operation is a record of the log as it was appended.
type operation struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Account string `json:"subject"`
	Data    struct{ Plan, When, Purchase, Customer, Method string }
}

// appended returns an account's records of some types, in the order of the log.
func (in *installation) appended(account string, types ...string) (found []operation) {
	in.t.Helper()
	topic, home := in.config.Worker.MeteringTopic, in.home(account)
	in.read(topic, home, in.ends(topic)[home], func(raw *fetch.Record) {
		var of struct{ Type, Subject string }
		in.must(json.Unmarshal(raw.Value, &of))
		if of.Subject != account || !slices.Contains(types, of.Type) {
			return
		}
		var one operation
		in.must(json.Unmarshal(raw.Value, &one))
		found = append(found, one)
	})
	return found
}

// awaitWorkedOff waits until Redis stands at the end of the log.
func (in *installation) awaitWorkedOff() {
	in.t.Helper()
	in.await("the log is worked off", func(context.Context) (bool, any) {
		done, reason := in.caughtUp()
		return done, reason
	})
}
