package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"drawdown/internal/servers/clickhouse/chdb"
)

// The parent tells the child what it is, and its secret, in the environment: arguments are visible to every user.
const (
	childVariable    = "DRAWDOWN_CLICKHOUSE_ENGINE"
	passwordVariable = "DRAWDOWN_CLICKHOUSE_PASSWORD"
)

// drainTimeout is how long running requests may take to end when the server is told to.
const drainTimeout = 10 * time.Second

// readHeaderTimeout bounds how long a client may take to say what it wants.
const readHeaderTimeout = 10 * time.Second

// sessionArguments undo what the engine does as a library and the real server does not: to take any expression for a SELECT.
var sessionArguments = []string{"--implicit_select=0"}

// childless is true once MaybeRunChild has found that this process is not the child.
var childless atomic.Bool

// MaybeRunChild turns this process into the engine's server if its parent started it for that, and then does not return.
// Otherwise it does nothing. It must come first in main or TestMain of a binary that starts the server.
func MaybeRunChild() {
	if os.Getenv(childVariable) == "" {
		childless.Store(true)
		return
	}
	os.Exit(Main(os.Args[1:]))
}

// Child is the command line and environment that make this very binary run as the server.
type Child struct {
	Path string
	Args []string
	Env  []string
}

// ChildOf says how to run the server on a library, a data folder and an address. An empty password means that every
// client is let in as any user; with a password the only user is "default".
func ChildOf(library, dir, addr, password string) (Child, error) {
	if !childless.Load() {
		return Child{}, errors.New("start the ClickHouse engine: this binary does not call engine.MaybeRunChild first in main or TestMain, so it cannot run itself as the server")
	}
	path, err := os.Executable()
	if err != nil {
		return Child{}, fmt.Errorf("start the ClickHouse engine: find this binary: %w", err)
	}
	return Child{
		Path: path,
		Args: []string{"-library", library, "-dir", dir, "-addr", addr},
		Env:  []string{childVariable + "=1", passwordVariable + "=" + password},
	}, nil
}

// Main runs the server until SIGTERM or SIGINT and returns the process's exit status.
func Main(args []string) int {
	if err := serve(args, os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "clickhouse engine:", err)
		return 1
	}
	return 0
}

func serve(args []string, log io.Writer) error {
	flags := flag.NewFlagSet("clickhouse-engine", flag.ContinueOnError)
	library := flags.String("library", "", "path of libchdb.so")
	dir := flags.String("dir", "", "data folder")
	addr := flags.String("addr", "127.0.0.1:8123", "address to listen on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	open := func() (*chdb.Conn, error) { return chdb.Open(*library, *dir, sessionArguments...) }
	// This session stays open for as long as the process: the engine ends with its last one.
	anchor, err := open()
	if err != nil {
		return err
	}
	defer anchor.Close()
	handler, err := newHandler(open, os.Getenv(passwordVariable))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	_, _ = fmt.Fprintf(log, "clickhouse engine %s listens on %s\n", handler.server.version, listener.Addr())
	return serveUntil(signals, listener, handler)
}

// serveUntil answers requests until the context ends, then lets those that run finish.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: readHeaderTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("let running requests finish: %w", err)
	}
	return nil
}
