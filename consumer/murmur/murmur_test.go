package murmur_test

import (
	"testing"

	kafka "github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	"drawdown/consumer/murmur"
)

// The vectors stand in Kafka's own UtilsTest.testMurmur2; the last one is its empty array.
func TestHashEqualsKafkasVectors(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
		"":    275646681,
	} {
		if got := int32(murmur.Hash([]byte(key))); got != want {
			t.Errorf("Hash(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestPartitionEqualsLibraryBalancer(t *testing.T) {
	balancer := kafka.Murmur2Balancer{Consistent: true}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		n := rapid.IntRange(1, 1024).Draw(t, "partitions")
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		want := balancer.Balance(kafka.Message{Key: key}, all...)
		if got := murmur.Partition(key, n); int(got) != want {
			t.Fatalf("Partition(%x, %d) = %d, the library says %d", key, n, got, want)
		}
	})
}

func TestPartitionOfNegativeHashIsMasked(t *testing.T) {
	// foobar hashes to -790332482: masked 1357151166, absolute value 790332482. They differ modulo 8.
	if got := murmur.Partition([]byte("foobar"), 8); got != 1357151166%8 {
		t.Fatalf("Partition(foobar, 8) = %d, want %d", got, 1357151166%8)
	}
}

func TestPartitionRefusesTopicWithoutPartitions(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("Partition with no partitions must panic")
		}
	}()
	murmur.Partition([]byte("a"), 0)
}

func TestPartitionAllocatesNothing(t *testing.T) {
	key := []byte("acct_0123456789abcdef")
	if n := testing.AllocsPerRun(100, func() { murmur.Partition(key, 12) }); n != 0 {
		t.Fatalf("%v allocations a call, want 0", n)
	}
}

func BenchmarkPartition(b *testing.B) {
	key := []byte("acct_0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		murmur.Partition(key, 12)
	}
}
