package webhook

import (
	"strconv"
	"testing"
	"time"
)

func TestScheduleSpansDays(t *testing.T) {
	for i := range 1000 {
		id := "0-" + strconv.Itoa(i) + "-0"
		var total time.Duration
		attempts := 1
		for ; ; attempts++ {
			wait, more := Schedule(id, attempts)
			if !more {
				break
			}
			if low, high := waits[attempts-1]*9/10, waits[attempts-1]*11/10; wait < low || wait > high {
				t.Fatalf("%s: attempt %d is followed by %v, outside %v to %v", id, attempts, wait, low, high)
			}
			total += wait
		}
		if attempts != MaxAttempts || total < 66*time.Hour || total > 84*time.Hour {
			t.Fatalf("%s: %d attempts over %v", id, attempts, total)
		}
	}
}

// The same notice and attempt wait the same time for ever: these were computed by another program.
func TestScheduleIsStable(t *testing.T) {
	for _, c := range []struct {
		id      string
		attempt int
		want    time.Duration
	}{
		{"3-1207-2", 1, 5231516227}, {"3-1207-2", 2, 27139417911}, {"3-1207-2", 11, 89660885319596}, {"3-1207-3", 1, 4528305347},
	} {
		if got, more := Schedule(c.id, c.attempt); got != c.want || !more {
			t.Errorf("%s, attempt %d: %d, expected %d", c.id, c.attempt, got, c.want)
		}
	}
}

func TestScheduleSpreads(t *testing.T) {
	var tenths [10]int
	for i := range 10_000 {
		wait, _ := Schedule("7-"+strconv.Itoa(i)+"-0", 6)
		tenths[(wait-waits[5]*9/10)*10/(waits[5]/5+1)]++
	}
	for i, n := range tenths {
		if n < 800 || n > 1200 {
			t.Errorf("tenth %d of the spread has %d of 10,000 waits", i, n)
		}
	}
}

func TestScheduleEnds(t *testing.T) {
	for _, attempt := range []int{-1, 0, MaxAttempts, MaxAttempts + 1} {
		if wait, more := Schedule("0-0-0", attempt); more || wait != 0 {
			t.Errorf("attempt %d: %v, %v", attempt, wait, more)
		}
	}
}
