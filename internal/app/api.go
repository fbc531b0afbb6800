package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/api"
	"drawdown/api/access"
	"drawdown/api/access/accesslog"
	"drawdown/api/office"
	"drawdown/api/page"
	"drawdown/notify"
	"drawdown/notify/webhook"
	"drawdown/producer"
	"drawdown/sinks/clickhouse/report"
)

// RunningAPI serves the HTTP API and the billing page. It implements [Part].
type RunningAPI struct {
	// Handler answers everything below /v1/ and /billing/.
	Handler http.Handler
	Office  *office.Office
	Keys    *access.KeyStore

	accounts *LiveAccounts
	outcomes *Outcomes
	config   API
	log      *slog.Logger
	draining atomic.Bool
}

// reportTimeout bounds one query of a report: a year of a large account takes a tenth of it.
const reportTimeout = 10 * time.Second

// linkFor is how long a sign-in link is valid: it is made for a customer who is there.
const linkFor = 5 * time.Minute

// NewAPI puts the API and the page together. Call closeAll after Run has returned.
func (c *Config) NewAPI(registerer prometheus.Registerer, log *slog.Logger) (part Part, closeAll func(), err error) {
	return c.OpenAPI(registerer, log)
}

// OpenAPI is NewAPI for callers that look inside: the demo, and tests.
func (c *Config) OpenAPI(registerer prometheus.Registerer, log *slog.Logger) (running *RunningAPI, closeAll func(), err error) {
	var b apiBuild
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	running = &RunningAPI{config: c.API, log: log}
	if err := c.openBackends(&b, running, registerer, log); err != nil {
		return nil, nil, err
	}
	if running.Office, err = office.New(b.deps); err != nil {
		return nil, nil, err
	}
	if running.Handler, err = c.frontends(&b, running, registerer, log); err != nil {
		return nil, nil, err
	}
	return running, b.close, nil
}

// apiBuild is what is being put together.
type apiBuild struct {
	deps     office.Deps
	sessions *access.SessionKeys
	tokens   *access.Tokens // nil where there is no identity provider
	links    *access.Links
	closers  []func()
}

func (b *apiBuild) close() {
	for i := len(b.closers) - 1; i >= 0; i-- {
		b.closers[i]()
	}
}

// openBackends makes everything that the office works with. Nothing connects.
func (c *Config) openBackends(b *apiBuild, running *RunningAPI, registerer prometheus.Registerer, log *slog.Logger) error {
	cluster, err := c.Cluster()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, cluster.Close)
	client, store, err := c.OpenRedis()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { client.Close() })
	operations, err := c.OpenOperations("drawdown/api")
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { operations.Close() })
	database, err := c.OpenDatabase()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { database.Close() })
	box, err := c.openOutbox(cluster)
	if err != nil {
		return err
	}
	if running.outcomes, err = c.newOutcomes(cluster, store, log); err != nil {
		return err
	}
	running.accounts = NewLiveAccounts(store)
	b.deps = office.Deps{
		Accounts: running.accounts, Reports: report.New(database.Conn(), reportTimeout), Log: c.newOfficeLog(cluster, operations),
		Outcomes: running.outcomes, Memory: c.OpenMemory(client), Deliveries: notify.NewDeliveryLog(box),
	}
	return errors.Join(c.openAccess(b, running, cluster, operations, registerer, log), c.openDesk(b), c.openEndpoints(b))
}

// openAccess makes what knows who asks: keys, sessions, links, the identity provider, the audit log.
func (c *Config) openAccess(b *apiBuild, running *RunningAPI, cluster *Cluster, operations *Operations,
	registerer prometheus.Registerer, log *slog.Logger,
) error {
	keyTopic, closeKeys, err := c.openTopic(cluster, c.API.Access.KeysTopic)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, closeKeys)
	keyLog, err := accesslog.NewKeyLog(keyTopic)
	if err != nil {
		return err
	}
	running.Keys, err = access.NewKeyStore(access.KeyStoreConfig{Log: keyLog, Signer: operations.keys, Logger: log, Registerer: registerer})
	if err != nil {
		return err
	}
	audit, closeAudit, err := c.openAudit(cluster, operations, log)
	if err != nil {
		return err
	}
	b.deps.Audit, b.closers = audit, append(b.closers, closeAudit)
	if b.sessions, err = c.sessionKeys(log); err != nil {
		return err
	}
	if c.API.Access.OIDC.Enabled() {
		if b.tokens, err = access.NewTokens(c.API.Access.OIDC); err != nil {
			return err
		}
	}
	b.links = access.NewLinks(b.sessions)
	b.deps.Keys, b.deps.Links = running.Keys, &pageLinks{b.links, c.API.Origin()}
	return nil
}

