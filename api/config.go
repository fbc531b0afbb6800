package api

import (
	"errors"
	"fmt"
	"time"
)

// Config is how the API treats its callers. Begin with [Default].
type Config struct {
	// RequestsPerSecond and RequestsBurst are the rate of one credential, and how many requests it may save up.
	RequestsPerSecond, RequestsBurst int
	// GatePerSecond and GateBurst are the same for the gate, which schedulers ask before every sync.
	GatePerSecond, GateBurst int
	// RefusalsPerSecond and RefusalsBurst bound the requests of one remote address whose credential is missing or wrong.
	RefusalsPerSecond, RefusalsBurst int
	// CredentialsMax is how many credentials and addresses are counted at a time, each some 500 bytes. Beyond, those that
	// were silent longest begin anew.
	CredentialsMax int
	// BodyBytesMax bounds the body of a request other than events.
	BodyBytesMax int
	// EventsMax and EventsBytesMax bound a batch of events.
	EventsMax, EventsBytesMax int
	// RequestTimeout bounds the work on a request. It exceeds the longest wait that a client may ask for.
	RequestTimeout time.Duration
	// BodyTimeout is how long a client may take to send its body.
	BodyTimeout time.Duration
	// ExportTimeout bounds an export, and ExportStall how long a client may take none of it.
	ExportTimeout, ExportStall time.Duration
}

// Default is the configuration of a usual deployment.
func Default() Config {
	return Config{
		RequestsPerSecond: 50, RequestsBurst: 200, // a person, or a program that walks through pages
		GatePerSecond: 5000, GateBurst: 10_000, // one scheduler for all accounts
		RefusalsPerSecond: 5, RefusalsBurst: 50,
		CredentialsMax: 20_000,
		BodyBytesMax:   64 << 10,
		EventsMax:      1000, EventsBytesMax: 1 << 20,
		RequestTimeout: 20 * time.Second, BodyTimeout: 10 * time.Second,
		ExportTimeout: 15 * time.Minute, ExportStall: time.Minute,
	}
}

// waitMax is the longest wait of `Prefer: wait`. Longer than any batch takes; short enough for every proxy's timeout.
const waitMax = 10 * time.Second

// Validate reports every fault at once, each with what is allowed.
func (c *Config) Validate() error {
	return errors.Join(
		within("requests_per_second", c.RequestsPerSecond, 1, 1_000_000),
		within("requests_burst", c.RequestsBurst, 1, 1_000_000),
		within("gate_per_second", c.GatePerSecond, 1, 1_000_000),
		within("gate_burst", c.GateBurst, 1, 1_000_000),
		within("refusals_per_second", c.RefusalsPerSecond, 1, 1_000_000),
		within("refusals_burst", c.RefusalsBurst, 1, 1_000_000),
		within("credentials_max", c.CredentialsMax, 100, 10_000_000),
		within("body_bytes_max", c.BodyBytesMax, 1<<10, 16<<20),
		within("events_max", c.EventsMax, 1, 100_000),
		within("events_bytes_max", c.EventsBytesMax, 1<<10, 64<<20),
		within("request_timeout", c.RequestTimeout, waitMax+time.Second, 10*time.Minute),
		within("body_timeout", c.BodyTimeout, time.Second, 10*time.Minute),
		within("export_timeout", c.ExportTimeout, time.Second, 24*time.Hour),
		within("export_stall", c.ExportStall, time.Second, time.Hour),
	)
}

func within[T int | time.Duration](option string, value, least, greatest T) error {
	if value >= least && value <= greatest {
		return nil
	}
	return fmt.Errorf("%s: is %v; allowed are %v to %v", option, value, least, greatest)
}
