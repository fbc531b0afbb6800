package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// probeInterval is how often a starting server is asked whether it answers: a server is up within 20 ms of when it could be.
const probeInterval = 20 * time.Millisecond

// stopGrace is how long a server may take to end by itself; Kafka and ClickHouse write out what they hold.
const stopGrace = 20 * time.Second

// Spec says how one server is run.
type Spec struct {
	Name         string                          // what errors and folders call it
	Addr         string                          // where it listens; stays the same over restarts
	Dir          string                          // its data; empty: a temporary folder, removed by Stop
	Command      CommandFunc                     // the process to run
	Prepare      func(dir string) error          // optional; once, before the first start
	Ready        func(ctx context.Context) error // nil as soon as the server answers
	StartTimeout time.Duration                   // how long it may take to answer
}

// CommandFunc says what to run on a data folder; Name and Log are filled in afterwards.
type CommandFunc func(dir string) (Command, error)

// Server is one server process with an address and a data folder that outlive its restarts.
// Its methods may be called from any goroutine; Stop twice is fine.
type Server struct {
	spec      Spec
	temporary bool // the folder was made here and goes with Stop

	mu      sync.Mutex
	process *Process // nil while the server is down
}

// Run starts the server and returns when it answers. Whoever started it calls Stop.
func Run(ctx context.Context, spec Spec) (*Server, error) {
	server := &Server{spec: spec}
	if err := server.makeDir(); err != nil {
		return nil, err
	}
	if err := server.begin(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

func (s *Server) makeDir() error {
	if s.spec.Dir != "" {
		dir, err := filepath.Abs(s.spec.Dir) // the server may run in another working folder
		if err != nil {
			return fmt.Errorf("start %s: find its data folder: %w", s.spec.Name, err)
		}
		s.spec.Dir = dir
		if err := os.MkdirAll(s.spec.Dir, 0o755); err != nil {
			return fmt.Errorf("start %s: make its data folder: %w", s.spec.Name, err)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "drawdown-"+s.spec.Name+"-")
	if err != nil {
		return fmt.Errorf("start %s: make its data folder: %w", s.spec.Name, err)
	}
	s.spec.Dir, s.temporary = dir, true
	return nil
}

func (s *Server) begin(ctx context.Context) error {
	if s.spec.Prepare != nil {
		if err := s.spec.Prepare(s.spec.Dir); err != nil {
			return fmt.Errorf("prepare %s: %w", s.spec.Name, err)
		}
	}
	return s.Restart(ctx)
}

// Addr is the server's host and port; the same after a restart.
func (s *Server) Addr() string { return s.spec.Addr }

// Dir is the server's data folder.
func (s *Server) Dir() string { return s.spec.Dir }

// Log is the file that holds what the server printed.
func (s *Server) Log() string { return filepath.Join(s.spec.Dir, s.spec.Name+".log") }

// PID is the server's process id, or 0 while it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.PID()
}

// Kill ends the server at once, as a crash would: nothing is flushed. The data stay; Restart brings it back.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.killLocked()
}

func (s *Server) killLocked() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Kill()
	s.process = nil
	return err
}

// Halt ends the server in order and keeps its data, also where they are temporary. Restart brings it back.
func (s *Server) Halt() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.haltLocked()
}

func (s *Server) haltLocked() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Stop(stopGrace)
	s.process = nil
	return err
}

// Stop ends the server in order and removes its data if they are temporary.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.haltLocked()
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.spec.Dir))
	}
	return err
}

// Restart starts the server on its address and data and returns when it answers; a running one is stopped in order first.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.haltLocked(); err != nil {
		return err
	}
	command, err := s.spec.Command(s.spec.Dir)
	if err != nil {
		return err
	}
	command.Name, command.Log = s.spec.Name, s.Log()
	process, err := StartProcess(command)
	if err != nil {
		return err
	}
	s.process = process
	if err := s.awaitReady(ctx); err != nil {
		return errors.Join(err, s.killLocked())
	}
	return nil
}

// awaitReady asks until the server answers, has ended, or has used up its time.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.spec.StartTimeout)
	defer cancel()
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		err := s.spec.Ready(ctx)
		if err == nil {
			return s.stillRunning()
		}
		select {
		case <-s.process.Done():
			return s.stillRunning()
		case <-ctx.Done():
			return fmt.Errorf("start %s on %s: no answer within %s: %w%s", s.spec.Name, s.spec.Addr, s.spec.StartTimeout, err, s.process.logTail())
		case <-ticker.C:
		}
	}
}

// stillRunning tells a server that answers from a stranger on its port that does: the child must be alive.
func (s *Server) stillRunning() error {
	select {
	case <-s.process.Done():
		//nolint:errorlint // how it ended is told, not an error to look for; nil after a status of 0
		return fmt.Errorf("start %s on %s: it ended by itself (%v)%s", s.spec.Name, s.spec.Addr, s.process.err, s.process.logTail())
	default:
		return nil
	}
}
