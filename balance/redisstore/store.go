package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
)

// Store implements [balance.Store] in Redis 7 or later, Valkey, a cluster of either, or miniredis. Its methods may be
// called from any goroutine.
type Store struct {
	client   redis.UniversalClient
	keys     keyspace
	requests sync.Pool // of *request
}

// New returns a store on a client that the caller keeps and closes. Every key begins with prefix.
// The client must be done with the arguments of a call when the call returns: no AutoPipeliner.
func New(client redis.UniversalClient, prefix string) (*Store, error) {
	keys, err := newKeyspace(prefix)
	if err != nil {
		return nil, err
	}
	return &Store{client: client, keys: keys, requests: sync.Pool{New: func() any { return new(request) }}}, nil
}

// statusFields are the fields of meta that count accounts by status.
var statusFields = func() (fields [drawdown.StatusCount]string) {
	for status := range fields {
		fields[status] = "accounts:" + drawdown.Status(status).String()
	}
	fields[drawdown.StatusNone] = "accounts:none"
	return fields
}()

// positionFields are the fields of meta in the order in which they are read everywhere.
var positionFields = append([]string{"epoch", "next", "clock", "last"}, statusFields[:]...)

// Position implements [balance.Store].
func (s *Store) Position(ctx context.Context, partition int32) (balance.Position, error) {
	const op = "read the position"
	values, err := s.client.HMGet(ctx, s.keys.partition(partition).meta(), positionFields...).Result()
	if err != nil {
		return balance.Position{}, classify(op, partition, err)
	}
	position, err := parsePosition(values)
	return position, classify(op, partition, err)
}

// Claim implements [balance.Store].
func (s *Store) Claim(ctx context.Context, partition int32, token string) (balance.Epoch, balance.Position, error) {
	const op = "claim"
	if token == "" {
		return balance.Epoch{}, balance.Position{}, &Error{Kind: Invalid, Op: op, Partition: partition, Err: errors.New("no token")}
	}
	position, err := s.claim(ctx, partition, token)
	return position.Epoch, position, classify(op, partition, err)
}

func (s *Store) claim(ctx context.Context, partition int32, token string) (balance.Position, error) {
	args := []any{"evalsha", claimScript.digest, "1", s.keys.partition(partition).meta(), token}
	for _, field := range statusFields {
		args = append(args, field)
	}
	reply, err := claimScript.run(ctx, s.client, args)
	if err != nil {
		return balance.Position{}, err
	}
	return parsePosition(reply)
}

// RecordPartitions implements [balance.Store].
func (s *Store) RecordPartitions(ctx context.Context, partitions int) (int, error) {
	const op = "record the count of partitions"
	if partitions <= 0 {
		return 0, &Error{Kind: Invalid, Op: op, Partition: noPartition, Err: fmt.Errorf("%d is no count", partitions)}
	}
	key := s.keys.partitions()
	if err := s.client.SetNX(ctx, key, partitions, 0).Err(); err != nil {
		return 0, classify(op, noPartition, err)
	}
	text, err := s.client.Get(ctx, key).Result()
	if err != nil {
		return 0, classify(op, noPartition, err)
	}
	recorded, err := strconv.Atoi(text)
	if err != nil || recorded <= 0 {
		return 0, classify(op, noPartition, corrupt("%s is %q", key, text))
	}
	return recorded, nil
}

// Partitions returns how many partitions are recorded, 0 while none are: no worker has run on this store.
func (s *Store) Partitions(ctx context.Context) (int, error) {
	const op = "read the count of partitions"
	recorded, err := s.client.Get(ctx, s.keys.partitions()).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return recorded, classify(op, noPartition, err)
}

// parsePosition reads the values of positionFields: text, or nil for a field that is absent.
func parsePosition(reply any) (balance.Position, error) {
	position := balance.Position{Clock: drawdown.NoTime}
	values, ok := reply.([]any)
	if !ok || len(values) != len(positionFields) {
		return position, corrupt("meta has %d values of %d", len(values), len(positionFields))
	}
	text := func(i int) string { value, _ := values[i].(string); return value }
	if text(0) == "" && text(1) == "" {
		return position, nil
	}
	var err error
	if position.Epoch, err = parseEpoch(text(0)); err != nil {
		return position, err
	}
	next, err := strconv.ParseInt(text(1), 10, 64)
	if err != nil || next < 0 {
		return position, corrupt("meta next is %q", text(1))
	}
	if text(2) != "" {
		clock, err := strconv.ParseInt(text(2), 10, 64)
		if err != nil {
			return position, corrupt("meta clock is %q", text(2))
		}
		position.Clock = drawdown.Time(clock)
	}
	for status := range position.Statuses {
		if counted := text(4 + status); counted != "" {
			if position.Statuses[status], err = strconv.ParseInt(counted, 10, 64); err != nil {
				return position, corrupt("meta %s is %q", statusFields[status], counted)
			}
		}
	}
	position.Exists, position.Next = true, drawdown.Offset(next)
	return position, nil
}

func parseEpoch(text string) (balance.Epoch, error) {
	number, token, ok := strings.Cut(text, ":")
	parsed, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || parsed <= 0 {
		return balance.Epoch{}, corrupt("meta epoch is %q", text)
	}
	return balance.Epoch{Number: parsed, Token: token}, nil
}
