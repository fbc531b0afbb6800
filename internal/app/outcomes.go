package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"drawdown"
	"drawdown/api/office"
	"drawdown/balance/redisstore"
	"drawdown/consumer"
	"drawdown/consumer/fetch"
)

// Outcomes tells what became of records that were appended a moment ago: a record is applied once the store stands behind it,
// and it was rejected if the topic of rejected records says so. A worker publishes what a batch rejects before it commits the
// batch, so whoever has read that topic to the end that it had when the store stood behind a record, knows.
//
// It follows the topic from the end that it has when Run begins, and remembers the last rejections of each partition. It
// implements [office.Outcomes]. Safe for concurrent use.
type Outcomes struct {
	store    *redisstore.Store
	reader   *fetch.Client
	metering string
	rejected string
	log      *slog.Logger

	mu       sync.Mutex
	followed map[int32]*followedRejects // by partition; empty before the beginning was found
	waiting  map[int32]*positionWatch
	failed   error // why the topic can't be read at present
}

// followedRejects is what is known of one partition's rejections.
type followedRejects struct {
	// known is the first offset of the log from which on all rejections are remembered.
	known int64
	// next is the offset in the topic of rejected records that is read next.
	next    int64
	reasons map[int64]drawdown.Reason // by offset in the log
	order   []int64                   // the keys of reasons, the oldest first
	moved   chan struct{}             // closed and replaced whenever next has grown
}

// rejectionsMax is how many rejections of a partition are remembered: some minutes of a producer that writes nothing else,
// 100 bytes each.
const rejectionsMax = 20_000

const (
	// rejectsWait is how long a broker waits for rejections before it answers that there are none.
	rejectsWait = 500 * time.Millisecond
	// rejectsBytesMax bounds what is read at a time, and rejectsPause is the wait after a failure.
	rejectsBytesMax = 4 << 20
	rejectsPause    = 250 * time.Millisecond
)

