package replay_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/memstore"
	"drawdown/consumer/decode"
	"drawdown/internal/loggen"
)

// keeper runs a partition the way a worker does: accounts are loaded when they are missing, changes are committed at
// every cut, and memory is dropped or the whole worker restarted at some.
type keeper struct {
	t         *testing.T
	store     balance.Store
	partition *balance.Partition
	epoch     balance.Epoch
	decoder   decode.Decoder
}

func (k *keeper) restart(token string) {
	ctx := context.Background()
	epoch, position, err := k.store.Claim(ctx, 0, token)
	k.check(err)
	k.epoch, k.partition = epoch, balance.NewPartition(0)
	k.partition.RestorePosition(position)
	catalogue, err := k.store.Catalogue(ctx, 0)
	k.check(err)
	k.check(k.partition.RestoreCatalogue(catalogue, func(value []byte, rec *drawdown.Record) {
		var decoder decode.Decoder
		decoder.Decode(value, drawdown.NoTime, rec)
	}))
}

func (k *keeper) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *keeper) load(account string) {
	ctx := context.Background()
	stored, err := k.store.Load(ctx, 0, []string{account})
	k.check(err)
	names, err := k.partition.Restore(stored[0])
	k.check(err)
	var keys []balance.SegmentKey
	for _, name := range names {
		keys = append(keys, balance.SegmentKey{Account: account, Segment: name})
	}
	data, err := k.store.Segments(ctx, 0, keys)
	k.check(err)
	k.check(k.partition.RestoreSegments(account, names, data))
}

func (k *keeper) commit(next drawdown.Offset) {
	outcome, err := k.store.Commit(context.Background(), k.partition.Take(k.epoch, next))
	k.check(err)
	if outcome.Kind != balance.Applied {
		k.t.Fatalf("commit to %d: %+v", next, outcome)
	}
	k.partition.Committed(next)
}

func (k *keeper) apply(offset int, line []byte, out drawdown.Output) {
	rec := drawdown.Record{Offset: drawdown.Offset(offset)}
	k.decoder.Decode(bytes.Clone(line), drawdown.NoTime, &rec)
	if rec.Account != nil && k.partition.Missing(rec.Account) {
		k.load(string(rec.Account))
	}
	k.partition.Apply(&rec, out)
}

// collected gathers lines.
type collected struct{ bytes.Buffer }

func (c *collected) print(line []byte)               { c.Write(append(line, '\n')) }
func (c *collected) Charge(e *drawdown.Charge)       { c.print(drawdown.AppendCharge(nil, e)) }
func (c *collected) Ledger(e drawdown.Entry)         { c.print(drawdown.AppendLedger(nil, e)) }
func (c *collected) Rejected(e *drawdown.Rejected)   { c.print(drawdown.AppendRejected(nil, e)) }
func (c *collected) Duplicate(e *drawdown.Duplicate) { c.print(drawdown.AppendDuplicate(nil, e)) }
func (c *collected) balances(all []drawdown.Balance) {
	for i := range all {
		c.print(drawdown.AppendBalance(nil, &all[i]))
	}
}

// TestCutsChangeNothing commits, forgets and restarts anywhere, and expects the lines of an undisturbed replay: so the
// packed state is all that an account is, and batches don't matter.
func TestCutsChangeNothing(t *testing.T) {
	for seed := range uint64(60) {
		log := loggen.Generate(seed+1000, 500, loggen.Options{Accounts: 1 + int(seed%5)})
		random := rand.New(rand.NewPCG(seed, 1))
		k := &keeper{t: t, store: memstore.New()}
		k.restart("first")
		var got collected
		lines := bytes.Split(bytes.TrimSuffix(log, []byte{'\n'}), []byte{'\n'})
		for i, line := range lines {
			k.apply(i, line, &got)
			if random.IntN(8) > 0 && i+1 < len(lines) {
				continue
			}
			k.commit(drawdown.Offset(i + 1))
			switch random.IntN(4) {
			case 0:
				k.partition.Evict(0)
			case 1:
				k.restart(string(line[:min(20, len(line))]) + "restart")
			}
		}
		k.restart("last")
		ids, _, err := k.store.Accounts(context.Background(), 0, "")
		k.check(err)
		for _, id := range ids {
			k.load(id)
		}
		got.balances(k.partition.Balances())
		if difference := firstDifference(sorted(t, got.Bytes()), run(t, log)); difference != "" {
			t.Fatalf("seed %d: %s", seed+1000, difference)
		}
	}
}
