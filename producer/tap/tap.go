package tap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// chunkBytes is what is read at a time: a Linux pipe holds 64 KB unless enlarged, files give more.
const chunkBytes = 256 << 10

// stopPatience is how long a stop waits for a write to a destination that does not read.
const stopPatience = time.Second

// PassError says that the pipe itself failed; nothing about reporting ever does. What passed
// before is reported all the same.
type PassError struct {
	Op  string // "read", "write" or "close"
	Err error
}

func (e *PassError) Error() string { return "tap: " + e.Op + ": " + e.Err.Error() }
func (e *PassError) Unwrap() error { return e.Err }

// DownstreamClosed tells whether the destination stopped reading before the source's end.
func (e *PassError) DownstreamClosed() bool {
	return errors.Is(e.Err, syscall.EPIPE) || errors.Is(e.Err, io.ErrClosedPipe)
}

// Run passes stdin to stdout until stdin ends, byte for byte, and reports what passed.
//
// The result is that of the pipe: nil when all of stdin was passed, a *PassError, or ctx's error.
// Options that are not valid are refused before the first byte. Trouble with Kafka or the disk is
// told on stderr and changes nothing else. At the end of stdin, stdout is closed if it is an
// io.Closer, so that the destination does not wait while the last events are delivered.
//
// When ctx ends Run reports what has passed and returns, leaving a read of stdin that is under
// way to the end of the process.
func Run(ctx context.Context, options Options, stdin io.Reader, stdout io.Writer, stderr io.Writer) error {
	if err := options.Validate(); err != nil {
		return err
	}
	options = options.withDefaults()
	defer outliveClosedPipes()()
	meter := newMeter(max(options.StateGap, 0))
	reporter := startReporter(options, meter, newNotes(stderr))
	err := pass(ctx, stdin, stdout, meter)
	if closer, ok := stdout.(io.Closer); ok {
		if closeErr := closer.Close(); closeErr != nil && err == nil {
			err = &PassError{"close", closeErr}
		}
	}
	reporter.finish()
	return err
}

// outliveClosedPipes: without a handler, Go ends the process when it writes to a standard stream
// whose reader is gone, and what was counted would not be reported.
func outliveClosedPipes() (restore func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}

// pass runs the pipe until it ends or ctx does.
func pass(ctx context.Context, stdin io.Reader, stdout io.Writer, meter *meter) error {
	p := &pipe{in: stdin, out: stdout, meter: meter, turn: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- p.run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Let a chunk under way be counted, then let no other through: it would not be reported. The
	// turn is never given back.
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case p.turn <- struct{}{}:
	case <-timer.C:
	}
	return fmt.Errorf("tap: stopped: %w", context.Cause(ctx))
}

type pipe struct {
	in    io.Reader
	out   io.Writer
	meter *meter
	turn  chan struct{} // holds a token while a chunk is written and counted
}

func (p *pipe) run() error {
	chunk := make([]byte, chunkBytes)
	for {
		n, err := p.in.Read(chunk)
		p.turn <- struct{}{}
		if n > 0 {
			if err := p.write(chunk[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			p.meter.ended()
			return nil
		}
		if err != nil {
			return &PassError{"read", err}
		}
		<-p.turn
	}
}

// write passes first and counts then: a kill between the two leaves usage unreported, never
// reports what did not pass.
func (p *pipe) write(chunk []byte) error {
	n, err := p.out.Write(chunk)
	p.meter.passed(chunk[:max(n, 0)])
	if err == nil && n < len(chunk) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &PassError{"write", err}
	}
	return nil
}