// newOutcomes returns outcomes of a configuration. They know nothing before Run.
func (c *Config) newOutcomes(cluster *Cluster, store *redisstore.Store, log *slog.Logger) (*Outcomes, error) {
	reader, err := fetch.NewClient(fetch.Config{
		Transport: cluster.Transport, Addr: cluster.Addr, AllowCreateTime: true, RequestTimeout: c.Worker.AttemptTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the reader of rejections: %w", err)
	}
	return &Outcomes{
		store: store, reader: reader, metering: c.Worker.MeteringTopic, rejected: c.Worker.RejectedTopic, log: log,
		followed: map[int32]*followedRejects{}, waiting: map[int32]*positionWatch{}, failed: errNotFollowed,
	}, nil
}

var errNotFollowed = errors.New("the topic of rejected records is not followed yet")

// Ready tells why outcomes can't be told at present, nil where they can.
func (o *Outcomes) Ready() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// Run follows until the context ends.
func (o *Outcomes) Run(ctx context.Context) {
	for tries := 1; ctx.Err() == nil; tries++ {
		err := o.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		o.mu.Lock()
		o.failed = fmt.Errorf("follow rejected records: %w", err)
		o.mu.Unlock()
		if tries&(tries-1) == 0 { // an outage of an hour is some lines
			o.log.Warn("rejected records can't be followed; writes that wait are told that they stand in the log", "attempts", tries, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(rejectsPause):
		}
	}
}

// follow finds the beginning where it is not known yet, and reads from each leader by itself, since one without rejections
// would hold up the others. It ends with the first error.
func (o *Outcomes) follow(ctx context.Context) error {
	partitions, err := o.begin(ctx)
	if err != nil {
		return err
	}
	groups, err := o.reader.ByLeader(ctx, o.rejected, partitions)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var reading sync.WaitGroup
	for _, group := range groups {
		reading.Go(func() { cancel(o.readGroup(ctx, group)) })
	}
	reading.Wait()
	return context.Cause(ctx)
}

// begin finds from where to read: the ends of the rejected records first, then those of the log. A record that is appended
// after the second can only be rejected after the first.
func (o *Outcomes) begin(ctx context.Context) ([]int32, error) {
	count, err := o.reader.PartitionCount(ctx, o.rejected)
	if err != nil {
		return nil, err
	}
	partitions := make([]int32, count)
	for i := range partitions {
		partitions[i] = int32(i)
	}
	o.mu.Lock()
	begun := len(o.followed) == count
	o.mu.Unlock()
	if begun {
		return partitions, nil
	}
	rejected, err := o.reader.Offsets(ctx, o.rejected, partitions)
	if err != nil {
		return nil, err
	}
	log, err := o.reader.Offsets(ctx, o.metering, partitions)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range partitions {
		o.followed[p] = &followedRejects{
			known: log[p].Latest, next: rejected[p].Latest, reasons: map[int64]drawdown.Reason{}, moved: make(chan struct{}),
		}
	}
	return partitions, nil
}

// readGroup reads the partitions of one leader until something fails.
func (o *Outcomes) readGroup(ctx context.Context, group []int32) error {
	for {
		request := fetch.Request{Topic: o.rejected, BytesMin: 1, BytesMax: rejectsBytesMax, WaitMax: rejectsWait}
		o.mu.Lock()
		for _, p := range group {
			if o.followed[p] == nil {
				o.mu.Unlock()
				return errNotFollowed
			}
			request.Partitions = append(request.Partitions, fetch.Partition{ID: p, Offset: o.followed[p].next, BytesMax: rejectsBytesMax})
		}
		o.mu.Unlock()
		response, err := o.reader.Fetch(ctx, request)
		if err != nil {
			return err
		}
		err = o.take(response)
		response.Release()
		if err != nil {
			return err
		}
	}
}

// take remembers what was read.
func (o *Outcomes) take(response *fetch.Response) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, set := range response.Sets {
		f := o.followed[set.Partition]
		if f == nil {
			return errNotFollowed
		}
		for raw := (fetch.Record{}); ; {
			more, err := set.Next(&raw)
			if err != nil {
				return o.beginAnew(set.Partition, err)
			}
			if !more {
				break
			}
			if offset, reason, ok := rejectionOf(&raw); ok {
				f.remember(offset, reason)
			}
		}
		f.reach(set.NextOffset())
	}
	o.failed = nil
	return nil
}

// beginAnew forgets everything where the topic does not hold any more what was to be read next: rejected records were
// deleted before they were read, or the topic was made anew. begin then finds the ends again. Any other error is returned.
func (o *Outcomes) beginAnew(partition int32, err error) error {
	var gone *fetch.OutOfRangeError
	if !errors.As(err, &gone) || gone.Earliest == fetch.Unknown {
		return err
	}
	o.log.Warn("rejected records were deleted before they were read, or their topic was made anew", "partition", partition, "error", err)
	for _, f := range o.followed {
		close(f.moved)
	}
	clear(o.followed)
	return err
}

// reach notes how far was read.
func (f *followedRejects) reach(next int64) {
	if next > f.next {
		f.next = next
		close(f.moved)
		f.moved = make(chan struct{})
	}
}

// remember keeps the last rejections. What is forgotten is not known any more, and neither is what was before it.
func (f *followedRejects) remember(offset int64, reason drawdown.Reason) {
	if _, twice := f.reasons[offset]; !twice { // a worker that repeats a batch publishes it again
		f.order = append(f.order, offset)
	}
	f.reasons[offset] = reason
	for len(f.order) > rejectionsMax {
		forgotten := f.order[0]
		delete(f.reasons, forgotten)
		f.known = max(f.known, forgotten+1)
		f.order = f.order[1:]
	}
}

// rejectionOf reads which record was rejected, and why; ok is whether a worker wrote it. The worker's headers are the last of
// their names: those before are the rejected record's own, which anybody can write.
func rejectionOf(raw *fetch.Record) (offset int64, reason drawdown.Reason, ok bool) {
	offset = -1
	for name, value := range raw.Headers() {
		switch string(name) {
		case consumer.HeaderReason:
			reason = drawdown.Reason(value)
		case consumer.HeaderOffset:
			var err error
			if offset, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				offset = -1
			}
		}
	}
	return offset, reason, offset >= 0 && reason != ""
}

// Await implements [office.Outcomes].
func (o *Outcomes) Await(ctx context.Context, at office.Position) (reason drawdown.Reason, known bool, err error) {
	if err := o.awaitPosition(ctx, at); err != nil {
		return "", false, err
	}
	ends, err := o.reader.Offsets(ctx, o.rejected, []int32{at.Partition})
	if err != nil {
		return "", false, fmt.Errorf("ask for the end of the rejected records: %w", err)
	}
	return o.rejection(ctx, at, ends[at.Partition].Latest)
}

// rejection waits until the rejected records were read to an end, and looks whether one is the record.
func (o *Outcomes) rejection(ctx context.Context, at office.Position, end int64) (reason drawdown.Reason, known bool, err error) {
	for {
		o.mu.Lock()
		f := o.followed[at.Partition]
		if f == nil {
			o.mu.Unlock()
			return "", false, o.Ready()
		}
		if f.next >= end {
			reason, known = f.reasons[int64(at.Offset)], int64(at.Offset) >= f.known
			o.mu.Unlock()
			return reason, known || reason != "", nil
		}
		moved := f.moved
		o.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return "", false, ctx.Err()
		}
	}
}
