package clickhouse

import (
	"slices"
	"strings"
	"time"

	"drawdown"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
)

// Block is the rows of one insert, by column, and what is known about them. Only the columns of its stream are used.
type Block struct {
	Intent
	charges chargeColumns
	ledger  ledgerColumns

	monthBegin, monthEnd drawdown.Time // of Month
	reserved             int64         // rows of the budget
}

// begin empties the block, which then follows the state.
func (b *Block) begin(stream Stream, partition int32, s *state) {
	b.Intent = Intent{
		Stream: stream, Partition: partition, Block: s.block, From: s.held, To: s.held,
		Covered: s.covered, KafkaFirst: s.kafka, KafkaNext: s.kafka, Until: s.until, Last: s.last,
	}
	b.charges.clear()
	b.ledger.clear()
}

// fits reports whether a row stamped with at may be in the block: an insert is atomic within one month only.
func (b *Block) fits(at drawdown.Time) bool {
	if b.Rows == 0 {
		month := time.UnixMilli(int64(at)).UTC()
		begin := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC)
		b.Month = uint32(begin.Year()*100 + int(begin.Month()))
		b.monthBegin, b.monthEnd = drawdown.TimeOf(begin), drawdown.TimeOf(begin.AddDate(0, 1, 0))
	}
	return at >= b.monthBegin && at < b.monthEnd
}

// seal notes how far the block's rows bring the table. What it keeps of them is its own: the rows share their bytes with
// the record that they came from.
//
// A charge is stamped with the clock of the log, so those that follow a charge are not before it. A ledger entry may be
// stamped with the past, and never with the future: what follows it comes from a record at which the clock was past the
// entry's instant.
func (b *Block) seal() {
	if b.Rows == 0 {
		return
	}
	last := int(b.Rows) - 1
	if b.Stream == Ledger {
		c := &b.ledger
		b.Last = Key{At: drawdown.Time(c.at[last]), Account: strings.Clone(c.account[last])}
		b.Until = max(b.Until, drawdown.Time(slices.Max(c.at)))
		return
	}
	c := &b.charges
	b.Last = Key{drawdown.Time(c.at[last]), strings.Clone(c.account[last]), strings.Clone(c.connection[last])}
	b.Until = max(b.Until, b.Last.At)
}

// add counts a row that was added.
func (b *Block) add(p Position) {
	b.To = p
	b.Rows++
}

// chargeColumns are what is sent for the columns of the table charges. A column that repeats few texts holds them as
// strings that share their bytes with the record that they came from.
type chargeColumns struct {
	offset                                []uint64
	n                                     []uint32
	at, time                              []int64
	account, connection                   []string
	sourceConnector, destinationConnector []string
	job, attempt                          []uint64
	stream, event, kind                   []string
	meter                                 []int8
	quantity                              []uint64
	category                              []int8
	rates                                 []string
	credits, waivedLow, waivedHigh        []uint64
	burnEnd                               []int // end of the row's part of the two columns that follow
	burnGrant                             []string
	burnCredits                           []uint64
	overdraft                             []uint64
}

// texts gives the columns of strings, which are cleared so that a block in the pool keeps no record alive.
func (c *chargeColumns) texts() [9]*[]string {
	return [...]*[]string{&c.account, &c.connection, &c.sourceConnector, &c.destinationConnector, &c.stream, &c.event,
		&c.kind, &c.rates, &c.burnGrant}
}

// words gives the columns of 64 bits.
func (c *chargeColumns) words() [9]*[]uint64 {
	return [...]*[]uint64{&c.offset, &c.job, &c.attempt, &c.quantity, &c.credits, &c.waivedLow, &c.waivedHigh,
		&c.burnCredits, &c.overdraft}
}

// reserve makes room for more rows, each taken from one grant.
func (c *chargeColumns) reserve(rows int) {
	for _, column := range c.texts() {
		*column = reserve(*column, rows)
	}
	for _, column := range c.words() {
		*column = reserve(*column, rows)
	}
	c.n, c.at, c.time = reserve(c.n, rows), reserve(c.at, rows), reserve(c.time, rows)
	c.meter, c.category, c.burnEnd = reserve(c.meter, rows), reserve(c.category, rows), reserve(c.burnEnd, rows)
}

