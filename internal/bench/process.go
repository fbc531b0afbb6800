package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"drawdown/internal/servers"
)

// stopGrace is how long a child may take to end; longer than a worker's drain timeout.
const stopGrace = 30 * time.Second

// process is a child as its parent sees it. It ends when its input is closed, so also when the parent dies.
type process struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	log     string

	ready  chan struct{}
	ended  chan struct{} // closed when it has reported or ended, or both
	report report        // valid after ended
	err    error         // likewise
}

// spawn starts this binary as a child and returns when the child is ready to begin. Call stop, which waits for it.
func (c *cluster) spawn(name string, j *job) (*process, error) {
	if !childless.Load() {
		return nil, errors.New("start a child of the benchmark: this binary does not call bench.MaybeRunChild first in main or TestMain")
	}
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: find this binary: %w", name, err)
	}
	p := &process{name: name, log: filepath.Join(c.dir, name+".log"), ready: make(chan struct{}), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the child has its own copy of the descriptor
	p.command = exec.Command(path)
	p.command.Env = append(os.Environ(), childVariable+"=1")
	p.command.Stderr = log
	// A group of its own: Ctrl-C in a terminal reaches only the parent, which then stops its children in order.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.in, err = p.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go p.listen(answers)
	if err := p.give(j); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// give hands the job over and waits until the child is ready for it.
func (p *process) give(j *job) error {
	if err := json.NewEncoder(p.in).Encode(j); err != nil {
		return fmt.Errorf("start %s: hand its job over: %w", p.name, err)
	}
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return p.failure("start")
	}
}

// listen reads what the child reports, until its end.
func (p *process) listen(answers io.Reader) {
	defer close(p.ended)
	lines := json.NewDecoder(answers)
	var first report
	if p.err = lines.Decode(&first); p.err == nil && first.Ready {
		close(p.ready)
		p.err = lines.Decode(&p.report)
	} else {
		p.report = first
	}
}

// failure says why the child ended.
func (p *process) failure(doing string) error {
	reason := p.report.Error
	if reason == "" {
		reason = fmt.Sprintf("it ended without a report (%v)", p.err)
	}
	return fmt.Errorf("%s %s: %s; the end of its log (%s):\n%s", doing, p.name, reason, p.log, servers.LogTail(p.log))
}

// tell sends a command.
func (p *process) tell(command string) error {
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		return fmt.Errorf("tell %s to %s: %w", p.name, command, err)
	}
	return nil
}

// result waits for the report.
func (p *process) result() (report, error) {
	<-p.ended
	if p.err != nil || p.report.Error != "" {
		return p.report, p.failure("run")
	}
	return p.report, nil
}

// cpu is what the child has used of processors so far; 0 when it has ended.
func (p *process) cpu() time.Duration {
	fields := procFields(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	return ticks(fields, userTicks) + ticks(fields, systemTicks)
}

// stop waits for the child's end, which follows the end of its input; by force if it takes too long.
func (p *process) stop() {
	_ = p.in.Close()
	force := time.AfterFunc(stopGrace, func() { _ = p.command.Process.Kill() })
	defer force.Stop()
	<-p.ended
	_ = p.command.Wait()
}
