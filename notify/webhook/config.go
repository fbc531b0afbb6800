package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Config is how webhooks are sent. Begin with [Default].
type Config struct {
	// MasterKey is the base64 of 32 to 1024 random bytes, from which the secrets of all endpoints are derived.
	MasterKey string
	// MasterKeyFile holds it instead. One of the two, not both.
	MasterKeyFile string
	// PreviousMasterKey signs as well while the master key is being replaced; see [Secrets]. Empty for none.
	PreviousMasterKey string
	// PreviousMasterKeyFile holds it instead. One of the two, not both.
	PreviousMasterKeyFile string

	// AllowHTTP lets URLs begin with http: notices then cross networks unencrypted.
	AllowHTTP bool
	// AllowedNetworks are prefixes that may be reached although they are not public, such as 10.20.0.0/16.
	AllowedNetworks []string
	// DeniedNetworks are prefixes that may not be reached although they are public or allowed, such as one's own.
	DeniedNetworks []string
	// AllowedPorts are those that may be reached; empty for all.
	AllowedPorts []int
	// CAFile has certificates, in PEM, of authorities trusted beside the system's.
	CAFile string

	// Timeout bounds a try, from resolving the name to the status; waiting for its turn before is bounded likewise.
	Timeout time.Duration
	// ConcurrencyMax is how many tries are under way at once.
	ConcurrencyMax int
	// ConcurrencyPerHostMax is how many of them go to one host and port, so that a slow one holds up only itself.
	ConcurrencyPerHostMax int
}

// Default is a configuration for everything but the master key.
func Default() Config {
	return Config{
		Timeout: 15 * time.Second, // the specification recommends 15 to 30 s
		// An account has at most 16 endpoints, so even one whose receivers all hang leaves half of the room to others.
		ConcurrencyMax:        256,
		ConcurrencyPerHostMax: 8,
	}
}

// Bounds of what can be configured.
const (
	minTimeout = 100 * time.Millisecond // for receivers next door
	maxTimeout = 2 * time.Minute        // longer than any receiver should take
	maxTries   = 10_000                 // each needs a socket and some 50 KiB
)

// Validate reports every fault at once, each with what is allowed. Key files are not read: [NewSecrets] does that.
func (c *Config) Validate() error {
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
	}
	if c.MasterKey == "" && c.MasterKeyFile == "" {
		fault("master_key_file", "is missing; it names a file with the base64 of %d to %d random bytes", minMasterLen, maxMasterLen)
	}
	validateKey(fault, "master_key", c.MasterKey, c.MasterKeyFile)
	validateKey(fault, "previous_master_key", c.PreviousMasterKey, c.PreviousMasterKeyFile)
	if _, err := parseNetworks(c.AllowedNetworks); err != nil {
		fault("allowed_networks", "%w", err)
	}
	if _, err := parseNetworks(c.DeniedNetworks); err != nil {
		fault("denied_networks", "%w", err)
	}
	for i, port := range c.AllowedPorts {
		if port < 1 || port > 65535 || slices.Contains(c.AllowedPorts[:i], port) {
			fault("allowed_ports", "has %d; allowed are 1 to 65535, none twice", port)
		}
	}
	if c.Timeout < minTimeout || c.Timeout > maxTimeout {
		fault("timeout", "is %v; allowed are %v to %v", c.Timeout, minTimeout, maxTimeout)
	}
	if c.ConcurrencyMax < 1 || c.ConcurrencyMax > maxTries {
		fault("concurrency_max", "is %d; allowed are 1 to %d", c.ConcurrencyMax, maxTries)
	}
	if most := max(c.ConcurrencyMax, 1); c.ConcurrencyPerHostMax < 1 || c.ConcurrencyPerHostMax > most {
		fault("concurrency_per_host_max", "is %d; allowed are 1 to concurrency_max (%d)", c.ConcurrencyPerHostMax, most)
	}
	return errors.Join(faults...)
}

func validateKey(fault func(string, string, ...any), name, key, file string) {
	if key == "" {
		return
	}
	if file != "" {
		fault(name+"_file", "is given beside %s; give one of the two", name)
	}
	if _, err := parseMaster(key); err != nil {
		fault(name, "%w", err)
	}
}

// parseNetworks reads prefixes; it reports every bad one.
func parseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	var faults []error
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("has %q; allowed are prefixes such as 10.20.0.0/16 or fd12:3456::/32", text))
		case network.Addr().Is4In6():
			faults = append(faults, fmt.Errorf("has %q; IPv4 is written as IPv4, such as 10.20.0.0/16", text))
		case network != network.Masked():
			faults = append(faults, fmt.Errorf("has %q, whose address goes beyond its prefix; allowed is %v", text, network.Masked()))
		default:
			networks = append(networks, network)
		}
	}
	return networks, errors.Join(faults...)
}

// String says what can be said of a configuration without its keys.
func (c Config) String() string {
	shown := func(key, file string) string {
		switch {
		case file != "":
			return file
		case key != "":
			return "(secret)"
		default:
			return "none"
		}
	}
	return fmt.Sprintf("master key %s, previous %s, http %v, allowed networks [%s], denied networks [%s], ports %v, CA file %q, timeout %v, at once %d, per host %d",
		shown(c.MasterKey, c.MasterKeyFile), shown(c.PreviousMasterKey, c.PreviousMasterKeyFile), c.AllowHTTP,
		strings.Join(c.AllowedNetworks, " "), strings.Join(c.DeniedNetworks, " "), c.AllowedPorts, c.CAFile,
		c.Timeout, c.ConcurrencyMax, c.ConcurrencyPerHostMax)
}

// GoString keeps %#v from printing keys.
func (c Config) GoString() string { return c.String() }

// LogValue keeps keys out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
