//go:build integration

package e2e

import (
	"maps"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
)

// place is where a line of output belongs.
type place struct {
	partition int32
	offset    drawdown.Offset
	n         int
}

// meaning is what a log means: the lines that it causes and the balances at its end, as the contract writes them.
type meaning struct {
	lines    map[place]string
	kinds    map[place]kind
	balances map[string]string // by account
	plain    map[string]drawdown.Credits
	rejected map[drawdown.Reason]int
	records  int // of the log
	charged  int
	entries  int
	repeated int // duplicates
	used     drawdown.Total
}

// kind is where a line is published.
type kind int

const (
	charge kind = iota
	entry
	rejection
	duplicate
)

// replay runs the engine alone, on one thread and without any store, over the log as it stands in Kafka.
func (in *installation) replay() *meaning {
	in.t.Helper()
	m := &meaning{
		lines: map[place]string{}, kinds: map[place]kind{}, balances: map[string]string{},
		plain: map[string]drawdown.Credits{}, rejected: map[drawdown.Reason]int{},
	}
	for partition, end := range in.ends(in.config.Worker.MeteringTopic) {
		in.replayPartition(m, int32(partition), end)
	}
	return m
}

func (in *installation) replayPartition(m *meaning, partition int32, end drawdown.Offset) {
	in.t.Helper()
	engine := balance.NewPartition(partition)
	out := &recorder{meaning: m, partition: partition}
	var decoder decode.Decoder
	var rec drawdown.Record
	in.read(in.config.Worker.MeteringTopic, partition, end, func(raw *fetch.Record) {
		m.records++
		decoder.Reset()
		rec.Offset = drawdown.Offset(raw.Offset)
		decoder.Decode(raw.Value, drawdown.Time(raw.AppendTime), &rec)
		if rec.Reject == "" {
			rec.Reject = in.judge(partition, raw, &rec)
		}
		if rec.Account != nil && engine.Missing(rec.Account) {
			_, err := engine.Restore(balance.Stored{Account: string(rec.Account)})
			in.must(err)
		}
		engine.Apply(&rec, out)
	})
	for _, b := range engine.Balances() {
		m.balances[b.Account] = string(drawdown.AppendBalance(nil, &b))
		m.plain[b.Account] = b.Available
	}
}

// judge finds what only Kafka tells of a record: its signature and its partition.
func (in *installation) judge(partition int32, raw *fetch.Record, rec *drawdown.Record) drawdown.Reason {
	header, _ := raw.Header(signature.Header)
	switch {
	case rec.Type.IsOperation() && !in.keys.Verify(raw.Value, header):
		return drawdown.UnsignedOperation
	case rec.Account != nil && murmur.Partition(rec.Account, in.partitions) != partition:
		return drawdown.WrongPartition
	default:
		return ""
	}
}

// recorder writes down what the engine says.
type recorder struct {
	*meaning
	partition int32
}

func (r *recorder) note(kind kind, h *drawdown.Head, line []byte) {
	at := place{r.partition, h.Offset, h.N}
	r.lines[at], r.kinds[at] = string(line), kind
}

func (r *recorder) Charge(c *drawdown.Charge) {
	r.charged++
	r.used = r.used.Plus(c.Credits)
	r.note(charge, &c.Head, drawdown.AppendCharge(nil, c))
}

func (r *recorder) Ledger(e drawdown.Entry) {
	r.entries++
	r.note(entry, e.Where(), drawdown.AppendLedger(nil, e))
}

func (r *recorder) Rejected(x *drawdown.Rejected) {
	r.meaning.rejected[x.Reason]++
	r.note(rejection, &x.Head, drawdown.AppendRejected(nil, x))
}

func (r *recorder) Duplicate(x *drawdown.Duplicate) {
	r.repeated++
	r.note(duplicate, &x.Head, drawdown.AppendDuplicate(nil, x))
}

// only returns the lines that are published in one place.
func (m *meaning) only(kind kind) map[place]string {
	lines := map[place]string{}
	for at, line := range m.lines {
		if m.kinds[at] == kind {
			lines[at] = line
		}
	}
	return lines
}

// differencesShown bounds what a failed comparison prints.
const differencesShown = 5

// same compares two sets of lines.
func same[K comparable](in *installation, what string, found, want map[K]string) {
	in.t.Helper()
	if maps.Equal(found, want) {
		return
	}
	in.t.Errorf("%s: found %d, want %d", what, len(found), len(want))
	shown := 0
	for key := range union(found, want) {
		if found[key] != want[key] && shown < differencesShown {
			shown++
			in.t.Errorf("%s %+v: found\n%s\nwant\n%s", what, key, found[key], want[key])
		}
	}
}

func union[K comparable](a, b map[K]string) map[K]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
