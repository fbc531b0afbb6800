package accesslog

import (
	"errors"
	"fmt"
	"net"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
	"drawdown/producer"
)

// Config is how a topic is reached. Producer and Transport stay their owner's, who closes them.
type Config struct {
	// Producer appends; its topic is the one that is read.
	Producer  *producer.Log
	Transport kafka.RoundTripper
	Addr      net.Addr
	// AttemptTimeout bounds one request to read.
	AttemptTimeout time.Duration
}

// fetchBytesMax is how much is asked for at once.
const fetchBytesMax = 1 << 20

func (c *Config) client(contiguous bool) (*fetch.Client, error) {
	if c.Producer == nil || c.AttemptTimeout <= 0 {
		return nil, errors.New("accesslog: a producer and an attempt timeout are required")
	}
	client, err := fetch.NewClient(fetch.Config{
		Transport: c.Transport, Addr: c.Addr, RequestTimeout: c.AttemptTimeout, Contiguous: contiguous,
		AllowCreateTime: true, // records carry their own times, signed
	})
	if err != nil {
		return nil, fmt.Errorf("accesslog: %w", err)
	}
	return client, nil
}
