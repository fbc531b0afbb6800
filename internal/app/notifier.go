package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/consumer/feed"
	"drawdown/notify"
	"drawdown/notify/email"
	"drawdown/notify/outbox"
	"drawdown/notify/webhook"
	"drawdown/purchasing"
)

// Notifier is how customers are told.
type Notifier struct {
	notify.Config
	// Group is the consumer group of notifiers.
	Group string
	// DeliveriesTopic is the delivery log. Installations that share brokers need one each: what one has told, the other
	// would take for told.
	DeliveriesTopic string
}

func defaultNotifier() Notifier {
	return Notifier{Config: notify.Default(), Group: "drawdown-notifier", DeliveriesTopic: outbox.Topic}
}

// validate adds what the notifier itself does not know of.
func (n *Notifier) validate() error {
	var topic error
	if !topicName.MatchString(n.DeliveriesTopic) {
		topic = fmt.Errorf("deliveries_topic: is %q; allowed are 1 to 249 of a-z A-Z 0-9 . _ -", n.DeliveriesTopic)
	}
	return errors.Join(n.Config.Validate(), topic)
}

// topicName is what Kafka accepts.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// emailConfigured and webhooksConfigured tell which channels there are.
func (c *Config) emailConfigured() bool { return c.Email.Addr != "" }

func (c *Config) webhooksConfigured() bool {
	return c.Webhooks.MasterKey != "" || c.Webhooks.MasterKeyFile != ""
}

// ErrNoChannel says that nobody can be told anything.
var ErrNoChannel = errors.New("no channel is configured: set email.addr (a mail server), webhooks.master_key_file, or both")

// RunningNotifier is the parts of notifying that run together. It implements [Part].
type RunningNotifier struct {
	notifier *notify.Notifier
	follower *feed.Follower
}

// NewNotifier puts a notifier together. Call closeAll after Run has returned.
func (c *Config) NewNotifier(registerer prometheus.Registerer, log *slog.Logger) (part Part, closeAll func(), err error) {
	if !c.emailConfigured() && !c.webhooksConfigured() {
		return nil, nil, ErrNoChannel
	}
	var closers []func()
	release := func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	cluster, err := c.Cluster()
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, cluster.Close)
	client, store, err := c.OpenRedis()
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, func() { client.Close() })
	operations, err := c.OpenOperations(notify.Source)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, func() { operations.Close() })
	deliveries, err := c.openOutbox(cluster)
	if err != nil {
		return nil, nil, err
	}
	deps := notify.Deps{
		Directory: NewDirectory(store), Outbox: deliveries, Operations: &notifyLog{purchasingLog{operations}},
		EmailSchedule: notify.EmailSchedule, WebhookSchedule: webhook.Schedule, Registerer: registerer, Logger: log,
	}
	closeSenders, err := c.openSenders(&deps, registerer)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, closeSenders)
	notifier, err := notify.New(c.Notifier.Config, deps)
	if err != nil {
		return nil, nil, err
	}
	drain := c.Notifier.DrainTimeout + 2*c.Notifier.AttemptTimeout
	follower, err := c.newFollower(cluster, c.Notifier.Group, "notifier", drain, notifier, registerer, log)
	if err != nil {
		return nil, nil, err
	}
	return &RunningNotifier{notifier: notifier, follower: follower}, release, nil
}

// openSenders makes a sender for each channel that is configured.
func (c *Config) openSenders(deps *notify.Deps, registerer prometheus.Registerer) (closeAll func(), err error) {
	closeAll = func() {}
	if c.emailConfigured() {
		sender, err := email.New(c.Email)
		if err != nil {
			return nil, section("email", err)
		}
		deps.Email = sender
		closeAll = func() { sender.Close() }
	}
	if c.webhooksConfigured() {
		sender, err := webhook.New(&c.Webhooks, registerer)
		if err != nil {
			closeAll()
			return nil, section("webhooks", err)
		}
		deps.Webhook = sender
		closeEmail := closeAll
		closeAll = func() { sender.Close(); closeEmail() }
	}
	return closeAll, nil
}

func (c *Config) openOutbox(cluster *Cluster) (*outbox.Outbox, error) {
	return outbox.New(outbox.Config{
		Transport: cluster.Transport, Addr: cluster.Addr, Topic: c.Notifier.DeliveriesTopic, AttemptTimeout: c.Worker.AttemptTimeout,
	})
}

// OpenDeliveries opens the delivery log for reading. Call closeAll at the end.
func (c *Config) OpenDeliveries() (deliveries *notify.DeliveryLog, closeAll func(), err error) {
	cluster, err := c.Cluster()
	if err != nil {
		return nil, nil, err
	}
	box, err := c.openOutbox(cluster)
	if err != nil {
		return nil, nil, err
	}
	return notify.NewDeliveryLog(box), cluster.Close, nil
}

// Ready implements [Part].
func (n *RunningNotifier) Ready() error { return errors.Join(n.follower.Ready(), n.notifier.Ready()) }

// Run implements [Part]: the follower ends first, then what it has given to the workers.
func (n *RunningNotifier) Run(ctx context.Context) error {
	return followThenStop(ctx, n.follower, func(work context.Context) { _ = n.notifier.Run(work) })
}

// notifyLog appends the notifier's operations, which have the form of the purchaser's.
type notifyLog struct{ purchasingLog }

// Append implements notify.Operations.
func (l *notifyLog) Append(ctx context.Context, o *notify.Operation) (drawdown.Offset, error) {
	return l.purchasingLog.Append(ctx, (*purchasing.Operation)(o))
}
