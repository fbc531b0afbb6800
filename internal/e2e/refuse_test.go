//go:build integration

package e2e

import (
	"context"
	"fmt"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"drawdown"
)

// some reports usage of a few accounts: count events of 1,000 records for each.
func (in *installation) some(accounts, count int) {
	in.t.Helper()
	var events []usage
	for i := range accounts {
		for range count {
			events = append(events, usage{account: "account-" + number(i), records: 1000})
		}
	}
	in.report(events...)
}

// begun installs a Drawdown that has worked off some usage of ten accounts.
func begun(t *testing.T, needs needs) *installation {
	t.Helper()
	in := install(t, needs)
	in.publishExamples()
	for i := range 10 {
		in.openAccount("account-"+number(i), "airbyte-cloud", 1)
	}
	in.some(10, 20)
	in.settle()
	return in
}

// TestALostLogStops: records that were removed before they were read are never skipped.
func TestALostLogStops(t *testing.T) {
	in := begun(t, needs{Partitions: 2})
	in.some(10, 20)
	ends := in.ends(in.config.Worker.MeteringTopic)
	before, err := in.positions()
	in.must(err)
	in.deleteRecords(0, int64(ends[0]-1))
	worker := in.start("worker")
	worker.awaitUnready("partition 0", fmt.Sprintf("offset %d", before[0].Next), fmt.Sprint(ends[0]-1))
	in.await("the other partition goes on", func(context.Context) (bool, any) {
		positions, err := in.positions()
		in.must(err)
		return positions[1].Next == ends[1], positions
	})
	in.must(worker.stop())
	if after, err := in.positions(); err != nil || after[0].Next != before[0].Next {
		t.Errorf("partition 0 moved from %d to %d, error %v", before[0].Next, after[0].Next, err)
	}
}

// deleteRecords removes the log of a partition before an offset, as retention does.
func (in *installation) deleteRecords(partition int32, before int64) {
	in.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(in.kafka))
	in.must(err)
	defer client.Close()
	request := kmsg.NewPtrDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = in.config.Worker.MeteringTopic
	one := kmsg.NewDeleteRecordsRequestTopicPartition()
	one.Partition, one.Offset = partition, before
	topic.Partitions = append(topic.Partitions, one)
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(in.t.Context(), client)
	in.must(err)
	if code := answer.Topics[0].Partitions[0].ErrorCode; code != 0 {
		in.t.Fatalf("delete records: %v", kafka.Error(code))
	}
}

// TestAnotherNumberOfPartitionsIsRefused: accounts would change their partition.
func TestAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	in := begun(t, needs{Partitions: 2})
	names := in.config.Worker
	before := in.committed()
	in.some(10, 20)
	in.grow(names.MeteringTopic)
	worker := in.start("worker")
	worker.awaitUnready(names.MeteringTopic+" has 3", names.ChargesTopic+" has 2", "fixed for ever")
	in.must(worker.stop())
	in.grow(names.ChargesTopic, names.LedgerTopic, names.RejectedTopic)
	worker = in.start("worker")
	worker.awaitUnready(names.MeteringTopic+" has 3 partitions, recorded are 2", "fixed for ever")
	in.must(worker.stop())
	if after := in.committed(); after != before {
		t.Errorf("%d records were applied all the same", after-before)
	}
}

// grow gives topics three partitions.
func (in *installation) grow(topics ...string) {
	in.t.Helper()
	client := kafka.Client{Addr: in.cluster.Addr, Transport: in.cluster.Transport}
	for _, topic := range topics {
		answer, err := client.CreatePartitions(in.t.Context(), &kafka.CreatePartitionsRequest{
			Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: 3}},
		})
		in.must(err)
		in.must(answer.Errors[topic])
	}
}

// TestARedisThatLostEverythingIsRebuilt: a worker does not begin anew where there was progress, also one that is at
// work; the command that it names makes the same balances again from the log.
func TestARedisThatLostEverythingIsRebuilt(t *testing.T) {
	in := begun(t, needs{Partitions: 2})
	running := in.start("worker")
	running.awaitReady()
	client := goredis.NewClient(&goredis.Options{Addr: in.redis.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	in.must(client.FlushAll(t.Context()).Err())
	in.some(10, 20)
	running.awaitUnready("partition 0", "partition 1", "drawdown partitions rebuild --partition 1")
	in.must(running.stop())
	fresh := in.start("worker")
	fresh.awaitUnready("drawdown partitions rebuild --partition 0", "drawdown partitions rebuild --partition 1")
	in.must(fresh.stop())

	for partition := range 2 {
		output, status := in.command("partitions", "rebuild", "--partition", number(partition), "--config", in.file)
		if status != 0 {
			t.Fatalf("rebuild partition %d: exit status %d\n%s", partition, status, output)
		}
	}
	in.some(10, 20)
	in.check(in.settle())
	for i := range 10 {
		want := drawdown.Credit - 3*20*1000*creditsPerRecord
		if found := in.available("account-" + number(i)); found != want {
			t.Errorf("account-%d has %s, want %s", i, found, want)
		}
	}
}
