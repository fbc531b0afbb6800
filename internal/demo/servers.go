package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"drawdown/consumer"
	"drawdown/internal/app"
	installed "drawdown/internal/servers"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/embedded"
	"drawdown/notify/email"
)

// partitions of the log: enough to see that accounts spread, few enough that ClickHouse is not busy with small inserts.
const partitions = 4

// servers are what the pipeline needs. All listen on 127.0.0.1 and keep their data in memory or a temporary folder.
type servers struct {
	kafka      *embedded.Kafka
	redis      *embedded.Redis
	clickhouse *clickhouse.Server
	mail       *mailbox
	webhooks   *receiver
	page       net.Listener // of the API and the billing page
	checkout   net.Listener // keeps the port of the gateway's pages until the purchaser takes it
	folder     string       // of the tap, and of e-mails that are kept
}

// startServers starts everything, a line for each. Close what it returns, also after an error.
func startServers(ctx context.Context, steps *steps) (*servers, error) {
	s := &servers{}
	err := steps.run("ClickHouse engine "+clickhouse.Version, func(progress io.Writer) error {
		if _, err := clickhouse.Library(); err == nil {
			return nil // downloaded before
		}
		_, err := clickhouse.Install(ctx, progress)
		return withRemedy(err, "is the npm registry reachable? `npm ping` tells; then run the demo again")
	})
	if err != nil {
		return s, err
	}
	err = steps.run(fmt.Sprintf("Kafka, embedded (kfake), %d partitions", partitions), func(io.Writer) (err error) {
		s.kafka, err = embedded.StartKafka(embedded.KafkaOptions{})
		return withRemedy(err, "the demo needs free ports on 127.0.0.1")
	})
	if err != nil {
		return s, err
	}
	err = steps.run("Redis, embedded (miniredis)", func(io.Writer) (err error) {
		if s.redis, err = embedded.StartRedis(""); err == nil {
			s.redis.Server().SetPreHook(tellMemory)
		}
		return withRemedy(err, "the demo needs free ports on 127.0.0.1")
	})
	if err != nil {
		return s, err
	}
	err = steps.run("ClickHouse server", func(io.Writer) (err error) {
		s.clickhouse, err = clickhouse.Start(ctx, clickhouse.Options{})
		return withRemedy(err, "it needs about 1 GB of free memory, and room in "+os.TempDir())
	})
	if err != nil {
		return s, err
	}
	return s, steps.run("a mail server, and a customer's receiver of webhooks", func(io.Writer) (err error) {
		if s.mail, err = listenMail(); err == nil {
			s.webhooks, err = listenWebhooks()
		}
		if err == nil {
			s.page, err = net.Listen("tcp", "127.0.0.1:0")
		}
		if err == nil {
			s.checkout, err = net.Listen("tcp", "127.0.0.1:0")
		}
		return withRemedy(err, "the demo needs free ports on 127.0.0.1")
	})
}

// tellMemory answers INFO memory, which the worker asks before it trusts a server with money and which miniredis does
// not know: it never evicts a key.
func tellMemory(client *server.Peer, command string, args ...string) bool {
	if !strings.EqualFold(command, "INFO") || len(args) != 1 || !strings.EqualFold(args[0], "memory") {
		return false
	}
	client.WriteBulk("# Memory\r\nmaxmemory_policy:noeviction\r\n")
	return true
}

// mailFolder is where e-mails are kept that somebody may want to read.
func (s *servers) mailFolder() string { return filepath.Join(s.folder, "mails") }

// close stops what was started and removes its data.
func (s *servers) close() error {
	var faults []error
	if s.mail != nil {
		s.mail.close()
	}
	if s.webhooks != nil {
		s.webhooks.close()
	}
	for _, listener := range []net.Listener{s.page, s.checkout} {
		if listener != nil {
			_ = listener.Close() // who served on it has closed it
		}
	}
	if s.clickhouse != nil {
		faults = append(faults, s.clickhouse.Stop())
	}
	if s.redis != nil {
		s.redis.Close()
	}
	if s.kafka != nil {
		s.kafka.Close()
	}
	if s.folder != "" {
		faults = append(faults, os.RemoveAll(s.folder))
	}
	return errors.Join(faults...)
}

// configure is the configuration of all parts on these servers, with new keys, and the topics they need.
func (s *servers) configure(ctx context.Context) (config *app.Config, err error) {
	if s.folder, err = os.MkdirTemp("", "drawdown-demo-"); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	c := app.Default()
	c.Kafka.Brokers = []string{s.kafka.Addr()}
	c.Redis.Addrs = []string{s.redis.Addr()}
	c.ClickHouse.DSN = "http://" + s.clickhouse.Addr() + "/default"
	c.SigningKeys = "demo:" + newKey()
	c.Worker.AllowCreateTime = true // the embedded broker does not stamp records itself
	c.Sink.FetchWaitMax = 100 * time.Millisecond
	c.API.Addr = s.page.Addr().String()
	c.API.Access.SessionKeys, c.API.DrainTimeout = newKey(), time.Second
	c.API.Page.Name, c.API.Page.RefreshEvery = "Drawdown demo", time.Second
	c.Purchasing.Gateway, c.Purchasing.WebhooksAddr = app.SandboxGateway, s.checkout.Addr().String()
	c.Purchasing.SuccessURL, c.Purchasing.CancelURL = c.API.Origin()+returnedPath, c.API.Origin()+cancelledPath
	c.Email.Addr, c.Email.TLS = s.mail.addr(), email.Unencrypted
	c.Email.From, c.Email.SellerName = "Drawdown demo <billing@drawdown.example>", "Drawdown demo"
	c.Email.BillingURL = c.API.Origin() + pagePath + "?account={account}"
	c.Webhooks.MasterKey = newKey()
	c.Webhooks.AllowHTTP, c.Webhooks.AllowedNetworks = true, []string{"127.0.0.1/32"} // the customer is on this machine
	if err := c.Validate(); err != nil {
		return nil, err
	}
	cluster, err := c.Cluster()
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	spec := consumer.DefaultTopicSpec()
	spec.Partitions = partitions
	return &c, c.EnsureTopics(ctx, cluster, spec)
}

// newKey is the base64 of 32 random bytes.
func newKey() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return base64.StdEncoding.EncodeToString(secret)
}

// withRemedy adds what a person can do, unless the error says it itself.
func withRemedy(err error, remedy string) error {
	var missing *installed.MissingError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &missing) {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, remedy)
}
