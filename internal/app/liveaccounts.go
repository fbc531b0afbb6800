package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"drawdown"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/consumer/murmur"
)

// LiveAccounts reads accounts as the store has them at the moment, for whoever asks thousands of times a second: a question
// is one round trip, since what accounts are read with (the catalogue of their partition) is kept and looked after
// in the background. It implements [office.Accounts]. Safe for concurrent use.
type LiveAccounts struct {
	store *redisstore.Store

	mu         sync.Mutex
	catalogues []*liveCatalogue // by partition; nil before the store was asked how many there are
}

// NewLiveAccounts returns the accounts of a store. It does not connect.
func NewLiveAccounts(store *redisstore.Store) *LiveAccounts { return &LiveAccounts{store: store} }

// How old a catalogue may be. It is read again by the first question after catalogueRefresh, which does not wait for it; a
// question after catalogueAgeMax waits. So none is answered with plans or stages that are more than a second old.
const (
	catalogueRefresh = 500 * time.Millisecond
	catalogueAgeMax  = time.Second
	// catalogueTimeout bounds a refresh that nobody waits for.
	catalogueTimeout = 5 * time.Second
)

// liveCatalogue is the catalogue of a partition as it was lately.
type liveCatalogue struct {
	store     *redisstore.Store
	partition int32
	current   atomic.Pointer[catalogueView]
	refreshed atomic.Bool // a refresh in the background is under way
	reading   sync.Mutex
}

// catalogueView is a catalogue at a moment. It is never changed: readers share its machine (see [balance.Partition.ReadGate]).
type catalogueView struct {
	machine *balance.Partition
	entries int // broadcasts; a catalogue only grows
	readAt  time.Time
}

// catalogue finds an account's partition.
func (l *LiveAccounts) catalogue(ctx context.Context, account string) (*liveCatalogue, error) {
	all, err := l.all(ctx)
	if err != nil {
		return nil, err
	}
	return all[murmur.Partition([]byte(account), len(all))], nil
}

// all are the catalogues of all partitions, whose number is fixed for ever once a worker has recorded it.
func (l *LiveAccounts) all(ctx context.Context) ([]*liveCatalogue, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.catalogues != nil {
		return l.catalogues, nil
	}
	count, err := l.store.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, errNoPartitions
	}
	for partition := range count {
		l.catalogues = append(l.catalogues, &liveCatalogue{store: l.store, partition: int32(partition)})
	}
	return l.catalogues, nil
}

// machine returns the partition's state machine with a catalogue that is at most a second old.
func (c *liveCatalogue) machine(ctx context.Context) (*balance.Partition, error) {
	view := c.current.Load()
	if view == nil {
		return c.read(ctx, time.Time{})
	}
	switch age := time.Since(view.readAt); {
	case age > catalogueAgeMax:
		return c.read(ctx, view.readAt)
	case age > catalogueRefresh && c.refreshed.CompareAndSwap(false, true):
		go func() {
			defer c.refreshed.Store(false)
			ctx, cancel := context.WithTimeout(context.Background(), catalogueTimeout)
			defer cancel()
			_, _ = c.read(ctx, view.readAt) // a failure is the next question's, which waits then
		}()
	}
	return view.machine, nil
}

// read reads the catalogue, unless somebody has since it was read at an instant.
func (c *liveCatalogue) read(ctx context.Context, since time.Time) (*balance.Partition, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	before := c.current.Load()
	if before != nil && before.readAt.After(since) {
		return before.machine, nil
	}
	readAt := time.Now()
	entries, err := c.store.Catalogue(ctx, c.partition)
	if err != nil {
		return nil, err
	}
	if before != nil && before.entries == len(entries) {
		c.current.Store(&catalogueView{before.machine, before.entries, readAt})
		return before.machine, nil
	}
	machine, err := machineOf(c.partition, entries)
	if err != nil {
		return nil, err
	}
	c.current.Store(&catalogueView{machine, len(entries), readAt})
	return machine, nil
}

// newest reads the catalogue now: for an account that can't be read with the one at hand, as it has a plan that was
// published since.
func (c *liveCatalogue) newest(ctx context.Context) (*balance.Partition, error) {
	return c.read(ctx, time.Now())
}

// with reads something of an account with the catalogue at hand, and once more with the newest where that fails.
func (c *liveCatalogue) with(ctx context.Context, read func(*balance.Partition) error) error {
	machine, err := c.machine(ctx)
	if err != nil {
		return err
	}
	if read(machine) == nil {
		return nil
	}
	if machine, err = c.newest(ctx); err != nil {
		return err
	}
	return read(machine)
}

// Gate implements [office.Accounts].
func (l *LiveAccounts) Gate(ctx context.Context, account, connection string, job *uint64, at drawdown.Time) (*balance.GateAnswer, error) {
	c, err := l.catalogue(ctx, account)
	if err != nil {
		return nil, err
	}
	machine, err := c.machine(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := l.store.Gate(ctx, c.partition, account, balance.GateFields(connection))
	if err != nil {
		return nil, err
	}
	answer, exists, err := machine.ReadGate(stored, connection, job, at)
	if err != nil || !exists {
		return nil, err
	}
	return &answer, nil
}

// Overview implements [office.Accounts].
func (l *LiveAccounts) Overview(ctx context.Context, account string, at drawdown.Time) (*balance.Overview, error) {
	c, err := l.catalogue(ctx, account)
	if err != nil {
		return nil, err
	}
	stored, err := l.store.Load(ctx, c.partition, []string{account})
	if err != nil {
		return nil, err
	}
	var overview balance.Overview
	exists := false
	err = c.with(ctx, func(machine *balance.Partition) (err error) {
		overview, exists, err = machine.ReadOverview(stored[0], at)
		return err
	})
	if err != nil || !exists {
		return nil, err
	}
	return &overview, nil
}

// Profile implements [office.Accounts].
func (l *LiveAccounts) Profile(ctx context.Context, account string) (*drawdown.Profile, error) {
	c, err := l.catalogue(ctx, account)
	if err != nil {
		return nil, err
	}
	stored, err := l.store.Profiles(ctx, c.partition, []string{account})
	if err != nil {
		return nil, err
	}
	var profile drawdown.Profile
	exists := false
	err = c.with(ctx, func(machine *balance.Partition) (err error) {
		profile, exists, err = machine.ReadProfile(stored[0])
		return err
	})
	if err != nil || !exists {
		return nil, err
	}
	return &profile, nil
}

// Plans implements [office.Accounts]. They are read anew each time: who looks at plans may just have published one.
func (l *LiveAccounts) Plans(ctx context.Context) ([]*drawdown.Plan, error) {
	all, err := l.all(ctx)
	if err != nil {
		return nil, err
	}
	machine, err := all[0].newest(ctx)
	if err != nil {
		return nil, err
	}
	plans := machine.Plans()
	list := make([]*drawdown.Plan, 0, len(plans))
	for _, id := range slices.Sorted(maps.Keys(plans)) {
		list = append(list, plans[id])
	}
	return list, nil
}

// Ready tells why questions can't be answered, nil where they can.
func (l *LiveAccounts) Ready(ctx context.Context) error {
	all, err := l.all(ctx)
	if err != nil {
		return err
	}
	if _, err := all[0].machine(ctx); err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	return nil
}

var _ office.Accounts = (*LiveAccounts)(nil)