// openAudit makes the audit log, signed with the keys of operations. It does not connect.
func (c *Config) openAudit(cluster *Cluster, operations *Operations, log *slog.Logger) (audit *accesslog.AuditLog, closeAudit func(), err error) {
	topic, closeAudit, err := c.openTopic(cluster, c.API.Access.AuditTopic)
	if err != nil {
		return nil, nil, err
	}
	if audit, err = accesslog.NewAuditLog(topic, operations.keys, log); err != nil {
		closeAudit()
		return nil, nil, err
	}
	return audit, closeAudit, nil
}

// openTopic makes access to a topic of access. It does not connect.
func (c *Config) openTopic(cluster *Cluster, topic string) (config accesslog.Config, closeTopic func(), err error) {
	log, err := producer.NewLog(producer.Config{Brokers: c.Kafka.Brokers, Topic: topic, Source: "drawdown/api", Security: c.Kafka.Security()})
	if err != nil {
		return config, nil, err
	}
	return accesslog.Config{
		Producer: log, Transport: cluster.Transport, Addr: cluster.Addr, AttemptTimeout: c.Worker.AttemptTimeout,
	}, func() { log.Close() }, nil
}

// sessionKeys are those configured. Without any, new ones are made that live as long as the process: for one instance, whose
// customers may be signed out by a restart.
func (c *Config) sessionKeys(log *slog.Logger) (*access.SessionKeys, error) {
	switch {
	case c.API.Access.SessionKeysFile != "":
		return access.LoadSessionKeys(c.API.Access.SessionKeysFile)
	case c.API.Access.SessionKeys != "":
		return access.ParseSessionKeys([]byte(c.API.Access.SessionKeys))
	}
	log.Warn("no session keys are configured: a restart signs everybody out, and several instances do not know each other's sessions; set api.access.session_keys_file")
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return access.ParseSessionKeys([]byte(base64.StdEncoding.EncodeToString(secret)))
}

// openDesk makes what customers buy at; none where no gateway is configured.
func (c *Config) openDesk(b *apiBuild) error {
	desk, closeDesk, err := c.Desk()
	if errors.Is(err, ErrNoGateway) {
		return nil
	}
	if err != nil {
		return err
	}
	b.closers = append(b.closers, closeDesk)
	b.deps.Desk = desk
	return nil
}

// openEndpoints makes what knows the rules of webhooks; none where webhooks are not configured.
func (c *Config) openEndpoints(b *apiBuild) error {
	if !c.webhooksConfigured() {
		return nil
	}
	guard, err := webhook.NewGuard(&c.Webhooks)
	if err != nil {
		return section("webhooks", err)
	}
	secrets, err := webhook.NewSecrets(&c.Webhooks)
	if err != nil {
		return section("webhooks", err)
	}
	b.deps.Endpoints = &endpoints{guard, secrets}
	return nil
}

// endpoints implements [office.Endpoints].
type endpoints struct {
	guard *webhook.Guard
	*webhook.Secrets
}

// CheckURL implements [office.Endpoints].
func (e *endpoints) CheckURL(text string) error {
	_, err := e.guard.CheckURL(text)
	var fault *webhook.URLError
	if errors.As(err, &fault) {
		return errors.New(fault.Fault)
	}
	return err
}

// pageLinks implements [office.Links].
type pageLinks struct {
	links  *access.Links
	origin string
}

// Make implements [office.Links].
func (l *pageLinks) Make(account string) (address string, expires time.Time, err error) {
	link, err := l.links.Make(account, linkFor)
	if err != nil {
		return "", time.Time{}, err
	}
	return l.origin + linkPath + "?token=" + url.QueryEscape(link.Token), link.ExpiresAt, nil
}

// frontends makes the two ways of asking the office.
func (c *Config) frontends(b *apiBuild, running *RunningAPI, registerer prometheus.Registerer, log *slog.Logger) (http.Handler, error) {
	authenticator, err := access.NewAuthenticator(running.Keys, b.tokens, registerer)
	if err != nil {
		return nil, err
	}
	v1, err := api.New(c.API.Config, api.Deps{Office: running.Office, Authenticator: authenticator, Logger: log, Registerer: registerer})
	if err != nil {
		return nil, err
	}
	config := c.page()
	deps := page.Deps{Office: running.Office, Links: b.links, Sessions: access.NewSessions(b.sessions, config.SecureCookies), Logger: log}
	if b.tokens != nil && c.API.Access.OIDC.ClientID != "" {
		login, err := access.NewLogin(b.tokens, b.sessions, c.API.Origin()+loginFinishPath)
		if err != nil {
			return nil, err
		}
		deps.Login = pageLogin{login}
	}
	billing, err := page.New(config, deps)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", v1)
	mux.Handle(pagePath, billing)
	mux.Handle("GET /{$}", http.RedirectHandler(pagePath, http.StatusFound))
	return fromWhere(mux), nil
}

