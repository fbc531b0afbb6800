package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"drawdown/api/access"
	"drawdown/producer"
)

// client asks the API over HTTP, as programs of customers and of the seller do, with a key of its own.
type client struct {
	origin string
	key    string
	http   *http.Client
}

// clientTimeout bounds a request: longer than the longest wait for a write.
const clientTimeout = 30 * time.Second

// newTransport makes the connections that all clients share. Close them at the end.
func newTransport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 8}
}

// issue makes a key and a client that has it.
func (d *demo) issue(ctx context.Context, wanted access.NewKey) (*client, error) {
	_, token, err := d.pipeline.api.Office.IssueKey(ctx, visitor, wanted)
	if err != nil {
		return nil, fmt.Errorf("issue an API key for %s: %w", wanted.Name, err)
	}
	return &client{origin: d.config.API.Origin(), key: token, http: &http.Client{Transport: d.transport, Timeout: clientTimeout}}, nil
}

// issueKeys makes the API keys of whoever asks the API in the demo.
func (d *demo) issueKeys(ctx context.Context) (err error) {
	if d.schedulers, err = d.newSchedulers(ctx); err != nil {
		return err
	}
	d.gatekeeper = &gatekeeper{api: d.schedulers.api, story: d.story, tell: d.happenings.tell}
	d.reports, err = d.issue(ctx, access.NewKey{Name: "reports", Role: access.Operator, Scopes: []access.Scope{access.ReadAccount}})
	if err != nil {
		return err
	}
	// It is printed, so it can do no more than ask.
	d.curl, err = d.issue(ctx, access.NewKey{Name: "visitor", Role: access.Worker, Scopes: []access.Scope{access.AskGate}})
	return err
}

// refusal is what the API answers that it does not do.
type refusal struct {
	Status int
	Reason string
	Detail string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Reason, r.Detail) }

// ask sends a request and reads the answer. The error is a [*refusal] where the API refuses.
func (c *client) ask(ctx context.Context, method, path string, header http.Header, body []byte, answer any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.origin+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for name := range header {
		request.Header.Set(name, header.Get(name))
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		refused := &refusal{Status: response.StatusCode}
		_ = json.Unmarshal(text, refused) // where it is no problem document, the status tells
		return response.StatusCode, fmt.Errorf("%s %s: %w", method, path, refused)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return response.StatusCode, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return response.StatusCode, nil
}

// accountPath is the path of something of an account.
func accountPath(account string, rest ...string) string {
	path := "/v1/accounts/" + url.PathEscape(account)
	for _, part := range rest {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// gateAnswer is whether a sync may start.
type gateAnswer struct {
	Allowed   bool   `json:"allowed"`
	Reason    string `json:"reason"`
	Available string `json:"available"`
}

// verdict says an answer in words.
func (g *gateAnswer) verdict() string {
	if g.Allowed {
		return "yes, " + reasonName(g.Reason)
	}
	return "no, " + reasonName(g.Reason)
}

// gatePath is what is asked of the gate, without the job.
func gatePath(account, connection string) string {
	return accountPath(account, "gate") + "?" + url.Values{"connection": {connection}}.Encode()
}

// gate asks whether a sync of a connection may start.
func (c *client) gate(ctx context.Context, account, connection string) (g gateAnswer, err error) {
	_, err = c.ask(ctx, http.MethodGet, gatePath(account, connection), nil, nil, &g)
	return g, err
}

// gateFor asks whether a sync may start that may have credits held for it.
func (c *client) gateFor(ctx context.Context, account, connection string, job int64) (g gateAnswer, err error) {
	_, err = c.ask(ctx, http.MethodGet, gatePath(account, connection)+"&job="+strconv.FormatInt(job, 10), nil, nil, &g)
	return g, err
}

var errNotApplied = errors.New("it is still not applied")

// write does something to an account and returns when it is applied. Repeated under one key it is done once.
func (c *client) write(ctx context.Context, method, path string, data any) error {
	var body []byte
	header := http.Header{"Idempotency-Key": {uuid.NewString()}, "Prefer": {"wait=10"}}
	if data != nil {
		var err error
		if body, err = json.Marshal(data); err != nil {
			return err
		}
		header.Set("Content-Type", "application/json")
	}
	const attempts = 6 // a minute: far longer than a busy machine takes
	for range attempts {
		var outcome struct {
			State string `json:"state"`
		}
		if _, err := c.ask(ctx, method, path, header, body, &outcome); err != nil || outcome.State == "applied" {
			return err
		}
	}
	return fmt.Errorf("%s %s: %w", method, path, errNotApplied)
}

// report hands in a usage event, as workers without access to Kafka do.
func (c *client) report(ctx context.Context, usage producer.Usage) error {
	usage.Time = time.Now()
	var answer struct {
		Results []struct{ State, Reason, Detail string }
	}
	event := usage.Event("drawdown/demo/workers")
	header := http.Header{"Content-Type": {"application/cloudevents+json"}}
	if _, err := c.ask(ctx, http.MethodPost, "/v1/events", header, event, &answer); err != nil {
		return err
	}
	if len(answer.Results) != 1 || answer.Results[0].State != "accepted" {
		return fmt.Errorf("POST /v1/events: a usage event was not taken: %+v", answer.Results)
	}
	return nil
}
