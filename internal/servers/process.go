package servers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// logTailBytes is how much of a server's log an error quotes: enough for a Java stack trace, short enough to read.
const logTailBytes = 4 << 10

// Command says how to run one child process.
type Command struct {
	Name string   // what errors call it
	Path string   // the executable
	Args []string // without the executable
	Env  []string // added to this process's environment
	Dir  string   // working folder; empty: this process's
	Log  string   // file that standard output and error are appended to
}

// Process is a running child. It is killed by the kernel when the process that started it ends.
type Process struct {
	command Command
	pid     int
	done    chan struct{} // closed when the child has ended and been waited for
	err     error         // why it ended; valid after done
}

// StartProcess starts the command and returns once the child runs; it does not wait for it to be ready.
func StartProcess(command Command) (*Process, error) {
	log, err := os.OpenFile(command.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: open its log: %w", command.Name, err)
	}
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Env = append(os.Environ(), command.Env...)
	cmd.Dir = command.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// A group of its own: Ctrl-C in a terminal reaches only the parent, which then stops its servers in order.
		Setpgid: true,
	}
	process := &Process{command: command, done: make(chan struct{})}
	started := make(chan error)
	go process.run(cmd, log, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Name, err)
	}
	return process, nil
}

// run starts the child and waits for it on one locked thread. The kernel sends the parent-death signal when the thread
// that forked ends, not the process, so that thread must live as long as the child.
func (p *Process) run(cmd *exec.Cmd, log io.Closer, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	if err == nil {
		p.pid = cmd.Process.Pid
	}
	_ = log.Close() // the child has its own copy of the descriptor
	started <- err
	if err != nil {
		return
	}
	p.err = cmd.Wait()
	close(p.done)
}

// PID is the child's process id.
func (p *Process) PID() int { return p.pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop asks the child to end (SIGTERM), and kills it when it has not within the grace period, which is an error.
// A child that has ended already is fine.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("stop %s: it did not end within %s and was killed%s", p.command.Name, grace, p.logTail())
}

// Kill ends the child at once (SIGKILL) and returns when it is gone.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(signal syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s (process %d): %w", signal, p.command.Name, p.pid, err)
	}
	return nil
}

// logTail is the end of the child's log, set off for use at the end of an error message.
func (p *Process) logTail() string {
	tail := LogTail(p.command.Log)
	if tail == "" {
		return ""
	}
	return fmt.Sprintf("; the end of its log (%s):\n%s", p.command.Log, tail)
}

// LogTail is the end of a log file, enough to see why a server failed; empty if there is none to read.
func LogTail(path string) string {
	tail, err := fileTail(path, logTailBytes)
	if err != nil {
		return ""
	}
	return tail
}

func fileTail(path string, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if _, err := file.Seek(max(0, info.Size()-limit), io.SeekStart); err != nil {
		return "", err
	}
	tail, err := io.ReadAll(file)
	return strings.TrimSpace(string(tail)), err
}
