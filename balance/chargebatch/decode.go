package chargebatch

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"drawdown"
)

// NewerSchemaError says that a record has a form that this program does not know.
type NewerSchemaError struct{ Schema uint64 }

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("charge batch of schema %d: this program reads up to %d; upgrade it", e.Schema, Schema)
}

var errCut = errors.New("cut short or not protobuf")

// Decode reads the value of a record of drawdown.charges. After an error the batch's content is not specified.
func (b *Batch) Decode(value []byte) error {
	*b = Batch{Clock: drawdown.NoTime, Strings: b.Strings[:0], Charges: b.Charges, Duplicates: b.Duplicates}
	d := decoder{batch: b, text: string(value)}
	b.Charges.clear()
	b.Duplicates.clear()
	if err := d.batchFields(value); err != nil {
		return fmt.Errorf("read charge batch: %w", err)
	}
	if err := d.check(); err != nil {
		return fmt.Errorf("read charge batch [%d, %d): %w", b.First, b.Next, err)
	}
	return nil
}

// decoder reads one record. text is a copy of its value, of which all of the batch's texts are parts.
type decoder struct {
	batch  *Batch
	text   string
	schema uint64
}

// batchFields reads the fields of ChargeBatch.
func (d *decoder) batchFields(value []byte) error {
	return eachField(value, func(f field) error {
		if (f.kind == protowire.BytesType) != (f.number >= fieldStrings) {
			if f.number <= fieldDuplicates {
				return fmt.Errorf("field %d is of another kind", f.number)
			}
			return nil
		}
		switch f.number {
		case fieldSchema:
			// The schema stands first: whatever else is new in the record is not looked at.
			if d.schema = f.varint; d.schema > Schema {
				return &NewerSchemaError{d.schema}
			}
		case fieldPartition:
			if f.varint > math.MaxInt32 {
				return fmt.Errorf("partition %d", f.varint)
			}
			d.batch.Partition = int32(f.varint)
		case fieldFirstOffset:
			d.batch.First = drawdown.Offset(f.varint)
		case fieldNextOffset:
			d.batch.Next = drawdown.Offset(f.varint)
		case fieldClock:
			d.batch.Clock = drawdown.Time(f.varint)
		case fieldStrings:
			d.batch.Strings = append(d.batch.Strings, d.text[f.begin:f.end])
		case fieldCharges:
			return d.chargeFields(value[f.begin:f.end], f.begin)
		case fieldDuplicates:
			return d.duplicateFields(value[f.begin:f.end], f.begin)
		}
		return nil
	})
}

// field is one field of a message.
type field struct {
	number     protowire.Number
	kind       protowire.Type
	varint     uint64 // of a varint
	begin, end int    // of a text, a message or a packed column: where it lies in its message
}

// eachField calls use for the varints and the length-delimited fields of a message; others are skipped.
func eachField(message []byte, use func(field) error) error {
	for at := 0; at < len(message); {
		number, kind, size := protowire.ConsumeTag(message[at:])
		if size < 0 {
			return errCut
		}
		at += size
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.varint, size = protowire.ConsumeVarint(message[at:])
			f.end = at
		case protowire.BytesType:
			var content []byte
			content, size = protowire.ConsumeBytes(message[at:])
			f.end = at + size
			f.begin = f.end - len(content)
		default:
			size = protowire.ConsumeFieldValue(number, kind, message[at:])
		}
		if size < 0 {
			return errCut
		}
		at += size
		if kind != protowire.VarintType && kind != protowire.BytesType {
			continue
		}
		if err := use(f); err != nil {
			return err
		}
	}
	return nil
}

// chargeFields reads the fields of Charges, a message that begins at offset base of the record.
func (d *decoder) chargeFields(message []byte, base int) error {
	rows := &d.batch.Charges
	columns := rows.columns()
	return eachField(message, func(f field) error {
		switch {
		case f.number == chargeRows:
			return setRows(&rows.Rows, f.varint)
		case f.number == chargeEvent && f.kind == protowire.BytesType:
			rows.Event = append(rows.Event, d.text[base+f.begin:base+f.end])
		case f.number < chargeFields && columns[f.number] != nil:
			return appendValues(columns[f.number], message, f)
		}
		return nil
	})
}

func (d *decoder) duplicateFields(message []byte, base int) error {
	rows := &d.batch.Duplicates
	columns := rows.columns()
	return eachField(message, func(f field) error {
		switch {
		case f.number == duplicateRows:
			return setRows(&rows.Rows, f.varint)
		case f.number == duplicateEvent && f.kind == protowire.BytesType:
			rows.Event = append(rows.Event, d.text[base+f.begin:base+f.end])
		case f.number < duplicateFields && columns[f.number] != nil:
			return appendValues(columns[f.number], message, f)
		}
		return nil
	})
}

func setRows(rows *int, v uint64) error {
	if v > math.MaxInt32 {
		return fmt.Errorf("%d rows", v)
	}
	*rows = int(v)
	return nil
}

// appendValues appends one value, or the many of a packed column: readers of protobuf must take both.
func appendValues(column *[]uint64, message []byte, f field) error {
	if f.kind == protowire.VarintType {
		*column = append(*column, f.varint)
		return nil
	}
	values := *column
	for at := f.begin; at < f.end; {
		if c := message[at]; c < 0x80 {
			values = append(values, uint64(c))
			at++
			continue
		}
		v, size := protowire.ConsumeVarint(message[at:f.end])
		if size < 0 {
			return errCut
		}
		values = append(values, v)
		at += size
	}
	*column = values
	return nil
}
