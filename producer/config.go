package producer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// DefaultTopic is the topic every record of the log goes to (the contract, section 2).
const DefaultTopic = "drawdown.metering"

// Bounds of the configuration. Validate names them when a value lies outside.
const (
	bufferEventsMax = 1_000_000
	batchEventsMax  = 100_000
	// The largest valid usage event is about 6 KB: five names and a subject of 128 bytes, each
	// byte escaped to six, and the rest of the envelope. A batch holds at least one.
	batchBytesMin = 16 << 10
	batchBytesMax = 64 << 20
	timeoutMin    = 10 * time.Millisecond
	timeoutMax    = time.Hour
	sourceMax     = 256
)

// Config says where usage goes and how much may wait. A zero member means its default.
type Config struct {
	// Brokers are the bootstrap addresses, host:port. Required.
	Brokers []string
	// Topic defaults to DefaultTopic.
	Topic string
	// Source is the CloudEvents source of every event: who measured. 1 to 256 bytes; default
	// "/drawdown/producer".
	Source string
	// ClientID names this program in the broker's logs and quotas; default "drawdown-producer".
	ClientID string
	// Security is TLS and SASL; the zero value is plain TCP without a login.
	Security Security
	// Compression of record batches; default none.
	Compression kafka.Compression

	// BufferEvents bounds the events accepted and not yet settled; Report blocks at the bound.
	// Default 10,000: about 4 MB of events.
	BufferEvents int
	// BatchEvents bounds the events taken from the buffer in one round. Default 5,000.
	BatchEvents int
	// BatchBytes bounds a record batch before compression. It must stay below the broker's
	// message.max.bytes (1,048,588 unless changed); default 900,000. A broker that allows less
	// makes batches be halved until they fit.
	BatchBytes int

	// AttemptTimeout bounds one try to reach Kafka. Default 10 s.
	AttemptTimeout time.Duration
	// DeliveryTimeout bounds all tries for one batch; after it the events are handed back as
	// undelivered. Default 2 min: longer than a leader election or a broker restart takes.
	DeliveryTimeout time.Duration

	// OnUndelivered, when set, is given what could not be delivered, from the producer's own
	// goroutine; nothing is kept for Flush then. It must not call the Producer.
	OnUndelivered func(*DeliveryError)
	// Dial replaces the network, for simulated ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Default returns the configuration that a zero Config stands for. Brokers stays empty.
func Default() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	defaultTo(&c.Topic, DefaultTopic)
	defaultTo(&c.Source, "/drawdown/producer")
	defaultTo(&c.ClientID, "drawdown-producer")
	defaultTo(&c.BufferEvents, 10_000)
	defaultTo(&c.BatchEvents, 5_000)
	defaultTo(&c.BatchBytes, 900_000)
	defaultTo(&c.AttemptTimeout, 10*time.Second)
	defaultTo(&c.DeliveryTimeout, 2*time.Minute)
	return c
}

func defaultTo[T comparable](member *T, value T) {
	var zero T
	if *member == zero {
		*member = value
	}
}

// Validate reports every fault at once, each with the range allowed. Zero members are taken as
// their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if len(c.Brokers) == 0 {
		faults = append(faults, errors.New("brokers: at least one host:port is needed"))
	}
	for _, broker := range c.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			faults = append(faults, fmt.Errorf("brokers: %q is not host:port", broker))
		}
	}
	if len(c.Source) > sourceMax {
		faults = append(faults, fmt.Errorf("source: %d bytes, allowed 1 to %d", len(c.Source), sourceMax))
	}
	faults = append(faults,
		inRange("buffer_events", c.BufferEvents, 1, bufferEventsMax),
		inRange("batch_events", c.BatchEvents, 1, batchEventsMax),
		inRange("batch_bytes", c.BatchBytes, batchBytesMin, batchBytesMax),
		inRange("attempt_timeout", c.AttemptTimeout, timeoutMin, timeoutMax),
		inRange("delivery_timeout", c.DeliveryTimeout, timeoutMin, timeoutMax),
		c.Security.Validate(),
	)
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("producer: configuration: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

func inRange[T int | time.Duration](name string, value, low, high T) error {
	if value < low || value > high {
		return fmt.Errorf("%s: %v, allowed %v to %v", name, value, low, high)
	}
	return nil
}
