// Package fetchtest checks package fetch against kafka-go's own reader on whatever broker a test has: the one in
// process, or a real one.
//
// Owns: producing a topic of awkward records in every codec, reading it both ways, comparing. Does not own: starting
// a broker. Not for use outside of tests.
package fetchtest
