// Command servers installs the real servers and programs that tests need, and runs them for a developer.
//
//	go run ./internal/servers/cmd/servers install [kafka|redis|clickhouse|promtool|python|browser|all ...]
//	go run ./internal/servers/cmd/servers up
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"drawdown/internal/servers"
	"drawdown/internal/servers/browser"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/engine"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/python"
	"drawdown/internal/servers/redis"
)

// usageStatus is the exit status of a command line that makes no sense.
const usageStatus = 2

var errUsage = errors.New("usage: servers install [kafka|redis|clickhouse|promtool|python|browser|all ...] | servers up")

func main() {
	engine.MaybeRunChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errUsage) {
			os.Exit(usageStatus)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) >= 1 && args[0] == "install":
		return install(ctx, args[1:], out)
	case len(args) == 1 && args[0] == "up":
		return up(ctx, out)
	default:
		return errUsage
	}
}

// target is one thing that can be installed.
type target struct {
	name    string
	install func(ctx context.Context, progress io.Writer) (string, error)
}

var targets = []target{
	{"redis", servers.RedisServer.Install},
	{"promtool", servers.Promtool.Install},
	{"kafka", kafka.Install},
	{"clickhouse", clickhouse.Install},
	{"python", installPython},
	{"browser", browser.Install},
}

func installPython(ctx context.Context, progress io.Writer) (string, error) {
	venv, err := python.Install(ctx, progress)
	return venv.Python, err
}

// install installs what is named, all by default, and goes on after a failure so that one run reports every one.
func install(ctx context.Context, names []string, out io.Writer) error {
	all := len(names) == 0 || slices.Contains(names, "all")
	for _, name := range names {
		if name != "all" && !slices.ContainsFunc(targets, func(t target) bool { return t.name == name }) {
			return fmt.Errorf("%q cannot be installed: %w", name, errUsage)
		}
	}
	var failures []error
	for _, target := range targets {
		if !all && !slices.Contains(names, target.name) {
			continue
		}
		if _, err := target.install(ctx, out); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// running is what up needs of a server.
type running interface {
	Addr() string
	Log() string
	Stop() error
}

// up starts every server, prints where it is, and stops all when the context ends.
func up(ctx context.Context, out io.Writer) (err error) {
	for _, start := range []struct {
		name  string
		start func() (running, error)
	}{
		{"Kafka", func() (running, error) { return kafka.Start(ctx, kafka.Options{}) }},
		{"Redis", func() (running, error) { return redis.Start(ctx, redis.Options{AppendOnly: redis.Everysec}) }},
		{"ClickHouse (HTTP)", func() (running, error) { return clickhouse.Start(ctx, clickhouse.Options{}) }},
	} {
		server, startErr := start.start()
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		servers.Say(out, "%-18s %s   log %s", start.name, server.Addr(), server.Log())
	}
	servers.Say(out, "%s\nCtrl-C stops them and removes their data.", strings.Repeat("-", 18))
	<-ctx.Done()
	return nil
}
