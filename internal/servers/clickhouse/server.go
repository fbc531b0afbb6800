package clickhouse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"drawdown/internal/servers"
	"drawdown/internal/servers/clickhouse/engine"
)

// startTimeout is how long the server may take to answer: loading the library from a cold disk takes seconds.
const startTimeout = 60 * time.Second

// Options are how a server is run; the zero value is a server without a password on temporary data.
type Options struct {
	Dir      string // data folder; empty: temporary, removed by Stop
	Addr     string // host and port to listen on; empty: a free loopback port
	Password string // of the user "default"; empty: everybody is let in
}

// Server is a running ClickHouse engine behind ClickHouse's HTTP interface.
type Server struct {
	*servers.Server
}

// Start starts the installed engine and returns when it answers. Whoever started it calls Stop.
func Start(ctx context.Context, options Options) (*Server, error) {
	library, err := Library()
	if err != nil {
		return nil, err
	}
	if options.Addr == "" {
		if options.Addr, err = servers.FreeAddr(); err != nil {
			return nil, err
		}
	}
	server, err := servers.Run(ctx, servers.Spec{
		Name:         "clickhouse",
		Addr:         options.Addr,
		Dir:          options.Dir,
		Command:      options.command(library),
		Ready:        func(ctx context.Context) error { return ping(ctx, options.Addr) },
		StartTimeout: startTimeout,
	})
	if err != nil {
		return nil, err
	}
	return &Server{Server: server}, nil
}

// command runs this binary as the server; the data are beside its log, in a folder of their own.
func (o Options) command(library string) servers.CommandFunc {
	return func(dir string) (servers.Command, error) {
		child, err := engine.ChildOf(library, filepath.Join(dir, "data"), o.Addr, o.Password)
		if err != nil {
			return servers.Command{}, err
		}
		return servers.Command{Path: child.Path, Args: child.Args, Env: child.Env, Dir: dir}, nil
	}
}

func ping(ctx context.Context, addr string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/ping", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("ping: status %d: %w", response.StatusCode, err)
	}
	if string(body) != "Ok.\n" {
		return fmt.Errorf("ping: status %d, %q", response.StatusCode, body)
	}
	return nil
}
