package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// Config says how to fetch. Transport and Addr are required.
type Config struct {
	// Transport carries the requests; usually a *kafka.Transport. It stays its owner's, who closes its connections.
	// It learns about new brokers after at most its MetadataTTL.
	Transport kafka.RoundTripper
	// Addr is one or more brokers to begin with (kafka.TCP).
	Addr net.Addr
	// AllowCreateTime accepts batches that carry the producer's time. Only for a broker whose producers are our own.
	AllowCreateTime bool
	// Contiguous refuses a log with gaps (GapError). Right for a topic that is never compacted, where a gap is a loss.
	Contiguous bool
	// BatchBytesMax bounds what one compressed batch becomes. Zero means BatchBytesMaxDefault.
	BatchBytesMax int
	// RequestTimeout is how long a broker may take beyond the wait that was asked for. Zero means RequestTimeoutDefault.
	RequestTimeout time.Duration
}

// Defaults of Config. A batch as the broker stores it has at most message.max.bytes, 1 MiB unless changed, and JSON
// compresses 10 to 30 times: 128 MiB leaves room for a limit of 4 MiB. Ten seconds outlast a leader election.
const (
	BatchBytesMaxDefault  = 128 << 20
	RequestTimeoutDefault = 10 * time.Second
)

// Client fetches records. It is safe for concurrent use and has nothing to close: it starts no goroutine that outlives
// a call. (A connection that still waits for an answer nobody wants is the transport's; it waits at most for the
// deadline of its request.)
type Client struct {
	config  Config
	rules   rules
	leaders leaders
	turn    atomic.Uint32 // grows by one a request: which partition comes first
}

// NewClient returns a client. It does not connect.
func NewClient(config Config) (*Client, error) {
	if config.Transport == nil || config.Addr == nil {
		return nil, errors.New("fetch: Transport and Addr are required")
	}
	if config.BatchBytesMax == 0 {
		config.BatchBytesMax = BatchBytesMaxDefault
	}
	if config.RequestTimeout == 0 {
		config.RequestTimeout = RequestTimeoutDefault
	}
	if config.BatchBytesMax < 0 || config.RequestTimeout < 0 {
		return nil, errors.New("fetch: BatchBytesMax and RequestTimeout cannot be negative")
	}
	d, err := newDecompressor(config.BatchBytesMax)
	if err != nil {
		return nil, err
	}
	return &Client{
		config:  config,
		rules:   rules{allowCreateTime: config.AllowCreateTime, contiguous: config.Contiguous, decompressor: d},
		leaders: leaders{transport: config.Transport, addr: config.Addr, topics: map[string]*topicLeaders{}},
	}, nil
}

// Partition is where to read one partition from. The first batch comes whole even if it is larger than BytesMax.
type Partition struct {
	ID       int32
	Offset   int64
	BytesMax int32
}

// Request asks for records of partitions of one topic. The broker answers when it has BytesMin, or after WaitMax, with
// at most about BytesMax over all partitions.
type Request struct {
	Topic      string
	Partitions []Partition
	BytesMin   int32
	BytesMax   int32
	WaitMax    time.Duration
}

// Response is the answer. It belongs to its receiver, who releases it once.
type Response struct {
	Sets      []*Set        // one for each partition asked for, in the order of the request
	Throttled time.Duration // how long the brokers delayed the answer because of a quota
}

// Release gives the memory of the answer back. All records read from it, and their keys and values, are invalid
// afterwards. To release again does nothing.
func (r *Response) Release() {
	for _, s := range r.Sets {
		s.release()
	}
}

// Fetch asks the leaders of the partitions for records and waits for all of them. What goes wrong with one partition
// or one of several leaders stands in the sets concerned; Fetch fails if nothing could be asked at all or the context
// ends. Where that matters, make a request for each leader (ByLeader): one that spans several leaders takes as long as
// the slowest of them, up to WaitMax when one has no records.
//
// Retriable tells whether to ask again, for errors of Fetch and of sets alike. After an error that speaks of a moved
// leader or a lost connection, the next Fetch looks for the leaders again.
func (c *Client) Fetch(ctx context.Context, req Request) (*Response, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, req.WaitMax+c.config.RequestTimeout)
	defer cancel()
	known, err := c.leaders.of(ctx, req.Topic)
	if err != nil {
		return nil, giveUp(caller, err)
	}
	res := c.response(req)
	groups := c.group(req, res, known)
	if err := c.askAll(ctx, req, groups); err != nil {
		res.Release()
		c.leaders.distrust(req.Topic, known)
		return nil, giveUp(caller, err)
	}
	for _, g := range groups {
		res.Throttled = max(res.Throttled, g.throttled)
	}
	c.explain(caller, res, known)
	if caller.Err() != nil {
		res.Release()
		return nil, giveUp(caller, caller.Err())
	}
	return res, nil
}

func (r *Request) validate() error {
	switch {
	case r.Topic == "" || len(r.Partitions) == 0:
		return errors.New("fetch: a request names a topic and at least one partition")
	case r.BytesMax <= 0 || r.BytesMin < 0 || r.WaitMax < 0:
		return fmt.Errorf("fetch: impossible limits: bytes %d to %d, wait %v", r.BytesMin, r.BytesMax, r.WaitMax)
	}
	seen := make(map[int32]struct{}, len(r.Partitions))
	for _, p := range r.Partitions {
		if p.ID < 0 || p.Offset < 0 || p.BytesMax <= 0 {
			return fmt.Errorf("fetch: impossible partition %d, offset %d, limit of %d bytes", p.ID, p.Offset, p.BytesMax)
		}
		if _, twice := seen[p.ID]; twice {
			return fmt.Errorf("fetch: partition %d is asked for twice", p.ID)
		}
		seen[p.ID] = struct{}{}
	}
	return nil
}

// response makes an empty answer.
func (c *Client) response(req Request) *Response {
	res := &Response{Sets: make([]*Set, len(req.Partitions))}
	for i, p := range req.Partitions {
		res.Sets[i] = c.rules.newSet(req.Topic, p.ID, p.Offset, nil)
	}
	return res
}

func (r *rules) newSet(topic string, partition int32, offset int64, data []byte) *Set {
	return &Set{
		Topic: topic, Partition: partition, HighWatermark: Unknown, LogStart: Unknown,
		rules: r, data: data, next: offset, first: true,
	}
}

// explain asks for what the log holds where an offset is out of range, and has the leaders looked up again where an
// error may come from asking the wrong broker.
func (c *Client) explain(ctx context.Context, res *Response, known *topicLeaders) {
	for _, s := range res.Sets {
		if errors.Is(s.err, kafka.OffsetOutOfRange) {
			s.err = c.outOfRange(ctx, s)
		}
		if Retriable(s.err) {
			c.leaders.distrust(s.Topic, known)
		}
	}
}

// ByLeader groups partitions by the broker that leads them, for a request to each. Partitions without a leader form a
// group of their own: fetching it says why. The grouping holds until a leader moves; Fetch is right with any.
func (c *Client) ByLeader(ctx context.Context, topic string, partitions []int32) ([][]int32, error) {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, c.config.RequestTimeout)
	defer cancel()
	known, err := c.leaders.of(ctx, topic)
	if err != nil {
		return nil, giveUp(caller, err)
	}
	var groups [][]int32
	at := make(map[int32]int)
	for _, p := range partitions {
		leader, ok := known.node[p]
		if !ok {
			leader = -1
		}
		i, seen := at[leader]
		if !seen {
			i = len(groups)
			at[leader], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	return groups, nil
}
