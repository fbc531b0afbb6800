package app

import (
	"context"
	"errors"
	"fmt"
	"maps"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/api/access/accesslog"
	"drawdown/consumer"
	"drawdown/notify/outbox"
)

// EnsureTopics creates the topics that are missing and checks all of them: those of the worker; the delivery log, which has
// as many partitions; API keys, in one partition; and the audit log. It changes no topic that is there.
func (c *Config) EnsureTopics(ctx context.Context, cluster *Cluster, spec consumer.TopicSpec) error {
	if err := c.Topics(cluster).Ensure(ctx, spec); err != nil {
		return err
	}
	client := kafka.Client{Addr: cluster.Addr, Transport: cluster.Transport}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{
			outbox.TopicConfig(c.Notifier.DeliveriesTopic, spec.Partitions, spec.ReplicationFactor),
			accesslog.KeysTopicConfig(c.API.Access.KeysTopic, spec.ReplicationFactor),
			accesslog.AuditTopicConfig(c.API.Access.AuditTopic, spec.Partitions, spec.ReplicationFactor),
		},
	})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for topic, err := range answer.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	if _, err := c.checkAccess(ctx, cluster); err != nil {
		return err
	}
	return c.checkDeliveries(ctx, cluster, spec.Partitions)
}

// checkAccess returns how many partitions the topics of access have. Keys are read in one order, so theirs has one; that of
// the audit log may have any number.
func (c *Config) checkAccess(ctx context.Context, cluster *Cluster) (map[string]int, error) {
	keys, audit := c.API.Access.KeysTopic, c.API.Access.AuditTopic
	client := kafka.Client{Addr: cluster.Addr, Transport: cluster.Transport}
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{keys, audit}})
	if err != nil {
		return nil, fmt.Errorf("ask for the topics of access: %w", err)
	}
	partitions := map[string]int{}
	for _, topic := range answer.Topics {
		if topic.Error != nil {
			return nil, fmt.Errorf("topic %s: %w (`drawdown topics create` creates what is missing)", topic.Name, topic.Error)
		}
		partitions[topic.Name] = len(topic.Partitions)
	}
	if partitions[keys] != 1 {
		return nil, fmt.Errorf("topic %s has %d partitions and must have 1: changes of API keys are read in one order; recreate it, its records are the API keys", keys, partitions[keys])
	}
	return partitions, nil
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
	access, err := c.checkAccess(ctx, cluster)
	if err != nil {
		return state, err
	}
	maps.Copy(state.Partitions, access)
	return state, nil
}
