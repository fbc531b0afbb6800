// Package redis runs a real redis-server.
//
// It owns: finding redis-server, and starting, stopping, killing and restarting it. It does not own: installing it,
// which is the operating system's package manager's part, and production's settings.
package redis
