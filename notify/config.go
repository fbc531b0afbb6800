package notify

import (
	"errors"
	"fmt"
	"time"
)

// Config is how the notifier works. Begin with [Default].
type Config struct {
	// EmailConcurrencyMax and WebhookConcurrencyMax are how many deliveries are tried at a time for the first time.
	EmailConcurrencyMax, WebhookConcurrencyMax int
	// EmailRetryConcurrencyMax and WebhookRetryConcurrencyMax are how many are tried again at a time, besides. First tries
	// to an endpoint that is failing count as such: an endpoint that hangs holds up no other's first try.
	EmailRetryConcurrencyMax, WebhookRetryConcurrencyMax int
	// PendingMax is how many deliveries of a partition may wait in memory, each some 600 bytes with its notice. While there
	// are more, the ledger is not read on.
	PendingMax int
	// NoticeAgeMax is up to which age an entry of the ledger becomes a notice. What is older is put down as expired: a
	// notifier that is started late on an old ledger does not mail last year's news.
	NoticeAgeMax time.Duration
	// Horizon is how far back the delivery log is read at the start, counted from its last record. It is as long as a
	// delivery that ended is known. Entries older than that become no deliveries at all.
	Horizon time.Duration
	// DisableAfter is for how long an endpoint may fail, without one success, before it is disabled.
	DisableAfter time.Duration
	// SendTimeout bounds one try. Senders have bounds of their own below it.
	SendTimeout time.Duration
	// AttemptTimeout bounds one call to the directory, the delivery log or the log of operations.
	AttemptTimeout time.Duration
	// DrainTimeout is how long tries under way may go on when their partition is taken away. After it and AttemptTimeout,
	// in which what came of them is put down, the partition is given up: together they stay below the follower's.
	DrainTimeout time.Duration
	// RetryMin and RetryMax bound the pauses after a failure on our side. They double and have jitter.
	RetryMin, RetryMax time.Duration
}

// Default is the configuration of a usual deployment.
func Default() Config {
	return Config{
		EmailConcurrencyMax: 8, EmailRetryConcurrencyMax: 4, // what mail servers like of one client
		WebhookConcurrencyMax: 64, WebhookRetryConcurrencyMax: 64,
		PendingMax: 100_000,
		// A notifier that was away over a long weekend still tells of failed payments.
		NoticeAgeMax: 72 * time.Hour, Horizon: 8 * 24 * time.Hour, DisableAfter: 5 * 24 * time.Hour,
		SendTimeout: time.Minute, AttemptTimeout: 10 * time.Second, DrainTimeout: 10 * time.Second,
		RetryMin: 200 * time.Millisecond, RetryMax: time.Minute,
	}
}

// Bounds of the horizon. At least twice the longest wait of a schedule, or a delivery that waits could be forgotten; at
// most what the delivery log keeps, less a day.
const (
	horizonMin = 3 * 24 * time.Hour
	horizonMax = 29 * 24 * time.Hour
	// horizonSpare is by how much the horizon exceeds what depends on it: clocks differ, and deliveries take their time.
	horizonSpare = 24 * time.Hour
)

// Validate reports every fault at once, each with what is allowed.
func (c *Config) Validate() error {
	return errors.Join(
		within("email_concurrency_max", c.EmailConcurrencyMax, 1, 10_000),
		within("email_retry_concurrency_max", c.EmailRetryConcurrencyMax, 1, 10_000),
		within("webhook_concurrency_max", c.WebhookConcurrencyMax, 1, 10_000),
		within("webhook_retry_concurrency_max", c.WebhookRetryConcurrencyMax, 1, 10_000),
		within("pending_max", c.PendingMax, 100, 10_000_000),
		within("horizon", c.Horizon, horizonMin, horizonMax),
		within("notice_age_max", c.NoticeAgeMax, time.Minute, max(c.Horizon, horizonMin)-horizonSpare),
		within("disable_after", c.DisableAfter, time.Hour, max(c.Horizon, horizonMin)-horizonSpare),
		within("send_timeout", c.SendTimeout, time.Second, 10*time.Minute),
		within("attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, 10*time.Minute),
		within("drain_timeout", c.DrainTimeout, 0, 10*time.Minute),
		within("retry_min", c.RetryMin, time.Millisecond, time.Minute),
		within("retry_max", c.RetryMax, max(c.RetryMin, time.Millisecond), time.Hour),
	)
}

func within[T int | time.Duration](option string, value, least, greatest T) error {
	if value >= least && value <= greatest {
		return nil
	}
	return fmt.Errorf("%s: is %v; allowed are %v to %v", option, value, least, greatest)
}
