package demo

import (
	"context"
	"errors"
	"fmt"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
	"drawdown/sinks/clickhouse"
)

// owner is a connection of an account.
type owner struct{ account, connection string }

// usage is what a connection used: usage events charged, their quantity, and their credits.
type usage struct {
	events          uint64
	quantity        drawdown.Total
	credits, waived drawdown.Total
}

func (u *usage) add(c *drawdown.Charge) {
	u.events++
	u.quantity = u.quantity.Plus(drawdown.Total128(0, c.Quantity))
	u.credits, u.waived = u.credits.Plus(c.Credits), u.waived.Plus(c.Waived)
}

// logEvidence is what the log means: what follows from replaying it.
type logEvidence struct {
	total       usage
	connections map[owner]*usage
	balances    map[string]drawdown.Balance
	last        map[int32]clickhouse.Position // the last charge of each partition that has any
	purchases   ledgerEvidence
	rejected    map[drawdown.Reason]int
	duplicates  int // usage events
	echoes      int // operations: a payment is told by the reply to its request, and by the gateway's event
}

func newLogEvidence() *logEvidence {
	return &logEvidence{
		connections: map[owner]*usage{}, balances: map[string]drawdown.Balance{},
		last: map[int32]clickhouse.Position{}, purchases: ledgerEvidence{}, rejected: map[drawdown.Reason]int{},
	}
}

// redisEvidence is what Redis has of each account.
type redisEvidence struct {
	available map[string]drawdown.Credits // the plain number that other programs read
	balances  map[string]drawdown.Balance // the packed state
	damaged   []error                     // what can't be what the worker wrote
}

// damagedError says that Redis holds something that the worker did not write.
type damagedError struct{ err error }

func (e *damagedError) Error() string { return e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// clickhouseEvidence is what reports are made of.
type clickhouseEvidence struct {
	totals      clickhouse.ChargeTotals // counted row by row
	connections []clickhouse.ConnectionUsage
}

// replayLog reads the whole log from Kafka and runs it through an engine of its own.
func (d *demo) replayLog(ctx context.Context) (*logEvidence, error) {
	evidence := newLogEvidence()
	ends, err := d.reader.Offsets(ctx, d.config.Worker.MeteringTopic, allPartitions())
	if err != nil {
		return nil, err
	}
	for _, p := range allPartitions() {
		r := &replayed{partition: p, machine: balance.NewPartition(p), keys: d.keys, evidence: evidence}
		if err := d.readLog(ctx, p, ends[p], r.apply); err != nil {
			return nil, fmt.Errorf("read the log back: %w", err)
		}
		for _, b := range r.machine.Balances() {
			evidence.balances[b.Account] = b
		}
	}
	return evidence, nil
}

// readLog reads one partition of the log, from its first record to an end.
func (d *demo) readLog(ctx context.Context, partition int32, all fetch.Range, apply func(*fetch.Record) error) error {
	const bytesMax = 4 << 20
	if all.Earliest != 0 {
		return fmt.Errorf("partition %d begins at offset %d", partition, all.Earliest)
	}
	for next := int64(0); next < all.Latest; {
		response, err := d.reader.Fetch(ctx, fetch.Request{
			Topic: d.config.Worker.MeteringTopic, BytesMax: bytesMax, WaitMax: ledgerWait,
			Partitions: []fetch.Partition{{ID: partition, Offset: next, BytesMax: bytesMax}},
		})
		if err != nil {
			return err
		}
		if next, err = applySet(response.Sets[0], all.Latest, apply); err != nil {
			return err
		}
		response.Release()
	}
	return nil
}

func applySet(set *fetch.Set, end int64, apply func(*fetch.Record) error) (next int64, err error) {
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		if err != nil || !more || record.Offset >= end {
			return set.NextOffset(), err
		}
		if err := apply(&record); err != nil {
			return 0, err
		}
	}
}

// replayed is the replay of one partition.
type replayed struct {
	partition int32
	machine   *balance.Partition
	decoder   decode.Decoder
	record    drawdown.Record
	keys      *signature.Keys
	evidence  *logEvidence
}

