package reference

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Instant is a time in milliseconds since 1970-01-01T00:00:00Z.
type Instant int64

const (
	millisecond Instant = 1
	second              = 1000 * millisecond
	minute              = 60 * second
	hour                = 60 * minute
	day                 = 24 * hour
)

var timeForm = regexp.MustCompile(
	`^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$`)

// parseTime reads a time by section 1; what is finer than a millisecond is cut off.
func parseTime(text string) (Instant, bool) {
	parts := timeForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	field := func(i int) int { n, _ := strconv.Atoi(parts[i]); return n }
	year, month, dayOfMonth := field(1), field(2), field(3)
	hours, minutes, seconds := field(4), field(5), field(6)
	if month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysOf(year, month) {
		return 0, false
	}
	if hours > 23 || minutes > 59 || seconds > 59 || field(9) > 23 || field(10) > 59 {
		return 0, false
	}
	milliseconds, _ := strconv.Atoi((parts[7] + "000")[:3])
	local := time.Date(year, time.Month(month), dayOfMonth, hours, minutes, seconds, 0, time.UTC).UnixMilli()
	at := Instant(local) + Instant(milliseconds)
	offset := Instant(field(9))*hour + Instant(field(10))*minute
	if parts[8] == "-" {
		offset = -offset
	}
	at -= offset
	if utc := at.utc().Year(); utc < 1970 || utc > 9000 {
		return 0, false
	}
	return at, true
}

func (at Instant) utc() time.Time { return time.UnixMilli(int64(at)).UTC() }

// String prints the instant as section 1 says: milliseconds only where they are not zero.
func (at Instant) String() string {
	text := at.utc().Format("2006-01-02T15:04:05.000")
	return strings.TrimSuffix(text, ".000") + "Z"
}

// hours is the number of the hour that the instant lies in.
func (at Instant) hours() int64 { return int64(at / hour) }

func daysOf(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// plusMonths adds months to an anchor: the same time of day, the day clamped to the month's last.
func (at Instant) plusMonths(months int) Instant {
	anchor := at.utc()
	counted := anchor.Year()*12 + int(anchor.Month()) - 1 + months
	year, month := counted/12, counted%12+1
	dayOfMonth := min(anchor.Day(), daysOf(year, month))
	midnight := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	return Instant(midnight.UnixMilli()) + at%day
}

// later is the later of two instants.
func later(a, b Instant) Instant { return max(a, b) }

// optionalTime is the printed form of an instant that may be missing.
func optionalTime(at *Instant) any {
	if at == nil {
		return nil
	}
	return fmt.Sprint(*at)
}
