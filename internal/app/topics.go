package app

import (
	"context"
	"errors"
	"fmt"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer"
	"drawdown/notify/outbox"
)

// EnsureTopics creates the topics that are missing and checks all of them: those of the worker, and the delivery log, which
// has as many partitions. It changes no topic that is there.
func (c *Config) EnsureTopics(ctx context.Context, cluster *Cluster, spec consumer.TopicSpec) error {
	if err := c.Topics(cluster).Ensure(ctx, spec); err != nil {
		return err
	}
	topic := c.Notifier.DeliveriesTopic
	client := kafka.Client{Addr: cluster.Addr, Transport: cluster.Transport}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{outbox.TopicConfig(topic, spec.Partitions, spec.ReplicationFactor)},
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	if err := answer.Errors[topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return c.checkDeliveries(ctx, cluster, spec.Partitions)
}

// checkDeliveries compares the delivery log's partitions with the log's.
func (c *Config) checkDeliveries(ctx context.Context, cluster *Cluster, want int) error {
	box, err := c.openOutbox(cluster)
	if err != nil {
		return err
	}
	count, err := box.Partitions(ctx)
	if err != nil {
		return fmt.Errorf("topic %s: %w", c.Notifier.DeliveriesTopic, err)
	}
	if int(count) != want {
		return fmt.Errorf("topic %s has %d partitions, the log has %d: recreate it with as many; its records say which notices were delivered", c.Notifier.DeliveriesTopic, count, want)
	}
	return nil
}

// CheckTopics returns what the cluster has, and the first thing at which the topics can't be worked on.
func (c *Config) CheckTopics(ctx context.Context, cluster *Cluster) (consumer.TopicState, error) {
	state, err := c.Topics(cluster).Check(ctx)
	if err != nil {
		return state, err
	}
	want := state.Partitions[c.Worker.MeteringTopic]
	if err := c.checkDeliveries(ctx, cluster, want); err != nil {
		return state, err
	}
	state.Partitions[c.Notifier.DeliveriesTopic] = want
	return state, nil
}
