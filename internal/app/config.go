package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"drawdown/consumer"
	"drawdown/notify/email"
	"drawdown/notify/webhook"
	"drawdown/producer"
	"drawdown/purchasing/stripe"
	"drawdown/sinks/clickhouse"
)

// Config is everything that can be configured. Begin with [Default]. Keys in a file are the names of the members in
// lower case with underscores, such as worker.drain_timeout; see [Load] for the environment.
type Config struct {
	Kafka      Kafka
	Redis      Redis
	ClickHouse ClickHouse
	// SigningKeysFile has a line `<key id>:<base64>` for each key that signs operations; the first one signs.
	SigningKeysFile string
	// SigningKeys is the same as text, for those who keep secrets in the environment. One of the two, not both.
	SigningKeys string
	// MetricsAddr is where /metrics, /healthz and /readyz are served.
	MetricsAddr string
	LogLevel    string
	Worker      consumer.Config
	Sink        clickhouse.Config
	Purchasing  Purchasing
	Stripe      Stripe
	Notifier    Notifier
	Email       email.Config
	Webhooks    webhook.Config
	API         API
}

// Kafka says how brokers are reached.
type Kafka struct {
	Brokers                   []string
	TLS                       bool
	CAFile, CertFile, KeyFile string
	ServerName                string
	SASLMechanism             string
	Username                  string
	Password                  string
	PasswordFile              string
}

// Redis says how Redis is reached: one address, or several of a cluster.
type Redis struct {
	Addrs        []string
	Username     string
	Password     string
	PasswordFile string
	TLS          bool
	// Prefix opens every key.
	Prefix string
	// Timeout bounds a read or write. A commit of a large batch takes tens of milliseconds.
	Timeout time.Duration
}

// ClickHouse says how ClickHouse is reached.
type ClickHouse struct {
	// DSN is clickhouse://user:password@host:9000/database, or http:// and port 8123.
	DSN string
	// DSNFile holds the DSN instead, since it may have a password.
	DSNFile string
}

// Default is the configuration of a usual deployment, all on one machine.
func Default() Config {
	return Config{
		Kafka:       Kafka{Brokers: []string{"localhost:9092"}},
		Redis:       Redis{Addrs: []string{"localhost:6379"}, Prefix: "drawdown:", Timeout: 5 * time.Second},
		ClickHouse:  ClickHouse{DSN: "clickhouse://localhost:9000/default"},
		MetricsAddr: "localhost:9464",
		LogLevel:    "info",
		Worker:      consumer.Default(),
		Sink:        clickhouse.Default(),
		Purchasing:  defaultPurchasing(),
		Stripe:      Stripe{Config: stripe.Default()},
		Notifier:    defaultNotifier(),
		Email:       email.Default(),
		Webhooks:    webhook.Default(),
		API:         defaultAPI(),
	}
}

// Validate reports every fault at once, each with what is allowed.
func (c *Config) Validate() error {
	faults := []error{
		addresses("kafka.brokers", c.Kafka.Brokers),
		addresses("redis.addrs", c.Redis.Addrs),
		section("kafka", c.Kafka.Security().Validate()),
		section("worker", c.Worker.Validate()),
		section("sink", c.sink("http://unset").Validate()),
		section("purchasing", c.Purchasing.validate()),
		section("notifier", c.Notifier.validate()),
		section("api", c.API.validate()),
		c.validateOptional(),
		c.validateSecrets(),
	}
	if _, _, err := net.SplitHostPort(c.MetricsAddr); err != nil {
		faults = append(faults, fmt.Errorf("metrics_addr: is %q; allowed is host:port, such as :9464", c.MetricsAddr))
	}
	if _, err := c.logLevel(); err != nil {
		faults = append(faults, fmt.Errorf("log_level: is %q; allowed are debug, info, warn, error", c.LogLevel))
	}
	if c.Redis.Prefix == "" || strings.ContainsAny(c.Redis.Prefix, "{} ") {
		faults = append(faults, fmt.Errorf("redis.prefix: is %q; allowed is a text without braces and spaces", c.Redis.Prefix))
	}
	if c.Redis.Timeout < 100*time.Millisecond || c.Redis.Timeout > 10*time.Minute {
		faults = append(faults, fmt.Errorf("redis.timeout: is %v; allowed are 100ms to 10m", c.Redis.Timeout))
	}
	return errors.Join(faults...)
}

// validateOptional checks the parts that are configured.
func (c *Config) validateOptional() error {
	var faults []error
	if c.Purchasing.Gateway == StripeGateway {
		faults = append(faults, section("stripe", c.Stripe.validate()))
	}
	if c.emailConfigured() {
		faults = append(faults, section("email", c.Email.Validate()))
	}
	if c.webhooksConfigured() {
		faults = append(faults, section("webhooks", c.Webhooks.Validate()))
	}
	return errors.Join(faults...)
}

func (c *Config) validateSecrets() error {
	var faults []error
	if c.Redis.Password != "" && c.Redis.PasswordFile != "" {
		faults = append(faults, errors.New("redis.password_file: is given beside redis.password; give one of the two"))
	}
	if c.SigningKeys != "" && c.SigningKeysFile != "" {
		faults = append(faults, errors.New("signing_keys_file: is given beside signing_keys; give one of the two"))
	}
	if dsn, err := c.clickHouseDSN(); err != nil {
		faults = append(faults, fmt.Errorf("clickhouse.dsn_file: %w", err))
	} else if !strings.Contains(dsn, "://") {
		faults = append(faults, errors.New("clickhouse.dsn: can't be read (it is not shown, as it may hold a password); allowed are clickhouse://user:password@host:9000/database and http://host:8123/database"))
	}
	return errors.Join(faults...)
}

func addresses(name string, list []string) error {
	if len(list) == 0 {
		return fmt.Errorf("%s: is empty; allowed is a list of host:port", name)
	}
	var faults []error
	for _, address := range list {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			faults = append(faults, fmt.Errorf("%s: has %q; allowed is host:port", name, address))
		}
	}
	return errors.Join(faults...)
}

// section puts the section's name before each of its faults.
func section(name string, err error) error {
	if err == nil {
		return nil
	}
	var faults []error
	for _, line := range strings.Split(err.Error(), "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "clickhouse sink: "), "e-mail: ")
		faults = append(faults, fmt.Errorf("%s.%s", name, line))
	}
	return errors.Join(faults...)
}

// Security is how to log in to Kafka.
func (k *Kafka) Security() producer.Security {
	return producer.Security{
		TLS: k.TLS, CAFile: k.CAFile, CertFile: k.CertFile, KeyFile: k.KeyFile, ServerName: k.ServerName,
		Mechanism: k.SASLMechanism, Username: k.Username, Password: k.Password, PasswordFile: k.PasswordFile,
	}
}

func (c *Config) clickHouseDSN() (string, error) {
	if c.ClickHouse.DSNFile == "" {
		return c.ClickHouse.DSN, nil
	}
	return secretFile(c.ClickHouse.DSNFile)
}

func secretFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// sink is the sink's configuration with what it shares with others.
func (c *Config) sink(dsn string) *clickhouse.Config {
	config := c.Sink
	config.DSN = dsn
	config.ChargesTopic, config.LedgerTopic = c.Worker.ChargesTopic, c.Worker.LedgerTopic
	return &config
}

func (c *Config) logLevel() (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}

// Logger writes JSON lines to standard error.
func (c *Config) Logger() *slog.Logger {
	level, err := c.logLevel()
	if err != nil {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
