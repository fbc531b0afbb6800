package fakestripe

import (
	"math/rand/v2"
	"sync"
)

// Fault is what goes wrong with one request.
type Fault uint8

// The faults.
const (
	None           Fault = iota
	LoseRequest          // the connection ends before any work
	LoseReply            // the work is done and its reply stored, and the connection ends
	Limit                // 429 before any work
	Fail                 // 500 before any work, nothing stored
	FailDone             // the work is done and its reply stored, but a 500 is sent
	StoreFail            // no work, a 500 stored under the key
	StoreFailDone        // the work is done, a 500 stored under the key
	StoreFailLater       // a 500 stored under the key, and the work done by [Server.Reconcile]
	Slow                 // the request takes longer
)

// Request is what a hook may decide by.
type Request struct {
	Route string // "POST /v1/payment_intents/{id}/confirm"
	Path  string
	Key   string
	Card  string // the payment method that is about to be charged, "" where there is none
	N     int    // how many requests of the route came before
}

// Faults sets who decides what goes wrong with each request; nil for nothing. The hook is called by one request at a
// time, and calls nothing of the server.
func (s *Server) Faults(decide func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = decide
}

// draw asks the hook and counts the request.
func (s *Server) draw(c *call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	route := c.routeName()
	n := s.requests[route]
	s.requests[route]++
	if s.fault == nil {
		return None
	}
	return s.fault(Request{Route: route, Path: c.path, Key: c.key, Card: s.cardOf(c), N: n})
}

// Rates are how many of 1,000 requests each fault hits.
type Rates struct {
	LoseRequest, LoseReply, Limit, Fail, FailDone, StoreFail, StoreFailDone, StoreFailLater, Slow int
}

// Often is a rough day: 4 % of all requests for each fault but [StoreFailLater].
var Often = Rates{40, 40, 40, 40, 40, 40, 40, 0, 40}

// Seeded hits requests at random. The same seed and order of requests gives the same faults.
func Seeded(seed uint64, r Rates) func(Request) Fault {
	rates := [...]struct {
		fault Fault
		rate  int
	}{
		{LoseRequest, r.LoseRequest}, {LoseReply, r.LoseReply}, {Limit, r.Limit}, {Fail, r.Fail}, {FailDone, r.FailDone},
		{StoreFail, r.StoreFail}, {StoreFailDone, r.StoreFailDone}, {StoreFailLater, r.StoreFailLater}, {Slow, r.Slow},
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	return func(Request) Fault {
		mu.Lock()
		defer mu.Unlock()
		n := random.IntN(1000)
		for _, f := range rates {
			if n -= f.rate; n < 0 {
				return f.fault
			}
		}
		return None
	}
}
