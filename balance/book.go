package balance

import (
	"encoding/binary"

	"drawdown"
)

// purchaseBook is what an account remembers for ever of the purchases that settled: how many credits each bought, and how
// many of them are gone (contract, section 9, "Refunds"). What was used is neither gone nor left in the grant.
//
// It is stored as an append-only segment of entries, each the fingerprint of the purchase's id and a number: an amount
// bought, shifted left by one, or an amount gone, shifted left by one and marked by the lowest bit. So nothing that is merely
// remembered is written again.
type purchaseBook struct {
	lines map[fingerprint]bookLine
	bytes int // length of the segment
}

type bookLine struct {
	bought drawdown.Credits
	gone   drawdown.Credits // expired, voided, or taken back by refunds
}

// line returns what the book has of a purchase, and whether it was ever settled.
func (b *purchaseBook) line(id string) (bookLine, bool) {
	if len(b.lines) == 0 {
		return bookLine{}, false
	}
	line, settled := b.lines[fingerprintOf(id)]
	return line, settled
}

func (b *purchaseBook) wasSettled(id string) bool {
	_, settled := b.line(id)
	return settled
}

const goneBit = 1

// bookSettled enters a purchase.
func (a *account) bookSettled(id string, bought drawdown.Credits) {
	if a.purchases.book.lines == nil {
		a.purchases.book.lines = map[fingerprint]bookLine{}
	}
	f := fingerprintOf(id)
	a.purchases.book.lines[f] = bookLine{bought: bought}
	a.appendBook(f, uint64(bought)<<1)
}

// bookGone enters that credits of a purchase are gone.
func (a *account) bookGone(id string, gone drawdown.Credits) {
	f := fingerprintOf(id)
	line := a.purchases.book.lines[f]
	line.gone += gone
	a.purchases.book.lines[f] = line
	a.appendBook(f, uint64(gone)<<1|goneBit)
}

func (a *account) appendBook(f fingerprint, number uint64) {
	before := len(a.bookAdded)
	a.bookAdded = binary.AppendUvarint(append(a.bookAdded, f[:]...), number)
	a.purchases.book.bytes += len(a.bookAdded) - before
}

// restore takes the segment, whose length must be the one that the account's core has.
func (b *purchaseBook) restore(packed []byte) bool {
	if len(packed) != b.bytes {
		return false
	}
	b.lines = map[fingerprint]bookLine{}
	for len(packed) > 0 {
		const size = len(fingerprint{})
		if len(packed) < size {
			return false
		}
		f := fingerprint(packed)
		number, n := binary.Uvarint(packed[size:])
		if n <= 0 {
			return false
		}
		packed = packed[size+n:]
		line, settled := b.lines[f]
		amount := drawdown.Credits(number >> 1)
		switch gone := number&goneBit != 0; {
		case gone == !settled: // entered before it settled, or settled twice
			return false
		case gone:
			line.gone += amount
		default:
			line.bought = amount
		}
		b.lines[f] = line
	}
	return true
}
