package report

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// TestCursors: a cursor gives the place that it was made of, for its own list and no other.
func TestCursors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := place{
			offset: drawdown.Offset(rapid.Int64Min(0).Draw(t, "offset")),
			n:      rapid.Uint32().Draw(t, "n"),
			at:     rapid.Int64Range(0, 1<<42).Draw(t, "at"),
		}
		own := list{"syncs", rapid.String().Draw(t, "account"), rapid.String().Draw(t, "filter")}
		cursor := own.cursor(p)
		if got, err := own.place(cursor); err != nil || got != p {
			t.Fatalf("%+v, %v; want %+v", got, err, p)
		}
		for _, other := range []list{{"ledger", own[1], own[2]}, {own[0], own[1] + "x", own[2]}, {own[0], own[1], own[2] + "x"},
			{own[0], own[1] + own[2]}, {own[0], own[1], own[2], ""}} {
			if _, err := other.place(cursor); !errors.Is(err, ErrBadCursor) {
				t.Fatalf("%q reads a cursor of %q: %v", other, own, err)
			}
		}
	})
}

// TestForgedCursors: what was not given out is refused, whatever it looks like.
func TestForgedCursors(t *testing.T) {
	own := list{"ledger", "a"}
	cursor := own.cursor(place{offset: 17, n: 2})
	for i := range cursor {
		for _, c := range []byte("AQgw_!=\x00") {
			if forged := cursor[:i] + string(c) + cursor[i+1:]; forged != cursor {
				if p, err := own.place(forged); !errors.Is(err, ErrBadCursor) {
					t.Errorf("%q: %+v, %v", forged, p, err)
				}
			}
		}
	}
	for _, forged := range []string{"x", cursor[1:], cursor + "A", cursor + "==", cursor + "\n", "' OR 1 = 1 --", own.cursor(place{offset: -1})} {
		if p, err := own.place(forged); !errors.Is(err, ErrBadCursor) {
			t.Errorf("%q: %+v, %v", forged, p, err)
		}
	}
}
