package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// message is one record to append. A nil key or value is absent.
type message struct {
	key, value []byte
	headers    []protocol.Header
}

// size bounds what the message takes in a record batch: its bytes, and lengths and deltas of at most 10 bytes each.
func (m *message) size() int {
	size := 40 + len(m.key) + len(m.value)
	for i := range m.headers {
		size += 20 + len(m.headers[i].Key) + len(m.headers[i].Value)
	}
	return size
}

// publication is what goes to one topic, in order.
type publication struct {
	topic       string
	compression kafka.Compression
	messages    []message
}

// producer appends messages to partitions, acknowledged by all in-sync replicas. It is safe for concurrent use.
type producer struct {
	transport       kafka.RoundTripper
	addr            net.Addr
	messageBytesMax int
}

// round is what one request carries for one topic: at most one record batch, since a request may have no more for a
// partition.
type round struct {
	topic       string
	compression kafka.Compression
	messages    []message
	bytes       int
	base        int64 // offset of the first message, once acknowledged
	done        bool
}

// publish appends all publications to the partition and returns when everything is acknowledged. Messages of a topic
// keep their order; an attempt whose outcome is unknown is repeated, so messages may stand in the log twice.
//
// An attempt that ended without an answer may still read the messages: failed is called for it, and their memory must
// not be written to afterwards.
func (p *producer) publish(ctx context.Context, r *retrier, partition int32, publications []publication, failed func()) error {
	_, err := p.append(ctx, r, partition, publications, failed)
	return err
}

// append is publish, and returns the offset of the last message for each publication (that of a repeated one is of
// its last copy).
func (p *producer) append(ctx context.Context, r *retrier, partition int32, publications []publication, failed func()) ([]int64, error) {
	last := make([]int64, len(publications))
	taken := make([]int, len(publications))
	for {
		var rounds []*round
		var of []int
		for i := range publications {
			if rest := publications[i].messages[taken[i]:]; len(rest) > 0 {
				next := p.cut(&publications[i], rest)
				taken[i] += len(next.messages)
				rounds, of = append(rounds, next), append(of, i)
			}
		}
		if len(rounds) == 0 {
			return last, nil
		}
		err := r.do(ctx, "publish", func(ctx context.Context) error {
			err := p.send(ctx, partition, rounds)
			if err != nil {
				failed()
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, sent := range rounds {
			last[of[i]] = sent.base + int64(len(sent.messages)) - 1
		}
	}
}

// cut takes as many messages as fit in one record batch, at least one: a message that is too large by itself is for
// the broker to judge, since topics may allow more and compression may help.
func (p *producer) cut(from *publication, messages []message) *round {
	const header = 61 // of a record batch
	size, count := header, 0
	for count < len(messages) {
		more := messages[count].size()
		if count > 0 && size+more > p.messageBytesMax {
			break
		}
		size += more
		count++
	}
	return &round{topic: from.topic, compression: from.compression, messages: messages[:count], bytes: size}
}

// send sends what is not acknowledged yet: in one request where one broker leads the partition in all topics, else in
// one for each topic.
func (p *producer) send(ctx context.Context, partition int32, rounds []*round) error {
	var pending []*round
	for _, r := range rounds {
		if !r.done {
			pending = append(pending, r)
		}
	}
	err := p.request(ctx, partition, pending)
	var routing *produce.Error
	if len(pending) < 2 || !errors.As(err, &routing) {
		return err
	}
	var faults []error
	for i := range pending {
		faults = append(faults, p.request(ctx, partition, pending[i:i+1]))
	}
	return errors.Join(faults...)
}

func (p *producer) request(ctx context.Context, partition int32, rounds []*round) error {
	const acksAll, brokerTimeoutMillis = -1, 10_000
	request := &produce.Request{Acks: acksAll, Timeout: brokerTimeoutMillis}
	for _, r := range rounds {
		request.Topics = append(request.Topics, produce.RequestTopic{
			Topic: r.topic,
			Partitions: []produce.RequestPartition{{
				Partition: partition,
				RecordSet: protocol.RecordSet{
					Attributes: protocol.Attributes(r.compression) & 7,
					// A reader of its own for each attempt: one that was given up may still be read.
					Records: &messageReader{messages: r.messages},
				},
			}},
		})
	}
	answer, err := p.transport.RoundTrip(ctx, p.addr, request)
	if err != nil {
		return fmt.Errorf("produce to partition %d: %w", partition, err)
	}
	response, ok := answer.(*produce.Response)
	if !ok {
		return fmt.Errorf("produce to partition %d: unexpected answer %T", partition, answer)
	}
	var faults []error
	for _, r := range rounds {
		faults = append(faults, r.acknowledge(partition, response))
	}
	return errors.Join(faults...)
}

// acknowledge reads the topic's part of an answer.
func (r *round) acknowledge(partition int32, response *produce.Response) error {
	for i := range response.Topics {
		if response.Topics[i].Topic != r.topic {
			continue
		}
		for _, answer := range response.Topics[i].Partitions {
			if answer.Partition != partition {
				continue
			}
			if answer.ErrorCode != 0 {
				return &PublishError{Topic: r.topic, Partition: partition, Bytes: r.bytes, Err: kafka.Error(answer.ErrorCode)}
			}
			r.done, r.base = true, answer.BaseOffset
			return nil
		}
	}
	return &PublishError{Topic: r.topic, Partition: partition, Bytes: r.bytes, Err: errors.New("no answer for the partition")}
}

// messageReader hands messages to the library without copying them.
type messageReader struct {
	messages   []message
	record     protocol.Record
	key, value view
}

// view is a byte slice as the library reads it.
type view struct{ bytes.Reader }

func (*view) Close() error { return nil }

// ReadRecord implements protocol.RecordReader.
func (r *messageReader) ReadRecord() (*protocol.Record, error) {
	if len(r.messages) == 0 {
		return nil, io.EOF
	}
	m := &r.messages[0]
	r.messages = r.messages[1:]
	r.record = protocol.Record{Headers: m.headers}
	if m.key != nil {
		r.key.Reset(m.key)
		r.record.Key = &r.key
	}
	if m.value != nil {
		r.value.Reset(m.value)
		r.record.Value = &r.value
	}
	return &r.record, nil
}
