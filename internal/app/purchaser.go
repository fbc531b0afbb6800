package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/consumer/feed"
	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
	"drawdown/purchasing/stripe"
)

// The gateways that can be configured.
const (
	NoGateway      = ""
	StripeGateway  = "stripe"
	SandboxGateway = "sandbox"
)

// Purchasing is how credits are bought.
type Purchasing struct {
	purchasing.Config
	// Gateway is stripe or sandbox; "" where nothing is bought.
	Gateway string
	// Group is the consumer group of purchasers.
	Group string
	// WebhooksAddr is where the gateway posts its webhooks, at /webhooks/<gateway>; "" for nowhere.
	WebhooksAddr string
	// SuccessURL and CancelURL are where the gateway sends customers back.
	SuccessURL, CancelURL string
	// SandboxURL is where visitors reach the sandbox's pages, which the purchaser serves at WebhooksAddr below /sandbox/; where
	// it is "", at that address itself.
	SandboxURL string
}

// Stripe is how Stripe is used, with its secrets in files or not.
type Stripe struct {
	stripe.Config
	// SecretKeyFile holds the secret key, WebhookSecretsFile a webhook secret a line, instead.
	SecretKeyFile, WebhookSecretsFile string
}

func defaultPurchasing() Purchasing {
	return Purchasing{
		Config: purchasing.Default(), Group: "drawdown-purchaser", WebhooksAddr: "localhost:9470",
		SuccessURL: "https://example.com/billing?paid=1", CancelURL: "https://example.com/billing",
	}
}

// validate checks what is used: a part that is not configured has no faults.
func (p *Purchasing) validate() error {
	faults := []error{p.Config.Validate()}
	switch p.Gateway {
	case NoGateway, StripeGateway, SandboxGateway:
	default:
		faults = append(faults, fmt.Errorf("gateway: is %q; allowed are stripe, sandbox, or nothing", p.Gateway))
	}
	if p.WebhooksAddr != "" {
		if _, _, err := net.SplitHostPort(p.WebhooksAddr); err != nil {
			faults = append(faults, fmt.Errorf("webhooks_addr: is %q; allowed is host:port, such as :9470, or nothing", p.WebhooksAddr))
		}
	}
	for name, address := range map[string]string{"success_url": p.SuccessURL, "cancel_url": p.CancelURL} {
		if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
			faults = append(faults, fmt.Errorf("%s: is %q; allowed is an address such as https://example.com/billing", name, address))
		}
	}
	if p.SandboxURL != "" {
		if at, err := url.Parse(p.SandboxURL); err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
			faults = append(faults, fmt.Errorf("sandbox_url: is %q; allowed is an address such as https://example.com, or nothing", p.SandboxURL))
		}
	}
	return errors.Join(faults...)
}

// sandboxBase is what the addresses of the sandbox's pages begin with, "" where nobody serves them.
func (p *Purchasing) sandboxBase() string {
	if p.SandboxURL != "" {
		return strings.TrimSuffix(p.SandboxURL, "/") + sandboxPath
	}
	host, port, err := net.SplitHostPort(p.WebhooksAddr)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens at every address of the machine; a visitor of the sandbox sits before it
	}
	return "http://" + net.JoinHostPort(host, port) + sandboxPath
}

// validate checks all but the files: only the purchaser and the commands that use the gateway need them, and only they may
// read them.
func (s *Stripe) validate() error {
	config := s.Config
	if s.SecretKeyFile != "" {
		if config.SecretKey != "" {
			return errors.New("secret_key_file: is given beside secret_key; give one of the two")
		}
		config.SecretKey = "sk_in_a_file"
	}
	return config.Validate()
}

// CheckSecrets reads the files of the gateway's secrets, as the purchaser will.
func (c *Config) CheckSecrets() error {
	if c.Purchasing.Gateway != StripeGateway {
		return nil
	}
	_, err := c.Stripe.config()
	return section("stripe", err)
}

// config reads the secrets.
func (s *Stripe) config() (stripe.Config, error) {
	config := s.Config
	var faults []error
	if s.SecretKeyFile != "" {
		var err error
		if config.SecretKey != "" {
			faults = append(faults, errors.New("secret_key_file: is given beside secret_key; give one of the two"))
		} else if config.SecretKey, err = secretFile(s.SecretKeyFile); err != nil {
			faults = append(faults, fmt.Errorf("secret_key_file: %w", err))
		}
	}
	if s.WebhookSecretsFile != "" {
		text, err := secretFile(s.WebhookSecretsFile)
		if err != nil {
			faults = append(faults, fmt.Errorf("webhook_secrets_file: %w", err))
		}
		config.WebhookSecrets = append(config.WebhookSecrets, strings.Fields(text)...)
	}
	faults = append(faults, config.Validate())
	return config, errors.Join(faults...)
}

