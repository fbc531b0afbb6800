// Package servers runs real servers as child processes of a test, a benchmark or the demo, on a plain machine without containers.
//
// It owns: free loopback ports, child processes that cannot outlive whoever started them, and the cache that
// downloaded servers are kept in. Each server has a package of its own below this one; embedded holds those
// that run inside the calling process.
//
// It does not own: what a test does with a server, and the settings that production should run with (deploy/).
//
// Invariants:
//   - A server listens on 127.0.0.1 only.
//   - A server dies with the process that started it, however that process ends.
//   - An installation is either complete and under its final name, or absent.
//   - A missing server is an error that names the command which installs it; nothing is skipped.
//
// Files: cache.go (where installed servers are, one installer at a time), free.go (ports), process.go (one child
// process), debian.go (tools that Debian's package manager installs), server.go (start, stop, kill and restart on the same address and data), run.go (commands that an
// installer runs).
package servers
