package consumer

import (
	"context"
	"sync"

	"drawdown"
	"drawdown/consumer/fetch"
)

// fetched are the records of one answer, or the error that ends the partition instead of records. Release it once.
type fetched struct {
	records  []fetch.Record
	next     drawdown.Offset // where to go on
	end      int64           // the offset that the next record of the log gets, fetch.Unknown where the answer doesn't tell
	err      error
	response *fetch.Response
}

// recordSlices keeps the memory of records between answers.
var recordSlices = sync.Pool{New: func() any { return new([]fetch.Record) }}

func (f *fetched) release() {
	if f.response != nil {
		f.response.Release()
		records := f.records[:0]
		recordSlices.Put(&records)
	}
	f.records, f.response = nil, nil
}

// source reads the log.
type source interface {
	// read waits a while for records of a partition from an offset on. It may answer none.
	read(ctx context.Context, partition int32, from drawdown.Offset) (*fetched, error)
}

// fetcher reads a partition ahead of the goroutine that applies: while that works on one answer, one is ready and one
// is being asked for. While the queue is full nothing is asked for.
type fetcher struct {
	partition int32
	source    source
	retrier   *retrier
	gauge     *partitionGauge
	to        chan<- *fetched
}

// run fetches from an offset on until the context ends or an error has to stop the partition. That error is handed
// over after the records before it.
func (f *fetcher) run(ctx context.Context, next drawdown.Offset) {
	defer close(f.to)
	for ctx.Err() == nil {
		var answer *fetched
		err := f.retrier.do(ctx, "fetch", func(ctx context.Context) (err error) {
			answer, err = f.source.read(ctx, f.partition, next)
			return err
		})
		switch {
		case ctx.Err() != nil && err != nil:
			return
		case err != nil:
			answer = &fetched{err: err}
		default:
			next = answer.next
			if answer.end != fetch.Unknown {
				f.gauge.end.Store(answer.end)
			}
			if len(answer.records) == 0 {
				answer.release()
				continue
			}
		}
		select {
		case f.to <- answer:
		case <-ctx.Done():
			answer.release()
		}
		if err != nil {
			return
		}
	}
}

// kafkaSource reads the metering topic from Kafka.
type kafkaSource struct {
	cfg    *Config
	client *fetch.Client
}

// read implements source. An error that follows some records is answered at the next call, which begins behind them.
func (k *kafkaSource) read(ctx context.Context, partition int32, from drawdown.Offset) (*fetched, error) {
	bytesMax := int32(k.cfg.FetchBytesMax)
	response, err := k.client.Fetch(ctx, fetch.Request{
		Topic:      k.cfg.MeteringTopic,
		Partitions: []fetch.Partition{{ID: partition, Offset: int64(from), BytesMax: bytesMax}},
		BytesMin:   1, BytesMax: bytesMax, WaitMax: k.cfg.FetchWaitMax,
	})
	if err != nil {
		return nil, err
	}
	set := response.Sets[0]
	answer := &fetched{response: response, end: set.HighWatermark, records: (*recordSlices.Get().(*[]fetch.Record))[:0]}
	for {
		count := len(answer.records)
		answer.records = append(answer.records, fetch.Record{})
		more, err := set.Next(&answer.records[count])
		if err != nil && count == 0 {
			answer.release()
			return nil, err
		}
		if !more {
			answer.records = answer.records[:count]
			answer.next = drawdown.Offset(set.NextOffset())
			return answer, nil
		}
	}
}

// Offsets implements ranger.
func (k *kafkaSource) Offsets(ctx context.Context, topic string, partitions []int32) (map[int32]fetch.Range, error) {
	return k.client.Offsets(ctx, topic, partitions)
}
