package redisstore_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"drawdown/balance/redisstore"
	"drawdown/balance/storetest"
)

// subject gives the suite raw dumps of the keys.
type subject struct {
	*redisstore.Store
	t      testing.TB
	client *redis.Client
	prefix string
}

var prefixes atomic.Int64

// newSubject opens a store with a prefix of its own, so that many can share a server.
func newSubject(t testing.TB, client *redis.Client) *subject {
	t.Helper()
	prefix := fmt.Sprintf("test%d:", prefixes.Add(1))
	store, err := redisstore.New(client, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return &subject{Store: store, t: t, client: client, prefix: prefix}
}

// newMiniredis starts an in-process server for one test.
func newMiniredis(t testing.TB) *redis.Client {
	t.Helper()
	server := miniredis.RunT(t)
	return newClient(t, &redis.Options{Addr: server.Addr()})
}

func newClient(t testing.TB, options *redis.Options) *redis.Client {
	t.Helper()
	if options.ReadTimeout == 0 { // 10,000 accounts under the race detector take their time; a repeated call answers otherwise
		options.ReadTimeout, options.WriteTimeout = time.Minute, time.Minute
	}
	client := redis.NewClient(options)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}

// content is what one key holds.
type content struct {
	text string
	list []string
	hash map[string]string
	set  []string
	zset []redis.Z
}

func (s *subject) Dump() any {
	s.t.Helper()
	dump := map[string]content{}
	for _, key := range s.allKeys() {
		dump[key] = s.read(key)
	}
	return dump
}

func (s *subject) allKeys() []string {
	s.t.Helper()
	keys, err := s.client.Keys(context.Background(), s.prefix+"*").Result()
	if err != nil {
		s.t.Fatalf("list keys: %v", err)
	}
	return keys
}

func (s *subject) read(key string) (c content) {
	s.t.Helper()
	ctx := context.Background()
	kind, err := s.client.Type(ctx, key).Result()
	switch {
	case err != nil:
	case kind == "string":
		c.text, err = s.client.Get(ctx, key).Result()
	case kind == "list":
		c.list, err = s.client.LRange(ctx, key, 0, -1).Result()
	case kind == "hash":
		c.hash, err = s.client.HGetAll(ctx, key).Result()
	case kind == "set":
		c.set, err = s.client.SMembers(ctx, key).Result()
		slices.Sort(c.set)
	case kind == "zset":
		c.zset, err = s.client.ZRangeWithScores(ctx, key, 0, -1).Result()
		slices.SortFunc(c.zset, func(a, b redis.Z) int { return cmp.Compare(a.Member.(string), b.Member.(string)) })
	default:
		err = fmt.Errorf("type %q", kind)
	}
	if err != nil {
		s.t.Fatalf("read %q: %v", key, err)
	}
	return c
}

func (s *subject) Restore(dump any) {
	s.t.Helper()
	ctx := context.Background()
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		if keys := s.allKeys(); len(keys) > 0 {
			pipe.Del(ctx, keys...)
		}
		for key, c := range dump.(map[string]content) {
			c.write(ctx, pipe, key)
		}
		return nil
	})
	if err != nil {
		s.t.Fatalf("restore: %v", err)
	}
}

func (c content) write(ctx context.Context, pipe redis.Pipeliner, key string) {
	switch {
	case c.list != nil:
		pipe.RPush(ctx, key, anys(c.list)...)
	case c.hash != nil:
		pipe.HSet(ctx, key, c.hash)
	case c.set != nil:
		pipe.SAdd(ctx, key, anys(c.set)...)
	case c.zset != nil:
		pipe.ZAdd(ctx, key, c.zset...)
	default:
		pipe.Set(ctx, key, c.text, 0)
	}
}

func anys(texts []string) []any {
	var values []any
	for _, text := range texts {
		values = append(values, text)
	}
	return values
}

var _ storetest.Subject = (*subject)(nil)
