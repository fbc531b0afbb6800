package redisstore

import (
	"fmt"
	"strings"
)

// DefaultPrefix begins every key unless configured otherwise.
const DefaultPrefix = "drawdown:"

// The fields of an account's hash. Fields of a name have a prefix, so no name collides with the others.
const (
	fieldBalance = "b"
	fieldVersion = "v"
	fieldCore    = "s"
	fieldPrefix  = "f:"
)

// keyspace names the keys of one installation.
type keyspace struct{ prefix string }

// newKeyspace refuses a prefix with braces: the first pair in a key decides its hash slot, and it must be the
// partition's.
func newKeyspace(prefix string) (keyspace, error) {
	if strings.ContainsAny(prefix, "{}") {
		return keyspace{}, fmt.Errorf("key prefix %q: braces are not allowed: they decide where a cluster keeps a key", prefix)
	}
	return keyspace{prefix}, nil
}

func (k keyspace) partitions() string { return k.prefix + "partitions" }

func (k keyspace) partition(number int32) partitionKeys {
	return partitionKeys(fmt.Sprintf("%s{p%03d}:", k.prefix, number))
}

// partitionKeys is what all keys of a partition begin with.
type partitionKeys string

func (p partitionKeys) meta() string             { return string(p) + "meta" }
func (p partitionKeys) due() string              { return string(p) + "due" }
func (p partitionKeys) catalogue() string        { return string(p) + "catalogue" }
func (p partitionKeys) account(id string) string { return string(p) + "a:" + id }
func (p partitionKeys) index(connector string) string {
	return string(p) + "i:" + connector
}

// segment names an append-only part. An account id has no slash (contract, section 2), so two different pairs never
// share a key.
func (p partitionKeys) segment(account, segment string) string {
	return string(p) + "g:" + account + "/" + segment
}
