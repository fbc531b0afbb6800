package reference

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// Replay reads a .jsonl log and writes the lines of section 8, those of balances too where they are asked for.
func Replay(in io.Reader, out io.Writer, balances bool) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	w := bufio.NewWriter(out)
	engine := New()
	for _, line := range Records(text) {
		lines, err := engine.Apply(line)
		if err != nil {
			return err
		}
		if err := writeLines(w, lines); err != nil {
			return err
		}
	}
	if balances {
		if err := writeLines(w, engine.Balances()); err != nil {
			return err
		}
	}
	return w.Flush()
}

// Records cuts a log into its records: one a line, a last newline makes none.
func Records(text []byte) [][]byte {
	if len(text) == 0 {
		return nil
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func writeLines(w *bufio.Writer, lines []Line) error {
	for _, line := range lines {
		encoded, err := Encode(line)
		if err != nil {
			return fmt.Errorf("encode line: %w", err)
		}
		if _, err := w.Write(encoded); err != nil {
			return fmt.Errorf("write line: %w", err)
		}
	}
	return nil
}
