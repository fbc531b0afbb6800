// Package memstore is a plain Go model of a balance store: maps under a mutex.
//
// It owns the meaning of balance.Store in its shortest form: what the others do is compared with it. Replay and the
// simulation keep their state in it.
//
// It does not own durability (there is none) and is not made for speed.
//
// Invariants: a commit is checked whole before it changes anything; nothing that a caller holds is shared with the
// store, neither what it passed nor what it was given.
package memstore
