//go:build integration

package e2e

import (
	"context"
	"sync"

	"drawdown/purchasing/stripe/fakestripe"
)

// turnstile lets so many charges through to the gateway and holds the next one, with everything that is asked for after
// it, until it is let in. So a purchaser can be ended in the middle of its payments, on a machine of any speed.
type turnstile struct {
	in     *installation
	every  int
	decide func(fakestripe.Request) fakestripe.Fault
	held   chan struct{} // one token for each charge that is held
	let    chan struct{}
	open   chan struct{} // closed when nothing is held any more
	once   sync.Once
	known  map[string]bool // the payments that were let through; under the gateway's lock, which asks for one request at a time
}

// confirmation charges the card of a payment, unless that is done.
const confirmation = "POST /v1/payment_intents/{id}/confirm"

func (in *installation) openTurnstile(every int, decide func(fakestripe.Request) fakestripe.Fault) *turnstile {
	s := &turnstile{
		in: in, every: every, decide: decide, held: make(chan struct{}), let: make(chan struct{}), open: make(chan struct{}),
		known: map[string]bool{},
	}
	in.t.Cleanup(s.leaveOpen)
	return s
}

// fault decides what goes wrong with a request. Nothing goes wrong with one that was held.
func (s *turnstile) fault(r fakestripe.Request) fakestripe.Fault {
	fault := s.decide(r)
	if r.Route != confirmation || fault != fakestripe.None || s.known[r.Path] {
		return fault
	}
	s.known[r.Path] = true
	if len(s.known)%s.every != 0 {
		return fault
	}
	select {
	case s.held <- struct{}{}:
		<-s.let
	case <-s.open:
	}
	return fault
}

// awaitHeld waits until a charge is held.
func (s *turnstile) awaitHeld(from *process) {
	s.in.t.Helper()
	s.in.await("the next charge is held", func(context.Context) (bool, any) {
		from.running()
		select {
		case <-s.held:
			return true, nil
		default:
			return false, "none is"
		}
	})
}

// letIn lets the charge in that is held.
func (s *turnstile) letIn() { s.let <- struct{}{} }

// leaveOpen holds nothing from now on.
func (s *turnstile) leaveOpen() { s.once.Do(func() { close(s.open) }) }
