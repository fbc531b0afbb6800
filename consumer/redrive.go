package consumer

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/consumer/decode"
	"drawdown/consumer/murmur"
)

// Redrive appends the rejected records that a filter chooses to the log again: their key, value and own headers, so
// that a signature stays valid. It returns how many.
//
// It appends at least once: a record that was redriven and is redriven again, or whose append was repeated, is a
// duplicate by then or is rejected again, and has no effect twice. What made it be rejected should be gone: a record
// that is late is late again.
func (r *Rejects) Redrive(ctx context.Context, filter RejectFilter) (int, error) {
	var partitions int
	err := r.retrier.do(ctx, "start", func(ctx context.Context) (err error) {
		partitions, err = r.reader.PartitionCount(ctx, r.cfg.MeteringTopic)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the partitions of topic %s: %w", r.cfg.MeteringTopic, err)
	}
	d := redrive{rejects: r, partitions: partitions, waiting: make(map[int32][]message)}
	for record, err := range r.List(ctx, filter) {
		if err == nil {
			err = d.add(ctx, record)
		}
		if err != nil {
			return d.done, err
		}
	}
	return d.done, d.flush(ctx)
}

// redrive collects messages by partition and appends them some at a time.
type redrive struct {
	rejects    *Rejects
	partitions int
	decoder    decode.Decoder
	waiting    map[int32][]message // reset by each flush
	bytes      int                 // of those
	done       int
}

func (d *redrive) add(ctx context.Context, record *RejectedRecord) error {
	m := message{key: record.Key, value: record.Value}
	for _, header := range record.Headers {
		m.headers = append(m.headers, protocol.Header{Key: header.Name, Value: header.Value})
	}
	partition := d.place(record)
	d.waiting[partition] = append(d.waiting[partition], m)
	d.bytes += m.size()
	if d.bytes < d.rejects.cfg.MessageBytesMax {
		return nil
	}
	return d.flush(ctx)
}

// place returns the partition where a record belongs: that of its account, so that one that was in the wrong partition
// gets to the right one. A record without an account (a broadcast's copy, or one that can't be read) goes back to where
// it was.
func (d *redrive) place(record *RejectedRecord) int32 {
	var rec drawdown.Record
	d.decoder.Reset()
	d.decoder.Decode(record.Value, drawdown.NoTime, &rec)
	if rec.Account == nil || rec.Type.IsBroadcast() {
		return record.Partition
	}
	return murmur.Partition(rec.Account, d.partitions)
}

func (d *redrive) flush(ctx context.Context) error {
	for partition, messages := range d.waiting {
		err := d.rejects.producer.publish(ctx, d.rejects.retrier, partition,
			[]publication{{topic: d.rejects.cfg.MeteringTopic, messages: messages}}, func() {})
		if err != nil {
			return fmt.Errorf("redrive to partition %d: %w", partition, err)
		}
		d.done += len(messages)
		delete(d.waiting, partition)
	}
	d.bytes = 0
	return nil
}
