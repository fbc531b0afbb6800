package tap

import (
	"bytes"
	"io"
	"os"
	"testing"

	"drawdown/producer/internal/kafkatest"
)

// BenchmarkRun measures the whole tap between two kernel pipes, as in a sync; MB/s is what passes.
func BenchmarkRun(b *testing.B) {
	broker := kafkatest.Start(b, 1)
	line := recording(b)
	block := bytes.Repeat(line, 5)
	b.SetBytes(int64(len(block)))
	in, source := mustPipe(b)
	destination, out := mustPipe(b)
	result := make(chan error, 1)
	options := testOptions(b, broker.Addr)
	options.StateGap = 0
	go func() { result <- Run(b.Context(), options, in, out, io.Discard) }()
	read := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, destination)
		read <- n
	}()
	b.ResetTimer()
	for range b.N {
		if _, err := source.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	source.Close()
	if n := <-read; n != int64(b.N*len(block)) {
		b.Fatalf("%d bytes came through of %d", n, b.N*len(block))
	}
	b.StopTimer()
	if err := <-result; err != nil {
		b.Fatal(err)
	}
}

func mustPipe(b *testing.B) (r, w *os.File) {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	return r, w
}
