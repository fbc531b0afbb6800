package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strconv"

	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/consumer/fetch"
)

// RejectedRecord is a record of the log that was rejected, whole, and why. It owns its memory.
type RejectedRecord struct {
	Reason    drawdown.Reason
	Partition int32           // of the record
	Offset    drawdown.Offset // of the record
	N         int
	At        drawdown.Time // the partition's clock, NoTime where it had none
	Account   string        // "" where the record names none
	Rejected  drawdown.Time // when the rejection was appended
	Key       []byte        // nil where absent
	Value     []byte        // nil where absent
	Headers   []RecordHeader
}

// RecordHeader is a header that the record came with.
type RecordHeader struct {
	Name  string
	Value []byte
}

// RejectFilter chooses rejected records. Begin with [AllRejects].
type RejectFilter struct {
	Reason    drawdown.Reason // "": any
	Account   string          // "": any
	Partition int32           // -1: any
	Since     drawdown.Time   // rejected at or after; NoTime: any
}

// AllRejects chooses every rejected record.
func AllRejects() RejectFilter { return RejectFilter{Partition: -1, Since: drawdown.NoTime} }

func (f *RejectFilter) chooses(r *RejectedRecord) bool {
	return (f.Reason == "" || f.Reason == r.Reason) && (f.Account == "" || f.Account == r.Account) &&
		(f.Partition < 0 || f.Partition == r.Partition) && r.Rejected >= f.Since
}

// ErrNotRejected says that no rejected record has the position asked for.
var ErrNotRejected = errors.New("no rejected record stands at this position")

// Rejects reads the topic of rejected records, and puts records back.
type Rejects struct {
	cfg      Config
	reader   *fetch.Client
	producer *producer
	retrier  *retrier
	log      *slog.Logger
}

// NewRejects returns the rejects of a configuration. It does not connect.
func NewRejects(cfg Config, transport kafka.RoundTripper, addr net.Addr, log *slog.Logger) (*Rejects, error) {
	reader, err := fetch.NewClient(fetch.Config{
		// When a record was rejected is only shown, so any clock will do.
		Transport: transport, Addr: addr, AllowCreateTime: true, RequestTimeout: cfg.AttemptTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the reader of rejects: %w", err)
	}
	return &Rejects{
		cfg: cfg, reader: reader, log: log,
		producer: &producer{transport: transport, addr: addr, messageBytesMax: cfg.MessageBytesMax},
		retrier: &retrier{
			attemptTimeout: cfg.AttemptTimeout, pauseMax: cfg.RetryPauseMax, log: log, count: func(string) {},
		},
	}, nil
}

// List yields the rejected records that a filter chooses, of one partition after the other in the order of the log, up
// to the end that the topic has now. A record that was published twice, because a worker repeated a batch, is yielded
// once. It ends with the first error. Servers that are away are waited for until the context ends.
func (r *Rejects) List(ctx context.Context, filter RejectFilter) iter.Seq2[*RejectedRecord, error] {
	return func(yield func(*RejectedRecord, error) bool) {
		partitions, err := r.partitions(ctx, filter)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, partition := range partitions {
			for record, err := range r.partition(ctx, partition) {
				if err == nil && !filter.chooses(record) {
					continue
				}
				if !yield(record, err) || err != nil {
					return
				}
			}
		}
	}
}

// Show returns the rejected record that stood at a position of the log, or [ErrNotRejected].
func (r *Rejects) Show(ctx context.Context, partition int32, offset drawdown.Offset) (*RejectedRecord, error) {
	filter := AllRejects()
	filter.Partition = partition
	for record, err := range r.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if record.Offset == offset {
			return record, nil
		}
	}
	return nil, fmt.Errorf("partition %d, offset %d: %w", partition, offset, ErrNotRejected)
}

// partitions lists those to read: rejects of a partition stand in the partition with its number.
func (r *Rejects) partitions(ctx context.Context, filter RejectFilter) ([]int32, error) {
	if filter.Partition >= 0 {
		return []int32{filter.Partition}, nil
	}
	var count int
	err := r.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
		count, err = r.reader.PartitionCount(ctx, r.cfg.RejectedTopic)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the partitions of topic %s: %w", r.cfg.RejectedTopic, err)
	}
	partitions := make([]int32, count)
	for i := range partitions {
		partitions[i] = int32(i)
	}
	return partitions, nil
}

