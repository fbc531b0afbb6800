package balance

import (
	"encoding/binary"
	"fmt"

	"drawdown"
)

// broadcast applies a record that changes what the partition knows: plans, rates or connectors. Its checks use the
// record's own time, which is the same in every partition.
func (p *Partition) broadcast(rec *drawdown.Record) {
	id := identify(rec.Source, rec.ID)
	if _, seen := p.broadcastIDs[id]; seen {
		p.duplicate(rec, "")
		return
	}
	if reason := p.checkBroadcast(rec); reason != "" {
		p.reject(rec, reason)
		return
	}
	p.applyBroadcast(rec, p.clock)
	p.addedBroadcasts = append(p.addedBroadcasts, packBroadcast(p.clock, rec.Raw))
	if entry, ok := rec.Operation.(*drawdown.ConnectorEntry); ok {
		p.wake = append(p.wake, entry.Connector)
	}
}

func (p *Partition) checkBroadcast(rec *drawdown.Record) drawdown.Reason {
	switch o := rec.Operation.(type) {
	case *drawdown.Plan:
		if p.plans[o.ID] != nil {
			return drawdown.PlanExists
		}
		return ""
	case *drawdown.RateCard:
		return p.rating.Cards.Check(o, rec.Time)
	case *drawdown.ConnectorEntry:
		return p.rating.Connectors.Check(o, rec.Time)
	default:
		panic(fmt.Sprintf("balance: %T is no broadcast", o))
	}
}

// applyBroadcast takes a broadcast that was accepted at an instant.
func (p *Partition) applyBroadcast(rec *drawdown.Record, at drawdown.Time) {
	p.broadcastIDs[identify(rec.Source, rec.ID)] = struct{}{}
	switch o := rec.Operation.(type) {
	case *drawdown.Plan:
		p.plans[o.ID] = o
	case *drawdown.RateCard:
		p.rating.Cards.Publish(o)
	case *drawdown.ConnectorEntry:
		p.rating.Connectors.Set(o, rec.Time, at)
	}
	p.published++
}

// The store keeps an accepted broadcast as the partition's clock at its acceptance and the record as it was.
func packBroadcast(at drawdown.Time, raw []byte) []byte {
	packed := make([]byte, 0, len(raw)+binary.MaxVarintLen64)
	return append(binary.AppendVarint(packed, int64(at)), raw...)
}

// RestoreCatalogue applies the accepted broadcasts as the store has them. decode is the decoder of records.
func (p *Partition) RestoreCatalogue(entries [][]byte, decode func(value []byte, rec *drawdown.Record)) error {
	for i, entry := range entries {
		at, n := binary.Varint(entry)
		if n <= 0 {
			return fmt.Errorf("catalogue entry %d: %w", i, errDamaged)
		}
		var rec drawdown.Record
		decode(entry[n:], &rec)
		if rec.Reject != "" || !rec.Type.IsBroadcast() {
			return fmt.Errorf("catalogue entry %d is no broadcast: %w", i, errDamaged)
		}
		p.applyBroadcast(&rec, drawdown.Time(at))
	}
	return nil
}
