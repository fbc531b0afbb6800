package clickhouse

import (
	"context"
	"fmt"
	"time"
)

// Store is ClickHouse as the sink uses it. An error of any method means that the outcome is unknown.
type Store interface {
	// Last returns the intent with the highest number, and of several for that number the one that won.
	Last(ctx context.Context, stream Stream, partition int32) (last Intent, ok bool, err error)
	// Held returns the last row of a partition, or none.
	Held(ctx context.Context, stream Stream, partition int32) (Position, error)
	// Propose writes an intent, unless there is one of that number.
	Propose(ctx context.Context, intent Intent) error
	// Insert writes the rows of a block, unless an insert with its token was made within the window.
	Insert(ctx context.Context, block *Block) error
	// Count counts what is there of the block of an intent.
	Count(ctx context.Context, intent Intent) (Counts, error)
	// Fill adds a block's rows to rollups that don't have them, from the table that does.
	Fill(ctx context.Context, intent Intent, hour, day bool) error
}

// dedupWindow is how many inserts into a table are remembered, as the migrations set it.
const dedupWindow = 10_000

// Bounds of when an insert may be repeated by its token alone. Of the window only a half is relied on. And the tables
// of rollups are looked at by themselves only when no earlier attempt can still be under way in the server.
const (
	repeatBlocksMax = dedupWindow / 2
	repeatAgeMax    = 30 * time.Minute
)

// Counts are what ClickHouse has of the rows of an intent's block, and around it.
type Counts struct {
	Rows  uint64 // rows of the block in its table
	Month uint64 // rows of the partition up to the block's end, in the block's month
	Hour  uint64 // events of the partition in usage_by_hour, in that month
	Day   uint64 // events of the partition in usage_by_day, in that month
	// Since is how many blocks of the stream were written at the intent's time or later, in all partitions.
	Since uint64
}

// repair is what completes a block.
type repair int

const (
	complete repair = iota // nothing: all of it is there
	insert                 // insert it; what is there already is told by the token
	fill                   // add it to the rollups that lack it
)

// repairOf decides what the last block needs. All blocks before it are complete, since each is begun only after the
// one before was completed; so the rollups have either all rows of the month or all but those of this block.
//
//	rows in the table   rollups   within the window     beyond it
//	all                 all       complete              complete
//	all                 short     insert again          fill: the tokens are forgotten, and the rows are there
//	none                short     insert                insert
//	none or some        other     insert again          stop: what was written can't be told from what was not
func repairOf(i *Intent, c Counts) (repair, error) {
	hasRollups := i.Stream == Charges
	allThere := c.Rows == i.Rows && (!hasRollups || c.Hour == c.Month && c.Day == c.Month)
	switch {
	case allThere:
		return complete, nil
	case c.Rows > i.Rows:
		return 0, &DivergedError{*i, fmt.Sprintf("the table has %d rows of it", c.Rows)}
	case c.Since < repeatBlocksMax && i.Age < repeatAgeMax:
		return insert, nil
	case c.Rows == 0 && (!hasRollups || c.Hour == c.Month && c.Day == c.Month):
		return insert, nil
	case c.Rows == i.Rows && short(c.Hour, c.Month, i.Rows) && short(c.Day, c.Month, i.Rows):
		return fill, nil
	default:
		return 0, &DivergedError{*i, fmt.Sprintf("the table has %d rows of it and %d of its month, of which usage_by_hour has %d and usage_by_day %d, "+
			"and the block is too old for its insert to be recognised", c.Rows, c.Month, c.Hour, c.Day)}
	}
}

// short reports whether a rollup has all rows of the month or lacks just those of the block.
func short(has, month, rows uint64) bool { return has == month || has+rows == month }
