//go:build !race

package signature

import (
	"bytes"
	"testing"
)

// The race detector makes a sync.Pool drop what it is given, at random: this holds without it only.
func TestVerifyAllocatesNothing(t *testing.T) {
	keys := parse(t, line("ops-1", firstSecret))
	value := bytes.Repeat([]byte("x"), 300)
	header, _ := keys.Sign(value)
	if allocs := testing.AllocsPerRun(200, func() { keys.Verify(value, header) }); allocs >= 1 {
		t.Errorf("%v allocations a call", allocs)
	}
}
