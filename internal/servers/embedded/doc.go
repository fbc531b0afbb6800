// Package embedded runs stand-ins for Kafka and Redis inside the calling process, for the demo and the simulation.
//
// It owns: starting kfake (a broker) and miniredis on loopback ports or on a virtual network. It does not own: the real
// servers, against which everything that holds here is tested as well (packages kafka and redis).
//
// Invariants, each a difference from the real servers that a caller must know:
//   - The broker stamps the append time only when the producer's batch asks for it, whatever the topic's
//     message.timestamp.type says: readers must be told to accept create time.
//   - Keys with a time to live expire only by Redis.FastForward.
//   - Both keep everything in memory until Close.
package embedded
