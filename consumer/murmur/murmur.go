package murmur

import "encoding/binary"

// Constants of murmur2 as Kafka uses it (org.apache.kafka.common.utils.Utils.murmur2).
const (
	seed  uint32 = 0x9747b28c
	mix   uint32 = 0x5bd1e995
	shift        = 24
)

// Partition returns the partition of a record with this key in a topic of so many partitions. An absent key (nil)
// is hashed like an empty one: Kafka's producers spread records without a key, so no partition is wrong for them.
// It allocates nothing. It panics if partitions is not positive, because no answer would be right.
func Partition(key []byte, partitions int) int32 {
	if partitions <= 0 {
		panic("murmur: a topic has at least one partition")
	}
	// Masking the sign is Kafka's Utils.toPositive; taking the absolute value would place half of the keys elsewhere.
	return int32(int64(Hash(key)&0x7fffffff) % int64(partitions))
}

// Hash returns the 32-bit murmur2 of the key with Kafka's seed.
func Hash(key []byte) uint32 {
	h := seed ^ uint32(len(key))
	for len(key) >= 4 {
		k := binary.LittleEndian.Uint32(key) * mix
		k ^= k >> shift
		h = h*mix ^ k*mix
		key = key[4:]
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * mix
	}
	h = (h ^ h>>13) * mix
	return h ^ h>>15
}
