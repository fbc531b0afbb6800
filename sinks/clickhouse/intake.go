package clickhouse

import (
	"fmt"
	"math"
	"sort"
	"time"

	"drawdown"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
)

// state is what is known to be in ClickHouse of one stream's partition.
type state struct {
	block   uint64          // number of the next block
	held    Position        // the last row that ClickHouse has
	covered drawdown.Offset // input offset before which no row is missing; for charges
	until   drawdown.Time   // instant of the log before which no row is missing
	last    Key             // of the last row that ClickHouse has
	kafka   int64           // record of the topic to go on with
	fresh   bool            // nothing was ever written
	repeats bool            // a block is being built again: what it needs must be there
}

// limits of what a block takes.
type limits struct {
	until Position // the last row wanted
	rows  uint64
	whole bool // all rows up to until, however long it takes
	// anywhere lets the very first batch begin at any offset (Config.BeginAnywhere).
	anywhere bool
}

// endless is the position after all others.
var endless = Position{Offset: math.MaxInt64, N: math.MaxInt}

// intake turns records of a topic into rows. It holds one record at a time.
type intake interface {
	// load reads a record. An error means that the record is not what this topic may hold.
	load(value []byte) error
	// size is how many rows the record has at most.
	size() int
	// take moves the record's rows that follow the block's last one into the block. It reports whether the record is
	// used up; if not, the block is full.
	take(b *Block, l limits) (usedUp bool, err error)
}

func newIntake(stream Stream, partition int32) intake {
	if stream == Charges {
		return &chargeIntake{partition: partition}
	}
	return &ledgerIntake{partition: partition}
}

type chargeIntake struct {
	partition int32
	batch     chargebatch.Batch
}

func (in *chargeIntake) load(value []byte) error {
	if err := in.batch.Decode(value); err != nil {
		return err
	}
	if in.batch.Partition != in.partition {
		return fmt.Errorf("charges of partition %d in partition %d of the topic", in.batch.Partition, in.partition)
	}
	return nil
}

func (in *chargeIntake) size() int { return in.batch.Charges.Rows }

func (in *chargeIntake) take(b *Block, l limits) (usedUp bool, err error) {
	batch := &in.batch
	switch {
	case batch.Next <= b.Covered:
		return true, nil // published again, by a worker that came back or by one that was cut off
	case batch.First > b.Covered && !l.anywhere:
		return false, &MissingError{Stream: Charges, Partition: in.partition, Expected: b.Covered, Found: batch.First}
	}
	rows := &batch.Charges
	first := in.firstAfter(b.To)
	b.charges.reserve(int(min(uint64(rows.Rows-first), l.rows-b.Rows)))
	for i := first; i < rows.Rows; i++ {
		p, at := in.position(i), drawdown.Time(rows.At[i])
		if p.After(l.until) || b.Rows == l.rows || !b.fits(at) {
			return false, nil
		}
		if err := checkTimes(p, at, drawdown.Time(rows.Time[i])); err != nil {
			return false, err
		}
		b.charges.add(batch, i)
		b.add(p)
		b.Covered = p.Offset + 1
	}
	b.Covered = batch.Next
	b.Until = max(b.Until, batch.Clock)
	return true, nil
}

func (in *chargeIntake) position(i int) Position {
	return Position{drawdown.Offset(in.batch.Charges.Offset[i]), int(in.batch.Charges.N[i])}
}

// firstAfter is the first row after p: rows are in order.
func (in *chargeIntake) firstAfter(p Position) int {
	return sort.Search(in.batch.Charges.Rows, func(i int) bool { return in.position(i).After(p) })
}

// Times that the columns can hold. The hour of `at` is a DateTime of 32 bits; a log time beyond it stops the worker
// long before.
var (
	atEnd   = drawdown.TimeOf(time.Unix(math.MaxUint32, 0))
	timeEnd = drawdown.TimeOf(time.Date(2299, 12, 31, 0, 0, 0, 0, time.UTC))
)

func checkTimes(p Position, at, happened drawdown.Time) error {
	if at < 0 || at >= atEnd || happened < 0 || happened >= timeEnd {
		return fmt.Errorf("charge at %v: charged at %d, happened at %d: times beyond what the table can hold", p, at, happened)
	}
	return nil
}

type ledgerIntake struct {
	partition int32
	event     ledgerevent.Event
}

func (in *ledgerIntake) load(value []byte) (err error) {
	if in.event, err = ledgerevent.Decode(value); err != nil {
		return err
	}
	if in.event.Partition != in.partition {
		return fmt.Errorf("ledger event of partition %d in partition %d of the topic", in.event.Partition, in.partition)
	}
	return nil
}

func (in *ledgerIntake) size() int { return 1 }

func (in *ledgerIntake) take(b *Block, l limits) (usedUp bool, err error) {
	p := Position{in.event.Offset, in.event.N}
	if !p.After(b.To) {
		return true, nil
	}
	if p.After(l.until) || b.Rows == l.rows {
		return false, nil
	}
	if in.event.At < 0 || in.event.At >= timeEnd {
		return false, fmt.Errorf("ledger entry at %v: time %d is beyond what the table can hold", p, in.event.At)
	}
	b.ledger.add(&in.event)
	b.add(p)
	return true, nil
}
