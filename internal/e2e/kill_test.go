//go:build integration

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/internal/servers/redis"
)

const (
	killAccounts = 24
	killStrikes  = 10
	killRounds   = 2 * killStrikes // so many kills may be made until as many have struck in the middle
	// killChunk is how many events are appended before each kill: more than are worked off until it strikes. Twice as many
	// are when that was not so.
	killChunk = 6000
)

// TestKilledTenTimesUnderLoad kills the worker in the middle of a load ten times, and the sink, Redis and ClickHouse
// now and then, and compares all balances and rows with what the log means.
func TestKilledTenTimesUnderLoad(t *testing.T) {
	in := install(t, needs{
		ClickHouse: true, Redis: redis.Options{AppendOnly: redis.Always},
		// Small batches and caches, so that there are many moments between publish and commit to be killed in.
		Settings: settings{
			"worker.batch_events_max": 50, "worker.fetch_bytes_max": 32 << 10, "worker.cache_accounts_max": 20,
			"sink.block_rows_max": 1500,
		},
	})
	in.publishExamples()
	for i := range killAccounts {
		in.openBuyer(fmt.Sprintf("account-%d", i))
	}
	random := rand.New(rand.NewPCG(1, 2))
	load := &load{in: in, random: random}
	sink := in.start("sink")
	chunk := killChunk
	for round, strikes := 0, 0; strikes < killStrikes; round++ {
		if round == killRounds {
			t.Fatalf("only %d of %d kills struck in the middle of the load", strikes, killRounds)
		}
		before := in.committed()
		load.append(chunk)
		worker := in.start("worker")
		progress := before + drawdown.Offset(200+random.IntN(chunk/2))
		in.await("the worker makes progress", func(context.Context) (bool, any) {
			worker.running()
			return in.committed() >= progress, "see its log"
		})
		worker.kill()
		if done, _ := in.caughtUp(); !done {
			strikes++
		} else {
			chunk *= 2
		}
		switch round {
		case 2, 5, 8:
			sink.kill()
			sink = in.start("sink")
		case 3, 7: // a worker meets a Redis that dies under it
			worker = in.start("worker")
			worker.awaitReady()
			in.must(in.redis.Kill())
			worker.awaitUnready("partition")
			in.must(in.redis.Restart(t.Context()))
			worker.awaitReady()
			worker.kill()
		case 6:
			in.must(in.clickhouse.Kill())
			in.must(in.clickhouse.Restart(t.Context()))
		}
	}
	m := in.settle()
	in.awaitRows(m)
	in.must(sink.stop())
	in.check(m)
	in.checkRows(m)
	if m.charged < killStrikes*killChunk*9/10 || m.repeated == 0 || m.entries < killAccounts*3 {
		t.Errorf("the load means %d charges, %d entries and %d duplicates only", m.charged, m.entries, m.repeated)
	}
}

// openBuyer opens an account that buys by itself when it runs out.
func (in *installation) openBuyer(account string) {
	in.t.Helper()
	in.openAccount(account, "airbyte-cloud", 3)
	in.append(app.Operation{Type: drawdown.PaymentMethodSaved, Account: account, Data: map[string]any{"method": "m", "kind": "card"}})
	in.append(app.Operation{Type: drawdown.AutoPurchaseSet, Account: account, Data: map[string]any{"enabled": true}})
}

// load appends usage of all accounts: with and without seq, some of it twice, and settles the purchases it expects.
type load struct {
	in     *installation
	random *rand.Rand
	seq    [killAccounts]int
	bought int
}

func (l *load) append(events int) {
	l.in.t.Helper()
	var chunk []usage
	for range events {
		i := l.random.IntN(killAccounts)
		u := usage{account: fmt.Sprintf("account-%d", i), job: 7, records: l.random.IntN(40_000)}
		switch l.random.IntN(20) {
		case 0: // without seq: known by its id
		case 1: // sent twice
			l.seq[i]++
			u.seq = l.seq[i]
			chunk = append(chunk, u)
		default:
			l.seq[i] += 1 + l.random.IntN(50)/49 // now and then one is missing
			u.seq = l.seq[i]
		}
		chunk = append(chunk, u)
	}
	l.in.report(chunk...)
	l.bought++
	for i := range killAccounts {
		account := fmt.Sprintf("account-%d", i)
		l.in.append(app.Operation{Type: drawdown.PurchaseSettled, Account: account, Data: map[string]any{
			"purchase": fmt.Sprintf("%s:%d", account, l.bought), "kind": "auto", "quantity": "30", "amount": "75.00", "currency": "USD",
		}})
	}
}
