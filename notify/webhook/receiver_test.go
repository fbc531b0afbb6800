package webhook

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/notify"
)

// call is a request as a receiver saw it.
type call struct {
	header http.Header
	method string
	target string
	proto  int
	body   string
}

// receiver is an endpoint on loopback that keeps what it was sent.
type receiver struct {
	*httptest.Server
	answer http.HandlerFunc

	mu    sync.Mutex
	calls []call
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	r.calls = append(r.calls, call{request.Header.Clone(), request.Method, request.RequestURI, request.ProtoMajor, string(body)})
	r.mu.Unlock()
	r.answer(w, request)
}

func (r *receiver) seen() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// receive starts a plain receiver on an address, such as 127.0.0.1:0.
func receive(t *testing.T, address string, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = unstarted(t, r)
	_ = r.Listener.Close()
	r.Listener = listener
	r.Start()
	return r
}

func unstarted(t *testing.T, handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are what some tests are about
	t.Cleanup(server.Close)
	return server
}

// local is a configuration that reaches receivers on 127.0.0.1, also without TLS.
func local() Config {
	config := Default()
	config.MasterKey = testMaster
	config.AllowHTTP = true
	config.AllowedNetworks = []string{"127.0.0.1/32"}
	config.Timeout = 5 * time.Second
	return config
}

func senderOf(t *testing.T, config Config, resolver *net.Resolver) *Sender {
	t.Helper()
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	sender, err := newSender(&config, prometheus.NewRegistry(), resolver)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	return sender
}

// deliveryTo is a delivery of a notice of low balance to an endpoint of that URL.
func deliveryTo(url string) *notify.Delivery {
	return &notify.Delivery{
		Notice: noticeOf(notify.LowBalance, `{"available":"12.5"}`), Channel: notify.Webhook, Target: "main", Attempt: 1,
		Profile: &drawdown.Profile{Account: "acme", Webhooks: []drawdown.Webhook{
			{Endpoint: "other", URL: "https://other.example/", SecretVersion: 9},
			{Endpoint: "main", URL: url, SecretVersion: 1, PreviousUntil: drawdown.NoTime},
		}},
	}
}

// named is the URL of a receiver under another host name.
func named(t *testing.T, r *receiver, host string) string {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + net.JoinHostPort(host, u.Port()) + "/hook?token=t0ken"
}

// nameServer answers every question with the addresses set last: a DNS server on loopback.
type nameServer struct {
	mu        sync.Mutex
	addresses []netip.Addr // none: there is no such name
}

func (n *nameServer) set(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses = nil
	for _, text := range addresses {
		n.addresses = append(n.addresses, netip.MustParseAddr(text))
	}
}

func resolve(t *testing.T, addresses ...string) (*nameServer, *net.Resolver) {
	t.Helper()
	server := &nameServer{}
	server.set(addresses...)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo(server.reply(buffer[:n]), from)
		}
	}()
	t.Cleanup(func() { _ = socket.Close(); <-done })
	return server, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// reply makes a DNS message (RFC 1035, section 4.1): the question back, and an answer for each address of its type.
func (n *nameServer) reply(query []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	end := 12 // the question: labels, each after its length, up to an empty one; then type and class
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5
	kind := binary.BigEndian.Uint16(query[end-4:])
	flags, answers := uint16(0x8180), []byte(nil)
	if len(n.addresses) == 0 {
		flags |= 3 // no such name
	}
	count := uint16(0)
	for _, addr := range n.addresses {
		const a, aaaa = 1, 28
		if kind == a != addr.Is4() || kind == aaaa != addr.Is6() {
			continue
		}
		count++
		answers = append(answers, 0xc0, 12) // the question's name
		answers = binary.BigEndian.AppendUint16(answers, kind)
		answers = append(answers, 0, 1, 0, 0, 0, 0) // internet, for 0 seconds
		answers = binary.BigEndian.AppendUint16(answers, uint16(len(addr.AsSlice())))
		answers = append(answers, addr.AsSlice()...)
	}
	reply := append([]byte(nil), query[:2]...)
	for _, field := range []uint16{flags, 1, count, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, field)
	}
	return append(append(reply, query[12:end]...), answers...)
}
