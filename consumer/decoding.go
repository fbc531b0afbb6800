package consumer

import (
	"drawdown"
	"drawdown/consumer/decode"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
)

// decodeEvents is how many records are decoded before the first of them is applied: enough to read accounts that are
// not in memory with one call for all of them, few enough that the decoded records stay in the processor's cache.
const decodeEvents = 512

// verifier decides whether an operation carries a valid signature.
type verifier interface {
	Verify(value, header []byte) bool
}

// decoder turns fetched records into records, with the reasons of rejection that need no account.
type decoder struct {
	partition  int32
	partitions int // of the topic, as recorded
	keys       verifier
	values     decode.Decoder
	records    [decodeEvents]drawdown.Record
}

// decode decodes at most decodeEvents records. The result is valid until the next call.
func (d *decoder) decode(sources []fetch.Record) []drawdown.Record {
	d.values.Reset()
	for i := range sources {
		source, rec := &sources[i], &d.records[i]
		rec.Offset = drawdown.Offset(source.Offset)
		d.values.Decode(source.Value, drawdown.Time(source.AppendTime), rec)
		if rec.Reject == "" {
			d.check(source, rec)
		}
	}
	return d.records[:len(sources)]
}

// check finds forged operations and misplaced records, in this order (contract, section 3).
func (d *decoder) check(source *fetch.Record, rec *drawdown.Record) {
	if rec.Type.IsOperation() {
		header, _ := source.Header(signature.Header)
		if !d.keys.Verify(source.Value, header) {
			rec.Reject = drawdown.UnsignedOperation
			return
		}
	}
	if rec.Account != nil && murmur.Partition(rec.Account, d.partitions) != d.partition {
		rec.Reject = drawdown.WrongPartition
	}
}
