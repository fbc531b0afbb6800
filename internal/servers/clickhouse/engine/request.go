package engine

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"drawdown/internal/servers/clickhouse/chdb"
)

// bodyMaxBytes bounds a request's body before decompression; more is refused. A block of a million charges is about 200 MB.
const bodyMaxBytes = 1 << 30

// request is what an HTTP request asks of the engine.
type request struct {
	statement      string // for an insert with rows: without its FORMAT clause
	format         string // of the output, or of the rows
	rows           []byte // of an insert
	insertsRows    bool
	database       string
	settings       map[string]string
	parameters     []chdb.Parameter
	readOnly       bool // GET may read only, as on the real server
	handshake      bool
	protocol       string // the client's protocol version, needed by the handshake
	compressOutput bool   // in blocks of ClickHouse's own format
}

// notSettings are the members of the URL that are not settings of the query.
var notSettings = map[string]bool{
	"query": true, "database": true, "default_format": true, "user": true, "password": true, "query_id": true, "quota_key": true,
	"compress": true, "decompress": true, "client_protocol_version": true, "buffer_size": true, "wait_end_of_query": true,
}

// unsupported members would change the meaning of a request; ignoring them would be a lie.
var unsupported = []string{"session_id", "session_timeout", "role"}

func parseRequest(r *http.Request) (*request, error) {
	members := r.URL.Query()
	for _, name := range unsupported {
		if members.Has(name) {
			return nil, &failure{code: codeNotImplemented, name: "NOT_IMPLEMENTED", text: fmt.Sprintf("The member %s is not supported here", name)}
		}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, &failure{code: codeNotImplemented, name: "NOT_IMPLEMENTED", text: "External tables are not supported here"}
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	req := &request{
		format:         members.Get("default_format"),
		database:       members.Get("database"),
		settings:       map[string]string{},
		readOnly:       r.Method == http.MethodGet,
		protocol:       members.Get("client_protocol_version"),
		compressOutput: members.Get("compress") == "1",
	}
	if req.format == "" {
		req.format = "TabSeparated"
	}
	req.takeMembers(members)
	req.takeStatement(members.Get("query"), body)
	return req, nil
}

// readBody reads the request's body whole and decompresses it.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyMaxBytes))
	if err != nil {
		return nil, &failure{code: codeNetworkError, name: "NETWORK_ERROR", text: "Cannot read the request: " + err.Error()}
	}
	if body, err = decodeContent(r.Header.Get("Content-Encoding"), body); err != nil {
		return nil, err
	}
	if r.URL.Query().Get("decompress") == "1" {
		return decompressBlocks(body)
	}
	return body, nil
}

// takeMembers sorts the members of the URL into parameters and settings.
func (req *request) takeMembers(members url.Values) {
	for name, values := range members {
		value := values[len(values)-1]
		if parameter, ok := strings.CutPrefix(name, "param_"); ok {
			req.parameters = append(req.parameters, chdb.Parameter{Name: parameter, Value: value})
		} else if !notSettings[name] {
			req.settings[name] = value
		}
	}
}

var (
	// insertStatement finds an INSERT behind leading comments.
	insertStatement = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*INSERT\s`)
	// rowsClause is an INSERT's end that says which format its rows are in.
	rowsClause = regexp.MustCompile(`(?is)\s+(?:FORMAT\s+(\w+)|(VALUES))[\s;]*$`)
)

// takeStatement tells the statement from its rows: rows are in the body when the URL has an INSERT that ends with a format.
func (req *request) takeStatement(query string, body []byte) {
	clause := rowsClause.FindStringSubmatchIndex(query)
	if clause != nil && insertStatement.MatchString(query) {
		req.insertsRows, req.rows, req.statement = true, body, query[:clause[0]]
		req.format = "Values"
		if clause[2] >= 0 {
			req.format = query[clause[2]:clause[3]]
		}
		return
	}
	req.statement = query
	if len(bytes.TrimSpace(body)) > 0 {
		req.statement = strings.TrimLeft(query+"\n"+string(body), "\n")
	}
	req.handshake = req.format == "Native" && strings.TrimSpace(req.statement) == handshakeStatement
}
