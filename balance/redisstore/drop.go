package redisstore

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// dropKeys is how many keys are asked for, and deleted, at a time.
const dropKeys = 1000

// Drop deletes everything of a partition, before it is made anew from the log. Its position goes first: an owner that
// is still at work finds the partition gone at its next commit and stops. The number of partitions stays.
func (s *Store) Drop(ctx context.Context, partition int32) error {
	return classify("drop", partition, s.drop(ctx, s.keys.partition(partition)))
}

func (s *Store) drop(ctx context.Context, keys partitionKeys) error {
	if err := s.client.Del(ctx, keys.meta()).Err(); err != nil {
		return err
	}
	var node redis.Cmdable = s.client
	if cluster, isCluster := s.client.(*redis.ClusterClient); isCluster {
		master, err := cluster.MasterForKey(ctx, keys.meta())
		if err != nil {
			return err
		}
		node = master
	}
	var cursor uint64
	for {
		found, next, err := node.Scan(ctx, cursor, literal(string(keys))+"*", dropKeys).Result()
		if err != nil {
			return err
		}
		if len(found) > 0 {
			if err := node.Unlink(ctx, found...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// literal escapes what a pattern of SCAN would take as a sign.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
