package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"drawdown/api/office"
)

// officeMemory keeps idempotency keys in Redis, under keys of its own beside the accounts'. It implements [office.Memory].
type officeMemory struct {
	client redis.UniversalClient
	prefix string
}

// memoryFor is how long an idempotency key is remembered.
const memoryFor = 24 * time.Hour

// claimTries bounds how often a key is found to be gone between two looks at it.
const claimTries = 3

// OpenMemory keeps idempotency keys on a client, which stays its owner's.
func (c *Config) OpenMemory(client redis.UniversalClient) office.Memory {
	return &officeMemory{client: client, prefix: c.Redis.Prefix + "api:idem:"}
}

// Claim implements [office.Memory].
func (m *officeMemory) Claim(ctx context.Context, key string, value []byte) (before []byte, err error) {
	for range claimTries {
		set, err := m.client.SetNX(ctx, m.prefix+key, value, memoryFor).Result()
		if err != nil {
			return nil, fmt.Errorf("claim an idempotency key: %w", err)
		}
		if set {
			return nil, nil
		}
		before, err := m.client.Get(ctx, m.prefix+key).Bytes()
		if err == nil {
			return before, nil
		}
		if !errors.Is(err, redis.Nil) { // else it has just expired
			return nil, fmt.Errorf("read an idempotency key: %w", err)
		}
	}
	return nil, errors.New("claim an idempotency key: Redis forgets it again and again; is its memory full, with a policy that evicts?")
}

// Put implements [office.Memory].
func (m *officeMemory) Put(ctx context.Context, key string, value []byte) error {
	if err := m.client.Set(ctx, m.prefix+key, value, memoryFor).Err(); err != nil {
		return fmt.Errorf("put down an idempotency key: %w", err)
	}
	return nil
}
