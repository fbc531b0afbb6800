package deploy

import (
	"encoding/base64"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/api"
	"drawdown/api/access"
	"drawdown/consumer"
	"drawdown/consumer/feed"
	"drawdown/consumer/signature"
	"drawdown/notify"
	"drawdown/notify/webhook"
	"drawdown/purchasing"
	sink "drawdown/sinks/clickhouse"
)

// metric is what is known of one metric of the real processes.
type metric struct {
	histogram bool
	labels    []string
	values    map[string]map[string]bool // by label, the values of series that exist from the start
}

// collectors notes what is registered. It is the Registerer of the real processes' constructors.
type collectors struct {
	*prometheus.Registry
	all []prometheus.Collector
}

func (c *collectors) Register(collector prometheus.Collector) error {
	c.all = append(c.all, collector)
	return c.Registry.Register(collector)
}

func (c *collectors) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		if err := c.Register(collector); err != nil {
			panic(err)
		}
	}
}

// processes construct the metrics of each process, as it does itself.
var processes = map[string]func(*testing.T, prometheus.Registerer){
	"worker": func(_ *testing.T, r prometheus.Registerer) { consumer.NewMetrics(r) },
	"sink": func(t *testing.T, r prometheus.Registerer) {
		config := sink.Default()
		config.DSN = "clickhouse://localhost:9000/drawdown"
		_, err := sink.New(config, sink.Deps{Store: struct{ sink.Store }{}, Source: struct{ sink.Source }{}, Registerer: r, Log: silent})
		must(t, err)
	},
	"purchaser": happen,
	"api": func(t *testing.T, r prometheus.Registerer) {
		keys, err := signature.Parse([]byte("a:" + base64.StdEncoding.EncodeToString(make([]byte, signature.MinSecretLen))))
		must(t, err)
		store, err := access.NewKeyStore(access.KeyStoreConfig{Log: struct{ access.Log }{}, Signer: keys, Logger: silent, Registerer: r})
		must(t, err)
		authenticator, err := access.NewAuthenticator(store, nil, r)
		must(t, err)
		_, err = api.New(api.Default(), api.Deps{Office: struct{ api.Office }{}, Authenticator: authenticator, Logger: silent, Registerer: r})
		must(t, err)
	},
	"notifier": func(t *testing.T, r prometheus.Registerer) {
		n, err := notify.New(notify.Default(), notify.Deps{
			Directory: struct{ notify.Directory }{}, Outbox: struct{ notify.Outbox }{}, Operations: struct{ notify.Operations }{},
			EmailSchedule: notify.EmailSchedule, WebhookSchedule: webhook.Schedule, Registerer: r, Logger: silent,
		})
		must(t, err)
		follow(t, r, "notifier", n)
		config := webhook.Default()
		config.MasterKey = base64.StdEncoding.EncodeToString(make([]byte, 32))
		sender, err := webhook.New(&config, r)
		must(t, err)
		t.Cleanup(func() { sender.Close() })
	},
}

var silent = slog.New(slog.DiscardHandler)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func follow(t *testing.T, r prometheus.Registerer, consumer string, handler feed.Handler) {
	t.Helper()
	config := feed.Default()
	config.Group = consumer
	_, err := feed.New(config, feed.Deps{
		Consumer: consumer, Handler: handler, Transport: &kafka.Transport{}, Addr: kafka.TCP("localhost:9092"),
		Brokers: []string{"localhost:9092"}, Registerer: r, Log: silent,
	})
	must(t, err)
}

// realMetrics are the metrics of all processes, by name. A vector without series is told by its description.
func realMetrics(t *testing.T) map[string]*metric {
	t.Helper()
	known := make(map[string]*metric)
	for process, construct := range processes {
		c := &collectors{Registry: prometheus.NewRegistry()}
		construct(t, c)
		for _, collector := range c.all {
			_, vector := collector.(*prometheus.HistogramVec)
			for desc := range descriptions(collector) {
				name, labels, constant := parseDesc(t, desc)
				if known[name] == nil {
					known[name] = &metric{values: make(map[string]map[string]bool)}
				}
				known[name].histogram = known[name].histogram || vector
				known[name].labels = append(known[name].labels, append(labels, "job", "instance")...)
				known[name].note("job", "drawdown-"+process)
				for label, value := range constant {
					known[name].note(label, value)
				}
			}
		}
		noteSeries(t, c, known)
	}
	// Of partitions and of results of payments, there are no series before there are some.
	for state := consumer.Starting; state <= consumer.Diverged; state++ {
		known["drawdown_partition_state"].note("state", state.String())
	}
	for state := purchasing.Absent; state <= purchasing.Cancelled; state++ {
		known["drawdown_payment_tries_total"].note("result", state.String())
	}
	return known
}

func noteSeries(t *testing.T, c *collectors, known map[string]*metric) {
	t.Helper()
	families, err := c.Gather()
	must(t, err)
	for _, family := range families {
		m := known[family.GetName()]
		m.histogram = m.histogram || family.GetType() == dto.MetricType_HISTOGRAM
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				m.note(label.GetName(), label.GetValue())
			}
		}
	}
}

func (m *metric) note(label, value string) {
	if m.values[label] == nil {
		m.values[label] = make(map[string]bool)
	}
	m.values[label][value] = true
}

func descriptions(collector prometheus.Collector) <-chan *prometheus.Desc {
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		collector.Describe(all)
	}()
	return all
}

// descText is how a description prints itself: the library tells name and labels in no other way.
var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)

// parseDesc returns a description's name, the labels of its series, and those labels that have one value for all of them.
func parseDesc(t *testing.T, desc *prometheus.Desc) (name string, labels []string, constant map[string]string) {
	t.Helper()
	found := descText.FindStringSubmatch(strings.ReplaceAll(desc.String(), "\n", " "))
	if found == nil {
		t.Fatalf("can't read %s", desc)
	}
	constant = make(map[string]string)
	for _, label := range regexp.MustCompile(`([a-z]+)="([^"]*)"`).FindAllStringSubmatch(found[2], -1) {
		labels = append(labels, label[1])
		constant[label[1]] = label[2]
	}
	if found[3] != "" {
		labels = append(labels, strings.Split(found[3], ",")...)
	}
	return found[1], labels, constant
}
