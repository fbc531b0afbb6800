package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// cannedBroker answers every fetch with the same batch for every partition asked for, at the offset asked for, with
// next to no work of its own: what a benchmark on it measures is the client's side.
type cannedBroker struct {
	t          testing.TB
	listener   net.Listener
	partitions int
	batches    []byte // several batches with offsets from zero on, as LogAppendTime
	offsets    int64  // how many offsets they take
	served     sync.WaitGroup
}

func newCannedBroker(t testing.TB, partitions, batches int, samples []sample) *cannedBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &cannedBroker{t: t, listener: l, partitions: partitions}
	for range batches {
		b.batches = append(b.batches, stamped(libraryBatch(t, b.offsets, 0, samples...))...)
		b.offsets += int64(len(samples))
	}
	b.served.Go(b.accept)
	t.Cleanup(func() {
		l.Close()
		b.served.Wait()
	})
	return b
}

func (b *cannedBroker) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.served.Go(func() {
			defer c.Close()
			if err := b.serve(c); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) {
				b.t.Errorf("the canned broker: %v", err)
			}
		})
	}
}

func (b *cannedBroker) serve(c net.Conn) error {
	for {
		version, id, _, m, err := protocol.ReadRequest(c)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *apiversions.Request:
			err = protocol.WriteResponse(c, version, id, &apiversions.Response{ApiKeys: []apiversions.ApiKeyResponse{
				{ApiKey: int16(protocol.Fetch), MinVersion: 4, MaxVersion: 17}, {ApiKey: int16(protocol.Metadata), MinVersion: 0, MaxVersion: 13},
			}})
		case *metadata.Request:
			err = protocol.WriteResponse(c, version, id, b.metadata())
		case *wireRequest:
			err = b.fetch(c, id, m)
		default:
			err = errors.New("unexpected request")
		}
		if err != nil {
			return err
		}
	}
}

func (b *cannedBroker) metadata() *metadata.Response {
	host, port, _ := net.SplitHostPort(b.listener.Addr().String())
	n, _ := strconv.Atoi(port)
	t := metadata.ResponseTopic{Name: topic}
	for p := range int32(b.partitions) {
		t.Partitions = append(t.Partitions, metadata.ResponsePartition{PartitionIndex: p, LeaderID: 1})
	}
	return &metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: host, Port: int32(n)}}, Topics: []metadata.ResponseTopic{t}}
}

// fetch writes an answer in v11. Base offsets are patched into the canned batches; they are under no checksum.
func (b *cannedBroker) fetch(c net.Conn, id int32, req *wireRequest) error {
	be := binary.BigEndian
	partitions := req.Topics[0].Partitions
	body := be.AppendUint32(nil, uint32(id))
	body = append(body, make([]byte, 4+2+4)...) // throttle, error, session
	body = be.AppendUint32(body, 1)
	body = append(be.AppendUint16(body, uint16(len(topic))), topic...)
	body = be.AppendUint32(body, uint32(len(partitions)))
	out := net.Buffers{nil, body}
	size := len(body)
	for _, p := range partitions {
		head := be.AppendUint32(nil, uint32(p.Partition))
		head = append(head, 0, 0)
		head = be.AppendUint64(head, uint64(p.FetchOffset+b.offsets))
		head = be.AppendUint64(head, uint64(p.FetchOffset+b.offsets))
		head = append(head, make([]byte, 8+4)...) // log start, aborted transactions
		head = be.AppendUint32(head, 0xffffffff)  // preferred replica: none
		head = be.AppendUint32(head, uint32(len(b.batches)))
		out, size = append(out, head), size+len(head)+len(b.batches)
		for rest := b.batches; len(rest) > 0; {
			total := prefixBytes + int(be.Uint32(rest[atLength:]))
			base := be.Uint64(rest) + uint64(p.FetchOffset)
			out = append(out, be.AppendUint64(nil, base), rest[8:total])
			rest = rest[total:]
		}
	}
	out[0] = be.AppendUint32(nil, uint32(size))
	_, err := out.WriteTo(c)
	return err
}

func (b *cannedBroker) client(t testing.TB) *Client {
	t.Helper()
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := NewClient(Config{Transport: transport, Addr: b.listener.Addr(), Contiguous: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestFetchGivesTheBrokersTime(t *testing.T) {
	b := newCannedBroker(t, 2, 3, three)
	client := b.client(t)
	res, err := client.Fetch(t.Context(), request(1<<20, time.Second, 100, 200))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Release()
	for p, first := range []int64{100, 200} {
		all, err := drain(res.Sets[p])
		if err != nil || len(all) != 9 || all[0].offset != first {
			t.Fatalf("partition %d: %d records, error %v", p, len(all), err)
		}
		for i, g := range all {
			if g.at != logTime || !bytes.Equal(g.value, three[i%3].value) {
				t.Fatalf("partition %d, offset %d: time %d, want the broker's %d", p, g.offset, g.at, int64(logTime))
			}
		}
	}
}

// BenchmarkFetch measures fetching over loopback and reading every record, of about 300 bytes in batches of 1 MiB. The
// broker's side of it only writes what it has ready.
func BenchmarkFetch(b *testing.B) {
	const partitions = 8
	samples := make([]sample, 3000)
	for i := range samples {
		samples[i] = sample{key: []byte("acct_0123456789"), value: bytes.Repeat([]byte("0123456789"), 28)}
	}
	client := newCannedBroker(b, partitions, 2, samples).client(b)
	var rec Record
	next := make([]int64, partitions)
	records, bytes := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		res, err := client.Fetch(b.Context(), request(16<<20, time.Second, next...))
		if err != nil {
			b.Fatal(err)
		}
		for p, s := range res.Sets {
			ok, err := s.Next(&rec)
			for ; ok; ok, err = s.Next(&rec) {
				records++
				bytes += len(rec.Value)
			}
			if err != nil {
				b.Fatal(err)
			}
			next[p] = s.NextOffset()
		}
		res.Release()
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
	b.ReportMetric(float64(records)/float64(b.N), "records/op")
}
