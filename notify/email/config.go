package email

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// TLSMode says how the connection to the mail server is encrypted.
type TLSMode string

// The modes.
const (
	// STARTTLS begins in the clear and is encrypted before anything else is said; a server that can't is not used. It
	// is what port 587 expects.
	STARTTLS TLSMode = "starttls"
	// Implicit is encrypted from the first byte. It is what port 465 expects.
	Implicit TLSMode = "implicit"
	// Unencrypted is for a server on this machine, or where AllowUnencrypted says so.
	Unencrypted TLSMode = "none"
)

// Config is how e-mail is sent and what it says of the seller.
type Config struct {
	// Addr is the mail server, host:port. Its certificate must be for that host.
	Addr string
	// TLS is how the connection is encrypted.
	TLS TLSMode
	// AllowUnencrypted allows TLS "none" for a server on another machine. A login is refused there all the same.
	AllowUnencrypted bool
	// CAFile holds the certificates to trust, in PEM, in place of the system's.
	CAFile string
	// Username logs in; empty: no login.
	Username string
	// Password is the login's, or PasswordFile holds it (white space around it is cut; it is read at each login, so
	// that a changed one is taken up): one of the two.
	Password     string `json:"-"`
	PasswordFile string
	// Timeout bounds one try: the wait for a free connection, and then everything that is said on it.
	Timeout time.Duration
	// ConnectionsMax is how many connections there are at a time; more sends than that wait.
	ConnectionsMax int

	// From is the sender, as `Name <address>` or an address alone.
	From string
	// ReplyTo is where answers go; empty: to From.
	ReplyTo string
	// MessageIDDomain ends every Message-ID and greets the server; empty: the domain of From. Changed, a repeat of an
	// older notice is not recognised any more.
	MessageIDDomain string
	// SellerName is who sells the credits.
	SellerName string
	// BillingURL is the page where a customer buys credits, sees the balance and mends a payment. `{account}` in it is
	// replaced by the account.
	BillingURL string
	// SupportEmail is whom customers may ask; empty: nobody is named.
	SupportEmail string
}

// Default is a configuration for everything but the addresses and names.
func Default() Config {
	return Config{
		TLS: STARTTLS,
		// A relay answers within seconds; a slow one may look at the content for longer before it accepts it.
		Timeout:        time.Minute,
		ConnectionsMax: 4, // more than most relays take of one client without slowing it down
	}
}

// accountPlaceholder stands for the account's id in BillingURL.
const accountPlaceholder = "{account}"

// Limits of Validate.
const (
	timeoutMin     = time.Second
	timeoutMax     = 15 * time.Minute // RFC 5321 (4.5.3.2) waits 10 minutes for the end of DATA at most
	connectionsMax = 100
	sellerBytesMax = 100 // it stands in headings of 600 pixels
)

// Validate reports every fault at once. It reads no file.
func (c Config) Validate() error {
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("e-mail: %s: "+format, append([]any{name}, args...)...))
	}
	c.validateServer(fault)
	c.validateLogin(fault)
	c.validateAddresses(fault)
	c.validateSeller(fault)
	if c.Timeout < timeoutMin || c.Timeout > timeoutMax {
		fault("timeout", "is %v; allowed are %v to %v", c.Timeout, timeoutMin, timeoutMax)
	}
	if c.ConnectionsMax < 1 || c.ConnectionsMax > connectionsMax {
		fault("connections_max", "is %d; allowed are 1 to %d", c.ConnectionsMax, connectionsMax)
	}
	return errors.Join(faults...)
}

type faultFunc = func(name, format string, args ...any)

func (c Config) validateServer(fault faultFunc) {
	host, port, err := net.SplitHostPort(c.Addr)
	number, portErr := strconv.Atoi(port)
	if err != nil || host == "" || portErr != nil || number < 1 || number > 65535 || unprintable(c.Addr) {
		fault("addr", "is %q; it has the form host:port", c.Addr)
	}
	switch c.TLS {
	case STARTTLS, Implicit:
	case Unencrypted:
		if !c.loopback() && !c.AllowUnencrypted {
			fault("tls", "is %q, which is for a server on this machine, unless allow_unencrypted is set", c.TLS)
		}
		if c.CAFile != "" {
			fault("ca_file", "is given but the connection is not encrypted")
		}
	default:
		fault("tls", "is %q; allowed are %q, %q and %q", c.TLS, STARTTLS, Implicit, Unencrypted)
	}
}

