package outbox

import (
	"strconv"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// Topic is the delivery log's topic. It has as many partitions as the ledger's.
const Topic = "drawdown.deliveries"

// Retention is how long a record is kept. It exceeds the horizon that a notifier reads, and is what support can look up.
const Retention = 30 * 24 * time.Hour

// TopicConfig says how the topic is created. From a replication factor of 3 on, two disks have what was acknowledged.
func TopicConfig(topic string, partitions, replicationFactor int) kafka.TopicConfig {
	settings := []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(Retention.Milliseconds(), 10)},
		{ConfigName: "retention.bytes", ConfigValue: "-1"},
		{ConfigName: "unclean.leader.election.enable", ConfigValue: "false"},
	}
	if replicationFactor >= 3 {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
	}
	return kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: replicationFactor, ConfigEntries: settings}
}