// Gateway is a gateway with both of its sides.
type Gateway interface {
	purchasing.Gateway
	purchasing.Till
}

// ErrNoGateway says that nothing can be bought.
var ErrNoGateway = errors.New("no gateway is configured: set purchasing.gateway to stripe or sandbox")

// openGateway makes the configured gateway. It does not connect. told takes what a gateway without webhooks tells.
func (c *Config) openGateway(told func(purchasing.Event)) (Gateway, error) {
	switch c.Purchasing.Gateway {
	case StripeGateway:
		config, err := c.Stripe.config()
		if err != nil {
			return nil, section("stripe", err)
		}
		return stripe.New(config), nil
	case SandboxGateway:
		config, err := c.Sandbox()
		if err != nil {
			return nil, err
		}
		config.Told = told
		return sandbox.New(config), nil
	default:
		return nil, ErrNoGateway
	}
}

// sandboxPath is below which the sandbox's pages are.
const sandboxPath = "/sandbox/"

// sandboxKeyOf is what the sandbox's key is derived from with a signing key. It is no record, so its signature is none of an
// operation's.
const sandboxKeyOf = "the key of the sandbox's pages"

// Sandbox is how the sandbox behaves in every process of a deployment.
//
// The process in which a session begins and the one that serves its page share the key of its address, and nothing else. It
// is derived from the first signing key: both have that, and whoever may sign operations could append a settled
// purchase anyway. When signing keys are rotated, sessions of before are refused where the new one signs.
func (c *Config) Sandbox() (sandbox.Config, error) {
	config := sandbox.Default()
	keys, err := c.Keys()
	if err != nil {
		return config, err
	}
	if config.Key, err = keys.Sign([]byte(sandboxKeyOf)); err != nil {
		return config, fmt.Errorf("derive the sandbox's key: %w (signing_keys_file, or %sSIGNING_KEYS)", err, EnvPrefix)
	}
	if base := c.Purchasing.sandboxBase(); base != "" {
		config.BaseURL = base
	}
	return config, nil
}

// pages is a gateway that has pages of its own, for its customers to pay at.
type pages interface{ Pages() http.Handler }

// Purchaser is the parts of purchasing that run together. It implements [Part].
type Purchaser struct {
	Gateway purchasing.Gateway
	Till    purchasing.Till
	Intake  *purchasing.Intake

	purchaser *purchasing.Purchaser
	follower  *feed.Follower
	addr      string // of the webhooks, "" for none
	path      string
	pages     http.Handler // of a gateway in this process, nil for none
	log       *slog.Logger
}

// NewPurchaser puts purchasing together. Call closeAll after Run has returned.
func (c *Config) NewPurchaser(registerer prometheus.Registerer, log *slog.Logger) (part Part, closeAll func(), err error) {
	var p Purchaser
	gateway, err := c.openGateway(func(e purchasing.Event) { p.told(&e) })
	if err != nil {
		return nil, nil, err
	}
	closeAll, err = c.assemble(&p, gateway, registerer, log)
	return &p, closeAll, err
}

// NewPurchaserOn puts purchasing together on a gateway of the caller's.
func (c *Config) NewPurchaserOn(gateway Gateway, registerer prometheus.Registerer, log *slog.Logger) (*Purchaser, func(), error) {
	var p Purchaser
	closeAll, err := c.assemble(&p, gateway, registerer, log)
	return &p, closeAll, err
}

func (c *Config) assemble(p *Purchaser, gateway Gateway, registerer prometheus.Registerer, log *slog.Logger) (closeAll func(), err error) {
	cluster, err := c.Cluster()
	if err != nil {
		return nil, err
	}
	operations, err := c.OpenOperations(purchasing.Source)
	if err != nil {
		return nil, err
	}
	client, store, err := c.OpenRedis()
	if err != nil {
		return nil, err
	}
	closeAll = func() { client.Close(); operations.Close(); cluster.Close() }
	p.Gateway, p.Till, p.log = gateway, gateway, log
	if here, ok := gateway.(pages); ok {
		p.pages = here.Pages()
	}
	p.addr, p.path = c.Purchasing.WebhooksAddr, "/webhooks/"+cmp.Or(c.Purchasing.Gateway, SandboxGateway)
	p.purchaser, err = purchasing.New(c.Purchasing.Config, purchasing.Deps{
		Gateway: gateway, Log: &purchasingLog{operations}, Registerer: registerer, Logger: log,
	})
	if err != nil {
		closeAll()
		return nil, err
	}
	if p.Intake, err = purchasing.NewIntake(p.purchaser, gateway, NewDirectory(store)); err != nil {
		closeAll()
		return nil, err
	}
	p.follower, err = c.newFollower(cluster, c.Purchasing.Group, "purchaser", c.Purchasing.AttemptTimeout, p.purchaser, registerer, log)
	if err != nil {
		closeAll()
		return nil, err
	}
	return closeAll, nil
}

