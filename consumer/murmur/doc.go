// Package murmur places a key on a partition the way Kafka's default partitioner does: murmur2 of the key, made
// positive, modulo the number of partitions.
//
// Owns: the hash and the placement. Does not own: what happens to a record found on a wrong partition.
//
// Invariant: the answer equals that of Kafka's Java producer for every key, so that any producer with the default
// partitioner puts an account's records where the account's owner reads. It must never change: an account's
// partition is fixed for ever, like the number of partitions (contract, section 2).
package murmur
