// Package replay runs a log through the engine and prints what it causes: the same code that the worker runs, without
// any server.
//
// It owns the form of log files (one record a line) and the order of the lines printed. It does not own what a record
// means.
package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
)

// Options say what is printed besides what the records cause.
type Options struct {
	Balances bool                         // after the last record, a line for each account
	Progress func(records, bytesRead int) // called now and then; may be nil
}

// progressEvery is after how many records progress is told.
const progressEvery = 100_000

// Summary is what a replay did.
type Summary struct {
	Records, Charges, Rejected, Duplicates, Accounts int
}

// Run reads a log, one record a line, and writes the lines that it causes. An error is one of reading or writing:
// whatever the log holds, it has a meaning.
func Run(in io.Reader, out io.Writer, options Options) (Summary, error) {
	run := run{partition: balance.NewPartition(0), lines: lines{out: bufio.NewWriterSize(out, 1<<20)}}
	if err := run.records(bufio.NewReaderSize(in, 1<<20), options); err != nil {
		return run.lines.summary, err
	}
	if options.Balances {
		for _, b := range run.partition.Balances() {
			run.lines.print(drawdown.AppendBalance(run.lines.buf[:0], &b))
		}
	}
	run.lines.summary.Accounts = run.partition.Known()
	if err := run.lines.out.Flush(); run.lines.err == nil {
		run.lines.err = err
	}
	if run.lines.err != nil {
		return run.lines.summary, fmt.Errorf("write lines: %w", run.lines.err)
	}
	return run.lines.summary, nil
}

type run struct {
	partition *balance.Partition
	decoder   decode.Decoder
	record    drawdown.Record
	lines     lines
}

func (r *run) records(in *bufio.Reader, options Options) error {
	read := 0
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line, err = readLong(in, line)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read log at record %d: %w", r.lines.summary.Records, err)
		}
		if err != nil && len(line) == 0 { // a last newline makes no record
			return nil
		}
		read += len(line)
		r.apply(bytes.TrimSuffix(line, []byte{'\n'}))
		if r.lines.err != nil {
			return fmt.Errorf("write lines: %w", r.lines.err)
		}
		if options.Progress != nil && r.lines.summary.Records%progressEvery == 0 {
			options.Progress(r.lines.summary.Records, read)
		}
	}
}

// readLong reads the rest of a line that is longer than the reader's buffer.
func readLong(in *bufio.Reader, begun []byte) ([]byte, error) {
	line := append([]byte(nil), begun...)
	rest, err := in.ReadBytes('\n')
	return append(line, rest...), err
}

func (r *run) apply(line []byte) {
	r.decoder.Reset()
	r.record.Offset = drawdown.Offset(r.lines.summary.Records)
	r.decoder.Decode(line, drawdown.NoTime, &r.record)
	if r.record.Account != nil && r.partition.Missing(r.record.Account) {
		// Nothing is stored before a log: an account that is not in memory is none.
		_, _ = r.partition.Restore(balance.Stored{Account: string(r.record.Account)})
	}
	r.partition.Apply(&r.record, &r.lines)
	r.lines.summary.Records++
}

// lines prints what records cause.
type lines struct {
	out     *bufio.Writer
	buf     []byte
	err     error
	summary Summary
}

func (l *lines) print(line []byte) {
	l.buf = append(line, '\n')
	if _, err := l.out.Write(l.buf); err != nil && l.err == nil {
		l.err = err
	}
}

// Charge implements [drawdown.Output].
func (l *lines) Charge(c *drawdown.Charge) {
	l.summary.Charges++
	l.print(drawdown.AppendCharge(l.buf[:0], c))
}

// Ledger implements [drawdown.Output].
func (l *lines) Ledger(e drawdown.Entry) { l.print(drawdown.AppendLedger(l.buf[:0], e)) }

// Rejected implements [drawdown.Output].
func (l *lines) Rejected(r *drawdown.Rejected) {
	l.summary.Rejected++
	l.print(drawdown.AppendRejected(l.buf[:0], r))
}

// Duplicate implements [drawdown.Output].
func (l *lines) Duplicate(d *drawdown.Duplicate) {
	l.summary.Duplicates++
	l.print(drawdown.AppendDuplicate(l.buf[:0], d))
}
