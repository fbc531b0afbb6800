package access

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of a record of a key.
const (
	resultApplied   = "applied"
	resultRepeated  = "repeated"
	resultForged    = "forged"
	resultMalformed = "malformed"
)

type keyMetrics struct {
	records *prometheus.CounterVec // result
	read    prometheus.Gauge
}

func newKeyMetrics(registerer prometheus.Registerer) (*keyMetrics, error) {
	m := &keyMetrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_access_records_total",
			Help: "Records of API keys that were read, by what became of them. Repeated: they changed nothing. Forged: without a valid signature, so somebody else writes to the topic, or a signing key is missing here. Malformed: ours, and of a newer version."}, []string{"result"}),
		read: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drawdown_access_read_timestamp_seconds",
			Help: "When the records of API keys were last read to their end or waited for. Old: a key that was revoked elsewhere still works here."}),
	}
	if err := errors.Join(registerer.Register(m.records), registerer.Register(m.read)); err != nil {
		return nil, err
	}
	for _, result := range []string{resultApplied, resultRepeated, resultForged, resultMalformed} {
		m.records.WithLabelValues(result) // shown from the beginning, so that an alert sees the first increase
	}
	return m, nil
}

// Outcomes of authentications.
const (
	outcomeAccepted    = "accepted"
	outcomeRefused     = "refused"
	outcomeUnavailable = "unavailable"
)

// newAuthentications counts authentications by credential and outcome.
func newAuthentications(registerer prometheus.Registerer) (*prometheus.CounterVec, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_access_authentications_total",
		Help: "Credentials that were presented, by kind and outcome. Refused, growing fast: somebody guesses, or uses a key that has ended. Unavailable: keys are not read yet, or the identity provider is away."}, []string{"credential", "outcome"})
	if err := registerer.Register(total); err != nil {
		return nil, err
	}
	for _, credential := range []CredentialKind{KeyCredential, TokenCredential} {
		for _, outcome := range []string{outcomeAccepted, outcomeRefused, outcomeUnavailable} {
			total.WithLabelValues(string(credential), outcome)
		}
	}
	return total, nil
}
