package email

import (
	"strings"
	"unicode/utf8"
)

// lineRunesMax is the width of a text message: it is still whole when an answer quotes it (RFC 5322 asks for 78).
const lineRunesMax = 72

// fill breaks the paragraphs of a text anew, since names and amounts have any length. Facts, links and what leads to a
// link keep lines of their own.
func fill(text string) string {
	var out []string
	var words []string // of the paragraph so far
	flush := func() {
		if len(words) > 0 {
			out = append(out, wrapped(words)...)
			words = nil
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		own := line == "" || line == "--" || strings.HasPrefix(line, "  ") || strings.HasSuffix(line, ":") || strings.Contains(line, "://")
		if !own {
			words = append(words, strings.Fields(line)...)
			continue
		}
		flush()
		out = append(out, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// wrapped puts words into lines. A word that is longer than a line has one of its own.
func wrapped(words []string) []string {
	lines := []string{words[0]}
	for _, word := range words[1:] {
		last := lines[len(lines)-1]
		if utf8.RuneCountInString(last)+1+utf8.RuneCountInString(word) <= lineRunesMax {
			lines[len(lines)-1] = last + " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
