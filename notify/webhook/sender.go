package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/notify"
)

// userAgent is how receivers see us. It has no version: a notice is the same bytes whichever version sends it.
const userAgent = "drawdown-webhooks"

// Limits of what is read after the status. Reading an answer to its end lets its connection be used again; that is all
// an answer's body is read for.
const (
	bodyMax     = 4 << 10
	bodyTimeout = time.Second
)

// Sender sends notices to webhook endpoints. It is a [notify.Sender], safe for concurrent use.
type Sender struct {
	guard     *Guard
	secrets   *Secrets
	transport *http.Transport
	limiter   *limiter
	metrics   *metrics
	timeout   time.Duration
	now       func() time.Time
}

var _ notify.Sender = (*Sender)(nil)

// New makes a sender. Close it when no try is under way.
func New(config *Config, registerer prometheus.Registerer) (*Sender, error) {
	return newSender(config, registerer, net.DefaultResolver)
}

func newSender(config *Config, registerer prometheus.Registerer, resolver *net.Resolver) (*Sender, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	secrets, err := NewSecrets(config)
	if err != nil {
		return nil, err
	}
	guard, err := NewGuard(config)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(config, guard, resolver)
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(registerer)
	if err != nil {
		return nil, err
	}
	return &Sender{
		guard: guard, secrets: secrets, transport: transport, metrics: metrics,
		limiter: newLimiter(config.ConcurrencyMax, config.ConcurrencyPerHostMax),
		timeout: config.Timeout, now: time.Now,
	}, nil
}

// Close closes idle connections.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Send makes one try. It waits for its turn for at most the configured timeout, and then takes at most that long.
//
//   - Delivered: a 2xx status.
//   - Gone: 410.
//   - Refused: the endpoint is no longer there or disabled, or its URL can never be reached: not https, a user name, an
//     address that may not be reached. Setting the endpoint anew helps, for later notices.
//   - Retry: everything else, with the wait that a 429 or 503 asks for. Also a name whose address may not be reached:
//     what a name resolves to can be repaired without setting the endpoint anew.
func (s *Sender) Send(ctx context.Context, d *notify.Delivery) notify.Outcome {
	outcome := s.send(ctx, d)
	s.metrics.tries.WithLabelValues(verdicts[outcome.Verdict]).Inc()
	return outcome
}

func (s *Sender) send(ctx context.Context, d *notify.Delivery) notify.Outcome {
	endpoint := endpointOf(d)
	if endpoint == nil {
		return notify.Outcome{Verdict: notify.Refused, Detail: "the endpoint was removed"}
	}
	if endpoint.Disabled != "" {
		return notify.Outcome{Verdict: notify.Refused, Detail: "the endpoint is disabled"}
	}
	u, err := s.guard.CheckURL(endpoint.URL)
	if err != nil {
		return notify.Outcome{Verdict: notify.Refused, Detail: err.Error()}
	}
	id, ok := MessageID(d.Notice)
	body, err := Payload(d.Notice)
	if !ok || err != nil {
		return notify.Outcome{Verdict: notify.Refused, Detail: "the notice can't be put into a payload"}
	}
	waiting, stop := context.WithTimeout(ctx, s.timeout)
	release, err := s.limiter.acquire(waiting, hostOf(u))
	stop()
	if err != nil {
		return notify.Outcome{Verdict: notify.Retry, Detail: waitDetail(ctx)}
	}
	defer release()
	return s.post(ctx, u, s.header(d.Notice.Account, endpoint, id, body), body)
}

func waitDetail(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.Canceled) {
		return "cancelled"
	}
	return "not tried: earlier requests take too long"
}

// endpointOf finds the endpoint as the account has it now; nil where it has none of that name.
func endpointOf(d *notify.Delivery) *drawdown.Webhook {
	for i := range d.Profile.Webhooks {
		if d.Profile.Webhooks[i].Endpoint == d.Target {
			return &d.Profile.Webhooks[i]
		}
	}
	return nil
}

// header is made for each try: the timestamp is that of the try, so that receivers can refuse what was recorded and is
// sent again by others.
func (s *Sender) header(account string, endpoint *drawdown.Webhook, id string, body []byte) http.Header {
	at := s.now()
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", userAgent)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("Webhook-Signature", s.secrets.signatures(account, endpoint, id, at, body))
	return header
}

func (s *Sender) post(ctx context.Context, u *url.URL, header http.Header, body []byte) notify.Outcome {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var progress progress
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, progress.trace()), http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return notify.Outcome{Verdict: notify.Refused, Detail: "webhook URL: can't be requested"}
	}
	request.Header = header

	started := time.Now()
	s.metrics.started()
	defer s.metrics.ended(started)
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		if errors.Is(err, errBlocked) {
			s.metrics.blocked.Inc()
		}
		return notify.Outcome{Verdict: notify.Retry, Detail: detailOf(err, progress.phase())}
	}
	finish(response, cancel)
	return outcomeOf(response, s.now())
}

// finish reads a small body to its end and gives up on a large or slow one, with its connection.
func finish(response *http.Response, cancel context.CancelFunc) {
	timer := time.AfterFunc(bodyTimeout, cancel)
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, response.Body, bodyMax) // whatever becomes of it, the status has decided
	_ = response.Body.Close()
}
