package servers_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"drawdown/internal/servers"
)

func TestFreePortsAreDifferentAndCanBeBound(t *testing.T) {
	seen := map[int]bool{}
	for range 10 {
		ports, err := servers.FreePorts(5)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if seen[port] {
				t.Errorf("port %d was given twice", port)
			}
			seen[port] = true
			listener, err := net.Listen("tcp", servers.LoopbackAddr(port))
			if err != nil {
				t.Fatal(err)
			}
			if err := listener.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestInstallOnceFillsOnceHoweverManyAsk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "thing")
	var fills atomic.Int32
	group := errgroup.Group{}
	for range 8 {
		group.Go(func() error {
			err := servers.InstallOnce(dir, func(tmp string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(tmp, "file"), []byte("whole"), 0o644)
			})
			if err != nil {
				return err
			}
			_, err = os.Stat(filepath.Join(dir, "file"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if fills.Load() != 1 {
		t.Errorf("filled %d times, expected once", fills.Load())
	}
}

func TestAFailedInstallationLeavesNothingAndIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "thing")
	broken := errors.New("the network is away")
	err := servers.InstallOnce(dir, func(tmp string) error {
		return errors.Join(os.WriteFile(filepath.Join(tmp, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("expected %v, found %v", broken, err)
	}
	if done, err := servers.Installed(dir); done || err != nil {
		t.Fatalf("installed: %t, %v", done, err)
	}
	err = servers.InstallOnce(dir, func(tmp string) error {
		if _, err := os.Stat(filepath.Join(tmp, "half")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what the first try left is still there: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := servers.Installed(dir); !done || err != nil {
		t.Errorf("installed: %t, %v", done, err)
	}
}

// shell is a server that is a shell script; ready tells when it answers.
func shell(script string, ready func(dir string) error) servers.Spec {
	dir := ""
	return servers.Spec{
		Name: "shell",
		Addr: "nowhere",
		Command: func(made string) (servers.Command, error) {
			dir = made
			return servers.Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: made}, nil
		},
		Ready:        func(context.Context) error { return ready(dir) },
		StartTimeout: 20 * time.Second,
	}
}

func fileExists(name string) func(dir string) error {
	return func(dir string) error {
		_, err := os.Stat(filepath.Join(dir, name))
		return err
	}
}

func TestAServerThatEndsBeforeItAnswersQuotesItsLog(t *testing.T) {
	_, err := servers.Run(t.Context(), shell("echo the port is taken >&2; exit 3", fileExists("never")))
	if err == nil || !strings.Contains(err.Error(), "the port is taken") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("expected an error with the log and the status, found %v", err)
	}
}

func TestAServerThatNeverAnswersIsEndedInTime(t *testing.T) {
	spec := shell("echo waiting; exec sleep 1000", fileExists("never"))
	spec.StartTimeout = 300 * time.Millisecond
	_, err := servers.Run(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "no answer within 300ms") || !strings.Contains(err.Error(), "waiting") {
		t.Errorf("expected an error with the time and the log, found %v", err)
	}
}

func TestStopRemovesTemporaryDataAndTwiceIsFine(t *testing.T) {
	server, err := servers.Run(t.Context(), shell("touch up; exec sleep 1000", fileExists("up")))
	if err != nil {
		t.Fatal(err)
	}
	first := server.PID()
	if err := errors.Join(server.Kill(), server.Kill(), server.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	if server.PID() == first || server.PID() == 0 {
		t.Errorf("process %d before the restart, %d after", first, server.PID())
	}
	if err := errors.Join(server.Stop(), server.Stop()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(server.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data are still there: %v", err)
	}
}

func TestAGivenFolderIsKept(t *testing.T) {
	spec := shell("touch up; exec sleep 1000", fileExists("up"))
	spec.Dir = filepath.Join(t.TempDir(), "kept")
	server, err := servers.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := fileExists("up")(spec.Dir); err != nil {
		t.Error(err)
	}
}
