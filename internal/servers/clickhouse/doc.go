// Package clickhouse installs and runs the real ClickHouse engine as a server of its own process.
//
// It owns: getting libchdb.so (the engine as a library, in an npm package) and starting, stopping, killing and
// restarting the server. It does not own: the server's inside (package engine) and the library's interface (chdb).
//
// A binary that calls Start must call engine.MaybeRunChild first in main or TestMain. Clients use clickhouse-go with
// Protocol: clickhouse.HTTP.
package clickhouse