// pageLogin implements [page.Login]: whoever signs in begins at the overview.
type pageLogin struct{ login *access.Login }

// Begin implements [page.Login].
func (l pageLogin) Begin(w http.ResponseWriter, r *http.Request, _ string) error {
	return l.login.Begin(w, r)
}

// Finish implements [page.Login].
func (l pageLogin) Finish(w http.ResponseWriter, r *http.Request) (*access.Principal, string, error) {
	p, err := l.login.Finish(w, r)
	return p, pagePath, err
}

// fromWhere tells the office where a request comes from, for the audit log. Headers that proxies set are not believed: who
// can reach this port could write them.
func fromWhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		next.ServeHTTP(w, r.WithContext(office.WithRemoteAddr(r.Context(), host)))
	})
}

// readyWithin bounds how long the store is asked whether it answers.
const readyWithin = 2 * time.Second

// Ready implements [Part]. It names what every request needs: the API keys, and Redis. While Kafka is away the gate answers
// all the same, and while ClickHouse is away everything but reports.
func (r *RunningAPI) Ready() error {
	if r.draining.Load() {
		return errEndingAPI
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	return errors.Join(r.Keys.Ready(), r.accounts.Ready(ctx))
}

var errEndingAPI = errors.New("the API is ending")

// Run implements [Part]: it ends when requests under way have ended, or [API.DrainTimeout] is over.
func (r *RunningAPI) Run(ctx context.Context) error {
	listener, err := net.Listen("tcp", r.config.Addr)
	if err != nil {
		return fmt.Errorf("serve the API (set api.addr to another address): %w", err)
	}
	return r.Serve(ctx, listener)
}

// Follow reads API keys without serving anything, for a command that changes them. It returns when all are known; stop ends
// it.
func (r *RunningAPI) Follow(ctx context.Context) (stop func(), err error) {
	behind, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = r.Keys.Run(behind) }) // always nil
	stop = func() { cancel(); running.Wait() }
	for err := r.Keys.Ready(); err != nil; err = r.Keys.Ready() {
		select {
		case <-ctx.Done():
			stop()
			return nil, fmt.Errorf("read the API keys: %w", errors.Join(err, ctx.Err()))
		case <-time.After(keysPoll):
		}
	}
	return stop, nil
}

// keysPoll is how often a command looks whether all keys are read.
const keysPoll = 10 * time.Millisecond

// headerTimeout is how long a client may take to send what comes before a body.
const headerTimeout = 5 * time.Second

// server is the server of a handler, with bounds on what a slow client can hold: a body that comes in drops, also one that
// no handler reads, and an answer that is not taken. Handlers that wait are not cut off by the former, as the net/http package
// lifts it when the body is there; exports put off the latter by themselves.
func (a *API) server(handler http.Handler, errorLog *log.Logger) *http.Server {
	read := headerTimeout + a.BodyTimeout
	return &http.Server{
		Handler: handler, ErrorLog: errorLog, MaxHeaderBytes: 32 << 10, IdleTimeout: 2 * time.Minute,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: read, WriteTimeout: read + a.RequestTimeout + a.ExportStall,
	}
}

// Serve is Run on a listener of the caller's, which it closes.
func (r *RunningAPI) Serve(ctx context.Context, listener net.Listener) error {
	collectSeldom()
	// What requests need goes on until the last of them has ended.
	behind, stopBehind := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { r.outcomes.Run(behind) })
	running.Go(func() { _ = r.Keys.Run(behind) }) // always nil
	defer running.Wait()
	defer stopBehind()
	server := r.config.server(r.Handler, slog.NewLogLogger(r.log.Handler(), slog.LevelWarn))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	r.log.Info("serving the API and the billing page", "addr", listener.Addr().String(), "page", r.config.Origin()+pagePath)
	select {
	case err := <-ended:
		return fmt.Errorf("serve the API: %w", err)
	case <-ctx.Done():
	}
	r.draining.Store(true)
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		r.log.Warn("requests were cut off: they took longer than api.drain_timeout", "error", err)
		_ = server.Close()
	}
	return nil
}
