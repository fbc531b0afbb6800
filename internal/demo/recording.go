package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"drawdown/internal/app"
	"drawdown/producer/tap"
)

// recorded is what the Airbyte connector source-faker wrote; producer/tap/testdata/README.md says how it was made.
//
//go:embed testdata/source-faker.jsonl
var recorded []byte

// recordedRecords is how many records it moves, by the counts in the connector's own STATE messages.
const recordedRecords = 500

const (
	// The recording passes in pieces, so that one run takes a bit over a second, as the connector did.
	pieceBytes    = 8 << 10
	pieceInterval = 50 * time.Millisecond
)

// recording runs the recorded connector through the tap, again and again, each time as the next sync.
type recording struct {
	options tap.Options
	runs    atomic.Uint64 // finished
	running atomic.Bool
	notes   bytes.Buffer // what the tap says on its standard error
}

func newRecording(config *app.Config, spool string) *recording {
	c := &recordedConnection
	return &recording{options: tap.Options{
		Account: recordedAccount, Connection: c.name, SourceConnector: c.source, DestinationConnector: c.destination,
		Attempt: 1, Brokers: config.Kafka.Brokers, Topic: config.Worker.MeteringTopic, SpoolDir: spool,
	}}
}

// run runs syncs until the context ends; the one under way then is finished at full speed.
func (r *recording) run(ctx context.Context) error {
	r.running.Store(true)
	defer r.running.Store(false)
	for ctx.Err() == nil {
		options := r.options
		options.Job = int64(r.runs.Load()) + 1
		source := &paced{reader: bytes.NewReader(recorded), done: ctx.Done()}
		if err := tap.Run(context.WithoutCancel(ctx), options, source, io.Discard, &r.notes); err != nil {
			return fmt.Errorf("pass the recorded connector's output: %w", err)
		}
		if r.notes.Len() > 0 { // a tap that delivers everything says nothing
			return fmt.Errorf("pass the recorded connector's output: %s", bytes.TrimSpace(r.notes.Bytes()))
		}
		r.runs.Add(1)
	}
	return nil
}

// sent is what the connector counted.
func (r *recording) sent() sent { return sent{quantity: r.runs.Load() * recordedRecords} }

// paced reads piece by piece, like a connector that has to fetch what it writes.
type paced struct {
	reader io.Reader
	done   <-chan struct{} // closed: no more pauses
}

// Read implements io.Reader.
func (p *paced) Read(to []byte) (int, error) {
	select {
	case <-p.done:
	case <-time.After(pieceInterval):
	}
	return p.reader.Read(to[:min(len(to), pieceBytes)])
}
