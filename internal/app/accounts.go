package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/consumer/murmur"
)

// ErrNoAccount says that the store has no such account.
var ErrNoAccount = errors.New("no such account; 'drawdown account open' makes one, and a refusal shows in 'drawdown rejects list'")

var (
	errNoPartitions = errors.New("the store has no partitions yet: no worker has run on it")
	errNoCatalogue  = errors.New("the catalogue has not been read")
)

// Accounts reads accounts as the store has them.
type Accounts struct {
	store      balance.Store
	partitions int
	restored   map[int32]*balance.Partition
}

// OpenAccounts asks the store how many partitions there are.
func OpenAccounts(ctx context.Context, store *redisstore.Store) (*Accounts, error) {
	count, err := store.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, errNoPartitions
	}
	return &Accounts{store: store, partitions: count, restored: map[int32]*balance.Partition{}}, nil
}

// Partitions is how many partitions the log has.
func (a *Accounts) Partitions() int { return a.partitions }

// PartitionOf is the partition of an account.
func (a *Accounts) PartitionOf(account string) int32 {
	return murmur.Partition([]byte(account), a.partitions)
}

// Balance reads an account's balance, as it stood after its last record.
func (a *Accounts) Balance(ctx context.Context, account string) (drawdown.Balance, error) {
	balances, err := a.Balances(ctx, a.PartitionOf(account), []string{account})
	if err != nil {
		return drawdown.Balance{}, err
	}
	if len(balances) == 0 {
		return drawdown.Balance{}, fmt.Errorf("account %s: %w", account, ErrNoAccount)
	}
	return balances[0], nil
}

// Balances reads accounts of one partition; those that don't exist are left out.
func (a *Accounts) Balances(ctx context.Context, partition int32, accounts []string) ([]drawdown.Balance, error) {
	machine, err := a.machine(ctx, partition)
	if err != nil {
		return nil, err
	}
	stored, err := a.store.Load(ctx, partition, accounts)
	if err != nil {
		return nil, err
	}
	var balances []drawdown.Balance
	for i := range stored {
		if _, err := machine.Restore(stored[i]); err != nil {
			return nil, err
		}
		if b, exists := machine.Balance(stored[i].Account); exists {
			balances = append(balances, b)
		}
	}
	machine.Evict(0)
	return balances, nil
}

// machine is a partition's state machine with the catalogue, which accounts need to be read.
func (a *Accounts) machine(ctx context.Context, partition int32) (*balance.Partition, error) {
	if machine := a.restored[partition]; machine != nil {
		return machine, nil
	}
	machine, err := readMachine(ctx, a.store, partition)
	if err != nil {
		return nil, err
	}
	a.restored[partition] = machine
	return machine, nil
}

// WaitApplied waits until the store stands behind a record.
func WaitApplied(ctx context.Context, store balance.Store, at Position) error {
	for {
		position, err := store.Position(ctx, at.Partition)
		if err == nil && int64(position.Next) > at.Offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the record stands at partition %d, offset %d, and is not applied yet (is a worker running?): %w",
				at.Partition, at.Offset, errors.Join(err, ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
