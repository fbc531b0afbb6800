// Package fetchtest checks package fetch on whatever broker a test has: the one in process, or a real one.
//
// Owns: producing a topic of awkward records in every codec, reading it with package fetch and with kafka-go's reader,
// comparing; and what a broker must let package fetch tell apart. Does not own: starting
// a broker. Not for use outside of tests.
package fetchtest