// reserve makes room in a column. It grows at least to double: append, which grows long columns by a quarter, copied
// each row several times.
func reserve[T any](column []T, rows int) []T {
	if cap(column)-len(column) >= rows {
		return column
	}
	return slices.Grow(column, max(rows, len(column)))
}

func (c *chargeColumns) clear() {
	for _, column := range c.texts() {
		clear(*column)
		*column = (*column)[:0]
	}
	for _, column := range c.words() {
		*column = (*column)[:0]
	}
	c.n, c.at, c.time, c.meter, c.category, c.burnEnd = c.n[:0], c.at[:0], c.time[:0], c.meter[:0], c.category[:0], c.burnEnd[:0]
}

// add copies row i of a batch.
func (c *chargeColumns) add(b *chargebatch.Batch, i int) {
	rows := &b.Charges
	c.offset = append(c.offset, rows.Offset[i])
	c.n = append(c.n, uint32(rows.N[i]))
	c.at = append(c.at, rows.At[i])
	c.time = append(c.time, rows.Time[i])
	c.account = append(c.account, b.Strings[rows.AccountIndex[i]])
	c.connection = append(c.connection, b.Strings[rows.ConnectionIndex[i]])
	c.sourceConnector = append(c.sourceConnector, b.Strings[rows.SourceConnectorIndex[i]])
	c.destinationConnector = append(c.destinationConnector, b.Strings[rows.DestinationConnectorIndex[i]])
	c.job = append(c.job, rows.Job[i])
	c.attempt = append(c.attempt, rows.Attempt[i])
	stream := ""
	if index := rows.StreamIndex[i]; index > 0 {
		stream = b.Strings[index-1]
	}
	c.stream = append(c.stream, stream)
	c.event = append(c.event, rows.Event[i])
	c.kind = append(c.kind, b.Strings[rows.KindIndex[i]])
	c.meter = append(c.meter, int8(rows.Meter[i]))
	c.quantity = append(c.quantity, rows.Quantity[i])
	c.category = append(c.category, int8(rows.Free[i]))
	c.rates = append(c.rates, b.Strings[rows.RatesIndex[i]])
	c.credits = append(c.credits, rows.Credits[i])
	c.waivedLow = append(c.waivedLow, rows.WaivedLow[i])
	c.waivedHigh = append(c.waivedHigh, rows.WaivedHigh[i])
	for burn, end := rows.Burns(i); burn < end; burn++ {
		c.burnGrant = append(c.burnGrant, b.Strings[rows.BurnGrantIndex[burn]])
		c.burnCredits = append(c.burnCredits, rows.BurnCredits[burn])
	}
	c.burnEnd = append(c.burnEnd, len(c.burnGrant))
	c.overdraft = append(c.overdraft, rows.Overdraft[i])
}

// burns returns where row i's part of the burn columns begins and ends.
func (c *chargeColumns) burns(i int) (begin, end int) {
	if i > 0 {
		begin = c.burnEnd[i-1]
	}
	return begin, c.burnEnd[i]
}

// ledgerColumns are what is sent for the columns of the table ledger.
type ledgerColumns struct {
	offset        []uint64
	n             []uint32
	at            []int64
	account, kind []string
	line          [][]byte
}

func (c *ledgerColumns) clear() {
	clear(c.account)
	clear(c.kind)
	clear(c.line)
	c.offset, c.n, c.at = c.offset[:0], c.n[:0], c.at[:0]
	c.account, c.kind, c.line = c.account[:0], c.kind[:0], c.line[:0]
}

func (c *ledgerColumns) add(e *ledgerevent.Event) {
	c.offset = append(c.offset, uint64(e.Offset))
	c.n = append(c.n, uint32(e.N))
	c.at = append(c.at, int64(e.At))
	c.account = append(c.account, e.Account)
	c.kind = append(c.kind, e.Type)
	c.line = append(c.line, e.Line)
}
