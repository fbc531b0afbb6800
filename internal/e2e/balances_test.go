//go:build integration

package e2e

import (
	"context"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
)

// balances reads every account back from Redis, as a worker does, with all that it holds.
func (in *installation) balances() map[string]string {
	in.t.Helper()
	found := map[string]string{}
	for partition := range int32(in.partitions) {
		engine := balance.NewPartition(partition)
		entries, err := in.store.Catalogue(in.t.Context(), partition)
		in.must(err)
		var decoder decode.Decoder
		in.must(engine.RestoreCatalogue(entries, func(value []byte, rec *drawdown.Record) {
			decoder.Decode(value, drawdown.NoTime, rec)
		}))
		for cursor, more := "", true; more; more = cursor != "" {
			ids, next, err := in.store.Accounts(in.t.Context(), partition, cursor)
			in.must(err)
			in.restore(engine, partition, ids)
			cursor = next
		}
		for _, b := range engine.Balances() {
			found[b.Account] = string(drawdown.AppendBalance(nil, &b))
		}
	}
	return found
}

func (in *installation) restore(engine *balance.Partition, partition int32, ids []string) {
	in.t.Helper()
	accounts, err := in.store.Load(in.t.Context(), partition, ids)
	in.must(err)
	for _, stored := range accounts {
		names, err := engine.Restore(stored)
		in.must(err)
		keys := make([]balance.SegmentKey, len(names))
		for i, name := range names {
			keys[i] = balance.SegmentKey{Account: stored.Account, Segment: name}
		}
		data, err := in.store.Segments(in.t.Context(), partition, keys)
		in.must(err)
		in.must(engine.RestoreSegments(stored.Account, names, data))
	}
}

// available reads the plain balance of an account, the number that other programs may read.
func (in *installation) available(account string) drawdown.Credits {
	in.t.Helper()
	marks, err := in.store.Balances(in.t.Context(), in.home(account), []string{account})
	in.must(err)
	return marks[0].Balance
}

// settle waits until the log is worked off and every process has ended in order, and returns what the log means.
// Ticks may be appended until the end, so what is worked off is looked at again after it.
func (in *installation) settle() *meaning {
	in.t.Helper()
	for {
		worker := in.start("worker")
		worker.awaitReady()
		in.await("the log is worked off", func(context.Context) (bool, any) {
			worker.running()
			done, reason := in.caughtUp()
			return done, reason
		})
		if err := worker.stop(); err != nil {
			in.t.Fatalf("the worker ended with %v", err)
		}
		if done, _ := in.caughtUp(); done {
			return in.replay()
		}
	}
}

// check compares everything that a worker leaves behind with what the log means.
func (in *installation) check(m *meaning) {
	in.t.Helper()
	same(in, "line", in.published(), m.lines)
	same(in, "balance of", in.balances(), m.balances)
	for account, want := range m.plain {
		if found := in.available(account); found != want {
			in.t.Errorf("account %s: Redis says %s, the log means %s", account, found, want)
		}
	}
}
