// Package storetest is the conformance suite of balance.Store: every implementation passes the same cases.
//
// It owns what an implementation must answer and, above all, that it writes nothing when it refuses. It does not own
// how a store is started.
//
// [Run] is a list of cases, one rule each. [RunModel] makes random calls, as owners do that are fenced, lose replies
// and meet restored stores, and compares every answer with those of memstore.
package storetest
