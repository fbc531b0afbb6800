package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"drawdown/internal/servers"
)

// startTimeout is how long a server may take to answer: an append-only file of a benchmark takes seconds to load.
const startTimeout = 60 * time.Second

// Fsync says when the append-only file reaches the disk. Without one nothing is kept: a restart begins empty.
type Fsync string

// The append-only file's modes; NoFile, the zero value, keeps none.
const (
	NoFile   Fsync = ""
	Always   Fsync = "always"   // before each answer
	Everysec Fsync = "everysec" // once a second
)

// Options are how a server is run; the zero value is an empty one in memory only, without a password.
type Options struct {
	Dir            string // data folder; empty: temporary, removed by Stop
	AppendOnly     Fsync
	MaxMemoryBytes int64  // 0: no limit
	Policy         string // what happens at the limit; empty: noeviction
	Password       string // empty: none is asked for
}

// Server is a running redis-server.
type Server struct {
	*servers.Server
}

// Start starts a server and returns when it answers. Whoever started it calls Stop.
func Start(ctx context.Context, options Options) (*Server, error) {
	path, err := servers.RedisServer.Find()
	if err != nil {
		return nil, err
	}
	addr, err := servers.FreeAddr()
	if err != nil {
		return nil, err
	}
	server, err := servers.Run(ctx, servers.Spec{
		Name: "redis",
		Addr: addr,
		Dir:  options.Dir,
		Prepare: func(dir string) error {
			return os.WriteFile(configuration(dir), []byte(options.configuration(dir, addr)), 0o600) // it holds the password
		},
		Command: func(dir string) (servers.Command, error) {
			return servers.Command{Path: path, Args: []string{configuration(dir)}, Dir: dir}, nil
		},
		Ready:        func(ctx context.Context) error { return ping(ctx, addr, options.Password) },
		StartTimeout: startTimeout,
	})
	if err != nil {
		return nil, err
	}
	return &Server{Server: server}, nil
}

func configuration(dir string) string { return filepath.Join(dir, "redis.conf") }

// configuration writes the server's settings. There are no snapshots: they would make a restart keep what a crash loses.
func (o Options) configuration(dir, addr string) string {
	host, port, _ := net.SplitHostPort(addr) // addr was made by JoinHostPort
	lines := []string{
		"bind " + host,
		"port " + port,
		fmt.Sprintf("dir %q", dir),
		`save ""`,
		"daemonize no",
	}
	if o.AppendOnly != NoFile {
		lines = append(lines, "appendonly yes", "appendfsync "+string(o.AppendOnly))
	}
	if o.MaxMemoryBytes > 0 {
		policy := o.Policy
		if policy == "" {
			policy = "noeviction"
		}
		lines = append(lines, fmt.Sprintf("maxmemory %d", o.MaxMemoryBytes), "maxmemory-policy "+policy)
	}
	if o.Password != "" {
		lines = append(lines, fmt.Sprintf("requirepass %q", o.Password))
	}
	return strings.Join(lines, "\n") + "\n"
}

func ping(ctx context.Context, addr, password string) error {
	client := goredis.NewClient(&goredis.Options{Addr: addr, Password: password, MaxRetries: -1})
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}
