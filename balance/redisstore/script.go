package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name that Redis gives a script, not a protection
	_ "embed"
	"encoding/hex"

	"github.com/redis/go-redis/v9"
)

//go:embed commit.lua
var commitText string

//go:embed claim.lua
var claimText string

var (
	commitScript = newScript(commitText)
	claimScript  = newScript(claimText)
)

// script is a script that servers keep under its digest. Its text is sent only to a server that does not have it.
type script struct{ text, digest string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	return script{text: text, digest: hex.EncodeToString(sum[:])}
}

// run calls the script. args begin with EVALSHA, the digest and the count of keys, of which there is at least one.
// A server forgets its scripts when it restarts, and a new master never had them: then it is loaded and called again.
func (s script) run(ctx context.Context, client redis.UniversalClient, args []any) (any, error) {
	reply, err := call(ctx, client, args)
	if !redis.HasErrorPrefix(err, "NOSCRIPT") {
		return reply, err
	}
	if err := client.ScriptLoad(ctx, s.text).Err(); err != nil {
		return nil, err
	}
	return call(ctx, client, args)
}

func call(ctx context.Context, client redis.UniversalClient, args []any) (any, error) {
	const firstKey = 3 // after EVALSHA, the digest and the count of keys
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(firstKey)
	if err := client.Process(ctx, cmd); err != nil {
		return nil, err
	}
	return cmd.Result()
}
