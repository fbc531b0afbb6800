// Package redis runs a real redis-server.
//
// It owns: starting, stopping, killing and restarting it. It does not own: installing it (servers.RedisServer, by Debian's
// package manager), and production's settings.
package redis
