package chargebatch

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"drawdown"
)

// Builder writes the charges and duplicates of consecutive input records into one record of drawdown.charges. Its
// methods Charge and Duplicate have the form of those of [drawdown.Output].
//
// Use it over and over: Reset, then the entries in order, then Append. It keeps its buffers and the texts that it has
// seen, so that in steady state an entry costs no allocation. It is not for concurrent use. The zero Builder must be
// Reset before its first entry.
type Builder struct {
	partition int32
	first     drawdown.Offset
	clock     drawdown.Time
	strings   dictionary

	charges      [chargeFields]column
	chargeEvents []byte // the events fields
	chargeRows   uint64
	chargeLast   last

	duplicates      [duplicateFields]column
	duplicateEvents []byte
	duplicateRows   uint64
	duplicateLast   last
}

// last is what the next row's distances are counted from.
type last struct {
	offset drawdown.Offset
	at     drawdown.Time
}

// column is the packed values of one column.
type column struct {
	packed []byte
	used   bool // a value is not 0; a column of zeros is not written
}

func (c *column) add(v uint64) {
	if v < 0x80 {
		c.packed = append(c.packed, byte(v))
	} else {
		c.packed = binary.AppendUvarint(c.packed, v)
	}
	c.used = c.used || v != 0
}

func (c *column) addSigned(v int64) { c.add(protowire.EncodeZigZag(v)) }

func (c *column) addBool(v bool) {
	if v {
		c.add(1)
	} else {
		c.add(0)
	}
}

func (c *column) reset() { c.packed, c.used = c.packed[:0], false }

// Reset begins a batch that covers the partition's input from offset first on.
func (b *Builder) Reset(partition int32, first drawdown.Offset) {
	b.partition, b.first, b.clock = partition, first, drawdown.NoTime
	b.strings.reset()
	for i := range b.charges {
		b.charges[i].reset()
	}
	for i := range b.duplicates {
		b.duplicates[i].reset()
	}
	b.chargeEvents, b.chargeRows, b.chargeLast = b.chargeEvents[:0], 0, last{offset: first}
	b.duplicateEvents, b.duplicateRows, b.duplicateLast = b.duplicateEvents[:0], 0, last{offset: first}
}

// Charge adds a charge. Charges come in order of their offsets, at most one for an input record. It panics where that
// order is broken, or where an amount is beyond the bounds of [drawdown.Charge]: both are faults of the program.
func (b *Builder) Charge(c *drawdown.Charge) {
	credits, fits := c.Credits.Uint64()
	waivedLow, waivedHigh, beyond := c.Waived.Words()
	if !fits || beyond != 0 {
		panic(fmt.Sprintf("chargebatch: charge at offset %d out of bounds: credits %v, waived %v", c.Offset, c.Credits, c.Waived))
	}
	columns := &b.charges
	b.chargeLast.add(&c.Head, &columns[chargeOffset], &columns[chargeN], &columns[chargeAt])
	columns[chargeAge].addSigned(int64(c.At - c.Time))
	columns[chargeAccount].add(b.strings.index(c.Account))
	columns[chargeConnection].add(b.strings.index(c.Connection))
	columns[chargeSource].add(b.strings.index(c.SourceConnector))
	columns[chargeDestination].add(b.strings.index(c.DestinationConnector))
	columns[chargeJob].add(c.Job)
	columns[chargeAttempt].add(c.Attempt)
	if c.Stream == nil {
		columns[chargeStream].add(0)
	} else {
		columns[chargeStream].add(1 + b.strings.indexBytes(c.Stream))
	}
	b.chargeEvents = protowire.AppendTag(b.chargeEvents, chargeEvent, protowire.BytesType)
	b.chargeEvents = protowire.AppendBytes(b.chargeEvents, c.Event)
	columns[chargeKind].add(b.strings.index(c.Kind))
	columns[chargeMeter].add(uint64(c.Meter))
	columns[chargeQuantity].add(c.Quantity)
	columns[chargeCredits].add(credits)
	columns[chargeWaivedLow].add(waivedLow)
	columns[chargeWaivedHigh].add(waivedHigh)
	columns[chargeFree].addBool(c.Free)
	columns[chargeRates].add(b.strings.index(c.Rates))
	columns[chargeBurnCount].add(uint64(len(c.Burned)))
	for i := range c.Burned {
		columns[chargeBurnGrant].add(b.strings.index(c.Burned[i].Grant))
		columns[chargeBurnCredits].add(uint64(c.Burned[i].Credits))
		columns[chargeBurnCredits].used = true // never left out: its length tells how many burns there are
	}
	columns[chargeOverdraft].add(uint64(c.Overdraft))
	b.chargeRows++
}

