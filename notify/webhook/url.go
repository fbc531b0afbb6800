package webhook

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// MaxURLLen is how long an endpoint's URL may be, in bytes (contract, section 9).
const MaxURLLen = 512

// URLError says what is wrong with an endpoint's URL, so that it can be shown to the customer. It never holds the URL,
// whose path and query often hold tokens.
type URLError struct{ Fault string }

func (e *URLError) Error() string { return "webhook URL: " + e.Fault }

// CheckURL judges an endpoint's URL by itself, without resolving its host; the error is a [URLError]. It is strict
// because programs read odd URLs in different ways, and what was checked must be what is reached.
func (g *Guard) CheckURL(text string) (*url.URL, error) {
	fault := func(what string) (*url.URL, error) { return nil, &URLError{what} }
	if len(text) == 0 || len(text) > MaxURLLen {
		return fault("must have 1 to " + strconv.Itoa(MaxURLLen) + " bytes")
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == '\\' {
			return fault("must be printable ASCII without spaces and backslashes (write others percent-encoded, a host in its xn-- form)")
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return fault("can't be read") // the parser's error would quote it
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !g.allowHTTP) {
		return fault("must begin with https://" + map[bool]string{true: " or http://"}[g.allowHTTP])
	}
	if u.Opaque != "" || u.Host == "" {
		return fault("has no host")
	}
	if u.User != nil {
		return fault("must not hold a user name or password")
	}
	if what := g.checkPort(u); what != "" {
		return fault(what)
	}
	if what := g.checkHost(u.Hostname()); what != "" {
		return fault(what)
	}
	return u, nil
}

// checkHost says what is wrong with a host, "" where nothing is.
func (g *Guard) checkHost(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		if !g.Allows(addr) {
			return "its address may not be reached"
		}
		return ""
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 { // DNS's limit
		return "its host name is too long"
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return "its host is neither an address nor a name of letters, digits, hyphens and full stops"
		}
	}
	// 2130706433, 0x7f.1 and 127.1 are loopback to some resolvers. A real name never ends in a number.
	if isNumber(labels[len(labels)-1]) {
		return "its host is an address in an unusual form (write it as 192.0.2.1)"
	}
	return ""
}

func validLabel(label string) bool {
	if len(label) < 1 || len(label) > 63 { // DNS's limit
		return false
	}
	for i := range len(label) {
		c := label[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumber reports whether a label can be read as a number: decimal, octal or hexadecimal.
func isNumber(label string) bool {
	if len(label) >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X') {
		return strings.Trim(label[2:], "0123456789abcdefABCDEF") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// checkPort says what is wrong with a URL's port, "" where nothing is.
func (g *Guard) checkPort(u *url.URL) string {
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil || port == 0 {
		return "its port must be 1 to 65535"
	}
	if !g.allowsPort(uint16(port)) {
		return "its port may not be reached"
	}
	return ""
}

// hostOf is a URL's host and port in one form, so that a host written in several ways is still one host.
func hostOf(u *url.URL) string {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	}
	return net.JoinHostPort(host, portOf(u))
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}
