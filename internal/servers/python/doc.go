// Package python keeps the Python programs that tests run: a real Airbyte source connector, a Kafka client that is
// not ours, and a mail server.
//
// It owns a virtual environment in the user's cache folder, with the version of every package written down in
// requirements.txt, and where its programs are. It does not own what a test does with them.
//
// Invariants: an environment is complete and has been tried, or is absent; other requirements make another
// environment; only wheels are installed, so that no package's code runs and no compiler is needed to install it.
package python
