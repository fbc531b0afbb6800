package chargebatch

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"drawdown"
)

// columns gives the column of each field, nil for those that are none. Until they are converted, columns hold what
// the record holds: the offsets, for example, the distances.
func (c *Charges) columns() *[chargeFields]*[]uint64 {
	return &[chargeFields]*[]uint64{
		chargeOffset: &c.Offset, chargeN: &c.N, chargeAt: &c.at, chargeAge: &c.age,
		chargeAccount: &c.AccountIndex, chargeConnection: &c.ConnectionIndex,
		chargeSource: &c.SourceConnectorIndex, chargeDestination: &c.DestinationConnectorIndex,
		chargeJob: &c.Job, chargeAttempt: &c.Attempt, chargeStream: &c.StreamIndex,
		chargeKind: &c.KindIndex, chargeMeter: &c.Meter, chargeQuantity: &c.Quantity, chargeCredits: &c.Credits,
		chargeWaivedLow: &c.WaivedLow, chargeWaivedHigh: &c.WaivedHigh, chargeFree: &c.Free, chargeRates: &c.RatesIndex,
		chargeBurnCount: &c.BurnEnd, chargeBurnGrant: &c.BurnGrantIndex, chargeBurnCredits: &c.BurnCredits,
		chargeOverdraft: &c.Overdraft,
	}
}

func (d *Duplicates) columns() *[duplicateFields]*[]uint64 {
	return &[duplicateFields]*[]uint64{
		duplicateOffset: &d.Offset, duplicateN: &d.N, duplicateAt: &d.at,
		duplicateAccount: &d.AccountIndex, duplicateBroadcast: &d.Broadcast,
	}
}

func (c *Charges) clear() {
	c.Rows, c.Event = 0, c.Event[:0]
	for _, column := range c.columns() {
		if column != nil {
			*column = (*column)[:0]
		}
	}
}

func (d *Duplicates) clear() {
	d.Rows, d.Event = 0, d.Event[:0]
	for _, column := range d.columns() {
		if column != nil {
			*column = (*column)[:0]
		}
	}
}

// check completes the columns, turns distances into values, and refuses what no builder writes.
func (d *decoder) check() error {
	b := d.batch
	if d.schema == 0 {
		return fmt.Errorf("no schema number")
	}
	if b.First < 0 || b.Next < b.First {
		return fmt.Errorf("no range of offsets")
	}
	for _, text := range b.Strings {
		if !utf8.ValidString(text) {
			return fmt.Errorf("a text that is not UTF-8: %q", text)
		}
	}
	if err := b.Charges.check(b); err != nil {
		return fmt.Errorf("charges: %w", err)
	}
	if err := b.Duplicates.check(b); err != nil {
		return fmt.Errorf("duplicates: %w", err)
	}
	return nil
}

func (c *Charges) check(b *Batch) error {
	if err := checkEvents(c.Event, c.Rows); err != nil {
		return err
	}
	burns := len(c.BurnCredits) // the builder never leaves this column out
	for number, column := range c.columns() {
		if column == nil {
			continue
		}
		length := c.Rows
		if number == chargeBurnGrant || number == chargeBurnCredits {
			length = burns
		}
		if err := complete(column, length, number); err != nil {
			return err
		}
	}
	if err := offsets(c.Offset, b); err != nil {
		return err
	}
	c.At = instants(c.At[:0], c.at)
	c.Time = c.Time[:0]
	for i, age := range c.age {
		c.Time = append(c.Time, c.At[i]-protowire.DecodeZigZag(age))
	}
	if err := c.checkBurns(burns); err != nil {
		return err
	}
	return c.checkValues(uint64(len(b.Strings)))
}

// checkBurns turns the counts of burns into the ends of their ranges.
func (c *Charges) checkBurns(burns int) error {
	end := uint64(0)
	for i, count := range c.BurnEnd {
		if count > uint64(burns)-end {
			return fmt.Errorf("%d burns, but row %d has more", burns, i)
		}
		end += count
		c.BurnEnd[i] = end
	}
	if end != uint64(burns) {
		return fmt.Errorf("%d burns of which rows have %d", burns, end)
	}
	return nil
}

func (c *Charges) checkValues(texts uint64) error {
	for _, indexes := range [...][]uint64{c.AccountIndex, c.ConnectionIndex, c.SourceConnectorIndex,
		c.DestinationConnectorIndex, c.KindIndex, c.RatesIndex, c.BurnGrantIndex} {
		if err := below(indexes, texts, "index of a text"); err != nil {
			return err
		}
	}
	for _, bounded := range [...]struct {
		values []uint64
		bound  uint64
		name   string
	}{
		{c.N, math.MaxInt32, "n"},
		{c.StreamIndex, texts + 1, "stream"},
		{c.Meter, uint64(drawdown.MeterCount), "meter"},
		{c.Free, 2, "free"},
		{c.BurnCredits, 1 << 63, "credits burned"},
		{c.Overdraft, 1 << 63, "overdraft"},
	} {
		if err := below(bounded.values, bounded.bound, bounded.name); err != nil {
			return err
		}
	}
	return nil
}

func (d *Duplicates) check(b *Batch) error {
	if err := checkEvents(d.Event, d.Rows); err != nil {
		return err
	}
	for number, column := range d.columns() {
		if column == nil {
			continue
		}
		if err := complete(column, d.Rows, number); err != nil {
			return err
		}
	}
	if err := offsets(d.Offset, b); err != nil {
		return err
	}
	d.At = instants(d.At[:0], d.at)
	if err := below(d.N, math.MaxInt32, "n"); err != nil {
		return err
	}
	if err := below(d.Broadcast, 2, "broadcast"); err != nil {
		return err
	}
	return below(d.AccountIndex, uint64(len(b.Strings))+1, "account")
}

// checkEvents comes before the columns are completed: a row has an event, so that the number of rows, and with it the
// memory that a record asks for, is bounded by the record's length.
func checkEvents(events []string, rows int) error {
	if len(events) != rows {
		return fmt.Errorf("%d events for %d rows", len(events), rows)
	}
	for _, event := range events {
		if !utf8.ValidString(event) {
			return fmt.Errorf("an event id that is not UTF-8: %q", event)
		}
	}
	return nil
}

// complete fills a column that was left out with zeros, and refuses one that is too short or too long.
func complete(column *[]uint64, length, number int) error {
	switch len(*column) {
	case length:
		return nil
	case 0:
		*column = slices.Grow(*column, length)[:length]
		clear(*column)
		return nil
	default:
		return fmt.Errorf("field %d has %d values, want %d", number, len(*column), length)
	}
}

// offsets turns distances into offsets, which lie within the batch's range.
func offsets(column []uint64, b *Batch) error {
	offset := uint64(b.First)
	for i, delta := range column {
		if delta >= uint64(b.Next)-offset {
			return fmt.Errorf("row %d lies beyond the range", i)
		}
		offset += delta
		column[i] = offset
	}
	return nil
}

// instants turns distances into instants.
func instants(dst []int64, deltas []uint64) []int64 {
	at := int64(0)
	for _, delta := range deltas {
		at += protowire.DecodeZigZag(delta)
		dst = append(dst, at)
	}
	return dst
}

func below(values []uint64, bound uint64, name string) error {
	for i, v := range values {
		if v >= bound {
			return fmt.Errorf("row %d: %s out of bounds: %d", i, name, v)
		}
	}
	return nil
}
