// Package kafka installs and runs a real Apache Kafka broker: one process that is broker and controller (KRaft).
//
// It owns: getting Kafka by Maven, formatting the storage, and starting, stopping, killing and restarting the broker.
// It does not own: topics' settings in production, and clients.
package kafka
