package webhook

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

func guardOf(t testing.TB, config Config) *Guard {
	t.Helper()
	guard, err := NewGuard(&config)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func TestCheckURL(t *testing.T) {
	strict, open := guardOf(t, Config{}), guardOf(t, Config{AllowHTTP: true, AllowedNetworks: []string{"127.0.0.0/8", "::1/128"}, AllowedPorts: []int{443, 8443}})
	for _, c := range []struct {
		url          string
		strict, open bool
	}{
		{"https://hooks.example.com/drawdown?token=abc", true, true},
		{"https://hooks.example.com", true, true},
		{"HTTPS://Hooks.Example.COM./x#fragment", true, true},
		{"https://xn--bcher-kva.example/", true, true},
		{"https://a_b.example:8443/", true, true},
		{"https://8.8.8.8/x", true, true},
		{"https://[2606:4700::1111]/x", true, true},
		{"https://hooks.example.com:9000/", true, false},
		{"https://0x7f.example/", true, true},
		{"http://hooks.example.com:8443/", false, true},
		{"http://hooks.example.com/", false, false}, // port 80
		{"https://127.0.0.1/", false, true},
		{"https://[::1]:8443/", false, true},
		{"https://[::ffff:127.0.0.1]/", false, true},
		{"https://10.0.0.1/", false, false},
		{"https://169.254.169.254/latest/meta-data/", false, false},
		{"https://[::ffff:169.254.169.254]/", false, false},
		{"https://[fe80::1%25eth0]/", false, false},
		{"https://2130706433/", false, false},
		{"https://0x7f000001/", false, false},
		{"https://0X7F.1/", false, false},
		{"https://0177.0.0.1/", false, false},
		{"https://127.1/", false, false},
		{"https://127.0.0.1./", false, false},
		{"https://1.2.3.4.5/", false, false},
		{"https://example.0x/", false, false},
		{"https://①②⑦.⓪.⓪.①/", false, false},
		{"https://bücher.example/", false, false},
		{"https://%31%32%37.0.0.1/", false, false},
		{"https://127。0。0。1/", false, false},
		{"https://user:password@hooks.example.com/", false, false},
		{"https://@hooks.example.com/", false, false},
		{"https://hooks.example.com\\@10.0.0.1/", false, false},
		{"https://hooks.example.com:0/", false, false},
		{"https://hooks.example.com:65536/", false, false},
		{"https://hooks.example.com:https/", false, false},
		{"https://a..b/", false, false},
		{"https://" + strings.Repeat("a", 64) + ".example/", false, false},
		{"https://" + strings.Repeat("a.", 130) + "example/", false, false},
		{"https:///path", false, false},
		{"https:hooks.example.com", false, false},
		{"//hooks.example.com/", false, false},
		{"hooks.example.com", false, false},
		{"ftp://hooks.example.com/", false, false},
		{"file:///etc/passwd", false, false},
		{"gopher://hooks.example.com/", false, false},
		{"https://hooks.example.com/a b", false, false},
		{"https://hooks.example.com/\r\nHost: x", false, false},
		{" https://hooks.example.com/", false, false},
		{"https://hooks.example.com/" + strings.Repeat("x", MaxURLLen), false, false},
		{"", false, false},
	} {
		for guard, want := range map[*Guard]bool{strict: c.strict, open: c.open} {
			_, err := guard.CheckURL(c.url)
			var fault *URLError
			if (err == nil) != want || err != nil && !errors.As(err, &fault) {
				t.Errorf("%q (http allowed: %v): %v", c.url, guard.allowHTTP, err)
			}
		}
	}
}

func TestOneHostWrittenInSeveralWays(t *testing.T) {
	guard := guardOf(t, Config{AllowHTTP: true})
	for text, want := range map[string]string{
		"https://Hooks.Example.com./x": "hooks.example.com:443", "https://hooks.example.com:443": "hooks.example.com:443",
		"http://hooks.example.com": "hooks.example.com:80", "https://[::ffff:8.8.8.8]/": "8.8.8.8:443",
		"https://[2606:4700:0:0::1]/": "[2606:4700::1]:443",
	} {
		u, err := guard.CheckURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := hostOf(u); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestURLFaultsDoNotQuote(t *testing.T) {
	guard := guardOf(t, Config{})
	for _, url := range []string{"https://t0ken@x.example", "http://x.example/t0ken", "https://[t0ken/", "https://x.example:t0ken/", "t0ken", "https://t0ken..x/", "https://x.example/t0ken\x00"} {
		if _, err := guard.CheckURL(url); err == nil || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// What passes has a host that no reading, however generous, takes for an address that may not be reached.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://hooks.example.com/x?y=z", "https://8.8.8.8:443/", "https://127.1/", "https://0x7f.0.0.1", "https://[::1]/",
		"https://[::ffff:7f00:1]", "https://a@b/", "https://1.example./", "https://0177.1", "https://64.0xff9b", "https://%5b::1%5d/",
	} {
		f.Add(seed)
	}
	guard := guardOf(f, Config{})
	f.Fuzz(func(t *testing.T, text string) {
		u, err := guard.CheckURL(text)
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
			t.Fatalf("%q passes as %q", text, u)
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if addr, ok := generous(host); ok && !guard.Allows(addr) {
			t.Fatalf("%q passes and leads to %v", text, addr)
		}
		again, err := guard.CheckURL(u.String())
		if len(u.String()) <= MaxURLLen && (err != nil || again.Host != u.Host) {
			t.Fatalf("%q passes as %q, which does not: %v", text, u, err)
		}
	})
}

// generous reads an address like the C library's inet_aton: one to four parts, each decimal, octal or hexadecimal, the
// last one filling the rest.
func generous(host string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(strings.ToLower(part), 0, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			value = value<<(8*(5-len(parts))) | n
		} else {
			value = value<<8 | n&0xff
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}
