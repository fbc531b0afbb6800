package fakestripe

import (
	"net/http"
	"sync"
	"time"
)

// KeyLife is how long an idempotency key is kept after its first use.
const KeyLife = 24 * time.Hour

// keys are the idempotency keys with their replies.
type keys struct {
	mu      sync.Mutex
	replies map[string]*keyed
}

// keyed is what is stored under a key.
type keyed struct {
	params string
	since  time.Time
	answer *reply // nil while the first request is at work
}

// enter takes a key for a call. It answers the reply that the key already has, or a refusal; nil where the call is to
// be done now, which ends with leave.
func (k *keys) enter(c *call, now time.Time) (*keyed, *reply) {
	params := c.path + "?" + c.form.Encode()
	k.mu.Lock()
	defer k.mu.Unlock()
	entry := k.replies[c.key]
	if entry != nil && entry.answer != nil && now.Sub(entry.since) >= KeyLife {
		entry = nil
	}
	switch {
	case entry == nil:
		entry = &keyed{params: params, since: now}
		k.replies[c.key] = entry
		return entry, nil
	case entry.params != params:
		differs := problem("idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters.")
		return nil, &differs
	case entry.answer == nil:
		busy := problem("invalid_request_error", "idempotency_key_in_use", "", "Another request is using this key.").status(http.StatusConflict)
		return nil, &busy
	}
	again := *entry.answer
	again.replayed = true
	return nil, &again
}

// leave stores a reply under its key. A reply that came before any work leaves the key free.
func (k *keys) leave(key string, entry *keyed, answer reply) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if answer.unstored {
		delete(k.replies, key)
		return
	}
	entry.answer = &answer
}
