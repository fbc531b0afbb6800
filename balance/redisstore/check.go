package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Check refuses a server that is not fit to hold money: one that may evict keys when its memory is full. Call it once
// at the start. In a cluster it asks every master. A server that does not tell its policy passes.
func (s *Store) Check(ctx context.Context) error {
	const op = "check the server"
	check := func(ctx context.Context, client redis.Cmdable) error {
		info, err := client.Info(ctx, "memory").Result()
		if err != nil {
			return classify(op, noPartition, err)
		}
		return checkPolicy(op, infoValue(info, "maxmemory_policy"))
	}
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return classify(op, noPartition, cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
			return check(ctx, master)
		}))
	}
	return check(ctx, s.client)
}

func checkPolicy(op, policy string) error {
	if policy == "" || policy == "noeviction" {
		return nil
	}
	return &Error{Kind: Refused, Op: op, Partition: noPartition, Err: fmt.Errorf(
		"maxmemory-policy is %s: a full server would throw balances away: set maxmemory-policy noeviction", policy)}
}

// infoValue finds a line `name:value` in the answer to INFO.
func infoValue(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}
