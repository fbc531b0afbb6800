package engine

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"drawdown/internal/servers/clickhouse/chdb"
)

// concurrentMax is how many requests run at once; more wait for their turn. Each has a session and threads of its own
// in the engine, and the machines this is for have few cores.
const concurrentMax = 16

// handler answers ClickHouse's HTTP interface.
type handler struct {
	open     func() (*chdb.Conn, error) // a session of its own for a request
	password string                     // empty: everybody is let in
	server   identity
	slots    chan struct{} // one for each request that runs
}

// identity is what the engine says of itself.
type identity struct {
	displayName string
	version     string
	timezone    string
}

func newHandler(open func() (*chdb.Conn, error), password string) (*handler, error) {
	conn, err := open()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	output, err := conn.Query("SELECT displayName(), version(), timezone()", "TSV")
	if err != nil {
		return nil, fmt.Errorf("ask the engine who it is: %w", err)
	}
	fields := strings.Split(strings.TrimSpace(string(output)), "\t")
	if len(fields) != 3 {
		return nil, fmt.Errorf("ask the engine who it is: expected three fields, found %q", output)
	}
	return &handler{
		open:     open,
		password: password,
		server:   identity{displayName: fields[0], version: fields[1], timezone: fields[2]},
		slots:    make(chan struct{}, concurrentMax),
	}, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ping", r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.RawQuery == "":
		_, _ = w.Write([]byte("Ok.\n"))
	case r.URL.Path != "/":
		http.Error(w, "There is no handler "+r.URL.Path, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		http.Error(w, "Use GET or POST", http.StatusMethodNotAllowed)
	default:
		h.answer(w, r)
	}
}

// answer runs one statement.
func (h *handler) answer(w http.ResponseWriter, r *http.Request) {
	if !h.admits(r) {
		fail(w, authenticationFailed(user(r)))
		return
	}
	request, err := parseRequest(r)
	if err != nil {
		fail(w, err)
		return
	}
	h.slots <- struct{}{}
	output, err := h.run(request)
	<-h.slots
	if err == nil && request.compressOutput {
		output, err = compressBlocks(output, request.settings["network_compression_method"])
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("X-ClickHouse-Server-Display-Name", h.server.displayName)
	w.Header().Set("X-ClickHouse-Timezone", h.server.timezone)
	w.Header().Set("Content-Length", strconv.Itoa(len(output)))
	_, _ = w.Write(output) // a client that has gone away needs no answer
}

// user is whom the request says it comes from.
func user(r *http.Request) string {
	if name, _, ok := r.BasicAuth(); ok {
		return name
	}
	if name := r.Header.Get("X-ClickHouse-User"); name != "" {
		return name
	}
	if name := r.URL.Query().Get("user"); name != "" {
		return name
	}
	return "default"
}

func password(r *http.Request) string {
	if _, secret, ok := r.BasicAuth(); ok {
		return secret
	}
	if secret := r.Header.Get("X-ClickHouse-Key"); secret != "" {
		return secret
	}
	return r.URL.Query().Get("password")
}

func (h *handler) admits(r *http.Request) bool {
	if h.password == "" {
		return true
	}
	return user(r) == "default" && subtle.ConstantTimeCompare([]byte(password(r)), []byte(h.password)) == 1
}
