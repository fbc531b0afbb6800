package redisstore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
)

const (
	// loadChunk is how many keys one round trip reads: enough that the trip costs little, few enough that the
	// replies (about 1 kB each) don't fill the server's output buffers.
	loadChunk = 512
	// accountsPage is about how many ids a page of Accounts has.
	accountsPage = 1000
)

// Catalogue implements [balance.Store].
func (s *Store) Catalogue(ctx context.Context, partition int32) ([][]byte, error) {
	texts, err := s.client.LRange(ctx, s.keys.partition(partition).catalogue(), 0, -1).Result()
	if err != nil {
		return nil, classify("read the catalogue", partition, err)
	}
	broadcasts := make([][]byte, len(texts))
	for i, text := range texts {
		broadcasts[i] = []byte(text)
	}
	return broadcasts, nil
}

// Load implements [balance.Store].
func (s *Store) Load(ctx context.Context, partition int32, accounts []string) ([]balance.Stored, error) {
	const op = "load accounts"
	keys := s.keys.partition(partition)
	loaded := make([]balance.Stored, 0, len(accounts))
	for chunk := range slices.Chunk(accounts, loadChunk) {
		cmds := make([]*redis.MapStringStringCmd, len(chunk))
		_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, id := range chunk {
				cmds[i] = pipe.HGetAll(ctx, keys.account(id))
			}
			return nil
		})
		if err != nil {
			return nil, classify(op, partition, err)
		}
		for i, id := range chunk {
			stored, err := parseAccount(id, cmds[i].Val())
			if err != nil {
				return nil, classify(op, partition, err)
			}
			loaded = append(loaded, stored)
		}
	}
	return loaded, nil
}

func parseAccount(id string, hash map[string]string) (balance.Stored, error) {
	stored := balance.Stored{Account: id}
	if len(hash) == 0 {
		return stored, nil
	}
	mark, err := parseMark(hash[fieldVersion], hash[fieldBalance])
	if err != nil || mark.Version <= 0 {
		return stored, corrupt("account %q has version %q and balance %q", id, hash[fieldVersion], hash[fieldBalance])
	}
	stored.Mark = mark
	stored.Core = []byte(hash[fieldCore])
	if more := len(hash) - 3; more > 0 {
		stored.Fields = make([]balance.Field, 0, more)
	}
	for field, value := range hash {
		if name, ok := strings.CutPrefix(field, fieldPrefix); ok {
			stored.Fields = append(stored.Fields, balance.Field{Name: name, Value: []byte(value)})
		}
	}
	return stored, nil
}

// Profiles returns of accounts what [balance.Partition.ReadProfile] needs, in the order asked for: no connections, so
// that it costs the same for every account. One that is absent has the zero Mark.
func (s *Store) Profiles(ctx context.Context, partition int32, accounts []string) ([]balance.Stored, error) {
	const op = "read profiles"
	const contacts = fieldPrefix + balance.ContactsField
	keys := s.keys.partition(partition)
	profiles := make([]balance.Stored, 0, len(accounts))
	for chunk := range slices.Chunk(accounts, loadChunk) {
		cmds := make([]*redis.SliceCmd, len(chunk))
		_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, id := range chunk {
				cmds[i] = pipe.HMGet(ctx, keys.account(id), fieldVersion, fieldBalance, fieldCore, contacts)
			}
			return nil
		})
		if err != nil {
			return nil, classify(op, partition, err)
		}
		for i, id := range chunk {
			hash := map[string]string{}
			for j, field := range []string{fieldVersion, fieldBalance, fieldCore, contacts} {
				if value, there := cmds[i].Val()[j].(string); there {
					hash[field] = value
				}
			}
			profile, err := parseAccount(id, hash)
			if err != nil {
				return nil, classify(op, partition, err)
			}
			profiles = append(profiles, profile)
		}
	}
	return profiles, nil
}

// Segments implements [balance.Store].
func (s *Store) Segments(ctx context.Context, partition int32, segments []balance.SegmentKey) ([][]byte, error) {
	keys := s.keys.partition(partition)
	contents := make([][]byte, 0, len(segments))
	for chunk := range slices.Chunk(segments, loadChunk) {
		// GET, not MGET: MGET answers nil for a key of another type, as if the segment were absent.
		cmds := make([]*redis.StringCmd, len(chunk))
		_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, key := range chunk {
				cmds[i] = pipe.Get(ctx, keys.segment(key.Account, key.Segment))
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, classify("read segments", partition, err)
		}
		for _, cmd := range cmds {
			content, err := cmd.Bytes()
			if err != nil && !errors.Is(err, redis.Nil) {
				return nil, classify("read segments", partition, err)
			}
			contents = append(contents, content)
		}
	}
	return contents, nil
}

// Balances returns the version and the available credits (the balance less what is held) of accounts, in the order asked for; the zero Mark for one
// that does not exist. It is for readers that need no more than that: a gate, a page, a check.
func (s *Store) Balances(ctx context.Context, partition int32, accounts []string) ([]balance.Mark, error) {
	const op = "read balances"
	keys := s.keys.partition(partition)
	marks := make([]balance.Mark, 0, len(accounts))
	for chunk := range slices.Chunk(accounts, loadChunk) {
		cmds := make([]*redis.SliceCmd, len(chunk))
		_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, id := range chunk {
				cmds[i] = pipe.HMGet(ctx, keys.account(id), fieldVersion, fieldBalance)
			}
			return nil
		})
		if err != nil {
			return nil, classify(op, partition, err)
		}
		for _, cmd := range cmds {
			version, _ := cmd.Val()[0].(string)
			available, _ := cmd.Val()[1].(string)
			mark, err := parseMark(version, available)
			if err != nil {
				return nil, classify(op, partition, err)
			}
			marks = append(marks, mark)
		}
	}
	return marks, nil
}

// Due implements [balance.Store].
func (s *Store) Due(ctx context.Context, partition int32, until drawdown.Time, limit int) ([]balance.DueAccount, error) {
	const op = "read due accounts"
	if limit <= 0 {
		return nil, nil // to Redis a limit of 0 means none
	}
	until = min(until, balance.MaxExact) // accounts that are never due have the score +inf
	scored, err := s.client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: s.keys.partition(partition).due(), ByScore: true,
		Start: "-inf", Stop: strconv.FormatInt(int64(until), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, classify(op, partition, err)
	}
	due := make([]balance.DueAccount, len(scored))
	for i, z := range scored {
		id, ok := z.Member.(string)
		if !ok {
			return nil, classify(op, partition, corrupt("due account %v", z.Member))
		}
		due[i] = balance.DueAccount{Account: id, Due: drawdown.Time(z.Score)}
	}
	return due, nil
}

// Accounts implements [balance.Store]. The due set has every account of the partition, so listing them needs no set
// of their own and no walk through the keys of all partitions. The cursor is Redis's.
func (s *Store) Accounts(ctx context.Context, partition int32, cursor string) (ids []string, next string, err error) {
	const op = "list accounts"
	at := uint64(0)
	if cursor != "" {
		if at, err = strconv.ParseUint(cursor, 10, 64); err != nil {
			return nil, "", &Error{Kind: Invalid, Op: op, Partition: partition, Err: err}
		}
	}
	pairs, following, err := s.client.ZScan(ctx, s.keys.partition(partition).due(), at, "", accountsPage).Result()
	if err != nil {
		return nil, "", classify(op, partition, err)
	}
	for i := 0; i < len(pairs); i += 2 {
		ids = append(ids, pairs[i])
	}
	if following != 0 {
		next = strconv.FormatUint(following, 10)
	}
	return ids, next, nil
}