// Duplicate adds a duplicate. Duplicates come in order of their offsets.
func (b *Builder) Duplicate(d *drawdown.Duplicate) {
	columns := &b.duplicates
	b.duplicateLast.add(&d.Head, &columns[duplicateOffset], &columns[duplicateN], &columns[duplicateAt])
	if d.Account == "" {
		columns[duplicateAccount].add(0)
	} else {
		columns[duplicateAccount].add(1 + b.strings.index(d.Account))
	}
	b.duplicateEvents = protowire.AppendTag(b.duplicateEvents, duplicateEvent, protowire.BytesType)
	b.duplicateEvents = protowire.AppendBytes(b.duplicateEvents, d.Event)
	columns[duplicateBroadcast].addBool(d.Broadcast)
	b.duplicateRows++
}

// add writes where and when an entry happened, as distances from the entry before.
func (l *last) add(h *drawdown.Head, offset, n, at *column) {
	if h.Offset < l.offset {
		panic(fmt.Sprintf("chargebatch: entry at offset %d after one at %d", h.Offset, l.offset))
	}
	offset.add(uint64(h.Offset - l.offset))
	n.add(uint64(h.N))
	at.addSigned(int64(h.At - l.at)) // wraps around for NoTime, and back when read
	l.offset, l.at = h.Offset, h.At
}

// Clock tells the partition's clock after the covered records. Reset clears it.
func (b *Builder) Clock(now drawdown.Time) { b.clock = now }

// First is the first input offset that the batch covers.
func (b *Builder) First() drawdown.Offset { return b.first }

// Rows counts the charges and duplicates since the Reset.
func (b *Builder) Rows() int { return int(b.chargeRows + b.duplicateRows) }

// overhead bounds what a record has beyond its texts and columns: the head, and a tag and a length for each column.
const overhead = 64 + 8*(chargeFields+duplicateFields)

// Len is not less than the length that Append would add now. A caller that must stay below a message limit looks at
// it between input records and begins another batch, at the offset of the next record, before the limit is reached:
// one more charge adds less than 4 KiB and 256 bytes for each grant that it was taken from.
func (b *Builder) Len() int {
	size := overhead + len(b.strings.encoded) + len(b.chargeEvents) + len(b.duplicateEvents)
	for i := range b.charges {
		size += len(b.charges[i].packed)
	}
	for i := range b.duplicates {
		size += len(b.duplicates[i].packed)
	}
	return size
}

// Append appends the record of a batch that covers the input up to, not including, offset next.
func (b *Builder) Append(dst []byte, next drawdown.Offset) []byte {
	if next < b.chargeLast.offset || next < b.duplicateLast.offset {
		panic(fmt.Sprintf("chargebatch: a batch up to offset %d has an entry after it", next))
	}
	dst = appendVarint(dst, fieldSchema, Schema)
	dst = appendVarint(dst, fieldPartition, uint64(b.partition))
	dst = appendVarint(dst, fieldFirstOffset, uint64(b.first))
	dst = appendVarint(dst, fieldNextOffset, uint64(next))
	if b.clock != drawdown.NoTime {
		dst = appendVarint(dst, fieldClock, uint64(b.clock))
	}
	dst = append(dst, b.strings.encoded...)
	dst = appendTable(dst, fieldCharges, b.chargeRows, b.charges[:], b.chargeEvents)
	return appendTable(dst, fieldDuplicates, b.duplicateRows, b.duplicates[:], b.duplicateEvents)
}

func appendVarint(dst []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}

// appendTable appends a message of columns, each at the field of its index; nothing where there are no rows.
func appendTable(dst []byte, field protowire.Number, rows uint64, columns []column, events []byte) []byte {
	if rows == 0 {
		return dst
	}
	size := protowire.SizeTag(chargeRows) + protowire.SizeVarint(rows) + len(events)
	for i := range columns {
		if columns[i].used {
			size += protowire.SizeTag(protowire.Number(i)) + protowire.SizeBytes(len(columns[i].packed))
		}
	}
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = appendVarint(dst, chargeRows, rows)
	for i := range columns {
		if columns[i].used {
			dst = protowire.AppendTag(dst, protowire.Number(i), protowire.BytesType)
			dst = protowire.AppendBytes(dst, columns[i].packed)
		}
	}
	return append(dst, events...)
}
