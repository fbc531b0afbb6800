package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"drawdown/consumer"
)

type topicsCommand struct {
	Create topicsCreateCommand `cmd:"" help:"Create the topics that are missing, and check all of them."`
	Check  topicsCheckCommand  `cmd:"" help:"Check the topics."`
}

type topicsCreateCommand struct {
	Partitions        int `default:"8" help:"How many partitions; fixed for ever, since an account's partition follows from it."`
	ReplicationFactor int `default:"1" help:"Copies of each partition; from 3 on, a write needs two of them."`
	RetentionDays     int `default:"-1" help:"How long the log is kept; below 0 for ever. State can be rebuilt only from what is kept."`
}

// Run implements the command.
func (t *topicsCreateCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	cluster, err := config.Cluster()
	if err != nil {
		return err
	}
	defer cluster.Close()
	spec := consumer.DefaultTopicSpec()
	spec.Partitions, spec.ReplicationFactor = t.Partitions, t.ReplicationFactor
	if t.RetentionDays >= 0 {
		spec.RetentionMillis = int64(t.RetentionDays) * int64(24*time.Hour/time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := config.EnsureTopics(ctx, cluster, spec); err != nil {
		return err
	}
	w := config.Worker
	fmt.Printf("%s, %s, %s, %s and %s are there with %d partitions\n",
		w.MeteringTopic, w.ChargesTopic, w.LedgerTopic, w.RejectedTopic, config.Notifier.DeliveriesTopic, t.Partitions)
	fmt.Printf("%s and %s are there\n", config.API.Access.KeysTopic, config.API.Access.AuditTopic)
	return nil
}

// answerWithin bounds a command's wait for servers.
const answerWithin = 30 * time.Second

type topicsCheckCommand struct{}

// Run implements the command.
func (*topicsCheckCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	cluster, err := config.Cluster()
	if err != nil {
		return err
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	state, err := config.CheckTopics(ctx, cluster)
	for _, topic := range slices.Sorted(maps.Keys(state.Partitions)) {
		fmt.Printf("%s: %d partitions\n", topic, state.Partitions[topic])
	}
	return err
}
