package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The formats of exports.
const (
	csvFormat   = "csv"
	jsonlFormat = "jsonl"
)

// exportFlags say where an export goes, and how.
type exportFlags struct {
	Output string `short:"o" default:"-" placeholder:"FILE" help:"The file to write, whole or not at all; - for standard output."`
	Format string `enum:",csv,jsonl" default:"" placeholder:"csv|jsonl" help:"csv: a header, then a row each. jsonl: a JSON object a line. Default: what the file's name ends with, else csv."`
}

// spanFlags bound an export by when something happened.
type spanFlags struct {
	Since time.Duration `help:"Only the last while." placeholder:"DURATION" xor:"begin"`
	From  time.Time     `help:"Only from this instant on." placeholder:"RFC3339" xor:"begin"`
	To    time.Time     `help:"Only before this instant." placeholder:"RFC3339"`
}

func (f *spanFlags) span() (from, to time.Time, err error) {
	from = f.From
	if f.Since > 0 {
		from = time.Now().Add(-f.Since)
	}
	if !f.To.IsZero() && !from.Before(f.To) {
		return from, f.To, fmt.Errorf("nothing lies from %s before %s: --to must be the later one", shown(from), shown(f.To))
	}
	return from, f.To, nil
}

// exportRow is one row in both forms; only the one that is wanted is made.
type exportRow struct {
	at    time.Time // how far the export has come
	line  func() []byte
	cells func() []string
}

// eachRow hands over every row, and ends with the first error of take.
type eachRow func(take func(exportRow) error) error

func (f *exportFlags) format() string {
	switch {
	case f.Format != "":
		return f.Format
	case strings.HasSuffix(f.Output, ".jsonl"):
		return jsonlFormat
	default:
		return csvFormat
	}
}

// write exports rows of what, such as charges, below a header for CSV, and tells people how far it is.
func (f *exportFlags) write(what string, header []string, each eachRow) error {
	toFile := f.Output != "-"
	progress := &progress{what: what, now: time.Now, every: progressEvery}
	if isTerminal(os.Stderr) && (toFile || !isTerminal(os.Stdout)) {
		progress.out = os.Stderr
	}
	defer progress.clear()
	writeTo := func(out io.Writer) error { return writeRows(out, f.format(), header, progress.counted(each)) }
	if !toFile {
		return writeTo(os.Stdout)
	}
	if err := writeWhole(f.Output, writeTo); err != nil {
		return err
	}
	progress.clear()
	fmt.Fprintf(os.Stderr, "%d %s are in %s\n", progress.count, what, f.Output)
	return nil
}

// exportBuffer is how much is written at a time.
const exportBuffer = 64 << 10

func writeRows(to io.Writer, format string, header []string, each eachRow) error {
	out := bufio.NewWriterSize(to, exportBuffer)
	if format == jsonlFormat {
		err := each(func(r exportRow) error {
			if _, err := out.Write(r.line()); err != nil {
				return err
			}
			return out.WriteByte('\n')
		})
		if err != nil {
			return err
		}
		return out.Flush()
	}
	table := csv.NewWriter(out)
	if err := table.Write(header); err != nil {
		return err
	}
	if err := each(func(r exportRow) error { return table.Write(r.cells()) }); err != nil {
		return err
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return out.Flush()
}

// writeWhole writes a file so that it is there whole or as it was: half of an export does not look like one. A new file is
// for its owner only, since it tells what a customer does. What is no ordinary file (a pipe, a device, a link) is written in
// place.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	before, missing := os.Lstat(path)
	if missing == nil && !before.Mode().IsRegular() {
		return writePlainly(path, write)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("create a file beside %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	if missing == nil {
		if err := file.Chmod(before.Mode().Perm()); err != nil {
			return fmt.Errorf("keep the permissions of %s: %w", path, err)
		}
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}

func writePlainly(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close() // the first error counts
		return err
	}
	return file.Close()
}

// progressEvery is how often progress is shown: a person can't read faster.
const progressEvery = 200 * time.Millisecond

// progress counts rows, and shows how far an export is on one line, again and again.
type progress struct {
	out   io.Writer // nil: nobody looks
	what  string
	now   func() time.Time
	every time.Duration

	count int
	last  time.Time // when it was shown; zero while nothing stands there
}

func (p *progress) counted(each eachRow) eachRow {
	return func(take func(exportRow) error) error {
		return each(func(r exportRow) error {
			p.count++
			p.show(r.at)
			return take(r)
		})
	}
}

func (p *progress) show(at time.Time) {
	if p.out == nil {
		return
	}
	now := p.now()
	if !p.last.IsZero() && now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	fmt.Fprintf(p.out, "\r\x1b[K%d %s, up to %s", p.count, p.what, shown(at))
}

// clear takes the line away.
func (p *progress) clear() {
	if p.out == nil || p.last.IsZero() {
		return
	}
	fmt.Fprint(p.out, "\r\x1b[K")
	p.last = time.Time{}
}
