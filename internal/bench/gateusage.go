package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// gateUsage appends usage events at a steady rate, partition after partition, while questions are asked.
type gateUsage struct {
	cancel context.CancelFunc
	ended  chan error
	sent   int           // valid after stop
	took   time.Duration // likewise
}

// use begins. Call stop.
func (r *gateRun) use(ctx context.Context) *gateUsage {
	ctx, cancel := context.WithCancel(ctx)
	u := &gateUsage{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		begun := time.Now()
		err := u.run(ctx, r)
		u.took = time.Since(begun)
		u.ended <- err
	}()
	return u
}

// stop ends it in order: what was begun to be appended is appended.
func (u *gateUsage) stop() error {
	u.cancel()
	return <-u.ended
}

func (u *gateUsage) run(ctx context.Context, r *gateRun) error {
	next := make([]int, len(r.accounts.partitions))
	begun := time.Now()
	ticker := time.NewTicker(paceInterval)
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		partition := turn % len(next)
		due := int(time.Since(begun).Seconds()*float64(r.options.Events)) - u.sent
		here := r.accounts.partitions[partition]
		if len(here) == 0 || due <= 0 {
			continue
		}
		records := make([]record, 0, due)
		for range min(due, usageBatchMax) {
			a := here[next[partition]%len(here)]
			next[partition]++
			records = append(records, record{key: a.name, value: r.accounts.use(a)})
		}
		if err := r.appendUsage(context.WithoutCancel(ctx), partition, records); err != nil {
			return err
		}
		u.sent += len(records)
	}
}

// usageBatchMax bounds one append: after a pause of the broker, what is due comes in several.
const usageBatchMax = 2000

// appendTimeout bounds an append, which is not cut off by the end of the load.
const appendTimeout = 30 * time.Second

func (r *gateRun) appendUsage(ctx context.Context, partition int, records []record) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	answer, err := r.cluster.client.Produce(ctx, &kafkago.ProduceRequest{
		Topic: r.cluster.config.Worker.MeteringTopic, Partition: partition, RequiredAcks: kafkago.RequireAll, Records: reader(records),
	})
	if err == nil {
		err = errors.Join(answer.Error)
	}
	if err != nil {
		return fmt.Errorf("append usage: %w", err)
	}
	return nil
}
