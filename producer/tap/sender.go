package tap

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"drawdown/producer"
)

// sendMax bounds the events of one delivery.
const sendMax = 500

// retryPause is the pause after a delivery that failed; deliveries pause by themselves between
// their own tries.
const retryPause = 500 * time.Millisecond

var eventHeaders = []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}

// sender brings an outbox's events to Kafka, in order, and tries for as long as ctx lives.
type sender struct {
	config producer.Config
	outbox *outbox
	notes  *notes
	log    *producer.Log // nil until the security files could be read
}

// run delivers until ctx ends, or, once finished is closed, until nothing is left.
func (s *sender) run(ctx context.Context, finished <-chan struct{}) {
	defer s.close()
	for ctx.Err() == nil {
		if events := s.outbox.next(sendMax); len(events) > 0 {
			s.deliver(ctx, events)
			continue
		}
		select {
		case <-s.outbox.ready:
		case <-ctx.Done():
		case <-finished:
			if all, _ := s.outbox.waiting(); all == 0 {
				return
			}
			pause(ctx, retryPause) // the spool cannot be read just now
		}
	}
}

func (s *sender) deliver(ctx context.Context, events []event) {
	err := s.send(ctx, events)
	if ctx.Err() != nil {
		return // what is left is told at the end
	}
	s.notes.state(aboutKafka, err, "usage is kept and sent later")
	if err != nil {
		pause(ctx, retryPause)
	}
}

func (s *sender) send(ctx context.Context, events []event) (err error) {
	if s.log == nil {
		if s.log, err = producer.NewLog(s.config); err != nil {
			return err
		}
	}
	written, err := sendEvents(ctx, s.log, events)
	if written > 0 {
		s.outbox.ack(events[written-1].seq)
	}
	return err
}

func (s *sender) close() {
	if s.log != nil {
		s.log.Close()
	}
}

// sendEvents appends events in order, runs of one account together, and tells how many leading
// ones are acknowledged.
func sendEvents(ctx context.Context, log *producer.Log, events []event) (written int, err error) {
	for written < len(events) {
		account := events[written].account
		var values [][]byte
		for _, e := range events[written:] {
			if e.account != account {
				break
			}
			values = append(values, e.value)
		}
		n, err := log.AppendBatch(ctx, account, values, eventHeaders...)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func pause(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
