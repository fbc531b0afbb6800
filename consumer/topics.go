package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	kafka "github.com/segmentio/kafka-go"
)

const (
	timestampType = "message.timestamp.type"
	logAppendTime = "LogAppendTime"
)

// TopicState is what the cluster says of the topics.
type TopicState struct {
	Partitions map[string]int // by topic; a topic that is absent has none
	// TimestampType is that of the metering topic, "" where the broker does not tell: then each batch is checked.
	TimestampType string
}

// check returns the first thing that is wrong, nil where the worker may work on the topics. Without a recorded number
// of partitions (0) the topics are compared with each other.
func (s *TopicState) check(cfg *Config, recorded int) error {
	want, other := recorded, ""
	if recorded == 0 {
		want, other = s.Partitions[cfg.MeteringTopic], cfg.MeteringTopic
	}
	for _, topic := range cfg.topics() {
		if found := s.Partitions[topic]; found != want {
			return &PartitionCountError{Topic: topic, Recorded: want, Found: found, Other: other}
		}
	}
	if s.TimestampType != "" && s.TimestampType != logAppendTime && !cfg.AllowCreateTime {
		return &TimestampTypeError{Topic: cfg.MeteringTopic, Found: s.TimestampType}
	}
	return nil
}

func (c *Config) topics() []string {
	return []string{c.MeteringTopic, c.ChargesTopic, c.LedgerTopic, c.RejectedTopic}
}

// Topics asks a cluster for the topics, and creates them.
type Topics struct {
	client kafka.Client
	cfg    Config
}

// NewTopics returns the topics of a configuration. It does not connect.
func NewTopics(cfg Config, transport kafka.RoundTripper, addr net.Addr) *Topics {
	return &Topics{client: kafka.Client{Addr: addr, Transport: transport}, cfg: cfg}
}

// State asks for what the cluster has. A topic that is absent is an error.
func (t *Topics) State(ctx context.Context) (TopicState, error) {
	state := TopicState{Partitions: make(map[string]int)}
	answer, err := t.client.Metadata(ctx, &kafka.MetadataRequest{Topics: t.cfg.topics()})
	if err != nil {
		return state, fmt.Errorf("ask for the topics: %w", err)
	}
	var faults []error
	for _, topic := range answer.Topics {
		if topic.Error != nil {
			faults = append(faults, fmt.Errorf("topic %s: %w (`drawdown topics create` creates what is missing)", topic.Name, topic.Error))
		}
		state.Partitions[topic.Name] = len(topic.Partitions)
	}
	if err := errors.Join(faults...); err != nil {
		return state, err
	}
	state.TimestampType, err = t.timestampType(ctx)
	return state, err
}

// Check asks for what the cluster has, and returns the first thing at which the topics can't be worked on.
func (t *Topics) Check(ctx context.Context) (TopicState, error) {
	state, err := t.State(ctx)
	if err != nil {
		return state, err
	}
	return state, state.check(&t.cfg, 0)
}

// timestampType asks for the metering topic's setting, "" where that is not allowed to this user.
func (t *Topics) timestampType(ctx context.Context) (string, error) {
	answer, err := t.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: t.cfg.MeteringTopic, ConfigNames: []string{timestampType},
	}}})
	if err != nil {
		return "", fmt.Errorf("ask for the settings of topic %s: %w", t.cfg.MeteringTopic, err)
	}
	for _, resource := range answer.Resources {
		if errors.Is(resource.Error, kafka.TopicAuthorizationFailed) || errors.Is(resource.Error, kafka.ClusterAuthorizationFailed) {
			return "", nil
		}
		if resource.Error != nil {
			return "", fmt.Errorf("ask for the settings of topic %s: %w", t.cfg.MeteringTopic, resource.Error)
		}
		for _, entry := range resource.ConfigEntries {
			if entry.ConfigName == timestampType {
				return entry.ConfigValue, nil
			}
		}
	}
	return "", nil
}

// TopicSpec says how topics are created.
type TopicSpec struct {
	Partitions        int
	ReplicationFactor int // from 3 on, min.insync.replicas is 2, so that acks=all means two disks
	// RetentionMillis and OutputRetentionMillis are how long records are kept; below 0 for ever. The log is the truth:
	// state can be rebuilt only from what is kept of it.
	RetentionMillis       int64
	OutputRetentionMillis int64
}

// DefaultTopicSpec keeps everything.
func DefaultTopicSpec() TopicSpec {
	return TopicSpec{Partitions: 8, ReplicationFactor: 1, RetentionMillis: -1, OutputRetentionMillis: -1}
}

// Validate reports every fault at once.
func (s *TopicSpec) Validate() error {
	return errors.Join(
		within("partitions", s.Partitions, 1, 10_000),
		within("replication_factor", s.ReplicationFactor, 1, 32),
	)
}

// Ensure creates the topics that are missing and checks all of them: the number of partitions, and that the broker
// stamps records. It changes no topic that is there.
func (t *Topics) Ensure(ctx context.Context, spec TopicSpec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	answer, err := t.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: t.configs(spec)})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var faults []error
	for topic, err := range answer.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			faults = append(faults, fmt.Errorf("create topic %s: %w", topic, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	state, err := t.State(ctx)
	if err != nil {
		return err
	}
	return state.check(&t.cfg, spec.Partitions)
}

// configs are the settings of the topics. None is compacted: an offset that is missing would be a loss.
func (t *Topics) configs(spec TopicSpec) []kafka.TopicConfig {
	// A charge record may exceed the bound by one charge, see chargeReserve. A rejected record is one that fitted into
	// the log, under whatever limit that topic has had, possibly compressed with others: nothing that was accepted
	// there may be too large here, or its partition would stand. Brokers take requests of up to 100 MiB.
	const batchOverhead = 1 << 10
	const rejectedBytes = 64 << 20
	outputBytes := 2*t.cfg.MessageBytesMax + batchOverhead
	return []kafka.TopicConfig{
		t.config(spec, t.cfg.MeteringTopic, spec.RetentionMillis, t.cfg.MessageBytesMax+batchOverhead),
		t.config(spec, t.cfg.ChargesTopic, spec.OutputRetentionMillis, outputBytes),
		t.config(spec, t.cfg.LedgerTopic, spec.OutputRetentionMillis, outputBytes),
		t.config(spec, t.cfg.RejectedTopic, spec.RetentionMillis, rejectedBytes),
	}
}

func (t *Topics) config(spec TopicSpec, topic string, retentionMillis int64, messageBytes int) kafka.TopicConfig {
	settings := []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		{ConfigName: timestampType, ConfigValue: logAppendTime},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(max(retentionMillis, -1), 10)},
		{ConfigName: "retention.bytes", ConfigValue: "-1"},
		{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(messageBytes)},
		{ConfigName: "unclean.leader.election.enable", ConfigValue: "false"},
	}
	if spec.ReplicationFactor >= 3 {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
	}
	return kafka.TopicConfig{
		Topic: topic, NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor, ConfigEntries: settings,
	}
}
