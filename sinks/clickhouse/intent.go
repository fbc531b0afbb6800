package clickhouse

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"drawdown"
)

// Intent says what one block holds. It is written before the block, so that whoever comes after a crash completes the
// same block: the same rows with the same token.
type Intent struct {
	Stream    Stream
	Partition int32
	Block     uint64   // number of the block within its stream and partition
	From      Position // the last row before the block
	To        Position // the last row of the block; From where it has none
	Rows      uint64   // 0: a mark of what was read without finding rows
	Month     uint32   // of the rows, as 202602: they lie in one part of the table
	// Covered is the input offset before which no row is missing. For charges only.
	Covered    drawdown.Offset
	KafkaFirst int64 // record that holds the first row
	KafkaNext  int64 // record to go on with after the block
	Writer     uuid.UUID
	// Until is an instant of the log's clock: with the block, ClickHouse has all that records before it caused. 0 where
	// that is not known.
	Until drawdown.Time
	Last  Key
	// Try counts proposals of this number that ClickHouse acknowledged and does not have. Not stored.
	Try int
	// Age is how long ago the intent was written, by the server's clock. Read only.
	Age time.Duration
}

// token identifies the block's insert, whoever makes it. The range is in it so that a number that is used again, on
// tables that were emptied by hand, does not pass for the earlier block.
func (i *Intent) token() string {
	return fmt.Sprintf("%s/%d/%d/%d-%d/%d-%d", i.Stream, i.Partition, i.Block, i.From.Offset, i.From.N, i.To.Offset, i.To.N)
}

// numberToken identifies the intent's own insert: the number alone, so that one of several intents for it wins. After a try
// that was lost it is another token; should two intents of a number come of that, the first one counts.
func (i *Intent) numberToken() string {
	if i.Try > 0 {
		return fmt.Sprintf("%s/%d/%d/%d", i.Stream, i.Partition, i.Block, i.Try)
	}
	return fmt.Sprintf("%s/%d/%d", i.Stream, i.Partition, i.Block)
}

// covers reports whether the block has rows up to p.
func (i *Intent) covers(p Position) bool { return !p.After(i.To) }

// Key is, with its position, where a row is sorted in its table. Of a block's last row it lets a report ask cheaply
// whether the block has arrived.
type Key struct {
	At         drawdown.Time
	Account    string
	Connection string // of charges
}
