//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/notify/webhook"
)

// receiver is a customer's program that takes notices by webhook. It checks signatures with the library that the
// specification's authors publish.
type receiver struct {
	in      *installation
	secrets *webhook.Secrets
	url     string

	mu    sync.Mutex
	limit int // further calls are answered 503, so that there is something left to tell; 0 for none
	calls []call
	wrong []string // requests whose signature or body is not as it must be
}

// call is a notice that came.
type call struct {
	Account string
	Kind    string // low_balance, …
	Notice  string // the notice's id
}

// The endpoints of every account: one that takes everything, and one that is there no more.
const (
	mainEndpoint = "main"
	goneEndpoint = "gone"
)

func (in *installation) openReceiver() *receiver {
	in.t.Helper()
	r := &receiver{in: in}
	server := httptest.NewServer(r)
	in.t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// ServeHTTP takes a request to /<endpoint>/<account>.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil { // a notifier that was killed in the middle has told nothing
		return
	}
	endpoint, account, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if endpoint == goneEndpoint {
		w.WriteHeader(http.StatusGone)
		return
	}
	if r.limit > 0 && len(r.calls) >= r.limit {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var payload struct {
		Type string
		Data struct{ ID, Account string }
	}
	verifier, bad := standardwebhooks.NewWebhook(r.secrets.Secret(account, endpoint, 1))
	switch {
	case bad != nil:
		r.wrong = append(r.wrong, "the secret of "+account+" can't be read: "+bad.Error())
	case verifier.Verify(body, request.Header) != nil:
		r.wrong = append(r.wrong, "the signature of "+request.Header.Get("webhook-id")+" is wrong")
	case json.Unmarshal(body, &payload) != nil || payload.Data.Account != account || request.Header.Get("webhook-id") != "msg_"+payload.Data.ID:
		r.wrong = append(r.wrong, string(body))
	}
	r.in.accuse("a webhook", body)
	r.calls = append(r.calls, call{account, strings.TrimPrefix(payload.Type, "drawdown."), payload.Data.ID})
}

// all returns what came so far, and fails the test if anything of it was wrong.
func (r *receiver) all() []call {
	r.in.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.wrong {
		r.in.t.Error(one)
	}
	r.wrong = nil
	return r.calls[:len(r.calls):len(r.calls)]
}

// takeUntil has the receiver take so many calls in all and no more, and waits until they have come.
func (r *receiver) takeUntil(count int, from *process) {
	r.in.t.Helper()
	r.setLimit(count)
	r.in.await(number(count)+" webhooks have come", func(context.Context) (bool, any) {
		from.running()
		found := len(r.all())
		return found >= count, found
	})
}

// setLimit has the receiver take so many calls in all; any number where it is 0.
func (r *receiver) setLimit(count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = count
}

// await waits until a notice of a kind has come for an account.
func (r *receiver) await(account, kind string) {
	r.in.t.Helper()
	r.in.await("a webhook tells "+account+" of "+kind, func(context.Context) (bool, any) {
		calls := r.all()
		for _, one := range calls {
			if one.Account == account && one.Kind == kind {
				return true, nil
			}
		}
		return false, calls
	})
}

// tell sets an account's endpoint.
func (r *receiver) tell(account, endpoint string, kinds ...string) {
	r.in.t.Helper()
	data := map[string]any{"endpoint": endpoint, "url": r.url + "/" + endpoint + "/" + account}
	if len(kinds) > 0 {
		data["kinds"] = kinds
	}
	r.in.append(app.Operation{Type: drawdown.WebhookSet, Account: account, Data: data})
}
