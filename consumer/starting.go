package consumer

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
)

// ranger tells what the logs of partitions hold.
type ranger interface {
	Offsets(ctx context.Context, topic string, partitions []int32) (map[int32]fetch.Range, error)
}

// start checks that the partition may be worked on, claims it and restores the state machine.
func (p *partition) start(ctx context.Context) (*started, error) {
	w := p.worker
	partitions, err := w.checkTopics(ctx, p.retrier)
	if err != nil {
		return nil, err
	}
	if err := p.checkPosition(ctx); err != nil {
		return nil, err
	}
	s := &started{machine: w.deps.NewMachine(p.index)}
	s.decoder = &decoder{partition: p.index, partitions: partitions, keys: w.deps.Keys}
	if err := p.claim(ctx, s); err != nil {
		return nil, err
	}
	owned := &ownership{partition: p.index, epoch: s.epoch, store: w.deps.Store, retrier: p.retrier, gauge: p.gauge}
	if err := p.restoreCatalogue(ctx, s); err != nil {
		return nil, err
	}
	if err := owned.verify(ctx); err != nil {
		return nil, err
	}
	s.loader = &loader{
		partition: p.index, ownership: owned, store: w.deps.Store, machine: s.machine, retrier: p.retrier,
		metrics: w.metrics, seen: make(map[string]struct{}),
	}
	return s, nil
}

// checkPosition refuses to begin at offset 0 where there was progress before: the store has lost the partition.
func (p *partition) checkPosition(ctx context.Context) error {
	w := p.worker
	var position balance.Position
	err := p.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
		position, err = w.deps.Store.Position(ctx, p.index)
		return err
	})
	if err != nil || position.Exists {
		return err
	}
	if p.committed > 0 {
		return &MissingPositionError{Partition: p.index, Progress: fmt.Sprintf("the consumer group stands at offset %d", p.committed)}
	}
	for _, topic := range []string{w.cfg.ChargesTopic, w.cfg.LedgerTopic, w.cfg.RejectedTopic} {
		var ranges map[int32]fetch.Range
		err := p.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
			ranges, err = w.deps.Source.Offsets(ctx, topic, []int32{p.index})
			return err
		})
		if err != nil {
			return err
		}
		if latest := ranges[p.index].Latest; latest > 0 {
			return &MissingPositionError{Partition: p.index, Progress: fmt.Sprintf("%d records were published to topic %s", latest, topic)}
		}
	}
	return nil
}

// claim makes this worker the only one whose commits are taken.
func (p *partition) claim(ctx context.Context, s *started) error {
	token := uuid.NewString()
	err := p.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
		s.epoch, s.position, err = p.worker.deps.Store.Claim(ctx, p.index, token)
		return err
	})
	if err != nil {
		return err
	}
	s.machine.RestorePosition(s.position)
	added := p.gauge.begin(s.position.Next, s.position.Statuses)
	p.worker.metrics.count(&added)
	return nil
}

func (p *partition) restoreCatalogue(ctx context.Context, s *started) error {
	var entries [][]byte
	err := p.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
		entries, err = p.worker.deps.Store.Catalogue(ctx, p.index)
		return err
	})
	if err != nil {
		return err
	}
	decode := func(value []byte, rec *drawdown.Record) { s.decoder.values.Decode(value, drawdown.NoTime, rec) }
	if err := s.machine.RestoreCatalogue(entries, decode); err != nil {
		return &StateError{Partition: p.index, Err: err}
	}
	return nil
}

// checkTopics checks what must hold before any partition is touched, and returns the number of partitions.
func (w *Worker) checkTopics(ctx context.Context, r *retrier) (int, error) {
	var found TopicState
	err := r.do(ctx, "start", func(ctx context.Context) (err error) {
		found, err = w.deps.Topics.State(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	// The topics are checked among each other before their number of partitions is recorded for ever.
	if err := found.check(&w.cfg, 0); err != nil {
		return 0, err
	}
	var recorded int
	err = r.do(ctx, "start", func(ctx context.Context) (err error) {
		recorded, err = w.deps.Store.RecordPartitions(ctx, found.Partitions[w.cfg.MeteringTopic])
		return err
	})
	if err != nil {
		return 0, err
	}
	return recorded, found.check(&w.cfg, recorded)
}
