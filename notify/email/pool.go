package email

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Bounds of a kept session. Greeting, encrypting and logging in cost more round trips than a message, so a burst of
// notices shares sessions; common relays end one after 100 messages or when it is idle for 30 s or more.
const (
	idleMax     = 10 * time.Second
	messagesMax = 100
)

// pool bounds how many sessions there are, and keeps those that are free for a short while.
type pool struct {
	slots   chan struct{} // one token for each session in use
	idleMax time.Duration

	mu     sync.Mutex
	kept   []*session // the one used last is at the end
	closed bool
}

func newPool(connectionsMax int) *pool {
	return &pool{slots: make(chan struct{}, connectionsMax), idleMax: idleMax}
}

// acquire waits for the right to use a session. Whoever has it calls release.
func (p *pool) acquire(ctx context.Context) *failure {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &failure{stepWait, errors.New("all connections to the mail server are busy")}
	}
}

func (p *pool) release() { <-p.slots }

// take returns a kept session, or nil where there is none.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.kept) > 0 {
		last := p.kept[len(p.kept)-1]
		p.kept = p.kept[:len(p.kept)-1]
		if last.idle.Stop() {
			last.idle = nil
			return last
		} // otherwise its time is up, and its timer is about to end it
	}
	return nil
}

// keep keeps a session after a message was accepted on it, or ends it where it has done enough.
func (p *pool) keep(s *session) {
	p.mu.Lock()
	keep := !p.closed && s.sent < messagesMax
	if keep {
		p.kept = append(p.kept, s)
		s.idle = time.AfterFunc(p.idleMax, func() {
			p.forget(s)
			s.quit()
		})
	}
	p.mu.Unlock()
	if !keep {
		s.quit()
	}
}

func (p *pool) forget(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, kept := range p.kept {
		if kept == s {
			p.kept = append(p.kept[:i], p.kept[i+1:]...)
			return
		}
	}
}

// close ends the kept sessions, and lets none be kept any more.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	kept := p.kept
	p.kept = nil
	p.mu.Unlock()
	for _, s := range kept {
		if s.idle.Stop() {
			s.quit()
		}
	}
}
