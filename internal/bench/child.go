package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
	"syscall"
	"time"

	"drawdown/internal/app"
)

// childVariable tells a process that it is a child of a benchmark.
const childVariable = "DRAWDOWN_BENCH_CHILD"

// What a child is told, a line each, after its job.
const (
	commandGo     = "go"     // begin the work
	commandFinish = "finish" // the work is done: report
)

// abandonTimeout is how long a child whose parent has gone may take to end in order.
const abandonTimeout = 15 * time.Second

// childless is true once MaybeRunChild has found that this process is not a child.
var childless atomic.Bool

// MaybeRunChild turns this process into a measured one if a benchmark started it for that, and then does not return.
// Otherwise it does nothing. It must come first in main or TestMain of a binary that runs a benchmark.
func MaybeRunChild() {
	if os.Getenv(childVariable) == "" {
		childless.Store(true)
		return
	}
	if err := childMain(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// job is what a child does.
type job struct {
	Kind         jobKind
	Config       app.Config
	CPUProfile   string   // file, empty for none
	AllocProfile string   // file, empty for none
	Shares       [][]span // of the consumers of the baseline
	Till         tillJob  // of those that buy
	Addr         string   // of the empty handler
}

type jobKind string

const (
	workerJob   jobKind = "worker"
	sinkJob     jobKind = "sink"
	baselineJob jobKind = "baseline"

	purchaserJob      jobKind = "purchaser"
	naivePurchaserJob jobKind = "naive purchaser"

	apiJob   jobKind = "api"
	emptyJob jobKind = "empty handler"
)

// endless reports whether the work ends with its context only.
func (k jobKind) endless() bool { return k != baselineJob && k != naivePurchaserJob }

// work is a job that is ready to begin. It ends with the context, or by itself.
type work func(ctx context.Context) error

// report is what a child tells, a JSON line each: that it is ready, and at the end what the work took or why it failed.
type report struct {
	Ready       bool
	Error       string
	CPUSeconds  float64 // of the whole process, in user and system mode
	Mallocs     uint64  // allocations since the work began
	AllocBytes  uint64
	MaxRSSBytes int64
	Nano        int64 // nano-credits that the baseline charged
}

// childMain reads a job, does it and reports.
func childMain(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	var j job
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	if err := json.Unmarshal(first, &j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	answers := json.NewEncoder(out)
	result, err := j.do(lines, func() error { return answers.Encode(report{Ready: true}) })
	if err != nil {
		result.Error = err.Error()
	}
	return errors.Join(err, answers.Encode(result))
}

// do prepares the job, begins it when told, and measures until it is told that it is finished or the work ends.
func (j *job) do(commands *bufio.Reader, ready func() error) (result report, err error) {
	begin, end, err := j.prepare(&result)
	if err != nil {
		return result, err
	}
	defer end()
	if err := ready(); err != nil {
		return result, err
	}
	if err := await(commands, commandGo); err != nil {
		return result, err
	}
	profiled, err := j.profile()
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	finished, abandoned := make(chan struct{}), make(chan error, 1)
	go func() {
		if err := await(commands, commandFinish); err != nil {
			abandoned <- err
			return
		}
		close(finished)
	}()
	before := allocations()
	done := make(chan error, 1)
	go func() { done <- begin(ctx) }()
	select {
	case err = <-done:
	case err = <-abandoned:
		time.AfterFunc(abandonTimeout, func() { os.Exit(1) })
		cancel()
		<-done //nolint:errcheck // the error that counts is why it was abandoned
		return result, err
	case <-finished:
	}
	result.measure(before)
	err = errors.Join(err, profiled())
	cancel()
	if j.Kind.endless() && err == nil {
		err = <-done
	}
	return result, err
}

// await reads a command. The parent's end is an end of the input.
func await(commands *bufio.Reader, want string) error {
	line, err := commands.ReadString('\n')
	if err != nil {
		return fmt.Errorf("wait for %q: %w", want, err)
	}
	if line != want+"\n" {
		return fmt.Errorf("told %q instead of %q", line, want)
	}
	return nil
}

func allocations() *runtime.MemStats {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return &stats
}

// measure fills in what the process has used.
func (r *report) measure(before *runtime.MemStats) {
	after := allocations()
	r.Mallocs, r.AllocBytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		r.CPUSeconds = (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds()
		r.MaxRSSBytes = usage.Maxrss << 10
	}
}

// profile begins the profiles that are wanted; call stop at the end of what they are of.
func (j *job) profile() (stop func() error, err error) {
	if j.AllocProfile != "" {
		runtime.MemProfileRate = 64 << 10 // fine enough for a few seconds, coarse enough to cost little
	}
	if j.CPUProfile == "" {
		return j.writeAllocs, nil
	}
	file, err := os.Create(j.CPUProfile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(file.Close(), j.writeAllocs())
	}, nil
}

func (j *job) writeAllocs() error {
	if j.AllocProfile == "" {
		return nil
	}
	file, err := os.Create(j.AllocProfile)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
