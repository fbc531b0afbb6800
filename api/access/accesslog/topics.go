package accesslog

import (
	"strconv"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// AuditRetention is how long audit entries are kept unless the topic is set otherwise: a year, and a month to look at it.
const AuditRetention = 400 * 24 * time.Hour

// KeysTopicConfig says how the topic of keys is created. It has one partition, so that all instances read the same
// order. It is never compacted: a forged record with the key of a revocation would then remove the revocation.
func KeysTopicConfig(topic string, replicationFactor int) kafka.TopicConfig {
	return topicConfig(topic, 1, replicationFactor, -1)
}

// AuditTopicConfig says how the topic of audit entries is created: with as many partitions as the log, which place
// accounts alike.
func AuditTopicConfig(topic string, partitions, replicationFactor int) kafka.TopicConfig {
	return topicConfig(topic, partitions, replicationFactor, AuditRetention.Milliseconds())
}

// topicConfig: from a replication factor of 3 on, two disks have what was acknowledged.
func topicConfig(topic string, partitions, replicationFactor int, retentionMilliseconds int64) kafka.TopicConfig {
	settings := []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(retentionMilliseconds, 10)},
		{ConfigName: "retention.bytes", ConfigValue: "-1"},
		{ConfigName: "unclean.leader.election.enable", ConfigValue: "false"},
	}
	if replicationFactor >= 3 {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
	}
	return kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: replicationFactor, ConfigEntries: settings}
}
