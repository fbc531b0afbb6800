package demo

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// steps prints a line for each step of the preparation: what, and how long it took.
type steps struct {
	out   io.Writer
	style style
	live  bool // the line of the running step can be overwritten
}

// run runs one step. What the step writes to progress stands indented below its line.
func (s *steps) run(name string, do func(progress io.Writer) error) error {
	start := time.Now()
	progress := &indented{out: s.out, style: s.style}
	if s.live {
		_, _ = fmt.Fprintf(s.out, "%s %s", s.style.dim.Render("·"), name)
		progress.pending = true
	}
	err := do(progress)
	if s.live && progress.pending {
		_, _ = fmt.Fprint(s.out, "\r\x1b[K")
	}
	mark := s.style.good.Render("✓")
	if err != nil {
		mark = s.style.bad.Render("✗")
	}
	_, _ = fmt.Fprintf(s.out, "%s %s %s\n", mark, name, s.style.dim.Render(shortDuration(time.Since(start))))
	return err
}

func shortDuration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// indented sets off the lines that a step prints.
type indented struct {
	out     io.Writer
	style   style
	pending bool // the step's own line stands unfinished on the terminal
}

// Write implements io.Writer. It is given whole lines.
func (w *indented) Write(p []byte) (int, error) {
	if w.pending {
		w.pending = false
		_, _ = fmt.Fprintln(w.out)
	}
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintln(w.out, "   ", w.style.dim.Render(string(bytes.TrimRight(line, "\n")))); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
