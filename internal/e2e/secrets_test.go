//go:build integration

package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"drawdown/consumer/fetch"
)

// secret takes note of what nobody may read anywhere: checkWords and checkTopics look for it.
func (in *installation) secret(what, text string) { in.secrets[what] = text }

// disclosed names the secrets that stand in a text.
func (in *installation) disclosed(text []byte) (found []string) {
	for what, secret := range in.secrets {
		if bytes.Contains(text, []byte(secret)) {
			found = append(found, what)
		}
	}
	return found
}

// checkWords looks for secrets in all that the installation's processes wrote and answered.
func (in *installation) checkWords() {
	logs, err := filepath.Glob(filepath.Join(in.dir, "*.log"))
	in.must(err)
	for _, log := range logs {
		said, err := os.ReadFile(log)
		in.must(err)
		in.accuse("the log "+filepath.Base(log), said)
	}
	in.accuse("an answer about health or metrics", in.scraped.Bytes())
}

// checkTopics looks for secrets in everything that was written to Kafka.
func (in *installation) checkTopics() {
	in.t.Helper()
	worker := in.config.Worker
	for _, topic := range []string{
		worker.MeteringTopic, worker.ChargesTopic, worker.LedgerTopic, worker.RejectedTopic, in.config.Notifier.DeliveriesTopic,
	} {
		for partition, end := range in.ends(topic) {
			in.read(topic, int32(partition), end, func(raw *fetch.Record) {
				in.accuse("a record of "+topic, raw.Key)
				in.accuse("a record of "+topic, raw.Value)
			})
		}
	}
}

func (in *installation) accuse(where string, text []byte) {
	for _, what := range in.disclosed(text) {
		in.t.Errorf("%s shows %s", where, what)
	}
}

// scrapeTimeout bounds the question for metrics: a process that is stopped by force need not answer.
const scrapeTimeout = time.Second

// scrape asks for the metrics and keeps them for checkWords; nothing where the process does not answer.
func (p *process) scrape() string {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/metrics", nil)
	p.in.must(err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body) // as far as it comes
	p.in.scraped.Write(text)
	return string(text)
}

// metric is the value of a series, written as Prometheus does: name{label="value"}; 0 where there is none.
func (p *process) metric(series string) float64 {
	p.in.t.Helper()
	for line := range strings.Lines(p.scrape()) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			p.in.must(err)
			return number
		}
	}
	return 0
}
