package fetch

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// refreshPause is the least time between two questions for the leaders of a topic. An election takes longer than
// that; asking more often would only load the broker that everybody else asks as well.
const refreshPause = 100 * time.Millisecond

// leaders knows which broker leads each partition. kafka-go's transport caches this too, but gives no way to say that
// its knowledge is wrong; after a leader moved, it would send requests to the old one for up to six seconds.
type leaders struct {
	transport kafka.RoundTripper
	addr      net.Addr

	mu     sync.Mutex
	topics map[string]*topicLeaders
}

// topicLeaders is what one answer said. It is not changed afterwards, but for stale.
type topicLeaders struct {
	node  map[int32]int32 // partition to broker; -1 during an election
	asked time.Time
	stale bool // an answer contradicted it; guarded by leaders.mu
}

// of returns the leaders of a topic, asking if they are not known or known to be wrong. If asking fails, it returns
// what was known before: the broker that is away may be another one than the leader.
func (l *leaders) of(ctx context.Context, topic string) (*topicLeaders, error) {
	l.mu.Lock()
	known := l.topics[topic]
	fresh := known != nil && (!known.stale || time.Since(known.asked) < refreshPause)
	l.mu.Unlock()
	if fresh {
		return known, nil
	}
	asked, err := l.ask(ctx, topic)
	if err != nil {
		if known != nil && ctx.Err() == nil {
			return known, nil
		}
		return nil, err
	}
	l.mu.Lock()
	l.topics[topic] = asked
	l.mu.Unlock()
	return asked, nil
}

// distrust makes the next call of `of` ask again. Nothing happens if somebody has asked since seen was returned.
func (l *leaders) distrust(topic string, seen *topicLeaders) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics[topic] == seen {
		seen.stale = true
	}
}

// ask sends a Metadata request to one of the configured brokers.
func (l *leaders) ask(ctx context.Context, topic string) (*topicLeaders, error) {
	op := "asking for the leaders of topic " + topic
	m, err := l.transport.RoundTrip(ctx, l.addr, &metadataRequest{topic: topic})
	if err != nil {
		return nil, classify(op, err)
	}
	for _, t := range m.(*metadataResponse).Topics {
		if t.Name != topic {
			continue
		}
		if t.ErrorCode != 0 {
			return nil, classify(op, kafka.Error(t.ErrorCode))
		}
		known := &topicLeaders{node: make(map[int32]int32, len(t.Partitions)), asked: time.Now()}
		for _, p := range t.Partitions {
			// The error code of a partition says why there is no leader, or that a replica which is not the leader
			// is away. Only the first matters, and it shows in the leader being -1.
			known.node[p.PartitionIndex] = p.LeaderID
		}
		return known, nil
	}
	return nil, &RetriableError{Op: op, Err: fmt.Errorf("the answer does not name it: %w", kafka.UnknownTopicOrPartition)}
}

// metadataRequest asks a broker, not the cache of the transport: kafka-go answers *metadata.Request from the cache,
// but sends the parts of a message that splits itself. Its answer has a type of its own because the transport expects
// a *metadata.Response to belong to a *metadata.Request.
type metadataRequest struct{ topic string }

type metadataResponse struct{ *metadata.Response }

func (*metadataRequest) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (r *metadataRequest) Split(protocol.Cluster) ([]protocol.Message, protocol.Merger, error) {
	return []protocol.Message{&metadata.Request{TopicNames: []string{r.topic}}}, r, nil
}

func (r *metadataRequest) Merge(_ []protocol.Message, results []any) (protocol.Message, error) {
	m, err := protocol.Result(results[0])
	if err != nil {
		return nil, err
	}
	return &metadataResponse{m.(*metadata.Response)}, nil
}
