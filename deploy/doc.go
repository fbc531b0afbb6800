// Package deploy holds what Drawdown is run with, and the tests that keep it true.
//
// It owns: the compose file and the image, settings of Kafka, Redis and ClickHouse that don't lose money, Prometheus'
// rules, the Grafana dashboard, the runbook, and example plans, rates and connectors, which it exports as [Examples].
// It does not own: what the processes do, nor the metrics that rules and panels name.
//
// Invariants, each kept by a test:
//   - Every metric, label and label value that a rule, a panel or the runbook names exists.
//   - Every alert has a case in which it fires, one in which it does not, and a section of the runbook.
//   - The Redis users of the workers, and of those who only read accounts, can do their work and nothing else.
//   - Each process has the secrets that it needs and no others, and what compose.yaml starts charges nobody.
//   - Every panel's SQL runs on ClickHouse with the project's tables.
//   - The examples are accepted by the engine.
//
// File map:
//
//	README.md       how to run it, and what to change for production
//	compose.yaml    everything on one machine           Dockerfile      the image
//	drawdown.yaml   an example configuration            secrets.sh      makes passwords and a signing key
//	runbook.md      what to do about each alert         examples/       plans, rates, connectors
//	redis/ clickhouse/ prometheus/ alertmanager/ grafana/               settings of the servers
package deploy

import "embed"

// Examples are files to publish, in the form of the data of a broadcast: rates.json holds a rate card, connectors.json a list
// of connectors, every other file of examples/ a plan. airbyte-cloud-ladder has a payment ladder; make-10k-billed is billed by
// the gateway, and falls back to make-free.
//
//go:embed examples/*.json
var Examples embed.FS
