package embedded

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaOptions are how the broker is run.
type KafkaOptions struct {
	Topics     map[string]int32                                    // partitions by topic
	Properties map[string]string                                   // broker settings that it knows, such as message.max.bytes
	Listen     func(network, address string) (net.Listener, error) // nil: real loopback ports
	Port       int                                                 // 0: a free one
}

// Kafka is a running broker. Its Cluster injects faults and tells its state.
type Kafka struct {
	*kfake.Cluster
}

// StartKafka starts one broker with its topics. Whoever started it calls Close.
func StartKafka(options KafkaOptions) (*Kafka, error) {
	settings := []kfake.Opt{kfake.NumBrokers(1), kfake.BrokerConfigs(options.Properties)}
	if options.Port != 0 {
		settings = append(settings, kfake.Ports(options.Port))
	}
	if options.Listen != nil {
		settings = append(settings, kfake.ListenFn(options.Listen))
	}
	for _, topic := range slices.Sorted(maps.Keys(options.Topics)) {
		settings = append(settings, kfake.SeedTopics(options.Topics[topic], topic))
	}
	cluster, err := kfake.NewCluster(settings...)
	if err != nil {
		return nil, fmt.Errorf("start the embedded Kafka: %w", err)
	}
	return &Kafka{Cluster: cluster}, nil
}

// VirtualKafka starts a broker on a virtual network, for use inside testing/synctest, and returns the dialer that
// reaches it. Its address is an IP literal, because a bubble must not wait for a name server.
func VirtualKafka(options KafkaOptions) (*Kafka, func(ctx context.Context, network, address string) (net.Conn, error), error) {
	network := &kfake.VirtualNetwork{}
	options.Listen = network.Listen
	kafka, err := StartKafka(options)
	if err != nil {
		return nil, nil, err
	}
	return kafka, network.DialContext, nil
}

// Addr is the broker's host and port, the host as an IP literal.
func (k *Kafka) Addr() string {
	return strings.Replace(k.ListenAddrs()[0], "localhost", "127.0.0.1", 1)
}
