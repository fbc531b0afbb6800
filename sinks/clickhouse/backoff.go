package clickhouse

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a pause that doubles from min to max, of which a random half to whole is waited: sinks that failed
// together don't come back together.
type backoff struct {
	min, max time.Duration
	next     time.Duration
}

func (b *backoff) reset() { b.next = b.min }

// wait pauses and reports whether the context goes on.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = max(b.next, b.min)
	pause := b.next/2 + rand.N(b.next/2+1)
	b.next = min(2*b.next, b.max)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
