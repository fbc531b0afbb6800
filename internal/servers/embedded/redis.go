package embedded

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// Redis is a running miniredis. It has EVAL but no FUNCTION.
type Redis struct {
	*miniredis.Miniredis
}

// StartRedis starts miniredis on a free loopback port. An empty password lets everybody in. Whoever started it calls Close.
func StartRedis(password string) (*Redis, error) {
	server := miniredis.NewMiniRedis()
	if password != "" {
		server.RequireAuth(password)
	}
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	return &Redis{Miniredis: server}, nil
}
