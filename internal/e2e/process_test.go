//go:build integration

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"drawdown/internal/servers"
)

// process is a running worker or sink.
type process struct {
	in      *installation
	name    string
	addr    string // of its metrics
	log     string
	command *exec.Cmd
	done    chan struct{} // closed when it has ended
	err     error         // why it ended; valid after done
}

// start starts a part of the installation: worker or sink. Further environment may be given.
func (in *installation) start(part string, env ...string) *process {
	in.t.Helper()
	addr, err := servers.FreeAddr()
	in.must(err)
	p := &process{in: in, name: part, addr: addr, done: make(chan struct{})}
	log, err := os.CreateTemp(in.dir, part+"-*.log")
	in.must(err)
	p.log = log.Name()
	p.command = exec.Command(binary, part, "--config", in.file)
	p.command.Env = append(append(os.Environ(), "DRAWDOWN_METRICS_ADDR="+addr), env...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go p.run(started)
	in.must(<-started)
	_ = log.Close() // the process has its own copy
	in.t.Cleanup(p.cleanUp)
	return p
}

// run starts the process and waits for it on one thread: the kernel kills it when the thread ends that started it.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.command.Start()
	started <- err
	if err == nil {
		p.err = p.command.Wait()
		close(p.done)
	}
}

// cleanUp ends the process with the test, and shows what it said if the test failed.
func (p *process) cleanUp() {
	p.scrape()
	p.kill()
	if p.in.t.Failed() {
		p.in.t.Logf("the end of the log of the %s:\n%s", p.name, servers.LogTail(p.log))
	}
}

// kill ends the process at once, as a crash would.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.done
}

// A process that is suspended answers nobody, and goes on as if nothing had been.
const (
	suspend = syscall.SIGSTOP
	resume  = syscall.SIGCONT
)

// stop asks the process to end, as soon as it listens to that, and returns what it made of it.
func (p *process) stop() error {
	p.in.t.Helper()
	p.awaitListening()
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
		return p.err
	case <-time.After(patience):
		p.in.t.Fatalf("the %s did not end within %v", p.name, patience)
		return nil
	}
}

// awaitListening waits until the process shows its metrics, or has ended by itself: one that is asked to end before it
// has begun is ended by the signal.
func (p *process) awaitListening() {
	p.in.t.Helper()
	p.in.await("the "+p.name+" shows its metrics", func(context.Context) (bool, any) {
		select {
		case <-p.done:
			return true, nil
		default:
			return p.scrape() != "", "nobody answers"
		}
	})
}

// running fails the test if the process has ended by itself.
func (p *process) running() {
	p.in.t.Helper()
	select {
	case <-p.done:
		p.in.t.Fatalf("the %s ended: %v", p.name, p.err)
	default:
	}
}

// ready asks the process whether it works as it should: nil, or why not.
func (p *process) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	p.in.scraped.Write(body)
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusOK:
		return nil
	case response.StatusCode == http.StatusServiceUnavailable:
		return unready(strings.TrimSpace(string(body)))
	default:
		return fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
}

// unready is why a process says that it does not work as it should.
type unready string

func (u unready) Error() string { return string(u) }

func (p *process) awaitReady() {
	p.in.t.Helper()
	p.in.await("the "+p.name+" is ready", func(ctx context.Context) (bool, any) {
		p.running()
		err := p.ready(ctx)
		return err == nil, err
	})
}

// awaitUnready waits until the process answers that it is not ready, and why: with all of the texts.
func (p *process) awaitUnready(texts ...string) {
	p.in.t.Helper()
	p.in.await("the "+p.name+" is not ready because of "+strings.Join(texts, ", "), func(ctx context.Context) (bool, any) {
		p.running()
		err := p.ready(ctx)
		var reason unready
		if !errors.As(err, &reason) {
			return false, err
		}
		for _, text := range texts {
			if !strings.Contains(string(reason), text) {
				return false, err
			}
		}
		return true, nil
	})
}

// awaitLog waits until the process has said something.
func (p *process) awaitLog(text string) {
	p.in.t.Helper()
	p.in.await(p.name+" says "+text, func(context.Context) (bool, any) {
		said, err := os.ReadFile(p.log)
		p.in.must(err)
		return bytes.Contains(said, []byte(text)), "see its log"
	})
}

// command runs a command to its end and returns what it printed and its exit status.
func (in *installation) command(args ...string) (output string, status int) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary, args...)
	command.Dir = in.dir
	printed, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		in.t.Fatalf("run %s: %v", filepath.Base(binary), err)
	}
	if ctx.Err() != nil {
		in.t.Fatalf("drawdown %s: not within %v:\n%s", strings.Join(args, " "), patience, printed)
	}
	return string(printed), command.ProcessState.ExitCode()
}
