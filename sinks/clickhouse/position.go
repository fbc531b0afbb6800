package clickhouse

import (
	"fmt"

	"drawdown"
)

// Position is an entry's place in its partition.
type Position struct {
	Offset drawdown.Offset
	N      int
}

// none is the position before every entry.
var none = Position{Offset: -1, N: -1}

// After reports whether p comes after q.
func (p Position) After(q Position) bool {
	return p.Offset > q.Offset || p.Offset == q.Offset && p.N > q.N
}

// String is `offset 17, n 2`.
func (p Position) String() string {
	if p == none {
		return "nothing"
	}
	return fmt.Sprintf("offset %d, n %d", p.Offset, p.N)
}

// Stream is one of the two topics that the sink writes to a table each.
type Stream int8

// The streams. Their numbers are those of the column sink_blocks.stream.
const (
	Charges Stream = iota
	Ledger
)

// String is the name of the stream's table.
func (s Stream) String() string {
	if s == Charges {
		return "charges"
	}
	return "ledger"
}