// partition yields the rejected records of a partition, each once.
func (r *Rejects) partition(ctx context.Context, partition int32) iter.Seq2[*RejectedRecord, error] {
	return func(yield func(*RejectedRecord, error) bool) {
		var ranges map[int32]fetch.Range
		err := r.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
			ranges, err = r.reader.Offsets(ctx, r.cfg.RejectedTopic, []int32{partition})
			return err
		})
		if err != nil {
			yield(nil, fmt.Errorf("ask for the range of topic %s: %w", r.cfg.RejectedTopic, err))
			return
		}
		last := drawdown.Offset(-1)
		for next, end := ranges[partition].Earliest, ranges[partition].Latest; next < end; {
			var records []*RejectedRecord
			err := r.retrier.do(ctx, "fetch", func(ctx context.Context) (err error) {
				records, next, err = r.read(ctx, partition, next)
				return err
			})
			if err != nil {
				yield(nil, fmt.Errorf("read rejects of partition %d: %w", partition, err))
				return
			}
			for _, record := range records {
				if record.Offset <= last {
					continue
				}
				last = record.Offset
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// read reads some rejected records and returns the offset behind them.
func (r *Rejects) read(ctx context.Context, partition int32, from int64) ([]*RejectedRecord, int64, error) {
	response, err := r.reader.Fetch(ctx, fetch.Request{
		Topic:      r.cfg.RejectedTopic,
		Partitions: []fetch.Partition{{ID: partition, Offset: from, BytesMax: int32(r.cfg.FetchBytesMax)}},
		BytesMin:   1, BytesMax: int32(r.cfg.FetchBytesMax), WaitMax: r.cfg.FetchWaitMax,
	})
	if err != nil {
		return nil, from, err
	}
	defer response.Release()
	set := response.Sets[0]
	var records []*RejectedRecord
	for raw := (fetch.Record{}); ; {
		more, err := set.Next(&raw)
		if err != nil {
			return nil, from, err
		}
		if !more {
			return records, set.NextOffset(), nil
		}
		if record, ok := readRejected(&raw); ok {
			records = append(records, record)
		} else { // somebody else wrote it: it must not hide what follows
			r.log.Warn("skipped a record that no worker wrote", "topic", r.cfg.RejectedTopic, "partition", partition, "offset", raw.Offset)
		}
	}
}

// readRejected takes a record of the rejected topic apart, and reports whether a worker wrote it: the last headers are
// the worker's.
func readRejected(raw *fetch.Record) (*RejectedRecord, bool) {
	record := &RejectedRecord{
		At: drawdown.NoTime, Rejected: drawdown.Time(raw.AppendTime), Key: bytes.Clone(raw.Key), Value: bytes.Clone(raw.Value),
	}
	own := raw.HeaderCount() - rejectHeaders
	if own < 0 {
		return nil, false
	}
	at := 0
	for name, value := range raw.Headers() {
		if at < own {
			record.Headers = append(record.Headers, RecordHeader{Name: string(name), Value: bytes.Clone(value)})
		} else if !record.readHeader(at-own, string(name), string(value)) {
			return nil, false
		}
		at++
	}
	return record, true
}

// readHeader reads the header that stands at a place among those that the worker added, and reports whether it is the
// one that belongs there.
func (r *RejectedRecord) readHeader(place int, name, value string) bool {
	number := func(bits int) int64 {
		n, err := strconv.ParseInt(value, 10, bits)
		if err != nil {
			return -1
		}
		return n
	}
	if name != rejectHeaderNames[place] {
		return false
	}
	switch name {
	case HeaderReason:
		r.Reason = drawdown.Reason(value)
	case HeaderPartition:
		r.Partition = int32(number(32))
		return r.Partition >= 0
	case HeaderOffset:
		r.Offset = drawdown.Offset(number(64))
		return r.Offset >= 0
	case HeaderN:
		r.N = int(number(32))
		return r.N >= 0
	case HeaderAt:
		if value != "" {
			var ok bool
			r.At, ok = drawdown.ParseTime([]byte(value))
			return ok
		}
	case HeaderAccount:
		r.Account = value
	}
	return true
}
