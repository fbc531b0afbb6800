package redisstore

import (
	"encoding/hex"
	"strconv"

	"drawdown"
	"drawdown/balance"
)

// request is the call of commit.lua for one commit, in buffers that are used again: a commit of 10,000 accounts has
// about 150,000 arguments, and boxing each of them would cost more than building them.
type request struct {
	args  []any      // what the client takes: pointers into texts
	texts []argument // may move as it grows; a pointer to its old place stays right, since no text is changed
	arena []byte     // what the numbers and keys are built in; it moves likewise
}

// argument is text that the client writes without a copy and takes without an allocation (unlike a string or slice,
// a pointer fits into an interface as it is).
type argument []byte

// MarshalBinary gives the client the text.
func (a *argument) MarshalBinary() ([]byte, error) { return *a, nil }

// reset forgets the caller's memory and keeps the buffers.
func (r *request) reset() {
	clear(r.args)
	clear(r.texts)
	r.args, r.texts, r.arena = r.args[:0], r.texts[:0], r.arena[:0]
}

// encode writes the call in the order that the head of commit.lua lists.
func (r *request) encode(keys partitionKeys, c *balance.Commit) {
	appends, drops := countSegments(c.Accounts)
	indexes := groupIndex(c)
	r.args = append(r.args, "evalsha", commitScript.digest)
	r.number(int64(3 + len(c.Accounts) + appends + drops + len(indexes)))
	r.keys(keys, c, indexes)
	r.position(c)
	for _, count := range [...]int{len(c.Accounts), appends, drops, len(indexes), len(c.Broadcasts), len(c.Statuses)} {
		r.number(int64(count))
	}
	for status, change := range c.Statuses {
		r.text(statusFields[status])
		r.number(change)
	}
	for _, broadcast := range c.Broadcasts {
		r.bytes(broadcast)
	}
	r.accounts(c.Accounts)
	r.indexes(indexes)
}

func countSegments(changes []balance.AccountChange) (appends, drops int) {
	for i := range changes {
		appends += len(changes[i].Appends)
		drops += len(changes[i].Drops)
	}
	return appends, drops
}

func (r *request) keys(keys partitionKeys, c *balance.Commit, indexes []connectorIndex) {
	r.text(keys.meta())
	r.text(keys.due())
	r.text(keys.catalogue())
	for i := range c.Accounts {
		r.joined(string(keys), "a:", c.Accounts[i].Account)
	}
	for i := range c.Accounts {
		for _, added := range c.Accounts[i].Appends {
			r.joined(string(keys), "g:", c.Accounts[i].Account, "/", added.Segment)
		}
	}
	for i := range c.Accounts {
		for _, dropped := range c.Accounts[i].Drops {
			r.joined(string(keys), "g:", c.Accounts[i].Account, "/", dropped)
		}
	}
	for i := range indexes {
		r.text(keys.index(indexes[i].connector))
	}
}

func (r *request) position(c *balance.Commit) {
	number := strconv.FormatInt(c.Epoch.Number, 10)
	expected, next := strconv.FormatInt(int64(c.Expected), 10), strconv.FormatInt(int64(c.Next), 10)
	r.joined(number, ":", c.Epoch.Token)
	r.text(number)
	r.text(expected)
	r.text(next)
	if c.Clock == drawdown.NoTime {
		r.text("")
	} else {
		r.number(int64(c.Clock))
	}
	r.joined(expected, ":", next, ":", hex.EncodeToString(c.Digest[:]))
}

func (r *request) accounts(changes []balance.AccountChange) {
	for i := range changes {
		for _, added := range changes[i].Appends {
			r.bytes(added.Data)
		}
	}
	for i := range changes {
		if changes[i].Due == drawdown.Never {
			r.text("+inf")
		} else {
			r.number(int64(changes[i].Due))
		}
		r.text(changes[i].Account)
	}
	for i := range changes {
		r.account(&changes[i])
	}
}

func (r *request) account(change *balance.AccountChange) {
	deleted := 0
	for i := range change.Fields {
		if change.Fields[i].Value == nil {
			deleted++
		}
	}
	r.number(change.Before.Version)
	r.number(int64(change.Before.Balance))
	r.number(int64(2 * (len(change.Fields) - deleted)))
	r.number(int64(deleted))
	r.number(change.After.Version)
	r.number(int64(change.After.Balance))
	r.bytes(change.Core)
	for i := range change.Fields {
		if change.Fields[i].Value != nil {
			r.joined(fieldPrefix, change.Fields[i].Name)
			r.bytes(change.Fields[i].Value)
		}
	}
	for i := range change.Fields {
		if change.Fields[i].Value == nil {
			r.joined(fieldPrefix, change.Fields[i].Name)
		}
	}
}

func (r *request) indexes(indexes []connectorIndex) {
	for i := range indexes {
		if indexes[i].wake {
			r.number(1)
		} else {
			r.number(0)
		}
		r.number(int64(len(indexes[i].accounts)))
		for _, account := range indexes[i].accounts {
			r.text(account)
		}
	}
}

// connectorIndex is what a commit does with one connector's index.
type connectorIndex struct {
	connector string
	wake      bool
	accounts  []string // to add
}

// groupIndex brings the entries of one connector together: they go to one set.
func groupIndex(c *balance.Commit) []connectorIndex {
	if len(c.Index) == 0 && len(c.Wake) == 0 {
		return nil
	}
	var groups []connectorIndex
	places := map[string]int{}
	group := func(connector string) *connectorIndex {
		place, ok := places[connector]
		if !ok {
			place = len(groups)
			places[connector] = place
			groups = append(groups, connectorIndex{connector: connector})
		}
		return &groups[place]
	}
	for _, entry := range c.Index {
		g := group(entry.Connector)
		g.accounts = append(g.accounts, entry.Account)
	}
	for _, connector := range c.Wake {
		group(connector).wake = true
	}
	return groups
}

// bytes adds an argument that the caller keeps unchanged until the call is over.
func (r *request) bytes(b []byte) {
	r.texts = append(r.texts, b)
	r.args = append(r.args, &r.texts[len(r.texts)-1])
}

func (r *request) text(s string) { r.joined(s) }

func (r *request) joined(parts ...string) {
	start := len(r.arena)
	for _, part := range parts {
		r.arena = append(r.arena, part...)
	}
	r.bytes(r.arena[start:])
}

func (r *request) number(n int64) {
	start := len(r.arena)
	r.arena = strconv.AppendInt(r.arena, n, 10)
	r.bytes(r.arena[start:])
}
