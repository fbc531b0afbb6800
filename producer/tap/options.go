package tap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"drawdown/producer"
)

// Options say which sync passes through and where its usage goes. The zero value of a member not
// marked required means its default.
type Options struct {
	// Account, Connection, SourceConnector and DestinationConnector are required; they and Job and
	// Attempt are those of every event (the contract, section 3).
	Account, Connection                   string
	SourceConnector, DestinationConnector string
	Job, Attempt                          int64

	// Brokers, host:port each, are required. Topic defaults to producer.DefaultTopic.
	Brokers  []string
	Topic    string
	Security producer.Security
	// Source is the CloudEvents source; default "/drawdown/tap".
	Source string

	// SpoolDir holds the spools of all attempts; default DefaultSpoolDir(). Keep it when an attempt
	// may be started again under its number.
	SpoolDir string
	// NoSync leaves out the fsync before an event is sent. A machine that loses power may then
	// forget numbers that were used, and an attempt run again under its number is undercounted.
	NoSync bool

	// Interval bounds how long usage waits for a STATE message. Default 10 s.
	Interval time.Duration
	// StateGap is the least time between two events of one stream at STATE messages, so that a
	// source that checkpoints every row does not make an event of every row. Default 1 s;
	// negative: none.
	StateGap time.Duration
	// FinishTimeout bounds how long Run waits, after the last line, until Kafka has everything;
	// what is left stays in the spool. Default 10 s. The destination does not wait: its input is
	// closed before.
	FinishTimeout time.Duration
	// DeliveryTimeout bounds one delivery before it is noted as trouble and begun again. Default 5 s.
	DeliveryTimeout time.Duration

	// Dial replaces the network, for simulated ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultSpoolDir is drawdown/tap in the user's state folder (XDG_STATE_HOME, else
// ~/.local/state), or in the folder for temporary files where there is no home.
func DefaultSpoolDir() string {
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "drawdown", "tap")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "drawdown", "tap")
	}
	return filepath.Join(os.TempDir(), "drawdown-tap")
}

// variables are the environment variables of the options that name the sync and the log. A member
// that is set already keeps its value.
func (o *Options) variables() map[string]*string {
	return map[string]*string{
		"DRAWDOWN_ACCOUNT":               &o.Account,
		"DRAWDOWN_CONNECTION":            &o.Connection,
		"DRAWDOWN_SOURCE_CONNECTOR":      &o.SourceConnector,
		"DRAWDOWN_DESTINATION_CONNECTOR": &o.DestinationConnector,
		"DRAWDOWN_TOPIC":                 &o.Topic,
		"DRAWDOWN_SPOOL_DIR":             &o.SpoolDir,
	}
}

// FromEnvironment fills members that are empty from DRAWDOWN_ACCOUNT, _CONNECTION,
// _SOURCE_CONNECTOR, _DESTINATION_CONNECTOR, _JOB, _ATTEMPT, _BROKERS (with commas), _TOPIC and
// _SPOOL_DIR. A number that cannot be read is an error.
func (o *Options) FromEnvironment(lookup func(string) (string, bool)) error {
	for name, member := range o.variables() {
		if value, ok := lookup(name); ok && *member == "" {
			*member = value
		}
	}
	if value, ok := lookup("DRAWDOWN_BROKERS"); ok && len(o.Brokers) == 0 {
		o.Brokers = strings.Split(value, ",")
	}
	var faults []error
	for name, member := range map[string]*int64{"DRAWDOWN_JOB": &o.Job, "DRAWDOWN_ATTEMPT": &o.Attempt} {
		value, ok := lookup(name)
		if !ok || *member != 0 {
			continue
		}
		number, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			faults = append(faults, fmt.Errorf("tap: %s: %q is no integer", name, value))
		}
		*member = number
	}
	return errors.Join(faults...)
}

func (o Options) withDefaults() Options {
	defaultTo(&o.Topic, producer.DefaultTopic)
	defaultTo(&o.Source, "/drawdown/tap")
	defaultTo(&o.SpoolDir, DefaultSpoolDir())
	defaultTo(&o.Interval, 10*time.Second)
	defaultTo(&o.StateGap, time.Second)
	defaultTo(&o.FinishTimeout, 10*time.Second)
	defaultTo(&o.DeliveryTimeout, 5*time.Second)
	return o
}

func defaultTo[T comparable](member *T, value T) {
	var zero T
	if *member == zero {
		*member = value
	}
}

// Validate reports every fault at once. Options that fail it stop Run before the first byte: a
// sync that could never be metered is found when it is set up, not on the bill.
func (o Options) Validate() error {
	o = o.withDefaults()
	first := o.usage()
	first.Seq = 1
	faults := []error{first.Validate(), o.producerConfig().Validate()}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"interval", o.Interval}, {"finish_timeout", o.FinishTimeout}} {
		if d.value < 0 || d.value > time.Hour {
			faults = append(faults, fmt.Errorf("tap: %s: %v, allowed 0s to 1h0m0s", d.name, d.value))
		}
	}
	return errors.Join(faults...)
}

// usage is what all events of the attempt share.
func (o Options) usage() producer.Usage {
	return producer.Usage{
		Account: o.Account, Connection: o.Connection, SourceConnector: o.SourceConnector,
		DestinationConnector: o.DestinationConnector, Job: o.Job, Attempt: o.Attempt,
	}
}

func (o Options) producerConfig() producer.Config {
	return producer.Config{
		Brokers: o.Brokers, Topic: o.Topic, Security: o.Security, Source: o.Source,
		ClientID: "drawdown-tap", DeliveryTimeout: o.DeliveryTimeout,
		AttemptTimeout: min(o.DeliveryTimeout, 5*time.Second), Dial: o.Dial,
	}
}

// openSpool opens the spool of this attempt. Its name can be read by a person and is unique by a
// fingerprint of what identifies the numbers: account, connection, job and attempt.
func (o Options) openSpool() (*spool, error) {
	if err := os.MkdirAll(o.SpoolDir, 0o700); err != nil {
		return nil, err
	}
	identity := fmt.Sprintf("%s\x00%s\x00%d\x00%d", o.Account, o.Connection, o.Job, o.Attempt)
	sum := sha256.Sum256([]byte(identity))
	name := fmt.Sprintf("%s.%d.%d.%s", fileName(o.Connection), o.Job, o.Attempt, hex.EncodeToString(sum[:8]))
	return openSpool(filepath.Join(o.SpoolDir, name), !o.NoSync)
}

// fileName keeps what is safe in a file's name.
func fileName(text string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, text)
	return safe[:min(len(safe), 64)]
}