// newFollower follows the ledger for a handler whose work takes up to drain to finish.
func (c *Config) newFollower(cluster *Cluster, group, consumer string, drain time.Duration, handler feed.Handler,
	registerer prometheus.Registerer, log *slog.Logger,
) (*feed.Follower, error) {
	config := feed.Default()
	config.Topic, config.Group = c.Worker.LedgerTopic, group
	config.SessionTimeout, config.AttemptTimeout, config.DrainTimeout = c.Worker.SessionTimeout, c.Worker.AttemptTimeout, drain
	return feed.New(config, feed.Deps{
		Consumer: consumer, Handler: handler, Transport: cluster.Transport, Addr: cluster.Addr, Brokers: cluster.Brokers,
		Dialer: cluster.Dialer, Registerer: registerer, Log: log,
	})
}

// told takes an event of a gateway that is in this process.
func (p *Purchaser) told(e *purchasing.Event) {
	if err := p.Intake.Take(context.Background(), e); err != nil {
		p.log.Warn("what the gateway told can't be handled now; it is asked again later", "event", e.ID, "error", err)
	}
}

// Ready implements [Part].
func (p *Purchaser) Ready() error { return errors.Join(p.follower.Ready(), p.purchaser.Ready()) }

// Run implements [Part]: the follower ends first, then what it has given to the workers.
func (p *Purchaser) Run(ctx context.Context) error {
	stopServing, err := p.serve()
	if err != nil {
		return err
	}
	defer stopServing()
	return followThenStop(ctx, p.follower,
		func(work context.Context) { _ = p.purchaser.Run(work) },
		func(context.Context) { _ = p.Intake.Sweep(ctx) })
}

// followThenStop runs a follower until it ends, beside what works on what it hands out, which is stopped after it.
func followThenStop(ctx context.Context, follower *feed.Follower, parts ...func(work context.Context)) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() { part(work) })
	}
	err := follower.Run(ctx)
	stopWork()
	running.Wait()
	return err
}

// serve takes webhooks, and serves the pages of a gateway in this process, until it is stopped.
func (p *Purchaser) serve() (stop func(), err error) {
	if p.addr == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		return nil, fmt.Errorf("take webhooks (set purchasing.webhooks_addr to another address): %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle(p.path, p.Intake)
	if p.pages != nil {
		mux.Handle(sandboxPath, p.pages)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("taking webhooks ended", "error", err)
		}
	}()
	p.log.Info("taking webhooks", "addr", listener.Addr().String(), "path", p.path)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	}, nil
}

// purchasingLog appends the purchaser's operations.
type purchasingLog struct{ operations *Operations }

// Append implements purchasing.Log.
func (l *purchasingLog) Append(ctx context.Context, o *purchasing.Operation) (drawdown.Offset, error) {
	op := Operation{Type: o.Type, Account: o.Account, ID: o.ID, Source: o.Source, Time: o.Time}
	if o.Data != nil {
		op.Data = o.Data
	}
	positions, err := l.operations.Append(ctx, op)
	if err != nil {
		return -1, err
	}
	return drawdown.Offset(positions[0].Offset), nil
}

// errNoPages says that a visitor of the sandbox has nowhere to go.
var errNoPages = errors.New("nobody serves the sandbox's pages: set purchasing.webhooks_addr, where the purchaser does, or purchasing.sandbox_url")

// Desk is where customers begin what they do at the gateway. Call closeAll at the end.
func (c *Config) Desk() (desk *purchasing.Desk, closeAll func(), err error) {
	if c.Purchasing.Gateway == SandboxGateway && c.Purchasing.sandboxBase() == "" {
		return nil, nil, errNoPages
	}
	gateway, err := c.openGateway(nil)
	if err != nil {
		return nil, nil, err
	}
	client, store, err := c.OpenRedis()
	if err != nil {
		return nil, nil, err
	}
	urls := purchasing.ReturnURLs{Success: c.Purchasing.SuccessURL, Cancel: c.Purchasing.CancelURL}
	return purchasing.NewDesk(gateway, NewDirectory(store), urls), func() { client.Close() }, nil
}
