package app

import (
	"context"
	"fmt"
	"maps"
	"math"
	"sync"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/consumer/decode"
	"drawdown/consumer/murmur"
)

// Directory knows who is told and who pays of every account, as the store has it. It serves the purchaser and the
// notifier, which know nothing of balances. Safe for concurrent use.
type Directory struct {
	store *redisstore.Store

	mu         sync.Mutex
	count      int // partitions, 0 before the store was asked
	partitions map[int32]*directoryPartition
}

// directoryPartition is what is known of one partition.
type directoryPartition struct {
	mu      sync.Mutex
	machine *balance.Partition // with the catalogue; nil before it was read
	next    drawdown.Offset    // the store stands here or further
}

// NewDirectory returns a directory on a store. It does not connect.
func NewDirectory(store *redisstore.Store) *Directory {
	return &Directory{store: store, partitions: map[int32]*directoryPartition{}}
}

// positionPoll is how often the store is asked whether it stands behind a record. A commit follows the publication of
// its entries within milliseconds.
const positionPoll = 2 * time.Millisecond

// Profile reads an account as it is after the record at an offset of its partition's log, or later. It waits for that
// as long as ctx allows. With an offset below 0 it does not wait. An account that is not there is [ErrNoAccount].
func (d *Directory) Profile(ctx context.Context, account string, after drawdown.Offset) (drawdown.Profile, error) {
	number, partition, err := d.partition(ctx, account)
	if err != nil {
		return drawdown.Profile{}, err
	}
	if err := d.await(ctx, number, partition, after); err != nil {
		return drawdown.Profile{}, err
	}
	stored, err := d.store.Profiles(ctx, number, []string{account})
	if err != nil {
		return drawdown.Profile{}, err
	}
	partition.mu.Lock()
	defer partition.mu.Unlock()
	profile, exists, err := partition.read(stored[0])
	if err != nil { // a plan that was published since the catalogue was read, most likely
		if partition.machine, err = readMachine(ctx, d.store, number); err == nil {
			profile, exists, err = partition.read(stored[0])
		}
	}
	if err != nil {
		return drawdown.Profile{}, err
	}
	if !exists {
		return drawdown.Profile{}, fmt.Errorf("account %s: %w", account, ErrNoAccount)
	}
	return profile, nil
}

// Plans reads the plans published so far, by id.
func (d *Directory) Plans(ctx context.Context) (map[string]*drawdown.Plan, error) {
	machine, err := readMachine(ctx, d.store, 0)
	if err != nil {
		return nil, err
	}
	return maps.Clone(machine.Plans()), nil
}

// partition finds an account's partition, which needs the number of partitions once.
func (d *Directory) partition(ctx context.Context, account string) (int32, *directoryPartition, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count == 0 {
		count, err := d.store.Partitions(ctx)
		if err != nil {
			return 0, nil, err
		}
		if count == 0 {
			return 0, nil, errNoPartitions
		}
		d.count = count
	}
	number := murmur.Partition([]byte(account), d.count)
	if d.partitions[number] == nil {
		d.partitions[number] = &directoryPartition{}
	}
	return number, d.partitions[number], nil
}

// await waits until the store stands behind an offset.
func (d *Directory) await(ctx context.Context, number int32, partition *directoryPartition, after drawdown.Offset) error {
	for after >= 0 {
		partition.mu.Lock()
		reached := partition.next > after
		partition.mu.Unlock()
		if reached {
			return nil
		}
		position, err := d.store.Position(ctx, number)
		if err != nil {
			return err
		}
		partition.mu.Lock()
		partition.next = max(partition.next, position.Next)
		partition.mu.Unlock()
		if position.Next > after {
			return nil
		}
		select {
		case <-time.After(positionPoll):
		case <-ctx.Done():
			return fmt.Errorf("partition %d stands at offset %d, before %d (is a worker running?): %w",
				number, position.Next, after+1, ctx.Err())
		}
	}
	return nil
}

func (p *directoryPartition) read(stored balance.Stored) (profile drawdown.Profile, exists bool, err error) {
	if p.machine == nil {
		return profile, false, errNoCatalogue
	}
	return p.machine.ReadProfile(stored)
}

// readMachine returns a partition's state machine with its catalogue, which accounts need to be read.
func readMachine(ctx context.Context, store balance.Store, partition int32) (*balance.Partition, error) {
	entries, err := store.Catalogue(ctx, partition)
	if err != nil {
		return nil, err
	}
	return machineOf(partition, entries)
}

// machineOf returns a partition's state machine with a catalogue.
func machineOf(partition int32, entries [][]byte) (*balance.Partition, error) {
	machine := balance.NewPartition(partition)
	err := machine.RestoreCatalogue(entries, func(value []byte, rec *drawdown.Record) {
		var decoder decode.Decoder
		decoder.Decode(value, drawdown.NoTime, rec)
	})
	if err != nil {
		return nil, err
	}
	machine.Committed(math.MaxInt64) // it only reads: whatever it holds may be evicted
	return machine, nil
}
