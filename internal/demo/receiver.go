package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"drawdown/notify"
)

// endpointName is what the customer calls its endpoint.
const endpointName = "billing-bot"

// receiver is a customer's own program: it takes webhooks and checks their signatures, with the library that the
// specification's authors publish. Safe for concurrent use.
type receiver struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
	secret   *standardwebhooks.Webhook
	told     func(kind notify.Kind, notice string)

	mu     sync.Mutex
	taken  map[string]int // by the notice's id
	forged int            // requests that the customer would not believe
}

// listenWebhooks takes a port, so that the URL is known. Requests wait until serve.
func listenWebhooks() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the receiver of webhooks: %w", err)
	}
	r := &receiver{listener: listener, taken: map[string]int{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() + "/drawdown" }

// serve takes webhooks until close. The secret is the endpoint's; told is called with each notice.
func (r *receiver) serve(secret string, told func(kind notify.Kind, notice string)) (err error) {
	if r.secret, err = standardwebhooks.NewWebhook(secret); err != nil {
		return fmt.Errorf("read the endpoint's secret: %w", err)
	}
	r.told = told
	r.serving.Go(func() { _ = r.server.Serve(r.listener) })
	return nil
}

func (r *receiver) close() {
	_ = r.listener.Close() // the server knows it only if it has served
	_ = r.server.Close()
	r.serving.Wait()
}

// counts are how often each notice came, and how many requests had no valid signature.
func (r *receiver) counts() (taken map[string]int, forged int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.taken), r.forged
}

// payload is what the customer reads of a webhook.
type payload struct {
	Type string `json:"type"`
	Data struct {
		ID string `json:"id"`
	} `json:"data"`
}

var errNoNotice = errors.New("the body is no notice")

// ServeHTTP implements [http.Handler].
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	const bodyMax = 1 << 20
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, bodyMax))
	if err == nil {
		err = r.secret.Verify(body, request.Header)
	}
	var read payload
	if err == nil {
		err = json.Unmarshal(body, &read)
	}
	kind, ours := strings.CutPrefix(read.Type, "drawdown.")
	if err == nil && (!ours || read.Data.ID == "") {
		err = errNoNotice
	}
	r.mu.Lock()
	if err != nil {
		r.forged++
	} else {
		r.taken[read.Data.ID]++
	}
	r.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	r.told(notify.Kind(kind), read.Data.ID)
	w.WriteHeader(http.StatusNoContent)
}
