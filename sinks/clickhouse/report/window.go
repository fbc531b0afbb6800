package report

import (
	"fmt"
	"sort"
	"time"
)

// span is a window's time, cut into points. All of it goes by UTC.
type span struct {
	from, to time.Time   // to is exclusive
	points   []time.Time // the beginning of each
}

// Points of the windows, as customers know them.
const (
	dailyPoints   = 30
	weeklyPoints  = 26
	monthlyPoints = 12
)

// periodMax bounds the window of a period. A plan's period is a year at most.
const periodMax = 367 * 24 * time.Hour

// span returns the window that ends with the day, week or month of now, or the period from from to to. A period begins
// and ends at the instants given, also within a day: its first point is the rest of that day.
func (w Window) span(now, from, to time.Time) (span, error) {
	today := floorDay(now)
	switch w {
	case Daily:
		return evenSpan(today.AddDate(0, 0, 1-dailyPoints), dailyPoints, 0, 1), nil
	case Weekly:
		monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
		return evenSpan(monday.AddDate(0, 0, 7*(1-weeklyPoints)), weeklyPoints, 0, 7), nil
	case Monthly:
		first := time.Date(today.Year(), today.Month()+1-monthlyPoints, 1, 0, 0, 0, 0, time.UTC)
		return evenSpan(first, monthlyPoints, 1, 0), nil
	case Period:
		return periodSpan(from, to)
	default:
		return span{}, &QueryError{"window", fmt.Sprintf("is %q; it must be daily, weekly, monthly or period", w)}
	}
}

// evenSpan has points that are so many months and days apart. A month is counted from its first day, so that no month
// is skipped.
func evenSpan(from time.Time, points, months, days int) span {
	s := span{from: from}
	for i := range points {
		s.points = append(s.points, from.AddDate(0, i*months, i*days))
	}
	s.to = from.AddDate(0, points*months, points*days)
	return s
}

func periodSpan(from, to time.Time) (span, error) {
	from, to = from.UTC(), to.UTC()
	if !from.Before(to) || to.Sub(from) > periodMax {
		return span{}, &QueryError{"from", "must be before to, and by a year at most"}
	}
	s := span{from: from, to: to, points: []time.Time{from}}
	for day := floorDay(from).AddDate(0, 0, 1); day.Before(to); day = day.AddDate(0, 0, 1) {
		s.points = append(s.points, day)
	}
	return s, nil
}

// point is the index of the point that a day belongs to. Of the first day of a period there is only the part from its
// first point on.
func (s *span) point(day time.Time) int {
	after := sort.Search(len(s.points), func(i int) bool { return s.points[i].After(day) })
	return max(0, after-1)
}

// rollup returns the days, to exclusive, that can be read from rollups: those that lie in the span as a whole and
// before the first that may lack something. Where there is none the two are equal.
func (s *span) rollup(final time.Time) (from, to time.Time) {
	from, to = floorDay(s.from), floorDay(s.to)
	if from.Before(s.from) {
		from = from.AddDate(0, 0, 1)
	}
	if final.Before(to) {
		to = final
	}
	if to.Before(from) {
		to = from
	}
	return from, to
}

const day = 24 * time.Hour

// floorDay is the beginning of a time's day. Days of UTC have 24 hours.
func floorDay(t time.Time) time.Time { return t.UTC().Truncate(day) }
