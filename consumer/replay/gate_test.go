package replay_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/memstore"
	"drawdown/internal/loggen"
	"drawdown/internal/reference"
)

// TestTheGateAgreesWithReference asks the gate of what is stored after every record of random logs, for every connection
// and one that the account never had, with the jobs that are held for and with none, now and later.
func TestTheGateAgreesWithReference(t *testing.T) {
	reasons := map[balance.GateReason]int{}
	for seed := range *seeds / 4 {
		log := loggen.Generate(*first+seed+20_000, 400, loggen.Options{Accounts: 1 + int(seed%3)})
		k := &keeper{t: t, store: memstore.New()}
		k.restart("only")
		oracle := reference.New()
		for i, line := range bytes.Split(bytes.TrimSuffix(log, []byte{'\n'}), []byte{'\n'}) {
			var out collected
			k.apply(i, line, &out)
			k.commit(drawdown.Offset(i + 1))
			if _, err := oracle.Apply(line); err != nil {
				t.Fatal(err)
			}
			account := reference.SubjectOf(line)
			if account == "" || !oracle.Probe(account).Known {
				continue
			}
			stored, err := k.store.Load(context.Background(), 0, []string{account})
			k.check(err)
			for reason := range k.compareGate(oracle, &stored[0]) {
				reasons[reason]++
			}
			if t.Failed() {
				t.Fatalf("seed %d, after record %d, %s", *first+seed+20_000, i, line)
			}
		}
	}
	for _, reason := range balance.GateReasons {
		if reasons[reason] == 0 {
			t.Errorf("no log had the reason %s: %v", reason, reasons)
		}
	}
}

// compareGate asks both about all connections of an account, and yields the reasons.
func (k *keeper) compareGate(oracle *reference.Engine, stored *balance.Stored) func(func(balance.GateReason) bool) {
	return func(yield func(balance.GateReason) bool) {
		state := oracle.Probe(stored.Account)
		connections := append(slices.Clone(state.Connections), "never known")
		jobs := []int64{-1}
		for _, h := range state.Holds {
			jobs = append(jobs, h.Job)
			connections = append(connections, h.Connection)
		}
		slices.Sort(connections)
		for _, connection := range slices.Compact(connections) {
			for _, job := range jobs[:min(len(jobs), 4)] {
				for _, later := range []drawdown.Time{0, 15 * drawdown.Day} {
					if !yield(k.compareAnswer(oracle, stored, connection, job, k.partition.Clock()+later)) {
						return
					}
				}
			}
		}
	}
}

func (k *keeper) compareAnswer(oracle *reference.Engine, stored *balance.Stored, connection string, job int64, at drawdown.Time) balance.GateReason {
	var asked *uint64
	var askedOracle *int64
	if job >= 0 {
		number := uint64(job)
		asked, askedOracle = &number, &job
	}
	answer, exists, err := k.partition.ReadGate(*stored, connection, asked, at)
	k.check(err)
	allowed, reason := oracle.Gate(stored.Account, connection, askedOracle, reference.Instant(at))
	if !exists || answer.Allowed != allowed || string(answer.Reason) != reason {
		k.t.Errorf("connection %q, job %d, at %v: %v %s, the reference says %v %s", connection, job, at, answer.Allowed, answer.Reason, allowed, reason)
	}
	return answer.Reason
}
