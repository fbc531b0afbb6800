package kafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"drawdown/internal/servers"
)

// startTimeout is how long a broker may take to answer: 3 seconds on an idle machine, far more where tests compete for two cores.
const startTimeout = 120 * time.Second

// probeTimeout bounds one question to a starting broker.
const probeTimeout = 5 * time.Second

// heapDefaultMiB is enough for the benchmark's backlog of a million events; the operating system caches the log itself.
const heapDefaultMiB = 1024

// Options are how a broker is run; the zero value is an empty broker on temporary data.
type Options struct {
	Dir             string            // data folder; empty: temporary, removed by Stop
	HeapMiB         int               // Java heap; 0: 1024
	MessageMaxBytes int               // the largest record batch the broker takes; 0: Kafka's default (1 MiB and 12 bytes)
	Properties      map[string]string // further broker settings; they win over the defaults here
	JavaFlags       []string          // further flags of the Java machine
}

// Server is a running broker.
type Server struct {
	*servers.Server
}

// Start starts an installed broker and returns when it answers clients and coordinates groups. Whoever started it calls Stop.
func Start(ctx context.Context, options Options) (*Server, error) {
	installed, err := find()
	if err != nil {
		return nil, err
	}
	return start(ctx, installed, options, "-XX:SharedArchiveFile="+installed.archive())
}

// start runs a broker; java is given further flags.
func start(ctx context.Context, installed installation, options Options, flags ...string) (*Server, error) {
	free, err := servers.FreePorts(2)
	if err != nil {
		return nil, err
	}
	listen := ports{client: servers.LoopbackAddr(free[0]), controller: servers.LoopbackAddr(free[1])}
	server, err := servers.Run(ctx, servers.Spec{
		Name:         "kafka",
		Addr:         listen.client,
		Dir:          options.Dir,
		Prepare:      func(dir string) error { return prepare(ctx, installed, dir, listen, options) },
		Command:      func(dir string) (servers.Command, error) { return command(installed, dir, options, flags), nil },
		Ready:        func(ctx context.Context) error { return ready(ctx, listen.client) },
		StartTimeout: startTimeout,
	})
	if err != nil {
		return nil, err
	}
	return &Server{Server: server}, nil
}

func propertiesFile(dir string) string { return filepath.Join(dir, "server.properties") }

// prepare writes the settings, whose ports are new at every Start, and formats a storage that is not formatted yet.
func prepare(ctx context.Context, installed installation, dir string, listen ports, options Options) error {
	if err := os.WriteFile(propertiesFile(dir), []byte(properties(dir, listen, options)), 0o644); err != nil {
		return err
	}
	_, err := os.Stat(filepath.Join(dir, "data", "meta.properties"))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err = servers.RunCommand(ctx, io.Discard, installed.dir, nil, installed.java, "-XX:TieredStopAtLevel=1", "-cp", classPath,
		"kafka.tools.StorageTool", "format", "--cluster-id", clusterID(), "--config", propertiesFile(dir))
	return err
}

// clusterID is a random id as Kafka writes them: 16 bytes in URL-safe base64. The first bit is cleared so that it never
// begins with a dash, which the tool would read as an option.
func clusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func command(installed installation, dir string, options Options, flags []string) servers.Command {
	heap := options.HeapMiB
	if heap == 0 {
		heap = heapDefaultMiB
	}
	return servers.Command{
		Path: installed.java,
		Dir:  installed.dir,
		Args: append(slices.Concat(flags, options.JavaFlags),
			"-Xmx"+strconv.Itoa(heap)+"m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Djava.awt.headless=true",
			"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
			"-cp", classPath, "kafka.Kafka", propertiesFile(dir),
		),
	}
}

// ready asks the broker for a group's coordinator. It has one only when it serves clients and its offsets topic exists,
// so consumer groups work from the first moment.
func ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return withClient(addr, func(client *kafka.Client) error {
		answer, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: "ready", KeyType: kafka.CoordinatorKeyTypeConsumer})
		if err != nil {
			return err
		}
		return answer.Error
	})
}

// CreateTopic makes a topic with one copy of each partition and returns when the broker knows it.
// The settings are Kafka's topic settings, such as message.timestamp.type.
func (s *Server) CreateTopic(ctx context.Context, topic string, partitions int, settings map[string]string) error {
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for name, value := range settings {
		config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	err := withClient(s.Addr(), func(client *kafka.Client) error {
		answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
		if err != nil {
			return err
		}
		return answer.Errors[topic]
	})
	if err != nil {
		return fmt.Errorf("create topic %s with %d partitions: %w", topic, partitions, err)
	}
	return nil
}

// withClient lends a client whose connections are closed afterwards, so that no goroutine stays behind.
func withClient(addr string, use func(client *kafka.Client) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return use(&kafka.Client{Addr: kafka.TCP(addr), Transport: transport})
}
