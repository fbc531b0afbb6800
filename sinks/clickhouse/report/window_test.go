package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05.999Z07:00", text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestWindows: where windows begin and end, over months of every length, leap days, and years whose ISO weeks begin in
// another year.
func TestWindows(t *testing.T) {
	for _, test := range []struct {
		rule             string
		window           Window
		now              string
		points           int
		from, second, to string
	}{
		{"30 days, with today", Daily, "2026-03-15T12:00:00Z", 30, "2026-02-14", "2026-02-15", "2026-03-16"},
		{"a leap day is a day", Daily, "2028-03-15T00:00:00Z", 30, "2028-02-15", "2028-02-16", "2028-03-16"},
		{"the last millisecond of a day is of that day", Daily, "2026-03-15T23:59:59.999Z", 30, "2026-02-14", "2026-02-15", "2026-03-16"},
		{"by UTC, wherever the caller is", Daily, "2026-03-15T23:30:00-03:00", 30, "2026-02-15", "2026-02-16", "2026-03-17"},
		{"weeks begin on Monday", Weekly, "2026-03-15T12:00:00Z", 26, "2025-09-15", "2025-09-22", "2026-03-16"},
		{"a Monday begins its week", Weekly, "2026-03-16T00:00:00Z", 26, "2025-09-22", "2025-09-29", "2026-03-23"},
		{"the week of New Year is one week", Weekly, "2027-01-01T08:00:00Z", 26, "2026-07-06", "2026-07-13", "2027-01-04"},
		{"week 53", Weekly, "2026-12-31T08:00:00Z", 26, "2026-07-06", "2026-07-13", "2027-01-04"},
		{"12 months, with this one", Monthly, "2026-03-15T12:00:00Z", 12, "2025-04-01", "2025-05-01", "2026-04-01"},
		{"from a long month over a short one", Monthly, "2026-03-31T23:59:59Z", 12, "2025-04-01", "2025-05-01", "2026-04-01"},
		{"December ends with the year", Monthly, "2026-12-31T23:59:59.999Z", 12, "2026-01-01", "2026-02-01", "2027-01-01"},
		{"on a leap day", Monthly, "2028-02-29T10:00:00Z", 12, "2027-03-01", "2027-04-01", "2028-03-01"},
	} {
		s, err := test.window.span(at(test.now), time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(len(s.points), s.from.Format(" 2006-01-02T15:04:05.999"), s.points[1].Format(" 2006-01-02T15:04:05.999"), s.to.Format(" 2006-01-02T15:04:05.999"))
		want := fmt.Sprint(test.points, " ", test.from, "T00:00:00 ", test.second, "T00:00:00 ", test.to, "T00:00:00")
		if got != want || !s.points[0].Equal(s.from) {
			t.Errorf("%s: got %s, want %s", test.rule, got, want)
		}
		for i, point := range s.points {
			if found := s.point(point); found != i {
				t.Errorf("%s: %v is at point %d, want %d", test.rule, point, found, i)
			}
		}
	}
}

// TestPeriod: a period is cut by days of UTC, whatever time of day it begins.
func TestPeriod(t *testing.T) {
	s, err := Period.span(time.Time{}, at("2028-02-28T10:17:00Z"), at("2028-03-02T10:17:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, point := range s.points {
		got = append(got, point.Format(time.RFC3339))
	}
	want := "2028-02-28T10:17:00Z 2028-02-29T00:00:00Z 2028-03-01T00:00:00Z 2028-03-02T00:00:00Z"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if i := s.point(at("2028-02-28T00:00:00Z")); i != 0 {
		t.Errorf("the day in which the period begins is point %d", i)
	}
	if s, err = Period.span(time.Time{}, at("2026-01-01T00:00:00Z"), at("2026-01-03T00:00:00Z")); err != nil || len(s.points) != 2 {
		t.Errorf("two whole days: %d points, %v", len(s.points), err)
	}
	if s, err = Period.span(time.Time{}, at("2024-02-29T10:00:00Z"), at("2025-02-28T10:00:00Z")); err != nil || len(s.points) != 366 {
		t.Errorf("a year: %d points, %v", len(s.points), err)
	}
	for _, bad := range [][2]string{{"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"}, {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "2027-02-01T00:00:00Z"}} {
		var refused *QueryError
		if _, err := Period.span(time.Time{}, at(bad[0]), at(bad[1])); !errors.As(err, &refused) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestRollupDays: a rollup is read for whole days before the first that may lack something, and never beyond the span.
func TestRollupDays(t *testing.T) {
	for _, test := range []struct{ rule, from, to, final, rollupFrom, rollupTo string }{
		{"all days are final", "2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z"},
		{"the last day is under way", "2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z", "2026-02-04T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-04T00:00:00Z"},
		{"parts of days are not in it", "2026-02-01T10:00:00Z", "2026-02-05T10:00:00Z", "2026-03-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-05T00:00:00Z"},
		{"nothing is final", "2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z", "1970-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		{"a part of one day", "2026-02-01T10:00:00Z", "2026-02-01T11:00:00Z", "2026-03-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-02T00:00:00Z"},
	} {
		s := span{from: at(test.from), to: at(test.to)}
		from, to := s.rollup(at(test.final))
		if !from.Equal(at(test.rollupFrom)) || !to.Equal(at(test.rollupTo)) {
			t.Errorf("%s: %v to %v, want %s to %s", test.rule, from, to, test.rollupFrom, test.rollupTo)
		}
	}
}
