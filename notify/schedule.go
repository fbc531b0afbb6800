package notify

import (
	"math/rand/v2"
	"time"
)

// emailWaits are those after the first, second, … try of an e-mail that failed. The first minutes are for greylisting
// servers; in all it is two days, after which mail servers commonly give up as well.
var emailWaits = [...]time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
	8 * time.Hour, 8 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// EmailSchedule is the [Schedule] of e-mails. A wait is spread over a tenth to either side, so that what failed together
// does not return together.
func EmailSchedule(_ string, attempt int) (wait time.Duration, more bool) {
	if attempt < 1 || attempt > len(emailWaits) {
		return 0, false
	}
	wait = emailWaits[attempt-1]
	return wait - wait/10 + rand.N(wait/5), true
}

// askedWaitMax bounds how long the other side may ask to wait: a longer wait could outlast what is read of the delivery
// log at the start.
const askedWaitMax = 24 * time.Hour
