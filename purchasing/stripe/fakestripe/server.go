package fakestripe

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Options are what a fake may be told at its start. The zero value is fine.
type Options struct {
	// SecretKey is the only key that is accepted; any where it is "".
	SecretKey string
	// Start is what the fake's clock shows at its start; the present where it is zero. It runs on by itself.
	Start time.Time
	// Strict refuses customers and payment methods that were not made before. Otherwise every cus_… and pm_… exists, and
	// a method that was not set pays.
	Strict bool
	// PurchaseKey is the metadata that names a purchase; "drawdown_purchase" where it is "".
	PurchaseKey string
	// Delay is how long a request takes that the fault [Slow] hits; 5 ms where it is zero.
	Delay time.Duration
}

// Server is a fake Stripe. It is an http.Handler, and safe for concurrent use.
type Server struct {
	options Options
	http    *httptest.Server
	keys    keys
	hooks   hooks
	done    chan struct{} // closed by Close
	release chan struct{} // closed by Release
	once    sync.Once     // it is closed once

	mu            sync.Mutex
	started       time.Time
	offset        time.Duration
	serial        int
	fault         func(Request) Fault
	requests      map[string]int // by method and route
	cards         map[string]Card
	customers     map[string]*customer
	customerOrder []*customer
	intents       map[string]*intent
	intentOrder   []*intent // the oldest first
	byCustomer    map[string][]*intent
	charges       map[string]*charge
	refunds       []*refund
	sessions      map[string]*session
	sessionOrder  []*session
	setups        map[string]*setup
	subscriptions map[string]*subscription
	events        []*event
	later         []func()
}

// New starts a fake on a free port of the loopback address. Close it.
func New(o Options) *Server {
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if o.PurchaseKey == "" {
		o.PurchaseKey = "drawdown_purchase"
	}
	if o.Delay == 0 {
		o.Delay = 5 * time.Millisecond
	}
	s := &Server{
		options: o, started: time.Now(), done: make(chan struct{}), release: make(chan struct{}),
		requests: map[string]int{}, cards: map[string]Card{}, customers: map[string]*customer{}, intents: map[string]*intent{},
		byCustomer: map[string][]*intent{}, charges: map[string]*charge{}, sessions: map[string]*session{},
		setups: map[string]*setup{}, subscriptions: map[string]*subscription{},
	}
	s.keys.replies = map[string]*keyed{}
	s.hooks.server = s
	s.http = httptest.NewServer(s)
	return s
}

// URL is the address of the API.
func (s *Server) URL() string { return s.http.URL }

// Close ends the server, requests that hang and deliveries that wait.
func (s *Server) Close() {
	close(s.done)
	s.hooks.close()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Now is what the fake's clock shows.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return s.options.Start.Add(time.Since(s.started) + s.offset) }

// Advance moves the clock on. Keys older than [KeyLife] are forgotten.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Requests counts the requests that arrived so far, by method and route: "POST /v1/payment_intents/{id}/confirm".
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int, len(s.requests))
	for route, n := range s.requests {
		counts[route] = n
	}
	return counts
}

// ServeHTTP answers as Stripe would, or as the scripted fault has it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, refused := s.read(r)
	if refused != nil {
		refused.write(w)
		return
	}
	fault := s.draw(call)
	switch fault {
	case LoseRequest:
		panic(http.ErrAbortHandler)
	case Limit:
		limited().write(w)
		return
	case Fail:
		failed().write(w)
		return
	case Slow:
		s.pause(s.options.Delay)
	default: // what goes wrong later
	}
	answer := s.answer(r, call, fault)
	s.hooks.early()
	switch fault {
	case LoseReply:
		panic(http.ErrAbortHandler)
	case FailDone:
		failed().write(w)
	default:
		answer.write(w)
	}
}

// answer does the work of a call once for its key, and gives the key's stored reply where there is one.
func (s *Server) answer(r *http.Request, c *call, fault Fault) reply {
	if c.key == "" || c.method != http.MethodPost {
		return s.work(r, c, fault)
	}
	stored, replay := s.keys.enter(c, s.Now())
	if replay != nil {
		return *replay
	}
	answer := s.work(r, c, fault)
	s.keys.leave(c.key, stored, answer)
	return answer
}

// work does what is asked for, or what a fault that is stored under the key makes of it.
func (s *Server) work(r *http.Request, c *call, fault Fault) reply {
	switch fault {
	case StoreFail:
		return failed()
	case StoreFailDone:
		s.route(r, c)
		return failed()
	case StoreFailLater:
		s.mu.Lock()
		s.later = append(s.later, func() { s.route(r, c) })
		s.mu.Unlock()
		return failed()
	default:
		return s.route(r, c)
	}
}

// Reconcile does the work of requests that the fault [StoreFailLater] hit, as Stripe does after an incident.
func (s *Server) Reconcile() {
	s.mu.Lock()
	later := s.later
	s.later = nil
	s.mu.Unlock()
	for _, work := range later {
		work()
	}
}

// Release ends the hanging of cards that [Hangs], of requests that hang and of those to come.
func (s *Server) Release() { s.once.Do(func() { close(s.release) }) }

// pause waits, but not for longer than the server lives.
func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	}
}

// route hands a call to the object that it is about: /v1/<collection>[/<id>[/<verb>]].
func (s *Server) route(r *http.Request, c *call) reply {
	collection, id, verb := c.parts()
	s.hang(r, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch collection {
	case "payment_intents":
		return s.intentCall(c, id, verb)
	case "customers":
		return s.customerCall(c, id)
	case "payment_methods":
		return s.methodCall(c, id)
	case "checkout/sessions":
		return s.sessionCall(c, id, verb)
	case "setup_intents":
		return s.setupCall(c, id)
	case "charges":
		return s.chargeCall(c, id)
	case "refunds":
		return s.refundCall(c)
	case "subscriptions":
		return s.subscriptionCall(c, id)
	case "events":
		return s.eventCall(c, id)
	}
	return invalid("", "", "Unrecognized request URL ("+c.method+": "+c.path+").").status(http.StatusNotFound)
}

// hang holds a confirmation back while its card hangs: until the client has gone, or [Server.Release].
func (s *Server) hang(r *http.Request, c *call) {
	s.mu.Lock()
	card := s.cards[s.cardOf(c)]
	s.mu.Unlock()
	if !card.Hang || !c.charges() {
		return
	}
	select {
	case <-r.Context().Done():
	case <-s.release:
	case <-s.done:
	}
}

// name makes an id of the kind that Stripe uses.
func (s *Server) name(prefix string) string {
	s.serial++
	return prefix + "_fake" + strings.Repeat("0", 9-min(9, digits(s.serial))) + itoa(s.serial)
}
