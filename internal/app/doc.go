// Package app puts Drawdown's processes together: configuration in, running worker or sink out.
//
// It owns the configuration as a whole (file, environment, defaults, every fault at once), connections to Kafka,
// Redis and ClickHouse, and the order of starting and draining. It does not own what the parts do, nor the command
// line. The commands, the demo, the benchmark and the end-to-end tests all put the parts together here.
package app
