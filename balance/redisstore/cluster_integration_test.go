//go:build integration

package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/balance/storetest"
	"drawdown/internal/servers"
)

// newNode starts a server in cluster mode that has no slots yet.
func newNode(t *testing.T) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	addr, bus := freeAddr(t), freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	_, busPort, _ := net.SplitHostPort(bus)
	client := newClient(t, &redis.Options{Addr: addr})
	server, err := servers.Run(t.Context(), servers.Spec{
		Name: "redis-cluster", Addr: addr, StartTimeout: time.Minute,
		Command: func(dir string) (servers.Command, error) {
			return servers.Command{Path: path, Dir: dir, Args: []string{
				"--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", "--cluster-port", busPort, "--save", "", "--dir", dir,
			}}, nil
		},
		Ready: func(ctx context.Context) error { return client.Ping(ctx).Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop the node: %v", err)
		}
	})
	return client
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// newCluster starts a node that has all slots.
func newCluster(t *testing.T) *redis.Client {
	t.Helper()
	node := newNode(t)
	do(t, node, "cluster", "addslotsrange", 0, 16383)
	eventually(t, func() bool { return strings.Contains(do(t, node, "cluster", "info"), "cluster_state:ok") })
	return node
}

func do(t *testing.T, client *redis.Client, args ...any) string {
	t.Helper()
	reply, err := client.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(reply)
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	deadline, ticker := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatal("waited 30 s in vain")
		case <-ticker.C:
		}
	}
}

// newClusterSubject is a store on a cluster client; its dumps are taken from the node.
func newClusterSubject(t *testing.T, node *redis.Client) *subject {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{node.Options().Addr}})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	s := newSubject(t, node)
	store, err := redisstore.New(client, s.prefix)
	if err != nil {
		t.Fatal(err)
	}
	s.Store = store
	return s
}

func TestConformanceOnCluster(t *testing.T) {
	node := newCluster(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject { return newClusterSubject(t, node) })
	if err := newClusterSubject(t, node).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// While a slot moves, a key that does not exist yet can't be created on the old master. Every key is declared, so the
// whole commit is refused, not one write in its middle.
func TestACommitInAMovingSlotAppliesAllOrNothing(t *testing.T) {
	from, to := newCluster(t), newNode(t)
	host, port, _ := net.SplitHostPort(from.Options().Addr)
	_, bus, _ := strings.Cut(strings.Fields(do(t, from, "cluster", "nodes"))[1], "@")
	bus, _, _ = strings.Cut(bus, ",")
	do(t, to, "cluster", "meet", host, port, bus)
	target := do(t, to, "cluster", "myid")
	eventually(t, func() bool { return strings.Contains(do(t, from, "cluster", "nodes"), target) })

	store := newClusterSubject(t, from)
	c := claimed(t, store, 50)
	for i := range c.Accounts {
		c.Accounts[i].Drops = nil // a key to delete that is not there would be missing as well
	}
	mustApply(t, store, c)
	slot := do(t, from, "cluster", "keyslot", store.prefix+"{p017}:meta")
	do(t, from, "cluster", "setslot", slot, "migrating", target)

	c = again(c)
	mustApply(t, store, c)
	c = again(c)
	c.Accounts = append(c.Accounts, balance.AccountChange{Account: "new", After: balance.Mark{Version: 1}, Due: 1})
	refusedWhole(t, store, c, redisstore.Unavailable)
	do(t, from, "cluster", "setslot", slot, "stable")
	mustApply(t, store, c)
}
