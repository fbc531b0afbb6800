//go:build integration

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/internal/servers/redis"
)

var withPassword = redis.Options{Password: "right-7c1e"}

// TestServersThatAreAway takes each server away, at the start and in the middle, and gives it back.
func TestServersThatAreAway(t *testing.T) {
	in := install(t, needs{Partitions: 4, ClickHouse: true, Redis: redis.Options{AppendOnly: redis.Always}})
	in.publishExamples()
	for i := range 10 {
		in.openAccount("account-"+number(i), "airbyte-cloud", 10)
	}
	in.some(10, 20)

	// At the start: nothing is there.
	in.must(in.redis.Halt())
	in.must(in.clickhouse.Kill())
	in.must(broker.Kill())
	t.Cleanup(func() { // other tests share it
		if broker.PID() == 0 {
			in.must(broker.Restart(context.Background()))
		}
	})
	worker, sink := in.start("worker"), in.start("sink")
	worker.awaitUnready("the worker")
	worker.awaitLog("Redis did not answer")
	sink.awaitUnready("")
	sink.awaitLog("the sink waits for ClickHouse")
	in.must(broker.Restart(t.Context()))
	worker.awaitUnready("partition 0", "a server is away", "Redis did not answer")
	in.must(in.redis.Restart(t.Context()))
	worker.awaitReady()
	in.awaitAvailable(10*drawdown.Credit - 20*1000*creditsPerRecord)
	in.must(in.clickhouse.Restart(t.Context()))
	sink.awaitReady()

	// In the middle, one after the other. Without ClickHouse balances go on.
	in.must(in.redis.Kill())
	worker.awaitUnready("partition 0", "a server is away", "Redis did not answer")
	in.some(10, 20)
	in.must(in.redis.Restart(t.Context()))
	worker.awaitReady()
	in.awaitAvailable(10*drawdown.Credit - 40*1000*creditsPerRecord)

	in.must(broker.Kill())
	worker.awaitUnready("")
	sink.awaitUnready("")
	in.must(broker.Restart(t.Context()))
	worker.awaitReady()
	in.some(10, 20)
	in.awaitAvailable(10*drawdown.Credit - 60*1000*creditsPerRecord)

	in.must(in.clickhouse.Kill())
	in.some(10, 20)
	in.awaitAvailable(10*drawdown.Credit - 80*1000*creditsPerRecord)
	sink.awaitUnready("")
	if err := worker.ready(t.Context()); err != nil {
		t.Errorf("without ClickHouse the worker is not ready: %v", err)
	}
	in.must(in.clickhouse.Restart(t.Context()))
	sink.awaitReady()

	in.must(worker.stop())
	m := in.settle()
	in.awaitRows(m)
	in.must(sink.stop())
	in.check(m)
	in.checkRows(m)
}

// awaitAvailable waits until each of ten accounts has an amount.
func (in *installation) awaitAvailable(want drawdown.Credits) {
	in.t.Helper()
	for i := range 10 {
		account := "account-" + number(i)
		in.await("the balance of "+account, func(context.Context) (bool, any) {
			found := in.available(account)
			return found == want, fmt.Sprintf("it is %s, want %s", found, want)
		})
	}
}

// TestAFullRedis: a worker waits for memory, says so, and goes on by itself.
func TestAFullRedis(t *testing.T) {
	in := install(t, needs{Partitions: 2, Redis: withPassword})
	in.publishExamples()
	for i := range 10 {
		in.openAccount("account-"+number(i), "airbyte-cloud", 10)
	}
	worker := in.start("worker")
	worker.awaitReady()
	client := goredis.NewClient(&goredis.Options{Addr: in.redis.Addr(), Password: withPassword.Password})
	t.Cleanup(func() { _ = client.Close() })
	in.must(client.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(1<<20)).Err()) // less than it uses
	in.some(10, 20)
	worker.awaitUnready("a server is away", "Redis is full and nothing was written: raise maxmemory")
	worker.awaitLog("Redis is full and nothing was written: raise maxmemory")
	in.must(client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	worker.awaitReady()
	in.awaitAvailable(10*drawdown.Credit - 20*1000*creditsPerRecord)
	in.must(worker.stop())
	in.check(in.settle())
}

// TestSIGTERMDrains: a worker that is asked to end finishes what is in flight, so that nothing is published again.
func TestSIGTERMDrains(t *testing.T) {
	in := install(t, needs{Settings: settings{"worker.batch_events_max": 50, "worker.fetch_bytes_max": 16 << 10}})
	in.publishExamples()
	for i := range 10 {
		in.openAccount("account-"+number(i), "airbyte-cloud", 100)
	}
	events, struck := 1000, 0
	for round := 0; round < 3 || struck == 0; round++ {
		if round == 8 {
			t.Fatal("no worker was asked to end in the middle of the load")
		}
		in.some(10, events)
		worker := in.start("worker")
		before := in.committed()
		in.await("the worker makes progress", func(context.Context) (bool, any) {
			worker.running()
			return in.committed() > before, worker.ready(t.Context())
		})
		begun := time.Now()
		if err := worker.stop(); err != nil {
			t.Errorf("the worker ended with %v", err)
		}
		if took := time.Since(begun); took > in.config.Worker.DrainTimeout {
			t.Errorf("the end took %v", took)
		}
		if done, _ := in.caughtUp(); !done {
			struck++
		} else {
			events *= 2 // it was too fast
		}
	}
	m := in.settle()
	in.check(m)
	if again := in.repeated; again > 0 {
		t.Errorf("%d lines were published again", again)
	}
}
