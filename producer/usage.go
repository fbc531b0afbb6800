package producer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	nameMax     = 128       // bytes of a name (the contract, section 3)
	integerMax  = 1<<53 - 1 // what every JSON reader keeps exactly (section 1)
	eventType   = "sync.usage"
	eventIDMax  = 128
	contentType = "application/cloudevents+json"
)

// Usage is one usage event: what one piece of one stream of one sync added (the contract,
// section 3, sync.usage).
type Usage struct {
	Account              string // 1 to 128 of A-Z a-z 0-9 . _ : -
	Connection           string // this and the next two: 1 to 128 bytes
	SourceConnector      string
	DestinationConnector string
	Job, Attempt         int64  // 0 to 2^53−1
	Stream               string // optional, at most 128 bytes
	// Seq numbers the events of one (connection, job, attempt) from 1, without gaps. It is the
	// event's identity: the account counts each number once, however often it arrives. Attempt
	// counts it for you.
	Seq int64
	// What this event adds, not a running total. Each 0 to 2^53−1.
	Records, Bytes, Operations int64
	// Time is when it happened, cut to milliseconds; Report sets it to now when it is zero.
	// Events older than 34 days or more than an hour ahead are rejected by the log's readers.
	Time time.Time
}

// Validate checks the event against the contract; the error is a *UsageError naming every fault.
func (u Usage) Validate() error {
	var faults []Fault
	add := func(member, rule string) { faults = append(faults, Fault{member, rule}) }
	if rule := accountRule(u.Account); rule != "" {
		add("account", rule)
	}
	for _, name := range []struct{ member, value string }{
		{"connection", u.Connection},
		{"source_connector", u.SourceConnector},
		{"destination_connector", u.DestinationConnector},
	} {
		if rule := nameRule(name.value, 1); rule != "" {
			add(name.member, rule)
		}
	}
	if rule := nameRule(u.Stream, 0); rule != "" {
		add("stream", rule)
	}
	for _, number := range []struct {
		member     string
		value, min int64
	}{
		{"job", u.Job, 0}, {"attempt", u.Attempt, 0}, {"seq", u.Seq, 1},
		{"records", u.Records, 0}, {"bytes", u.Bytes, 0}, {"operations", u.Operations, 0},
	} {
		if number.value < number.min || number.value > integerMax {
			add(number.member, fmt.Sprintf("an integer from %d to 2^53-1 (it is %d)", number.min, number.value))
		}
	}
	if year := u.Time.UTC().Year(); !u.Time.IsZero() && (year < 1970 || year > 9000) {
		add("time", fmt.Sprintf("a year from 1970 to 9000 (it is %d)", year))
	}
	if faults != nil {
		return &UsageError{faults}
	}
	return nil
}

func accountRule(account string) string {
	if len(account) < 1 || len(account) > nameMax {
		return fmt.Sprintf("1 to %d bytes (it has %d)", nameMax, len(account))
	}
	for i := range len(account) {
		switch c := account[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '.', c == '_', c == ':', c == '-':
		default:
			return fmt.Sprintf("only A-Z a-z 0-9 . _ : - (byte %d is %q)", i, c)
		}
	}
	return ""
}

func nameRule(name string, min int) string {
	switch {
	case len(name) < min || len(name) > nameMax:
		return fmt.Sprintf("%d to %d bytes (it has %d)", min, nameMax, len(name))
	case !utf8.ValidString(name):
		return "valid UTF-8"
	}
	return ""
}

// ID is the event's CloudEvents id. It is made of connection, job, attempt and seq only, so that
// the same event, reported again by whomever, has the same id.
func (u Usage) ID() string {
	suffix := "/" + strconv.FormatInt(u.Job, 10) + "/" + strconv.FormatInt(u.Attempt, 10) +
		"/" + strconv.FormatInt(u.Seq, 10)
	if len(u.Connection)+len(suffix) <= eventIDMax {
		return u.Connection + suffix
	}
	// A name too long to stand in an id is replaced by its fingerprint (64 digits; the rest is at
	// most 51 bytes).
	sum := sha256.Sum256([]byte(u.Connection))
	return hex.EncodeToString(sum[:]) + suffix
}

// Event is the record's value: a CloudEvents 1.0 JSON object (the contract, sections 2 and 3). It
// does not check; call Validate first.
func (u Usage) Event(source string) []byte {
	value, err := json.Marshal(envelope{
		SpecVersion: "1.0", ID: u.ID(), Source: source, Type: eventType, Subject: u.Account,
		Time: u.Time.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano),
		Data: usageData{
			Connection: u.Connection, Source: u.SourceConnector, Destination: u.DestinationConnector,
			Job: u.Job, Attempt: u.Attempt, Stream: u.Stream, Seq: u.Seq,
			Records: u.Records, Bytes: u.Bytes, Operations: u.Operations,
		},
	})
	if err != nil {
		panic("producer: strings and integers always encode: " + err.Error())
	}
	return value
}

type envelope struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        string    `json:"time"`
	Data        usageData `json:"data"`
}

// usageData leaves out what is empty or 0: absent means the same, and events are many.
type usageData struct {
	Connection  string `json:"connection"`
	Source      string `json:"source_connector"`
	Destination string `json:"destination_connector"`
	Job         int64  `json:"job"`
	Attempt     int64  `json:"attempt"`
	Stream      string `json:"stream,omitempty"`
	Seq         int64  `json:"seq"`
	Records     int64  `json:"records,omitempty"`
	Bytes       int64  `json:"bytes,omitempty"`
	Operations  int64  `json:"operations,omitempty"`
}
