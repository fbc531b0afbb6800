package webhook

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// waits are those after the first, second, … try that failed: the specification's example, with a few more in the first
// hour, in which most receivers recover from a deployment. Three days and four hours in all, so that a receiver that
// breaks on a Friday evening can be repaired on Monday.
var waits = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// MaxAttempts is how often a notice is tried at most.
const MaxAttempts = len(waits) + 1

// RetryAfterMax bounds how long a receiver may ask to wait: a longer wait could outlast the schedule.
const RetryAfterMax = 24 * time.Hour

// Schedule is how long to wait after a try that failed, the first being attempt 1, and whether there is another try at
// all. Each wait is spread over a tenth to either side, so that what failed together does not return together; the same
// notice and attempt always have the same wait. Where the receiver asked for a longer one ([notify.Outcome]), wait that.
func Schedule(noticeID string, attempt int) (time.Duration, bool) {
	if attempt < 1 || attempt >= MaxAttempts {
		return 0, false
	}
	wait := waits[attempt-1]
	spread := wait / 5
	input := binary.BigEndian.AppendUint64([]byte("drawdown webhook jitter 1\n"), uint64(attempt))
	sum := sha256.Sum256(append(input, noticeID...))
	// The remainder's bias is below one in a million: the hash has 2^64 values, the widest spread 2^44 nanoseconds.
	return wait - spread/2 + time.Duration(binary.BigEndian.Uint64(sum[:8])%uint64(spread)), true
}
