package balance

import (
	"drawdown"
	"drawdown/rating"
)

// Partition is the state machine of one partition: records in, in log order, and what they cause out. It is the same
// code in the worker, in replay and in every test. It is not safe for concurrent use, but for reading with the
// catalogue alone: see [Partition.ReadGate].
type Partition struct {
	index     int32
	next      drawdown.Offset // after the last Take
	committed drawdown.Offset // all changes up to it are in the store
	clock     drawdown.Time   // greatest log time so far, NoTime before any

	plans        map[string]*drawdown.Plan
	rating       rating.Catalogue
	broadcastIDs map[fingerprint]struct{}
	published    uint64 // broadcasts accepted: what was derived from the catalogue before is stale

	// accounts are those in memory. One that is known to be absent is nil.
	accounts map[string]*account
	names    map[string]string // interned names of connectors

	// Of the record being applied.
	out    drawdown.Output
	offset drawdown.Offset
	n      int
	at     drawdown.Time // the instant that everything is stamped with
	charge drawdown.Charge

	// Since the last Take.
	touched         []*account
	addedBroadcasts [][]byte
	wake            []string
	gaps            Gaps

	// packedBytes is what an account took in the last commit, to make room for those of the next.
	packedBytes int
}

// Gaps counts sequence numbers of usage events: how many were left missing by a later one, and how many of those
// arrived after all.
type Gaps struct{ Left, Arrived uint64 }

// NewPartition returns the state of an empty partition.
func NewPartition(index int32) *Partition {
	return &Partition{
		index: index, clock: drawdown.NoTime,
		plans:        map[string]*drawdown.Plan{},
		broadcastIDs: map[fingerprint]struct{}{},
		accounts:     map[string]*account{},
		names:        map[string]string{},
	}
}

// Clock returns the partition's clock, NoTime before any record set it.
func (p *Partition) Clock() drawdown.Time { return p.clock }

// Apply applies one record and writes what it causes to out. The record's account must be in memory: see Missing.
func (p *Partition) Apply(rec *drawdown.Record, out drawdown.Output) {
	p.out, p.offset, p.n = out, rec.Offset, 0
	p.clock = max(p.clock, rec.LogTime)
	p.at = p.clock
	switch {
	case rec.Reject != "":
		p.reject(rec, rec.Reject)
	case rec.Type.IsBroadcast():
		p.broadcast(rec)
	default:
		p.accountRecord(rec)
	}
}

// head returns the head of the next line of the record.
func (p *Partition) head(account string) drawdown.Head {
	h := drawdown.Head{Offset: p.offset, N: p.n, At: p.at, Account: account}
	p.n++
	return h
}

func (p *Partition) ledger(a *account, e drawdown.Entry) {
	*e.Where() = p.head(a.id)
	p.out.Ledger(e)
}

func (p *Partition) reject(rec *drawdown.Record, reason drawdown.Reason) {
	broadcast := rec.Type.IsBroadcast()
	name := ""
	if !broadcast {
		name = string(rec.Account)
	}
	p.out.Rejected(&drawdown.Rejected{Head: p.head(name), Reason: reason, Broadcast: broadcast})
}

func (p *Partition) duplicate(rec *drawdown.Record, account string) {
	p.out.Duplicate(&drawdown.Duplicate{Head: p.head(account), Event: rec.ID, Broadcast: rec.Type.IsBroadcast()})
}

// name interns the name of a connector, of which there are few.
func (p *Partition) name(b []byte) string {
	if s, known := p.names[string(b)]; known {
		return s
	}
	if len(p.names) >= maxNames {
		clear(p.names)
	}
	s := string(b)
	p.names[s] = s
	return s
}

// maxNames bounds the memory of interned names; beyond it they are forgotten and interned anew.
const maxNames = 10_000

// touch remembers that the account changed, at the latest at the record being applied.
func (p *Partition) touch(a *account) {
	a.changedAt = p.offset
	if !a.touched {
		a.touched = true
		p.touched = append(p.touched, a)
	}
}

func (p *Partition) touchConnection(a *account, c *connection) {
	if !c.touched {
		c.touched = true
		a.touchedConns = append(a.touchedConns, c)
	}
}
