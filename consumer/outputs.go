package consumer

import (
	"strconv"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
)

// Headers that are added to a rejected record, after its own. [Redrive] takes them off again.
const (
	HeaderReason    = "drawdown-reason"
	HeaderPartition = "drawdown-partition"
	HeaderOffset    = "drawdown-offset" // of the rejected record
	HeaderN         = "drawdown-n"
	HeaderAt        = "drawdown-at"      // the partition's clock, absent before any record set it
	HeaderAccount   = "drawdown-account" // absent where the record names none
)

// rejectHeaderNames are the headers that are added, in this order: always all of them, so that those of the record can
// be told apart even where they have the same names.
var rejectHeaderNames = [rejectHeaders]string{HeaderReason, HeaderPartition, HeaderOffset, HeaderN, HeaderAt, HeaderAccount}

const rejectHeaders = 6

// batch is what a run of records caused, on its way through publish and commit. It is reused.
type batch struct {
	next     drawdown.Offset // the first offset after the batch
	charges  messages
	ledger   messages
	rejected messages
	commit   *balance.Commit
	tally    tally
	// retired is set when a produce request that was given up may still read the batch's memory.
	retired bool
}

// messages are messages and the memory that they point into. Growing the memory leaves earlier messages where they
// are: they keep the memory that they were written to.
type messages struct {
	list   []message
	memory []byte
}

func (m *messages) reset() {
	clear(m.list) // lets memory go that was outgrown
	m.list, m.memory = m.list[:0], m.memory[:0]
}

// keep copies b, which may be nil.
func (m *messages) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	start := len(m.memory)
	m.memory = append(m.memory, b...)
	return m.memory[start:len(m.memory):len(m.memory)]
}

func (b *batch) reset(first drawdown.Offset) {
	b.next, b.commit = first, nil
	b.charges.reset()
	b.ledger.reset()
	b.rejected.reset()
	b.tally.reset()
}

// outputBytes is how much the batch publishes, without the charges that are still being collected.
func (b *batch) outputBytes() int {
	return len(b.charges.memory) + len(b.ledger.memory) + len(b.rejected.memory)
}

func (b *batch) publications(cfg *Config) []publication {
	return []publication{
		{topic: cfg.ChargesTopic, messages: b.charges.list},
		{topic: cfg.LedgerTopic, messages: b.ledger.list},
		// A record that fitted into the log only compressed must fit here too.
		{topic: cfg.RejectedTopic, messages: b.rejected.list, compression: kafka.Zstd},
	}
}

// outputs writes what the state machine says into the current batch. It implements drawdown.Output.
type outputs struct {
	partition       int32
	messageBytesMax int
	key             []byte // of charge records: the partition
	batch           *batch
	charges         chargebatch.Builder
	source          *fetch.Record // the record being applied
}

// begin starts over at an offset, with nothing collected.
func (o *outputs) begin(partition int32, first drawdown.Offset, messageBytesMax int) {
	o.partition, o.messageBytesMax = partition, messageBytesMax
	o.key = strconv.AppendInt(nil, int64(partition), 10)
	o.charges.Reset(partition, first)
}

// Charge implements drawdown.Output.
func (o *outputs) Charge(c *drawdown.Charge) {
	o.charges.Charge(c)
	o.batch.tally.charges++
}

// Duplicate implements drawdown.Output.
func (o *outputs) Duplicate(d *drawdown.Duplicate) {
	o.charges.Duplicate(d)
	o.batch.tally.duplicates++
}

// Ledger implements drawdown.Output.
func (o *outputs) Ledger(e drawdown.Entry) {
	to := &o.batch.ledger
	start := len(to.memory)
	to.memory = append(to.memory, e.Where().Account...)
	middle := len(to.memory)
	to.memory = ledgerevent.Append(to.memory, o.partition, e)
	end := len(to.memory)
	to.list = append(to.list, message{key: to.memory[start:middle:middle], value: to.memory[middle:end:end]})
	o.batch.tally.entry(e)
}

// Rejected implements drawdown.Output: the record is kept whole.
func (o *outputs) Rejected(r *drawdown.Rejected) {
	to := &o.batch.rejected
	headers := make([]protocol.Header, 0, o.source.HeaderCount()+rejectHeaders)
	for name, value := range o.source.Headers() {
		headers = append(headers, protocol.Header{Key: string(name), Value: to.keep(value)})
	}
	var at, account []byte
	if r.At != drawdown.NoTime {
		at = r.At.Append(nil)
	}
	if r.Account != "" {
		account = []byte(r.Account)
	}
	headers = append(headers,
		protocol.Header{Key: HeaderReason, Value: []byte(r.Reason)},
		protocol.Header{Key: HeaderPartition, Value: o.key},
		protocol.Header{Key: HeaderOffset, Value: strconv.AppendInt(nil, int64(r.Offset), 10)},
		protocol.Header{Key: HeaderN, Value: strconv.AppendInt(nil, int64(r.N), 10)},
		protocol.Header{Key: HeaderAt, Value: at},
		protocol.Header{Key: HeaderAccount, Value: account},
	)
	to.list = append(to.list, message{key: to.keep(o.source.Key), value: to.keep(o.source.Value), headers: headers})
	o.batch.tally.rejected[r.Reason]++
}

// chargeReserve is what one more record may add to a record of charges: a charge has less than 4 KiB, and 256 bytes
// for each grant that it was taken from. A charge taken from more grants than that makes a record larger than
// messageBytesMax, which topics allow for (see topics.go).
const chargeReserve = 16 << 10

// split closes the record of charges when it is nearly full. It is called between records.
func (o *outputs) split(next drawdown.Offset, clock drawdown.Time) {
	if o.charges.Len() > o.messageBytesMax-chargeReserve {
		o.closeCharges(next, clock)
	}
}

// closeCharges ends the record of charges before offset next. It is written without any charge too: readers know by the
// offsets which records cover that none is missing. Were offsets without charges left to the next record, a worker that
// begins at the committed position would leave them to nobody, and the sink would stop at the gap.
func (o *outputs) closeCharges(next drawdown.Offset, clock drawdown.Time) {
	if o.charges.First() == next {
		return
	}
	o.charges.Clock(clock)
	to := &o.batch.charges
	start := len(to.memory)
	to.memory = o.charges.Append(to.memory, next)
	to.list = append(to.list, message{key: o.key, value: to.memory[start:len(to.memory):len(to.memory)]})
	o.charges.Reset(o.partition, next)
}

// pending is the size of the charges collected so far.
func (o *outputs) pending() int {
	if o.charges.Rows() == 0 {
		return 0
	}
	return o.charges.Len()
}
