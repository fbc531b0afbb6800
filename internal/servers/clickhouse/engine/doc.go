// Package engine is the ClickHouse engine as a server process: it speaks enough of ClickHouse's HTTP interface for
// clickhouse-go (native API and database/sql), curl and Grafana.
//
// It owns: the child process, requests and answers, authentication, settings of a request, compression.
// It does not own: SQL, storage and deduplication, which are the engine's (package chdb); starting and stopping the
// process (package clickhouse, its parent).
//
// Invariants:
//   - A request sees only its own settings, database and parameters: it runs in a session of its own.
//   - A body is read whole before the engine sees it: a request that breaks off inserts nothing.
//   - An error carries the engine's exception text and code unchanged.
//   - A binary that starts this server calls MaybeRunChild first in main or TestMain, because the server is the same
//     binary run again.
//
// Files: child.go (the process), handler.go (routes, authentication), request.go (what a request asks), run.go
// (running it), handshake.go (clickhouse-go's first question), compression.go, failure.go (exceptions as HTTP).
package engine
