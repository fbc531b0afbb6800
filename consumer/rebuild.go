package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/balance"
)

// A rebuild makes the state of a partition anew from the log, for a store that has lost it. It publishes nothing:
// everything up to where it ends was published before. From there the worker goes on as ever.

// LogCutError says that the log no longer has its beginning, so that no state can be made from it.
type LogCutError struct {
	Partition int32
	Earliest  int64
}

func (e *LogCutError) Error() string {
	return fmt.Sprintf("the log of partition %d begins at offset %d: its state can't be made from it; restore the store from a backup, the worker replays what the backup lacks",
		e.Partition, e.Earliest)
}

func (*LogCutError) stops() {}

// PartitionKeptError says that the store has the partition, so nothing needs to be rebuilt.
type PartitionKeptError struct{ Partition int32 }

func (e *PartitionKeptError) Error() string {
	return fmt.Sprintf("the store has partition %d: it needs no rebuild; `drawdown partitions rebuild --partition %d --drop` makes it anew all the same",
		e.Partition, e.Partition)
}

func (*PartitionKeptError) stops() {}

// rebuildEvents is how many records one commit of a rebuild has.
const rebuildEvents = 20_000

// Committed asks Kafka for the offset that the worker's group has for a partition, 0 where it has none. Everything
// before it is published and was committed.
func (w *Worker) Committed(ctx context.Context, partition int32) (drawdown.Offset, error) {
	transport, ok := w.producer.(*producer)
	if !ok {
		return 0, errors.New("asking for a group's offset needs a connection to Kafka")
	}
	client := kafka.Client{Addr: transport.addr, Transport: transport.transport}
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: w.cfg.Group, Topics: map[string][]int{w.cfg.MeteringTopic: {int(partition)}},
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the offset of group %s: %w", w.cfg.Group, err)
	}
	found := answer.Topics[w.cfg.MeteringTopic]
	if len(found) == 0 {
		return 0, nil
	}
	if found[0].Error != nil {
		return 0, fmt.Errorf("ask for the offset of group %s: %w", w.cfg.Group, found[0].Error)
	}
	return drawdown.Offset(max(0, found[0].CommittedOffset)), nil
}

// Rebuild makes the state of a partition from the log's beginning up to until. progress is told after each commit.
// It may be interrupted and run again after the partition is dropped.
func (w *Worker) Rebuild(ctx context.Context, partition int32, until drawdown.Offset, progress func(drawdown.Offset)) error {
	r := &retrier{
		attemptTimeout: w.cfg.AttemptTimeout, pauseMax: w.cfg.RetryPauseMax, log: w.log.With("partition", partition), count: w.metrics.retried,
	}
	partitions, err := w.checkTopics(ctx, r)
	if err != nil {
		return err
	}
	if err := w.checkRebuild(ctx, r, partition); err != nil {
		return err
	}
	b := &rebuild{
		worker: w, partition: partition, retrier: r, machine: w.deps.NewMachine(partition),
		decoder: &decoder{partition: partition, partitions: partitions, keys: w.deps.Keys},
	}
	if err := b.claim(ctx); err != nil {
		return err
	}
	for b.next < until {
		if err := b.batch(ctx, until); err != nil {
			return err
		}
		progress(b.next)
	}
	return nil
}

func (w *Worker) checkRebuild(ctx context.Context, r *retrier, partition int32) error {
	return r.do(ctx, "rebuild", func(ctx context.Context) error {
		position, err := w.deps.Store.Position(ctx, partition)
		if err != nil {
			return err
		}
		if position.Exists {
			return &PartitionKeptError{Partition: partition}
		}
		ranges, err := w.deps.Source.Offsets(ctx, w.cfg.MeteringTopic, []int32{partition})
		if err != nil {
			return err
		}
		if earliest := ranges[partition].Earliest; earliest > 0 {
			return &LogCutError{Partition: partition, Earliest: earliest}
		}
		return nil
	})
}

// rebuild is a rebuild under way. All accounts stay in memory: none is ever read back.
type rebuild struct {
	worker    *Worker
	partition int32
	retrier   *retrier
	machine   machine
	decoder   *decoder
	epoch     balance.Epoch
	next      drawdown.Offset
}

func (b *rebuild) claim(ctx context.Context) error {
	token := uuid.NewString()
	return b.retrier.do(ctx, "rebuild", func(ctx context.Context) error {
		epoch, position, err := b.worker.deps.Store.Claim(ctx, b.partition, token)
		if err == nil {
			b.epoch = epoch
			b.machine.RestorePosition(position)
		}
		return err
	})
}

// batch applies some records and commits what they changed.
func (b *rebuild) batch(ctx context.Context, until drawdown.Offset) error {
	begun := b.next
	for b.next < until && b.next-begun < rebuildEvents {
		var answer *fetched
		err := b.retrier.do(ctx, "fetch", func(ctx context.Context) (err error) {
			answer, err = b.worker.deps.Source.read(ctx, b.partition, b.next)
			return err
		})
		if err != nil {
			return err
		}
		err = b.apply(answer, until)
		answer.release()
		if err != nil {
			return err
		}
	}
	return b.commit(ctx)
}

func (b *rebuild) apply(answer *fetched, until drawdown.Offset) error {
	for rest := answer.records; len(rest) > 0 && b.next < until; {
		step := rest[:min(len(rest), decodeEvents, int(until-b.next))]
		records := b.decoder.decode(step)
		for i := range records {
			if err := b.ensure(&records[i]); err != nil {
				return err
			}
			b.machine.Apply(&records[i], discard{})
			b.next = records[i].Offset + 1
		}
		rest = rest[len(step):]
	}
	return nil
}

// ensure tells the machine that an account which it has not seen is not stored anywhere.
func (b *rebuild) ensure(rec *drawdown.Record) error {
	if rec.Account == nil || !b.machine.Missing(rec.Account) {
		return nil
	}
	_, err := b.machine.Restore(balance.Stored{Account: string(rec.Account)})
	return err
}

func (b *rebuild) commit(ctx context.Context) error {
	commit := b.machine.Take(b.epoch, b.next)
	b.machine.TakeGaps()
	var outcome balance.Outcome
	err := b.retrier.do(ctx, "commit", func(ctx context.Context) (err error) {
		outcome, err = b.worker.deps.Store.Commit(ctx, commit)
		return err
	})
	if err != nil {
		return err
	}
	return judge(b.partition, outcome, commit)
}

// discard takes what records cause, which was published before.
type discard struct{}

func (discard) Charge(*drawdown.Charge)       {}
func (discard) Ledger(drawdown.Entry)         {}
func (discard) Rejected(*drawdown.Rejected)   {}
func (discard) Duplicate(*drawdown.Duplicate) {}
