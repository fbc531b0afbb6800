package chargebatch

import "drawdown"

// Batch is a decoded record. Decoding another one into it reuses its columns; the texts stay valid.
type Batch struct {
	Partition  int32
	First      drawdown.Offset // the first input offset covered
	Next       drawdown.Offset // the one after the last covered
	Clock      drawdown.Time   // NoTime where no record had set it
	Strings    []string        // the texts that columns of indexes refer to
	Charges    Charges
	Duplicates Duplicates
}

// Charges are the charges of a batch by column, in order of their offsets. Each column has Rows values. Those named
// …Index hold indexes into [Batch.Strings].
type Charges struct {
	Rows                      int
	Offset                    []uint64
	N                         []uint64
	At                        []int64 // milliseconds
	Time                      []int64 // milliseconds
	AccountIndex              []uint64
	ConnectionIndex           []uint64
	SourceConnectorIndex      []uint64
	DestinationConnectorIndex []uint64
	Job                       []uint64
	Attempt                   []uint64
	StreamIndex               []uint64 // 0: none, else 1 + the index
	Event                     []string
	KindIndex                 []uint64
	Meter                     []uint64
	Quantity                  []uint64
	Credits                   []uint64 // nano-credits
	WaivedLow                 []uint64 // nano-credits, the lower 64 bits
	WaivedHigh                []uint64
	Free                      []uint64 // 0 or 1
	RatesIndex                []uint64
	BurnEnd                   []uint64 // end of the row's part of the two columns that follow; it begins at the row before's end
	BurnGrantIndex            []uint64
	BurnCredits               []uint64 // nano-credits
	Overdraft                 []uint64 // nano-credits

	at, age []uint64 // as the record has them
}

// Duplicates are the duplicates of a batch by column, in order of their offsets. Each column has Rows values.
type Duplicates struct {
	Rows         int
	Offset       []uint64
	N            []uint64
	At           []int64  // milliseconds
	AccountIndex []uint64 // 0: none, else 1 + the index
	Event        []string
	Broadcast    []uint64 // 0 or 1

	at []uint64 // as the record has them
}

// Burns returns where row i's part of the burn columns begins and ends.
func (c *Charges) Burns(i int) (begin, end uint64) {
	if i > 0 {
		begin = c.BurnEnd[i-1]
	}
	return begin, c.BurnEnd[i]
}

// Charge sets *c to row i of the charges. Its slices are its own; c.Burned is reused.
func (b *Batch) Charge(i int, c *drawdown.Charge) {
	rows := &b.Charges
	burned := c.Burned[:0]
	for burn, end := rows.Burns(i); burn < end; burn++ {
		burned = append(burned, drawdown.Burn{
			Grant:   b.Strings[rows.BurnGrantIndex[burn]],
			Credits: drawdown.Credits(rows.BurnCredits[burn]),
		})
	}
	*c = drawdown.Charge{
		Head: drawdown.Head{
			Offset:  drawdown.Offset(rows.Offset[i]),
			N:       int(rows.N[i]),
			At:      drawdown.Time(rows.At[i]),
			Account: b.Strings[rows.AccountIndex[i]],
		},
		Time:                 drawdown.Time(rows.Time[i]),
		Connection:           b.Strings[rows.ConnectionIndex[i]],
		SourceConnector:      b.Strings[rows.SourceConnectorIndex[i]],
		DestinationConnector: b.Strings[rows.DestinationConnectorIndex[i]],
		Job:                  rows.Job[i],
		Attempt:              rows.Attempt[i],
		Event:                []byte(rows.Event[i]),
		Kind:                 b.Strings[rows.KindIndex[i]],
		Meter:                drawdown.Meter(rows.Meter[i]),
		Quantity:             rows.Quantity[i],
		Credits:              drawdown.Total128(0, rows.Credits[i]),
		Waived:               drawdown.Total128(rows.WaivedHigh[i], rows.WaivedLow[i]),
		Free:                 rows.Free[i] != 0,
		Rates:                b.Strings[rows.RatesIndex[i]],
		Burned:               burned,
		Overdraft:            drawdown.Credits(rows.Overdraft[i]),
	}
	if stream := rows.StreamIndex[i]; stream > 0 {
		c.Stream = []byte(b.Strings[stream-1])
	}
}

// Duplicate sets *d to row i of the duplicates.
func (b *Batch) Duplicate(i int, d *drawdown.Duplicate) {
	rows := &b.Duplicates
	*d = drawdown.Duplicate{
		Head: drawdown.Head{
			Offset: drawdown.Offset(rows.Offset[i]),
			N:      int(rows.N[i]),
			At:     drawdown.Time(rows.At[i]),
		},
		Event:     []byte(rows.Event[i]),
		Broadcast: rows.Broadcast[i] != 0,
	}
	if account := rows.AccountIndex[i]; account > 0 {
		d.Account = b.Strings[account-1]
	}
}

// EachRow calls charge and duplicate for the batch's entries in the order in which they happened. What is passed is
// valid during the call only.
func (b *Batch) EachRow(charge func(*drawdown.Charge), duplicate func(*drawdown.Duplicate)) {
	var c drawdown.Charge
	var d drawdown.Duplicate
	for i, j := 0, 0; i < b.Charges.Rows || j < b.Duplicates.Rows; {
		if j == b.Duplicates.Rows || i < b.Charges.Rows && b.Charges.Offset[i] < b.Duplicates.Offset[j] {
			b.Charge(i, &c)
			charge(&c)
			i++
		} else {
			b.Duplicate(j, &d)
			duplicate(&d)
			j++
		}
	}
}
