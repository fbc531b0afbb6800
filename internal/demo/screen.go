package demo

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// display shows the demo while it runs.
type display interface {
	show(now *snapshot, told []happening)
	// end leaves the terminal as it was, with the last state on it. Ending twice is fine.
	end()
}

// Escape sequences that terminals of the last thirty years know.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // a screen of its own, so that a change of size can't garble what was there before; no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h\x1b[H" // draw at once where the terminal can, from the top
	endOfLine   = "\x1b[K"
	endFrame    = "\x1b[J\x1b[?2026l"
)

// screen draws frames in place on a terminal.
type screen struct {
	out   *os.File
	style style
	last  *snapshot
	told  []happening
}

func newScreen(out *os.File, style style) *screen {
	_, _ = out.WriteString(enterScreen)
	return &screen{out: out, style: style}
}

// show implements display. The size is asked for each time, so that a resized window is right at the next frame.
func (s *screen) show(now *snapshot, told []happening) {
	s.last, s.told = now, told
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	var b strings.Builder
	b.WriteString(beginFrame)
	for i, line := range s.style.frame(now, told, width, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + endOfLine)
	}
	b.WriteString(endFrame)
	_, _ = s.out.WriteString(b.String())
}

// showsView reports whether out is a terminal that can be drawn on.
func showsView(out *os.File) bool {
	return term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// columnsOf is the width of a terminal; of anything else it is more than is needed.
func columnsOf(out *os.File) int {
	const unbounded = 1000
	if width, _, err := term.GetSize(int(out.Fd())); err == nil {
		return width
	}
	return unbounded
}

// end implements display.
func (s *screen) end() {
	if s.out == nil {
		return
	}
	_, _ = s.out.WriteString(leaveScreen)
	if s.last != nil {
		const all = 1000
		_, _ = fmt.Fprintln(s.out)
		for _, line := range s.style.frame(s.last, s.told, columnsOf(s.out), all) {
			_, _ = fmt.Fprintln(s.out, line)
		}
		_, _ = fmt.Fprintln(s.out)
	}
	s.out = nil
}
