// Package python keeps the Python programs that tests run: a real Airbyte source connector, a Kafka client that is
// not ours, a mail server, and schemathesis, which tests an HTTP API by its OpenAPI document.
//
// It owns two virtual environments in the user's cache folder, with the version of every package written down in
// requirements.txt and schemathesis.txt, and where their programs are. It does not own what a test does with them.
//
// Invariants: an environment is complete and has been tried, or is absent; other requirements make another
// environment; only wheels are installed, so that no package's code runs and no compiler is needed to install it.
package python
