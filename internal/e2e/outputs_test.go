//go:build integration

package e2e

import (
	"log/slog"

	"drawdown"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer"
	"drawdown/consumer/decode"
	"drawdown/consumer/fetch"
)

// published reads the output topics back into the contract's lines. A worker that was killed publishes again what it
// had not committed: what is repeated must be the same.
func (in *installation) published() map[place]string {
	in.t.Helper()
	p := publications{in: in, lines: map[place]string{}}
	p.charges()
	p.ledger()
	p.rejected()
	in.repeated = p.repeated
	in.t.Logf("published: %d lines, and %d of them again", len(p.lines), p.repeated)
	return p.lines
}

type publications struct {
	in       *installation
	lines    map[place]string
	repeated int
}

func (p *publications) note(partition int32, h *drawdown.Head, line []byte) {
	at := place{partition, h.Offset, h.N}
	before, repeated := p.lines[at]
	if repeated {
		p.repeated++
	}
	if repeated && before != string(line) {
		p.in.t.Errorf("%+v was published in two forms:\n%s\n%s", at, before, line)
	}
	p.lines[at] = string(line)
}

func (p *publications) charges() {
	p.in.t.Helper()
	topic := p.in.config.Worker.ChargesTopic
	for partition, end := range p.in.ends(topic) {
		p.in.read(topic, int32(partition), end, func(raw *fetch.Record) {
			var batch chargebatch.Batch
			p.in.must(batch.Decode(raw.Value))
			batch.EachRow(
				func(c *drawdown.Charge) { p.note(batch.Partition, &c.Head, drawdown.AppendCharge(nil, c)) },
				func(d *drawdown.Duplicate) { p.note(batch.Partition, &d.Head, drawdown.AppendDuplicate(nil, d)) })
			if batch.Partition != int32(partition) {
				p.in.t.Errorf("charges of partition %d stand in partition %d", batch.Partition, partition)
			}
		})
	}
}

func (p *publications) ledger() {
	p.in.t.Helper()
	topic := p.in.config.Worker.LedgerTopic
	for partition, end := range p.in.ends(topic) {
		p.in.read(topic, int32(partition), end, func(raw *fetch.Record) {
			event, err := ledgerevent.Decode(raw.Value)
			p.in.must(err)
			p.note(event.Partition, &event.Head, event.Line)
			if event.Partition != int32(partition) || string(raw.Key) != event.Account {
				p.in.t.Errorf("an entry of %s of partition %d stands in partition %d under key %s", event.Account, event.Partition, partition, raw.Key)
			}
		})
	}
}

func (p *publications) rejected() {
	p.in.t.Helper()
	var decoder decode.Decoder
	for _, r := range p.in.rejects() {
		var rec drawdown.Record
		decoder.Decode(r.Value, drawdown.NoTime, &rec)
		p.note(r.Partition, &drawdown.Head{Offset: r.Offset, N: r.N}, drawdown.AppendRejected(nil, &drawdown.Rejected{
			Head:   drawdown.Head{Offset: r.Offset, N: r.N, At: r.At, Account: r.Account},
			Reason: r.Reason, Broadcast: rec.Type.IsBroadcast(),
		}))
	}
}

// rejects reads all rejected records.
func (in *installation) rejects() (all []*consumer.RejectedRecord) {
	in.t.Helper()
	rejects, err := consumer.NewRejects(in.config.Worker, in.cluster.Transport, in.cluster.Addr, slog.New(slog.DiscardHandler))
	in.must(err)
	for record, err := range rejects.List(in.t.Context(), consumer.AllRejects()) {
		in.must(err)
		all = append(all, record)
	}
	return all
}