func (c Config) validateLogin(fault faultFunc) {
	if c.Username == "" {
		if c.Password != "" || c.PasswordFile != "" {
			fault("username", "is missing although there is a password")
		}
		return
	}
	if unprintable(c.Username) {
		fault("username", "has characters that can't be printed")
	}
	if (c.Password == "") == (c.PasswordFile == "") {
		fault("password", "either password or password_file goes with a user name")
	}
	if c.TLS == Unencrypted && !c.loopback() {
		fault("username", "a login is not sent over an unencrypted connection to another machine")
	}
}

func (c Config) validateAddresses(fault faultFunc) {
	from, err := mail.ParseAddress(c.From)
	switch {
	case err != nil || checkAddress(from.Address) != nil || !ascii(from.Address):
		fault("from", "is %q; it has the form Name <address>, the address in ASCII", c.From)
	case unprintable(from.Name):
		fault("from", "has a name with characters that can't be printed")
	case !validDomain(c.domain()):
		fault("message_id_domain", "is %q; a domain name is needed, as the one of from can't be taken", c.domain())
	}
	if c.MessageIDDomain != "" && !validDomain(c.MessageIDDomain) && err != nil {
		fault("message_id_domain", "is %q, which is no domain name", c.MessageIDDomain)
	}
	if c.ReplyTo != "" && checkAddress(c.ReplyTo) != nil {
		fault("reply_to", "is %q, which is no address", c.ReplyTo)
	}
	if c.SupportEmail != "" && checkAddress(c.SupportEmail) != nil {
		fault("support_email", "is %q, which is no address", c.SupportEmail)
	}
}

func (c Config) validateSeller(fault faultFunc) {
	if c.SellerName == "" || len(c.SellerName) > sellerBytesMax || unprintable(c.SellerName) {
		fault("seller_name", "is %q; a name of 1 to %d bytes is needed", c.SellerName, sellerBytesMax)
	}
	one, err := url.Parse(c.link("a"))
	other, otherErr := url.Parse(c.link("b"))
	switch {
	case c.BillingURL == "" || err != nil || otherErr != nil || one.Host == "" || unprintable(c.BillingURL):
		fault("billing_url", "is %q; it has the form https://host/path, with {account} where the account's id belongs", c.BillingURL)
	case one.Scheme != "https" && (one.Scheme != "http" || !loopbackHost(one.Hostname())):
		fault("billing_url", "has the scheme %q; https is needed, or http on this machine", one.Scheme)
	case one.User != nil || one.Host != other.Host:
		fault("billing_url", "has {account} or a login in its host")
	}
}

// link is the billing page of an account.
func (c Config) link(account string) string {
	// Everything but letters, digits and -_.~ is escaped, so an id stays one part of a path or one value of a query.
	escaped := strings.ReplaceAll(url.QueryEscape(account), "+", "%20")
	return strings.ReplaceAll(c.BillingURL, accountPlaceholder, escaped)
}

// domain ends Message-IDs.
func (c Config) domain() string {
	if c.MessageIDDomain != "" {
		return c.MessageIDDomain
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return ""
	}
	return from.Address[strings.LastIndexByte(from.Address, '@')+1:]
}

func (c Config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// LogValue is what logs show: never the password.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("addr", c.Addr), slog.String("tls", string(c.TLS)),
		slog.Bool("allow_unencrypted", c.AllowUnencrypted), slog.String("ca_file", c.CAFile),
		slog.String("username", c.Username), slog.Bool("password", c.Password != ""),
		slog.String("password_file", c.PasswordFile), slog.Duration("timeout", c.Timeout),
		slog.Int("connections_max", c.ConnectionsMax), slog.String("from", c.From), slog.String("reply_to", c.ReplyTo),
		slog.String("message_id_domain", c.MessageIDDomain), slog.String("seller_name", c.SellerName),
		slog.String("billing_url", c.BillingURL), slog.String("support_email", c.SupportEmail))
}

// String is LogValue as text, so that printing a configuration shows no password either.
func (c Config) String() string { return c.LogValue().String() }

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }
