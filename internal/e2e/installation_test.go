//go:build integration

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawdown/balance/redisstore"
	"drawdown/consumer"
	"drawdown/consumer/fetch"
	"drawdown/consumer/signature"
	"drawdown/internal/app"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/redis"
	"drawdown/internal/servers/serverstest"
)

// settings are keys of the configuration, such as worker.tick_interval, and their values.
type settings map[string]any

// needs say what an installation consists of.
type needs struct {
	Partitions int            // 0: 8
	Kafka      string         // address of a broker; "": the one that all tests share
	Redis      redis.Options  // its own server
	ClickHouse bool           // its own engine
	Settings   settings       // on top of the usual ones
	Unmade     bool           // topics are not created
	Topics     map[string]int // max.message.bytes of topics that are created before; by the setting's name
	CreateTime bool           // the log carries its producers' times
	// Further adds settings of servers that it starts.
	Further func(in *installation, all settings)
}

// installation is one Drawdown: topics and groups of its own on a broker, a Redis, perhaps a ClickHouse, and the
// configuration that its processes share.
type installation struct {
	t          *testing.T
	dir        string
	file       string // the configuration
	config     app.Config
	partitions int
	kafka      string
	redis      *redis.Server
	clickhouse *clickhouse.Server // nil without
	cluster    *app.Cluster
	reader     *fetch.Client
	store      *redisstore.Store
	keys       *signature.Keys
	operations *app.Operations
	records    int               // ids given out
	repeated   int               // lines that were published more than once, as published found them
	secrets    map[string]string // by what they are
	scraped    bytes.Buffer      // what processes answered to whoever asked how they are
}

// install makes an installation whose processes are not started yet.
func install(t *testing.T, needs needs) *installation {
	t.Helper()
	in := &installation{t: t, dir: t.TempDir(), partitions: needs.Partitions, kafka: needs.Kafka, secrets: map[string]string{}}
	t.Cleanup(in.checkWords) // the last of all: every process has ended
	if in.partitions == 0 {
		in.partitions = 8
	}
	if in.kafka == "" {
		in.kafka = broker.Addr()
	}
	in.redis = serverstest.Redis(t, needs.Redis)
	if needs.ClickHouse {
		in.clickhouse = serverstest.ClickHouse(t, clickhouse.Options{})
	}
	all := in.usual(needs.Redis.Password)
	if needs.Further != nil {
		needs.Further(in, all)
	}
	for key, value := range needs.Settings {
		all[key] = value
	}
	in.file = in.write("drawdown.yaml", all)
	in.open()
	if !needs.Unmade {
		in.createTopics(&needs)
	}
	return in
}

// installations counts those of this process.
var installations atomic.Int32

// usual are the settings of a test: its own names, and short pauses.
func (in *installation) usual(password string) settings {
	name := strings.ToLower(strings.NewReplacer("/", ".", " ", "-", "#", "-").Replace(in.t.Name()))
	name += "." + number(int(installations.Add(1))) // a test that is run again finds nothing of before
	keys := filepath.Join(in.dir, "keys")
	secret := make([]byte, signature.MinSecretLen)
	_, _ = rand.Read(secret) // never fails
	text := base64.StdEncoding.EncodeToString(secret)
	in.secret("the signing key", text)
	in.must(os.WriteFile(keys, []byte("test:"+text+"\n"), 0o600))
	all := settings{
		"kafka.brokers": []string{in.kafka}, "redis.addrs": []string{in.redis.Addr()}, "signing_keys_file": keys,
		"worker.metering_topic": name + ".metering", "worker.charges_topic": name + ".charges",
		"worker.ledger_topic": name + ".ledger", "worker.rejected_topic": name + ".rejected",
		"notifier.deliveries_topic": name + ".deliveries", "notifier.group": name + ".notifier",
		"purchasing.group": name + ".purchaser", "worker.group": name, "worker.session_timeout": "1s", "worker.retry_pause_max": "250ms",
		"worker.attempt_timeout": "3s", "worker.drain_timeout": "5s",
		"sink.group": name + ".sink", "sink.retry_max": "250ms", "sink.block_age_max": "200ms", "log_level": "info",
	}
	if password != "" {
		in.secret("the password of Redis", password)
		all["redis.password"] = password
	}
	if in.clickhouse != nil {
		all["clickhouse.dsn"] = "http://" + in.clickhouse.Addr() + "/drawdown"
	}
	return all
}

// write writes a configuration file. JSON is YAML.
func (in *installation) write(name string, all settings) string {
	in.t.Helper()
	sections := map[string]any{}
	for key, value := range all {
		section, member, nested := strings.Cut(key, ".")
		if !nested {
			sections[key] = value
			continue
		}
		if sections[section] == nil {
			sections[section] = map[string]any{}
		}
		sections[section].(map[string]any)[member] = value
	}
	text, err := json.MarshalIndent(sections, "", " ")
	in.must(err)
	path := filepath.Join(in.dir, name)
	in.must(os.WriteFile(path, text, 0o600))
	return path
}

// open makes the test's own connections, from the same configuration as the processes.
func (in *installation) open() {
	in.t.Helper()
	var err error
	in.config, err = app.Load(in.file, nil)
	in.must(err)
	in.cluster, err = in.config.Cluster()
	in.must(err)
	in.t.Cleanup(in.cluster.Close)
	in.reader, err = fetch.NewClient(fetch.Config{
		Transport: in.cluster.Transport, Addr: in.cluster.Addr, AllowCreateTime: in.config.Worker.AllowCreateTime, Contiguous: true,
	})
	in.must(err)
	client, store, err := in.config.OpenRedis()
	in.must(err)
	in.t.Cleanup(func() { _ = client.Close() })
	in.store = store
	in.keys, err = in.config.Keys()
	in.must(err)
	in.operations, err = in.config.OpenOperations("e2e")
	in.must(err)
	in.t.Cleanup(func() { _ = in.operations.Close() })
}

func (in *installation) createTopics(needs *needs) {
	in.t.Helper()
	worker, bytesMax := in.config.Worker, needs.Topics
	if needs.CreateTime {
		in.must(broker.CreateTopic(in.t.Context(), worker.MeteringTopic, in.partitions, map[string]string{"message.timestamp.type": "CreateTime"}))
	}
	for topic, limit := range map[string]int{
		worker.MeteringTopic: bytesMax["metering"], worker.RejectedTopic: bytesMax["rejected"],
	} {
		if limit > 0 {
			in.must(broker.CreateTopic(in.t.Context(), topic, in.partitions, map[string]string{
				"message.timestamp.type": "LogAppendTime", "max.message.bytes": number(limit),
			}))
		}
	}
	spec := consumer.DefaultTopicSpec()
	spec.Partitions = in.partitions
	in.must(in.config.EnsureTopics(in.t.Context(), in.cluster, spec))
}

func (in *installation) must(err error) {
	in.t.Helper()
	if err != nil {
		in.t.Fatal(err)
	}
}

const (
	// patience is how long anything may take that is to happen: many times what it takes on a busy machine.
	patience = 60 * time.Second
	// noted is how long something may take without a note.
	noted = 2 * time.Second
	// probeInterval is how often is looked whether it has.
	probeInterval = 10 * time.Millisecond
)

// await looks until a condition holds, and fails the test with the last reason when it does not come to hold.
func (in *installation) await(what string, condition func(ctx context.Context) (done bool, reason any)) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	begun := time.Now()
	for {
		done, reason := condition(ctx)
		if done {
			if took := time.Since(begun); took > noted {
				in.t.Logf("%s: after %v", what, took)
			}
			return
		}
		select {
		case <-ctx.Done():
			in.t.Fatalf("%s: not within %v: %v", what, patience, reason)
		case <-ticker.C:
		}
	}
}
