package tap

import (
	"os"
	"testing"
)

// recording is the output of a real connector (testdata/README.md says how it was made).
func recording(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/source-faker.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
