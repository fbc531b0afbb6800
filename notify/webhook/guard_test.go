package webhook

import (
	"net/netip"
	"testing"
)

func TestPublicAddressesOnly(t *testing.T) {
	guard := guardOf(t, Config{})
	for text, want := range map[string]bool{
		// Public.
		"1.1.1.1": true, "8.8.8.8": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true, "100.128.0.0": true,
		"126.255.255.255": true, "128.0.0.0": true, "169.253.255.255": true, "169.255.0.0": true, "172.15.255.255": true, "172.32.0.0": true,
		"192.167.255.255": true, "192.169.0.0": true, "198.17.255.255": true, "198.20.0.0": true, "223.255.255.255": true, "168.63.129.15": true,
		"2606:4700:4700::1111": true, "2a00:1450::1": true, "2001:200::1": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,
		// This host, loopback.
		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.255": false, "::": false, "::1": false,
		// Private.
		"10.0.0.0": false, "10.255.255.255": false, "172.16.0.0": false, "172.31.255.255": false, "192.168.0.1": false,
		"fc00::1": false, "fd00::1": false, "fdff:ffff::1": false,
		// Carriers' NAT.
		"100.64.0.0": false, "100.127.255.255": false, "100.100.100.200": false,
		// Link-local, and the metadata of clouds.
		"169.254.0.1": false, "169.254.169.254": false, "169.254.170.2": false, "168.63.129.16": false, "192.0.0.192": false,
		"fe80::1": false, "fe80::1%eth0": false, "febf::1": false, "fec0::1": false, "fd00:ec2::254": false,
		// Multicast, broadcast, reserved.
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false, "ff02::1": false, "ff0e::1": false,
		// Documentation, benchmarks, protocol assignments.
		"192.0.0.1": false, "192.0.2.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"192.88.99.1": false, "2001:db8::1": false, "3fff::1": false, "2001::1": false, "2001:20::1": false, "100::1": false, "5f00::1": false, "4000::1": false,
		// IPv4 in IPv6: mapped, compatible, NAT64, 6to4.
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0.0.0.0": false, "::ffff:0:127.0.0.1": false,
		"::127.0.0.1": false, "::8.8.8.8": false, "64:ff9b::7f00:1": false, "64:ff9b::808:808": false, "64:ff9b:1::808:808": false,
		"2002:7f00:1::": false, "2002:808:808::1": false,
	} {
		if got := guard.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: allowed %v", text, got)
		}
	}
	if guard.Allows(netip.Addr{}) {
		t.Error("no address is allowed")
	}
}

func TestAllowedAndDeniedNetworks(t *testing.T) {
	guard := guardOf(t, Config{
		AllowedNetworks: []string{"10.20.0.0/16", "fd12:3456::/32", "64:ff9b::/96", "2002::/16", "fe80::/10"},
		DeniedNetworks:  []string{"10.20.99.0/24", "8.8.8.0/24", "2a00:1450::/32"},
	})
	for text, want := range map[string]bool{
		"10.20.0.1": true, "::ffff:10.20.0.1": true, "fd12:3456::1": true,
		"10.21.0.1": false, "fd12:3457::1": false, "127.0.0.1": false,
		// Denied comes first.
		"10.20.99.1": false, "::ffff:10.20.99.1": false, "8.8.8.8": false, "2a00:1450::1": false, "8.8.4.4": true,
		// A translator is allowed, and leads no further than the address that it stands for.
		"64:ff9b::808:404": true, "64:ff9b::a14:1": true, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::808:808": false,
		"2002:804:404::1": true, "2002:7f00:1::1": false,
		// A zone names an interface of this machine.
		"fe80::1": true, "fe80::1%eth0": false,
	} {
		if got := guard.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: allowed %v", text, got)
		}
	}
}

// What the kernel would connect to is judged, whatever it was called before.
func TestControl(t *testing.T) {
	guard := guardOf(t, Config{AllowedPorts: []int{443}})
	for address, want := range map[string]bool{
		"8.8.8.8:443": true, "[2606:4700::1]:443": true,
		"8.8.8.8:80": false, "8.8.8.8:0": false, "127.0.0.1:443": false, "[::1]:443": false, "[::ffff:127.0.0.1]:443": false,
		"hooks.example.com:443": false, "/run/docker.sock": false, "": false,
	} {
		if err := guard.control("tcp", address, nil); (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
}
