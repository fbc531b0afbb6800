package clickhouse

import (
	"errors"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// Config is how the sink works.
type Config struct {
	// DSN is the database: clickhouse://user:password@host:9000/database, or http:// or https:// and port 8123.
	DSN string
	// ChargesTopic and LedgerTopic are where the workers publish.
	ChargesTopic string
	LedgerTopic  string
	// Partitions are those to write; empty for all. With a group it must be empty.
	Partitions []int32
	// Group is a Kafka consumer group that divides the partitions between several sinks; empty for none. It decides
	// only who writes what: two sinks on one partition, for a while or for ever, write every row once all the same.
	Group string
	// BlockRowsMax is how many rows one insert has at most. ClickHouse likes few and large inserts.
	BlockRowsMax uint64
	// BlockAgeMax is how long the first row of a block waits for more. There are about one insert of each partition
	// and topic in this time: with many partitions it should be longer. While a partition is behind, its blocks may
	// take five times as long, and are larger.
	BlockAgeMax time.Duration
	// RowsInMemoryMax bounds the rows of all unfinished blocks together, at some 500 bytes each.
	RowsInMemoryMax uint64
	// InsertsMax is how many inserts are under way at a time. One at a time is a row sooner than two on a small server:
	// while it is under way the other lanes gather larger blocks.
	InsertsMax int
	// RequestTimeout is how long ClickHouse may take for one insert or query.
	RequestTimeout time.Duration
	// RetryMin and RetryMax are the pauses after a failure.
	RetryMin time.Duration
	RetryMax time.Duration
	// FetchWaitMax is how long Kafka may wait for new records before it answers.
	FetchWaitMax time.Duration
	// FetchBytesMax is how much is read from one partition at a time.
	FetchBytesMax int
	// NoteAfter is how long after the last block of a quiet partition it is noted that nothing remains to be done.
	NoteAfter time.Duration
	// BeginAnywhere lets a sink that has written nothing yet begin with the first record that the topics still have,
	// although they lack earlier ones. Otherwise it refuses.
	BeginAnywhere bool
}

// Default is a configuration for everything but the address.
func Default() Config {
	return Config{
		ChargesTopic:    "drawdown.charges",
		LedgerTopic:     "drawdown.ledger",
		BlockRowsMax:    200_000,
		BlockAgeMax:     time.Second,
		RowsInMemoryMax: 1_200_000, // 75,000 for each of eight partitions and two topics
		InsertsMax:      1,
		RequestTimeout:  time.Minute,
		RetryMin:        100 * time.Millisecond,
		RetryMax:        5 * time.Second, // so that it has caught up within seconds after ClickHouse comes back
		FetchWaitMax:    500 * time.Millisecond,
		FetchBytesMax:   1 << 20,
		NoteAfter:       time.Minute,
	}
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("clickhouse sink: %s: "+format, append([]any{name}, args...)...))
	}
	if c.DSN == "" {
		fault("dsn", "is missing; it has the form clickhouse://user:password@host:9000/database or http://host:8123/database")
	} else if _, err := ch.ParseDSN(c.DSN); err != nil {
		fault("dsn", "can't be read (it is not shown, as it may hold a password)")
	}
	if c.ChargesTopic == "" {
		fault("charges_topic", "is missing")
	}
	if c.LedgerTopic == "" {
		fault("ledger_topic", "is missing")
	}
	if c.ChargesTopic == c.LedgerTopic && c.ChargesTopic != "" {
		fault("ledger_topic", "is the charges topic too")
	}
	if c.Group != "" && len(c.Partitions) > 0 {
		fault("partitions", "can't be given together with a group, which assigns them")
	}
	seen := make(map[int32]bool)
	for _, p := range c.Partitions {
		if p < 0 || seen[p] {
			fault("partitions", "has %d below zero or twice", p)
		}
		seen[p] = true
	}
	bounds(fault, "block_rows_max", c.BlockRowsMax, 1, blockRowsBound-1)
	bounds(fault, "block_age_max", c.BlockAgeMax, time.Millisecond, 5*time.Minute)
	bounds(fault, "rows_in_memory_max", c.RowsInMemoryMax, max(c.BlockRowsMax, 1), 1<<32)
	bounds(fault, "inserts_max", c.InsertsMax, 1, 100)
	bounds(fault, "request_timeout", c.RequestTimeout, time.Second, time.Hour)
	bounds(fault, "retry_min", c.RetryMin, time.Millisecond, time.Minute)
	bounds(fault, "retry_max", c.RetryMax, max(c.RetryMin, time.Millisecond), time.Hour)
	bounds(fault, "fetch_wait_max", c.FetchWaitMax, time.Millisecond, time.Minute)
	bounds(fault, "fetch_bytes_max", c.FetchBytesMax, 1<<10, 1<<30)
	bounds(fault, "note_after", c.NoteAfter, time.Second, 24*time.Hour)
	return errors.Join(faults...)
}

func bounds[T int | uint64 | time.Duration](fault func(string, string, ...any), name string, v, low, high T) {
	if v < low || v > high {
		fault(name, "is %v; allowed are %v to %v", v, low, high)
	}
}