// apply applies a record by the contract's rules for Kafka: signature and partition are checked before the rest.
func (r *replayed) apply(source *fetch.Record) error {
	rec := &r.record
	r.decoder.Reset()
	rec.Offset = drawdown.Offset(source.Offset)
	r.decoder.Decode(source.Value, drawdown.Time(source.AppendTime), rec)
	if rec.Reject == "" {
		header, _ := source.Header(signature.Header)
		switch {
		case rec.Type.IsOperation() && !r.keys.Verify(source.Value, header):
			rec.Reject = drawdown.UnsignedOperation
		case rec.Account != nil && murmur.Partition(rec.Account, partitions) != r.partition:
			rec.Reject = drawdown.WrongPartition
		}
	}
	if rec.Account != nil && r.machine.Missing(rec.Account) {
		if _, err := r.machine.Restore(balance.Stored{Account: string(rec.Account)}); err != nil {
			return err
		}
	}
	r.machine.Apply(rec, r)
	return nil
}

// Charge implements drawdown.Output.
func (r *replayed) Charge(c *drawdown.Charge) {
	e := r.evidence
	e.total.add(c)
	of := owner{c.Account, c.Connection}
	if e.connections[of] == nil {
		e.connections[of] = &usage{}
	}
	e.connections[of].add(c)
	e.last[r.partition] = clickhouse.Position{Offset: c.Offset, N: c.N}
}

// Ledger implements drawdown.Output.
func (r *replayed) Ledger(e drawdown.Entry) { r.evidence.purchases.take(e) }

// Rejected implements drawdown.Output. What the visitor tried at the page is no part of the story.
func (r *replayed) Rejected(rejected *drawdown.Rejected) {
	if string(r.record.Source) != visitorSource {
		r.evidence.rejected[rejected.Reason]++
	}
}

// Duplicate implements drawdown.Output.
func (r *replayed) Duplicate(*drawdown.Duplicate) {
	if r.record.Type.IsOperation() {
		r.evidence.echoes++
	} else {
		r.evidence.duplicates++
	}
}

// balances reads every account of the story that Redis has, from its packed state.
func (d *demo) balances(ctx context.Context) (map[string]drawdown.Balance, error) {
	balances := map[string]drawdown.Balance{}
	for p, accounts := range d.byPartition() {
		machine, err := d.restore(ctx, p, accounts)
		if err != nil {
			return nil, err
		}
		for _, b := range machine.Balances() {
			balances[b.Account] = b
		}
	}
	return balances, nil
}

// restore reads accounts of one partition, and then the catalogue, in which every plan that they refer to stands by then.
func (d *demo) restore(ctx context.Context, partition int32, accounts []string) (*balance.Partition, error) {
	stored, err := d.store.Load(ctx, partition, accounts)
	if err != nil {
		return nil, err
	}
	catalogue, err := d.store.Catalogue(ctx, partition)
	if err != nil {
		return nil, err
	}
	var decoder decode.Decoder
	machine := balance.NewPartition(partition)
	err = machine.RestoreCatalogue(catalogue, func(value []byte, rec *drawdown.Record) {
		decoder.Reset()
		decoder.Decode(value, drawdown.NoTime, rec)
	})
	for i := range stored {
		if err == nil {
			_, err = machine.Restore(stored[i])
		}
	}
	if err != nil {
		return nil, &damagedError{fmt.Errorf("partition %d: %w", partition, err)}
	}
	return machine, nil
}

// byPartition groups the accounts of the story.
func (d *demo) byPartition() map[int32][]string {
	groups := map[int32][]string{}
	for i := range d.story {
		account := d.story[i].account
		p := murmur.Partition([]byte(account), partitions)
		groups[p] = append(groups[p], account)
	}
	return groups
}

// readRedis reads every account in both forms.
func (d *demo) readRedis(ctx context.Context) (*redisEvidence, error) {
	evidence := &redisEvidence{available: map[string]drawdown.Credits{}, balances: map[string]drawdown.Balance{}}
	for p, accounts := range d.byPartition() {
		marks, err := d.store.Balances(ctx, p, accounts)
		if err != nil {
			return nil, fmt.Errorf("read balances: %w", err)
		}
		for i, account := range accounts {
			if marks[i].Version > 0 {
				evidence.available[account] = marks[i].Balance
			}
		}
		machine, err := d.restore(ctx, p, accounts)
		var damaged *damagedError
		if errors.As(err, &damaged) {
			evidence.damaged = append(evidence.damaged, damaged)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read balances: %w", err)
		}
		for _, b := range machine.Balances() {
			evidence.balances[b.Account] = b
		}
	}
	return evidence, nil
}

// readClickHouse reads rows and rollups.
func (d *demo) readClickHouse(ctx context.Context) (*clickhouseEvidence, error) {
	totals, err := d.database.Totals(ctx)
	if err != nil {
		return nil, err
	}
	connections, err := d.database.Usage(ctx, "")
	if err != nil {
		return nil, err
	}
	return &clickhouseEvidence{totals: totals, connections: connections}, nil
}
