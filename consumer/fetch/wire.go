package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
	// Imported for its init: it registers the library's own Fetch messages, and ours must be registered after them.
	_ "github.com/segmentio/kafka-go/protocol/fetch"
)

func init() { protocol.Register(&wireRequest{}, &wireResponse{}) }

// wireRequest is the Fetch request, v0 to v11. Its fields and tags equal the library's (a test compares them): the
// tags are what kafka-go encodes by, and it negotiates the version. v12 and later need nothing that is used here.
type wireRequest struct {
	ReplicaID       int32                `kafka:"min=v0,max=v11"`
	MaxWaitTime     int32                `kafka:"min=v0,max=v11"`
	MinBytes        int32                `kafka:"min=v0,max=v11"`
	MaxBytes        int32                `kafka:"min=v3,max=v11"`
	IsolationLevel  int8                 `kafka:"min=v4,max=v11"`
	SessionID       int32                `kafka:"min=v7,max=v11"`
	SessionEpoch    int32                `kafka:"min=v7,max=v11"`
	Topics          []wireRequestTopic   `kafka:"min=v0,max=v11"`
	ForgottenTopics []wireForgottenTopic `kafka:"min=v7,max=v11"`
	RackID          string               `kafka:"min=v11,max=v11"`

	leader int32 // node that the request goes to; not on the wire, because unexported
}

type wireRequestTopic struct {
	Topic      string                 `kafka:"min=v0,max=v11"`
	Partitions []wireRequestPartition `kafka:"min=v0,max=v11"`
}

type wireRequestPartition struct {
	Partition          int32 `kafka:"min=v0,max=v11"`
	CurrentLeaderEpoch int32 `kafka:"min=v9,max=v11"`
	FetchOffset        int64 `kafka:"min=v0,max=v11"`
	LogStartOffset     int64 `kafka:"min=v5,max=v11"`
	PartitionMaxBytes  int32 `kafka:"min=v0,max=v11"`
}

type wireForgottenTopic struct {
	Topic      string  `kafka:"min=v7,max=v11"`
	Partitions []int32 `kafka:"min=v7,max=v11"`
}

type wireResponse struct {
	ThrottleTimeMs int32               `kafka:"min=v1,max=v11"`
	ErrorCode      int16               `kafka:"min=v7,max=v11"`
	SessionID      int32               `kafka:"min=v7,max=v11"`
	Topics         []wireResponseTopic `kafka:"min=v0,max=v11"`
}

type wireResponseTopic struct {
	Topic      string                  `kafka:"min=v0,max=v11"`
	Partitions []wireResponsePartition `kafka:"min=v0,max=v11"`
}

type wireResponsePartition struct {
	Partition            int32             `kafka:"min=v0,max=v11"`
	ErrorCode            int16             `kafka:"min=v0,max=v11"`
	HighWatermark        int64             `kafka:"min=v0,max=v11"`
	LastStableOffset     int64             `kafka:"min=v4,max=v11"`
	LogStartOffset       int64             `kafka:"min=v5,max=v11"`
	AbortedTransactions  []wireTransaction `kafka:"min=v4,max=v11"`
	PreferredReadReplica int32             `kafka:"min=v11,max=v11"`
	RecordSet            wireRecordSet     `kafka:"min=v0,max=v11"`
}

type wireTransaction struct {
	ProducerID  int64 `kafka:"min=v4,max=v11"`
	FirstOffset int64 `kafka:"min=v4,max=v11"`
}

func (*wireRequest) ApiKey() protocol.ApiKey  { return protocol.Fetch }
func (*wireResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker sends the request to the leader it was made for. The library's own request looks the leader up in metadata
// that may be seconds old, and refuses partitions of several leaders; Client has split them already.
func (r *wireRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, ok := cluster.Brokers[r.leader]
	if !ok {
		return protocol.Broker{ID: -1}, fmt.Errorf("the transport does not know broker %d yet", r.leader)
	}
	return b, nil
}

// wireRecordSet is the record set of an answer, kept as bytes in a buffer of the pool.
type wireRecordSet struct{ buf *buffer }

// ReadFrom is called by kafka-go while it decodes an answer, on the connection's goroutine. If the answer is then
// abandoned, nobody returns the buffer to the pool and the garbage collector takes it.
func (s *wireRecordSet) ReadFrom(r io.Reader) (int64, error) {
	var head [4]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil {
		return int64(n), fmt.Errorf("reading the size of a record set: %w", noEOF(err))
	}
	size := int(int32(binary.BigEndian.Uint32(head[:])))
	if size <= 0 { // -1 is how some brokers say none
		return int64(n), nil
	}
	s.buf = takeBuffer()
	m, err := s.buf.fill(r, size)
	if err != nil {
		err = fmt.Errorf("reading a record set of %d bytes: %w", size, noEOF(err))
	}
	return int64(n + m), err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// buffer is reusable memory. Buffers are large (a fetch's worth) and live for one answer.
type buffer struct{ b []byte }

// Bounds of pooled memory. A size on the wire is not believed beyond stepBytes until that many bytes have come; a
// buffer above keepBytes is left to the garbage collector, so that one huge batch does not stay in memory.
const (
	stepBytes = 16 << 20
	keepBytes = 64 << 20
)

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	if cap(b.b) > keepBytes {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}

// fill reads exactly size bytes.
func (b *buffer) fill(r io.Reader, size int) (int, error) {
	b.b = b.b[:0]
	for len(b.b) < size {
		at := len(b.b)
		end := min(size, max(cap(b.b), 2*at, at+stepBytes))
		if end > cap(b.b) {
			grown := make([]byte, end)
			copy(grown, b.b)
			b.b = grown
		}
		b.b = b.b[:end]
		n, err := io.ReadFull(r, b.b[at:])
		if err != nil {
			b.b = b.b[:at+n]
			return at + n, err
		}
	}
	return size, nil
}
