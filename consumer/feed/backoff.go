package feed

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a pause that doubles from min to max, of which a random half to whole is waited: what failed together
// does not come back together.
type backoff struct {
	min, max time.Duration
	pause    time.Duration
}

func (b *backoff) reset() { b.pause = b.min }

// next returns the pause to wait now.
func (b *backoff) next() time.Duration {
	pause := max(b.pause, b.min)
	b.pause = min(2*pause, b.max)
	return pause/2 + rand.N(pause/2+1)
}

// sleep waits and reports whether the time has passed before the context ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
