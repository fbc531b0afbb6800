package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// errBlocked says that a host's address may not be reached. It holds no address: to what a name resolves inside is not
// for customers to know.
var errBlocked = errors.New("the host's address may not be reached")

// Guard decides where requests may go. Customers choose the URLs, and what is ours to reach is not theirs: other
// services, this machine, the metadata of clouds. Only public unicast addresses are allowed, and networks that the
// operator names. A Guard is immutable.
type Guard struct {
	allowHTTP bool
	allowed   []netip.Prefix
	denied    []netip.Prefix
	ports     []int
}

// NewGuard takes what is allowed from a configuration.
func NewGuard(config *Config) (*Guard, error) {
	allowed, err := parseNetworks(config.AllowedNetworks)
	if err != nil {
		return nil, fmt.Errorf("webhook: allowed networks: %w", err)
	}
	denied, err := parseNetworks(config.DeniedNetworks)
	if err != nil {
		return nil, fmt.Errorf("webhook: denied networks: %w", err)
	}
	return &Guard{allowHTTP: config.AllowHTTP, allowed: allowed, denied: denied, ports: slices.Clone(config.AllowedPorts)}, nil
}

// Allows reports whether an address may be reached. Denied networks come first, then allowed ones, then what is public.
func (g *Guard) Allows(addr netip.Addr) bool {
	addr = addr.Unmap() // ::ffff:10.0.0.1 connects to 10.0.0.1
	if !addr.IsValid() || contains(g.denied, addr) {
		return false
	}
	if !contains(g.allowed, addr) && !isPublic(addr) {
		return false
	}
	// A translator's address is as good as the address that it stands for.
	if inner, ok := embeddedIPv4(addr); ok {
		return g.Allows(inner)
	}
	return true
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// special are the parts of the public-looking space that are not public: IANA's registries of special-purpose
// addresses (RFC 6890), and one address of a cloud.
var special = prefixes(
	"0.0.0.0/8",        // this host: connects to loopback
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // carriers' NAT; clouds' internal services
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host agent, a public address that is not
	"169.254.0.0/16",   // link-local; the metadata of most clouds
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; Oracle's metadata
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
	"2001::/23",        // protocol assignments: Teredo, ORCHID
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4: leads to any IPv4 address
	"3fff::/20",        // documentation
)

// globalIPv6 is where global unicast addresses are assigned. Everything outside is loopback (::1), unspecified (::),
// NAT64 (64:ff9b::/96), unique local (fc00::/7), link-local (fe80::/10), multicast (ff00::/8) or unassigned.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

func isPublic(addr netip.Addr) bool {
	if addr.Is6() && !globalIPv6.Contains(addr) {
		return false
	}
	return !contains(special, addr)
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last four bytes
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056: the four bytes after the prefix
)

// embeddedIPv4 is the IPv4 address that a translator makes of an IPv6 address. An operator who allows the translator's
// prefix, in a network without IPv4, does not thereby allow 64:ff9b::7f00:1.
func embeddedIPv4(addr netip.Addr) (netip.Addr, bool) {
	bytes := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(bytes[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(bytes[2:6])), true
	default:
		return netip.Addr{}, false
	}
}

func (g *Guard) allowsPort(port uint16) bool {
	return port != 0 && (len(g.ports) == 0 || slices.Contains(g.ports, int(port)))
}

// control is called for each socket before it connects, with the address that it will connect to: after resolving, so
// that a name that resolves to something else than a moment ago (DNS rebinding) gains nothing.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !g.allowsPort(target.Port()) || !g.Allows(target.Addr()) {
		return errBlocked
	}
	return nil
}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
