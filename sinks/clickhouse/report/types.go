package report

import (
	"time"

	"drawdown"
)

// Window is a span of time as customers know it, cut into points, by UTC. The last point is the one under way.
type Window string

// The windows.
const (
	Daily   Window = "daily"   // 30 days
	Weekly  Window = "weekly"  // 26 weeks, from Monday
	Monthly Window = "monthly" // 12 months
	// Period is from UsageQuery.From to UsageQuery.To, by days: the plan's period. It may begin and end within a day;
	// its first point is the rest of that day.
	Period Window = "period"
)

// Dimension is what usage is split by.
type Dimension string

// The dimensions. A stream is named "connection / stream"; of one that the event did not name the stream is "".
const (
	ByConnection  Dimension = "connection"
	ByStream      Dimension = "stream"
	BySource      Dimension = "source"
	ByDestination Dimension = "destination"
)

// UsageQuery asks what an account used.
type UsageQuery struct {
	Account    string
	Connection string // "" for all
	Window     Window
	By         Dimension
	From, To   time.Time // of Period; To is exclusive
	Now        time.Time // the windows end with the day, week or month that it lies in
	// Top keeps the so many with the most credits (billed and free), and adds the rest up as Other; 0 for all.
	Top int
}

// Usage is what an account used in a window.
type Usage struct {
	AsOf   time.Time
	From   time.Time   // of the first point
	To     time.Time   // the end of the last, exclusive
	Points []time.Time // the beginning of each
	Series []Series    // most credits first, then by name
	Other  *Series     // the rest together; nil where there is none
	Total  Series      // all of it; its Name is ""
}

// Series is one connection's, stream's, source's or destination's usage: a sum for each point, and their sum.
type Series struct {
	Name   string
	Points []Amounts
	Total  Amounts
}

// Amounts are sums over charges. Billed and Free are in nano-credits: what was charged, and what free events would have
// cost.
type Amounts struct {
	Events                     uint64
	Billed, Free               drawdown.Total
	Records, Bytes, Operations drawdown.Total
}

// SyncQuery asks for an account's syncs, the latest first.
type SyncQuery struct {
	Account    string
	Connection string    // "" for all
	From, To   time.Time // charged within; zero: without bound
	Cursor     string    // "" begins
	Limit      int       // 1 to 1,000
}

// SyncPage is a page of syncs.
type SyncPage struct {
	AsOf  time.Time
	Syncs []Sync
	Next  string // the cursor of the next page, "" after the last
}

// Sync is a job of a connection: all of its attempts. In a page with bounds only charges within them count.
type Sync struct {
	Connection          string
	Job                 uint64
	Source, Destination string
	Attempts            int
	FirstAt, LastAt     time.Time // when its charges were made
	Amounts             Amounts
}

// Receipt shows what one sync cost and why, so that it can be added up by hand.
type Receipt struct {
	AsOf    time.Time
	Account string
	Sync    Sync
	// Attempts in order of number, each with its streams by name.
	Attempts []ReceiptAttempt
	// Burned is what was taken from which grant, over all lines, by first use. Overdraft is what no grant covered.
	Burned    []Burn
	Overdraft drawdown.Total
}

// ReceiptAttempt is one attempt of a sync.
type ReceiptAttempt struct {
	Attempt uint64
	Lines   []ReceiptLine
	Amounts Amounts
}

// ReceiptLine is what one stream of an attempt cost under one rate.
type ReceiptLine struct {
	Stream    string
	Kind      string // of the source connector
	Meter     string // records, bytes, operations
	Rates     string // version of the rate card
	Category  string // billed, free
	Quantity  drawdown.Total
	Events    uint64
	Credits   drawdown.Total // billed
	Waived    drawdown.Total
	Burned    []Burn
	Overdraft drawdown.Total
}

// Burn is what was taken from a grant, in nano-credits.
type Burn struct {
	Grant   string
	Credits drawdown.Total
}

// LedgerQuery asks for ledger entries, the latest first.
type LedgerQuery struct {
	Account  string
	Types    []string  // nil for all
	From, To time.Time // zero: without bound; To is exclusive
	Cursor   string
	Limit    int // 1 to 1,000
}

// LedgerPage is a page of the ledger.
type LedgerPage struct {
	AsOf    time.Time
	Entries []Entry
	Next    string
}

// Entry is a ledger entry: where it stands in the log, and its line (contract, section 8).
type Entry struct {
	Partition int32
	Offset    drawdown.Offset
	N         int
	At        time.Time
	Type      string
	Line      []byte // JSON
}

// ChargeQuery asks for single charges, the oldest first.
type ChargeQuery struct {
	Account    string
	Connection string
	Job        *uint64
	From, To   time.Time // charged within; To is exclusive
}

// Charge is one charge, as the contract's section 8 has it.
type Charge struct {
	Partition                    int32
	Offset                       drawdown.Offset
	N                            int
	At, Time                     time.Time
	Connection                   string
	Source, Destination          string
	Job, Attempt                 uint64
	Stream, Event                string
	Kind, Meter, Rates, Category string
	Quantity                     uint64
	Credits, Waived, Overdraft   drawdown.Total
	Burned                       []Burn
}

// PurchaseQuery asks for an account's purchases, the latest first.
type PurchaseQuery struct {
	Account string
	Cursor  string
	Limit   int // 1 to 1,000
}

// PurchasePage is a page of purchases.
type PurchasePage struct {
	AsOf      time.Time
	Purchases []Purchase
	Next      string
}

// Purchase is what became of one purchase, by the ledger.
type Purchase struct {
	ID       string
	Kind     string // manual, auto
	State    string // open, settled, failed
	Quantity string // credits
	Amount   string // money, without tax
	Currency string
	Tax      string // "" where there is none
	Receipt  string // the receipt's address, "" where there is none
	Reason   string // of a failure or of the last refusal, "" where there is none
	Attempts int    // charges tried, as far as the ledger says
	// RequestedAt is zero for an order by hand, SettledAt for what is not settled, FailedAt for what did not fail.
	RequestedAt, SettledAt, FailedAt time.Time
	Refunded                         string // credits taken back, "" where there is none
}

// EstimateQuery asks what a sync would cost.
type EstimateQuery struct {
	Account             string
	Connection          string // its own syncs of the last 30 days, where there are enough
	Source, Destination string // else those of the account's connections between the same connectors
	Now                 time.Time
	// Quantity is what the sync would move, by the meter that rates it; nil where the caller doesn't know: as much as
	// usual.
	Quantity *uint64
}

// Estimate is what a sync would cost, from what syncs cost in the last 30 days.
type Estimate struct {
	AsOf  time.Time
	Basis string // connection, connectors, none
	Syncs int    // how many it is computed from
	// Median and P90 are credits a sync; with a quantity, that quantity times the median and the p90 price of one.
	Median, P90 drawdown.Total
	Meter       string // which quantity is meant
}

// BurnRate is what an account used lately, for forecasts.
type BurnRate struct {
	AsOf time.Time
	// Days are the billed credits of the last 30 whole days, the oldest first, and Today those of the day under way.
	Days  []drawdown.Total
	Today drawdown.Total
}
