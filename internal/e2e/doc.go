// Package e2e runs whole installations of Drawdown on real servers: its own binary as worker and sink, Kafka, Redis and
// the ClickHouse engine.
//
// It owns the promises that only all parts together can keep: usage that a real connector reports arrives as credits,
// balances and rows; nothing is lost or counted twice however often a process or a server is killed; what is wrong is
// said clearly and loses nothing. It does not own the rules themselves: what a log means is asked of the engine, run
// over the same log as it stands in Kafka.
//
// Everything here is tests, built with the tag integration.
//
//	main_test.go          the binary and the broker           installation_test.go  one installation and its settings
//	process_test.go       workers, sinks and commands         log_test.go           writing and reading topics
//	replay_test.go        what the log means                  outputs_test.go       what was published
//	balances_test.go      what Redis holds                    rows_test.go          what ClickHouse holds
//	mainjob_test.go       a connector's sync, end to end      foreign_test.go       a producer that is not ours
//	kill_test.go          SIGKILL under load                  random_test.go        random logs, killed workers
//	reject_test.go        bad input                           away_test.go          servers that are away or full
//	refuse_test.go        what a worker refuses to work on    command_test.go       the command line on bad input
package e2e
