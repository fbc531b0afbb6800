package memstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"

	"drawdown"
	"drawdown/balance"
)

// pageSize is how many account ids a page of Accounts has: small enough that tests turn pages.
const pageSize = 100

// Store implements [balance.Store] in memory. Its methods may be called from any goroutine.
type Store struct {
	mu         sync.Mutex
	recorded   int // count of the log's partitions, 0 while nothing is recorded
	partitions map[int32]*partition
}

// partition is one partition's state. Byte slices in it are never changed, only replaced.
type partition struct {
	position  balance.Position
	last      batch
	catalogue [][]byte
	accounts  map[string]*account
	segments  map[balance.SegmentKey][]byte
	index     map[balance.IndexEntry]struct{}
}

// batch identifies the last commit: a repetition of it is told from another one by this.
type batch struct {
	from, to drawdown.Offset
	digest   [16]byte
}

type account struct {
	mark   balance.Mark
	core   []byte
	fields map[string][]byte
	due    drawdown.Time
}

// New returns an empty store.
func New() *Store { return &Store{partitions: map[int32]*partition{}} }

// Position implements [balance.Store].
func (s *Store) Position(_ context.Context, number int32) (balance.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partition(number).position, nil
}

// partition returns what the store has, or an empty partition that is not stored.
func (s *Store) partition(number int32) *partition {
	if p, ok := s.partitions[number]; ok {
		return p
	}
	return &partition{
		position: balance.Position{Clock: drawdown.NoTime},
		accounts: map[string]*account{},
		segments: map[balance.SegmentKey][]byte{},
		index:    map[balance.IndexEntry]struct{}{},
	}
}

// Claim implements [balance.Store].
func (s *Store) Claim(_ context.Context, number int32, token string) (balance.Epoch, balance.Position, error) {
	if token == "" {
		return balance.Epoch{}, balance.Position{}, fmt.Errorf("claim partition %d: no token", number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(number)
	if !p.position.Exists || p.position.Epoch.Token != token {
		p.position.Exists = true
		p.position.Epoch = balance.Epoch{Number: p.position.Epoch.Number + 1, Token: token}
		s.partitions[number] = p
	}
	return p.position.Epoch, p.position, nil
}

// Catalogue implements [balance.Store].
func (s *Store) Catalogue(_ context.Context, number int32) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var broadcasts [][]byte
	for _, broadcast := range s.partition(number).catalogue {
		broadcasts = append(broadcasts, bytes.Clone(broadcast))
	}
	return broadcasts, nil
}

// Load implements [balance.Store].
func (s *Store) Load(_ context.Context, number int32, accounts []string) ([]balance.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(number)
	loaded := make([]balance.Stored, len(accounts))
	for i, id := range accounts {
		loaded[i].Account = id
		if a, ok := p.accounts[id]; ok {
			loaded[i].Mark = a.mark
			loaded[i].Core = bytes.Clone(a.core)
			for name, value := range a.fields {
				loaded[i].Fields = append(loaded[i].Fields, balance.Field{Name: name, Value: bytes.Clone(value)})
			}
		}
	}
	return loaded, nil
}

// Segments implements [balance.Store].
func (s *Store) Segments(_ context.Context, number int32, keys []balance.SegmentKey) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(number)
	contents := make([][]byte, len(keys))
	for i, key := range keys {
		contents[i] = bytes.Clone(p.segments[key])
	}
	return contents, nil
}

// Due implements [balance.Store].
func (s *Store) Due(_ context.Context, number int32, until drawdown.Time, limit int) ([]balance.DueAccount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []balance.DueAccount
	for id, a := range s.partition(number).accounts {
		if a.due != drawdown.Never && a.due <= until {
			due = append(due, balance.DueAccount{Account: id, Due: a.due})
		}
	}
	slices.SortFunc(due, func(a, b balance.DueAccount) int {
		return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.Account, b.Account))
	})
	return due[:min(len(due), max(limit, 0))], nil
}

// Accounts implements [balance.Store]. The cursor is the last id of the page before.
func (s *Store) Accounts(_ context.Context, number int32, cursor string) ([]string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Sorted(maps.Keys(s.partition(number).accounts))
	ids = ids[sort.Search(len(ids), func(i int) bool { return ids[i] > cursor }):]
	if len(ids) <= pageSize {
		return ids, "", nil
	}
	return ids[:pageSize], ids[pageSize-1], nil
}

// RecordPartitions implements [balance.Store].
func (s *Store) RecordPartitions(_ context.Context, partitions int) (int, error) {
	if partitions <= 0 {
		return 0, fmt.Errorf("record the count of partitions: %d is no count", partitions)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recorded == 0 {
		s.recorded = partitions
	}
	return s.recorded, nil
}
