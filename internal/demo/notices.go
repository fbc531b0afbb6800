package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/notify"
)

// news is a ledger entry that its customer must be told of.
type news struct {
	kind    notify.Kind
	account string
	offset  drawdown.Offset
	merged  bool // by e-mail another one says the same
}

// newsroom knows what must be told, from reading the ledger itself: what the notifier makes of it is held against that.
// Safe for concurrent use.
type newsroom struct {
	mu    sync.Mutex
	all   map[string]news // by the notice's id
	last  [partitions]news
	early map[string][]func() // what is to be called when an entry was read, by its notice's id
}

// after calls f as soon as the entry of a notice was read: a mail can be faster than the demo's own reading, and should
// not be told before what it is about.
func (n *newsroom) after(notice string, f func()) {
	n.mu.Lock()
	_, known := n.all[notice]
	if !known {
		if n.early == nil {
			n.early = map[string][]func(){}
		}
		n.early[notice] = append(n.early[notice], f)
	}
	n.mu.Unlock()
	if known {
		f()
	}
}

// take notes an entry that is news.
func (n *newsroom) take(e *ledgerEntry) {
	kind := newsKind(e)
	if kind == "" {
		return
	}
	for _, f := range n.add(kind, e) {
		f()
	}
}

// add returns what is to be called.
func (n *newsroom) add(kind notify.Kind, e *ledgerEntry) []func() {
	n.mu.Lock()
	defer n.mu.Unlock()
	one := news{kind: kind, account: e.Account, offset: e.Offset}
	last := &n.last[e.Partition]
	// A failed payment and the stop that it causes are one e-mail.
	one.merged = kind == notify.Exhausted && last.kind == notify.PaymentFailed && last.account == one.account && last.offset == one.offset
	*last = one
	if n.all == nil {
		n.all = map[string]news{}
	}
	id := noticeID(&e.Event)
	n.all[id] = one
	early := n.early[id]
	delete(n.early, id)
	return early
}

// known is what has been read so far.
func (n *newsroom) known() map[string]news {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.all)
}

// kind is what a notice that was read is about.
func (n *newsroom) kind(notice string) notify.Kind {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[notice].kind
}

// noticeID is the id of the notice that an entry becomes, and of every message about it.
func noticeID(e *ledgerevent.Event) string {
	return fmt.Sprintf("%d-%d-%d", e.Partition, e.Offset, e.N)
}

// newsKind is what an entry is to a customer, "" where it is no news. Credits don't expire in half a minute, and nothing
// is refunded.
func newsKind(e *ledgerEntry) notify.Kind {
	switch e.Type {
	case "purchase.settled":
		return notify.PurchaseSettled
	case "purchase.declined":
		return notify.PaymentDeclined
	case "purchase.failed":
		return notify.PaymentFailed
	case "notice":
		return notify.Kind(e.Kind)
	case "status.changed":
		switch from, to := stands(e.From), stands(e.To); {
		case to && !from:
			return notify.Exhausted
		case from && !to:
			return notify.Resumed
		}
	}
	return ""
}

// stands reports whether no sync may start in a status.
func stands(status string) bool {
	return status == drawdown.Exhausted.String() || status == drawdown.PaymentFailed.String()
}

// told is who was told what, as those say who were told.
type told struct {
	news     map[string]news
	mails    []mail
	webhooks map[string]int // by notice
	forged   int
	changed  map[string]bool // accounts whose settings the visitor has changed: who gets their e-mails is not known
}

// expected are the messages that must have arrived: an e-mail to the owner of each account, and a webhook where the
// customer has an endpoint. The key of a message is its channel and its notice's id.
func (t *told) expected(story []customer) map[message]string {
	to := map[string]*customer{}
	for i := range story {
		to[story[i].account] = &story[i]
	}
	all := map[message]string{}
	for id, one := range t.news {
		c := to[one.account]
		if c == nil {
			continue // an account that somebody else made
		}
		if !one.merged && !t.changed[one.account] {
			all[message{notify.Email, id}] = c.address()
		}
		if c.account == webhookAccount {
			all[message{notify.Webhook, id}] = endpointName
		}
	}
	return all
}

// message is one message of a notice.
type message struct {
	channel notify.Channel
	notice  string
}

// arrived are the messages that were received, with who received each: once for every time.
func (t *told) arrived() map[message][]string {
	all := map[message][]string{}
	for i := range t.mails {
		if of := (message{notify.Email, t.mails[i].notice}); !t.changed[t.news[of.notice].account] {
			all[of] = append(all[of], t.mails[i].to)
		}
	}
	for id, times := range t.webhooks {
		for range times {
			of := message{notify.Webhook, id}
			all[of] = append(all[of], endpointName)
		}
	}
	return all
}

// untold counts the messages that are still to arrive.
func (t *told) untold(story []customer) (count int) {
	arrived := t.arrived()
	for of := range t.expected(story) {
		if len(arrived[of]) == 0 {
			count++
		}
	}
	return count
}

// kindOrder is the order in which kinds are counted up: what costs money first.
var kindOrder = []notify.Kind{
	notify.PurchaseSettled, notify.PaymentFailed, notify.PaymentDeclined, notify.Exhausted, notify.Resumed, notify.Runaway, notify.LowBalance, notify.UsagePercent,
}

// mailsByKind counts up the e-mails: "3 receipts, 1 payment failed".
func (t *told) mailsByKind() string {
	counts := map[notify.Kind]int{}
	for i := range t.mails {
		counts[t.news[t.mails[i].notice].kind]++ // "" while the entry is not read yet
	}
	kinds := slices.Clone(kindOrder)
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if !slices.Contains(kinds, kind) && kind != "" {
			kinds = append(kinds, kind)
		}
	}
	var parts []string
	for _, kind := range kinds {
		if counts[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kindName(kind, counts[kind])))
		}
	}
	return strings.Join(parts, ", ")
}

func kindName(kind notify.Kind, count int) string {
	if kind != notify.PurchaseSettled {
		return strings.ReplaceAll(string(kind), "_", " ")
	}
	return plural(count, "receipt")
}

func plural(count int, noun string) string {
	if count == 1 {
		return noun
	}
	return noun + "s"
}
