package drawdown

import (
	"math"
	"time"
)

// Time is an instant in milliseconds since 1970-01-01T00:00:00Z.
type Time int64

// Spans in milliseconds.
const (
	Second Time = 1000
	Minute      = 60 * Second
	Hour        = 60 * Minute
	Day         = 24 * Hour
)

const (
	// NoTime stands where there is no instant.
	NoTime Time = math.MinInt64
	// Never stands for an instant that does not come, such as the expiry of a grant that does not expire.
	Never Time = math.MaxInt64
)

const (
	minYear = 1970
	maxYear = 9000
)

// ParseTime reads an RFC 3339 time as the contract restricts it (section 1): capital T, Z or a numeric offset,
// seconds 00 to 59, at most 9 fraction digits, years 1970 to 9000 after conversion to UTC. Digits below a
// millisecond are cut. It reports false for anything else.
func ParseTime(s []byte) (Time, bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return NoTime, false
	}
	year, okYear := number(s[0:4], 9999)
	month, okMonth := number(s[5:7], 12)
	day, okDay := number(s[8:10], 31)
	hour, okHour := number(s[11:13], 23)
	minute, okMinute := number(s[14:16], 59)
	second, okSecond := number(s[17:19], 59)
	if !okYear || !okMonth || !okDay || !okHour || !okMinute || !okSecond ||
		month < 1 || day < 1 || day > daysIn(year, month) {
		return NoTime, false
	}
	milli, rest, ok := parseMilli(s[19:])
	if !ok {
		return NoTime, false
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return NoTime, false
	}
	t := Time(daysFromCivil(year, month, day))*Day + Time(hour)*Hour + Time(minute)*Minute + Time(second)*Second + milli - offset
	if t < 0 || t >= endOfTime {
		return NoTime, false
	}
	return t, true
}

// endOfTime is the first instant after the last year that a time may have.
var endOfTime = Time(daysFromCivil(maxYear+1, 1, 1)) * Day

func parseMilli(s []byte) (milli Time, rest []byte, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	digits := 1
	for digits < len(s) && isDigit(s[digits]) {
		if digits <= 3 {
			milli = milli*10 + Time(s[digits]-'0')
		}
		digits++
	}
	for missing := digits; missing <= 3; missing++ {
		milli *= 10
	}
	return milli, s[digits:], digits > 1 && digits <= 10
}

func parseOffset(s []byte) (Time, bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return 0, false
	}
	hours, okHours := number(s[1:3], 23)
	minutes, okMinutes := number(s[4:6], 59)
	offset := Time(hours)*Hour + Time(minutes)*Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, okHours && okMinutes
}

// number reads a number of decimal digits, at most limit.
func number(s []byte, limit int) (int, bool) {
	n := 0
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= limit
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// daysFromCivil counts the days from 1970-01-01 to a day of the Gregorian calendar.
func daysFromCivil(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400 // years are never negative here
	yearOfEra := year % 400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// AddMonths returns the instant k months after t: the same time of day, the day of the month clamped to the month's
// last day. Call it on an anchor, never on a result: Jan 31 + 1 month is Feb 28, and + 2 months is Mar 31.
func (t Time) AddMonths(k int) Time {
	year, month, day := t.std().Date()
	months := year*12 + int(month) - 1 + k
	toYear, toMonth := months/12, months%12+1
	toDay := min(day, daysIn(toYear, toMonth))
	return Time(daysFromCivil(toYear, toMonth, toDay))*Day + t%Day
}

// HourNumber counts whole hours since 1970-01-01T00:00:00Z: the instant cut to the hour.
func (t Time) HourNumber() int64 { return int64(t / Hour) }

func (t Time) std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// TimeOf converts from the standard library's time, cut to milliseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Append appends the contract's form: `2026-02-01T00:00:00Z`, with `.123` only where the milliseconds are not zero.
func (t Time) Append(dst []byte) []byte {
	dst = t.std().AppendFormat(dst, "2006-01-02T15:04:05")
	if milli := t % Second; milli != 0 {
		dst = append(dst, '.', byte('0'+milli/100), byte('0'+milli/10%10), byte('0'+milli%10))
	}
	return append(dst, 'Z')
}

// String returns the contract's form, or "never".
func (t Time) String() string {
	if t == Never || t == NoTime {
		return "never"
	}
	return string(t.Append(nil))
}
