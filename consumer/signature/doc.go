// Package signature signs and verifies operations: the records that change money or rights.
//
// It owns the form of the header [Header], `<key id>:<64 hexadecimal digits>`, and the keys. The signature is the
// HMAC-SHA256 of a fixed prefix followed by the record's value, so that a signature made with the same key for another
// purpose is none here. It does not own which records need one: that is drawdown.Type.IsOperation.
//
// Invariants: several keys are valid at once, so a key is replaced by adding the new one everywhere, then signing with
// it, then removing the old one; comparison takes constant time; a secret is never printed.
package signature
