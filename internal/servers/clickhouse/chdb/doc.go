// Package chdb calls the ClickHouse engine in libchdb.so from Go without cgo.
//
// It owns: loading the library, connections, queries, streamed inserts, and freeing what the engine allocates.
// It does not own: HTTP, settings of a request, authentication (package engine).
//
// Invariants:
//   - A process has one engine on one folder; its connections share the data and have settings of their own.
//   - A connection runs one statement at a time; different connections run at the same time.
//   - The Go runtime keeps its signal handlers: the engine resets some of them while it loads, and they are put back.
//   - Results are copied into Go memory before the engine's memory is freed.
package chdb
