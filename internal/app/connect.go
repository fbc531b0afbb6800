package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/balance/redisstore"
	"drawdown/consumer"
	"drawdown/consumer/signature"
	"drawdown/producer"
	"drawdown/sinks/clickhouse"
)

// Cluster is the connection to Kafka that a process shares.
type Cluster struct {
	Transport *kafka.Transport
	Addr      net.Addr
	Brokers   []string
	Dialer    *kafka.Dialer
}

// metadataTTL is how long the library believes where brokers are: a moved leader is found within it.
const metadataTTL = time.Second

// Cluster reads the security files and makes the connection. It does not connect.
func (c *Config) Cluster() (*Cluster, error) {
	security := c.Kafka.Security()
	tlsConfig, err := security.TLSConfig()
	if err != nil {
		return nil, err
	}
	mechanism, err := security.SASL()
	if err != nil {
		return nil, err
	}
	return &Cluster{
		Transport: &kafka.Transport{
			ClientID: "drawdown", TLS: tlsConfig, SASL: mechanism, MetadataTTL: metadataTTL, DialTimeout: c.Worker.AttemptTimeout,
		},
		Addr:    kafka.TCP(c.Kafka.Brokers...),
		Brokers: c.Kafka.Brokers,
		Dialer: &kafka.Dialer{
			ClientID: "drawdown", DualStack: true, Timeout: c.Worker.AttemptTimeout, TLS: tlsConfig, SASLMechanism: mechanism,
		},
	}, nil
}

// Close closes idle connections.
func (c *Cluster) Close() { c.Transport.CloseIdleConnections() }

// Keys are the keys that sign operations; none where none are configured.
func (c *Config) Keys() (*signature.Keys, error) {
	switch {
	case c.SigningKeysFile != "":
		return signature.Load(c.SigningKeysFile)
	case c.SigningKeys != "":
		return signature.Parse([]byte(c.SigningKeys))
	default:
		return &signature.Keys{}, nil
	}
}

// OpenRedis makes the client and the store on it. It does not connect. Close the client.
func (c *Config) OpenRedis() (redis.UniversalClient, *redisstore.Store, error) {
	password := c.Redis.Password
	if c.Redis.PasswordFile != "" {
		var err error
		if password, err = secretFile(c.Redis.PasswordFile); err != nil {
			return nil, nil, fmt.Errorf("redis.password_file: %w", err)
		}
	}
	options := &redis.UniversalOptions{
		Addrs: c.Redis.Addrs, Username: c.Redis.Username, Password: password,
		ReadTimeout: c.Redis.Timeout, WriteTimeout: c.Redis.Timeout, ClientName: "drawdown",
	}
	if c.Redis.TLS {
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	client := redis.NewUniversalClient(options)
	store, err := redisstore.New(client, c.Redis.Prefix)
	if err != nil {
		return nil, nil, fmt.Errorf("open Redis: %w", err)
	}
	return client, store, nil
}

// OpenLog makes an append to the log. It does not connect. Close it.
func (c *Config) OpenLog(source string) (*producer.Log, error) {
	return producer.NewLog(producer.Config{
		Brokers: c.Kafka.Brokers, Topic: c.Worker.MeteringTopic, Source: source, Security: c.Kafka.Security(),
	})
}

// Topics are the topics of the configuration.
func (c *Config) Topics(cluster *Cluster) *consumer.Topics {
	return consumer.NewTopics(c.Worker, cluster.Transport, cluster.Addr)
}

// OpenDatabase opens ClickHouse. It does not connect. Close it.
func (c *Config) OpenDatabase() (*clickhouse.Database, error) {
	dsn, err := c.clickHouseDSN()
	if err != nil {
		return nil, fmt.Errorf("clickhouse.dsn_file: %w", err)
	}
	return clickhouse.OpenDatabase(dsn, c.Sink.RequestTimeout)
}
