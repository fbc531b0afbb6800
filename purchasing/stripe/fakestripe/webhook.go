package fakestripe

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Delivery is how events reach a webhook. The rates are of 1,000 events.
type Delivery struct {
	Early   int // before the reply to the call that caused them
	Twice   int
	Held    int // not until [Server.Drain]
	Shuffle bool
	Seed    uint64
}

// deliverers is how many deliveries run at once.
const deliverers = 4

// retryPause is the first pause after a refused delivery. It doubles up to retryPauseMax; Stripe takes days.
const (
	retryPause    = 5 * time.Millisecond
	retryPauseMax = 500 * time.Millisecond
)

// hooks deliver events to one webhook, again and again until it takes them.
type hooks struct {
	server *Server
	client http.Client

	mu       sync.Mutex
	url      string
	secret   string
	how      Delivery
	random   *rand.Rand
	queue    []*delivery
	urgent   []*delivery // before the reply
	held     []*delivery
	working  int
	wake     chan struct{} // one token a queued delivery; made with the first webhook
	idle     chan struct{} // closed when nothing is left to do
	stop     context.CancelFunc
	finished sync.WaitGroup
}

type delivery struct {
	event *event
	pause time.Duration
}

// Webhooks posts every event from now on to a URL, signed with the secret.
func (s *Server) Webhooks(url, secret string, how Delivery) {
	h := &s.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	h.url, h.secret, h.how, h.random = url, secret, how, rand.New(rand.NewPCG(how.Seed, 2))
	if h.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	h.client = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * deliverers}}
	h.wake, h.idle = make(chan struct{}, 1<<20), make(chan struct{})
	close(h.idle)
	for range deliverers {
		h.finished.Go(func() { h.run(ctx) })
	}
}

func (h *hooks) close() {
	h.mu.Lock()
	stop := h.stop
	h.mu.Unlock()
	if stop != nil {
		stop()
		h.finished.Wait()
		h.client.CloseIdleConnections()
	}
}

// add takes an event over.
func (h *hooks) add(e *event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop == nil {
		return
	}
	copies := 1
	if h.random.IntN(1000) < h.how.Twice {
		copies = 2
	}
	for range copies {
		d := &delivery{event: e, pause: retryPause}
		switch n := h.random.IntN(1000); {
		case n < h.how.Early:
			h.urgent = append(h.urgent, d)
		case n < h.how.Early+h.how.Held:
			h.held = append(h.held, d)
		default:
			h.enqueue(d)
		}
	}
}

// enqueue is called with the lock held.
func (h *hooks) enqueue(d *delivery) {
	if h.working == 0 && len(h.queue) == 0 {
		h.idle = make(chan struct{})
	}
	h.queue = append(h.queue, d)
	h.wake <- struct{}{}
}

// early delivers what is to arrive before the reply to the present call.
func (h *hooks) early() {
	h.mu.Lock()
	urgent := h.urgent
	h.urgent = nil
	h.mu.Unlock()
	for _, d := range urgent {
		if h.post(context.Background(), d.event) != nil {
			h.mu.Lock()
			h.enqueue(d)
			h.mu.Unlock()
		}
	}
}

func (h *hooks) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		d := h.take()
		for h.post(ctx, d.event) != nil && ctx.Err() == nil {
			h.server.pause(d.pause)
			d.pause = min(2*d.pause, retryPauseMax)
		}
		h.mu.Lock()
		if h.working--; h.working == 0 && len(h.queue) == 0 {
			close(h.idle)
		}
		h.mu.Unlock()
	}
}

func (h *hooks) take() *delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	if h.how.Shuffle {
		n = h.random.IntN(len(h.queue))
	}
	d := h.queue[n]
	h.queue[n] = h.queue[0]
	h.queue = h.queue[1:]
	h.working++
	return d
}

// Drain delivers what was held and waits until the webhook has taken everything.
func (s *Server) Drain(ctx context.Context) error {
	h := &s.hooks
	h.mu.Lock()
	if h.stop == nil {
		h.mu.Unlock()
		return errors.New("no webhook is set")
	}
	for _, d := range append(h.held, h.urgent...) {
		h.enqueue(d)
	}
	h.held, h.urgent = nil, nil
	idle := h.idle
	h.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("deliver webhooks: %w", ctx.Err())
	}
}

func (h *hooks) post(ctx context.Context, e *event) error {
	h.mu.Lock()
	url, secret := h.url, h.secret
	h.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(e.body))
	if err != nil {
		return fmt.Errorf("post event: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Stripe-Signature", Signature(secret, h.server.Now(), e.body))
	res, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("post event: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("read reply: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("webhook answers %s", res.Status)
	}
	return nil
}

// Signature is the header Stripe-Signature of a body that was signed at an instant.
func Signature(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
