// Package accesslog keeps on Kafka what package access has to remember: records of API keys (topic drawdown.access, one
// partition, for ever) and audit entries (topic drawdown.audit, by account).
//
// It owns the topics' settings, appending, following, and reading audit entries from the newest back. It does not own what
// records of keys mean, or who may read an audit entry.
//
// Invariants:
//   - What was appended can't be lost by one broker: all in-sync replicas have it.
//   - Records of keys are read without gaps; where the topic was cut, reading fails rather than going on without them.
//   - An audit entry counts only with a valid signature, and once, however often it stands there.
//   - Listing holds one page and one answer of a broker in memory, whatever there is.
package accesslog
