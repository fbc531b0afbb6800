//go:build integration

package clickhouse_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/serverstest"
)

// ask sends one request as curl would and returns its answer.
func ask(t *testing.T, server *clickhouse.Server, method, target, body string) (status int, code, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("X-ClickHouse-Exception-Code"), string(text)
}

func TestPlainHTTP(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{})
	query := func(text string) string { return "/?query=" + url.QueryEscape(text) }
	for _, test := range []struct {
		rule, method, target, body string
		status                     int
		code, answer               string // the answer contains it
	}{
		{"ping", "GET", "/ping", "", 200, "", "Ok.\n"},
		{"no query", "GET", "/", "", 200, "", "Ok.\n"},
		{"a query in the address", "GET", query("SELECT 1 + 1"), "", 200, "", "2\n"},
		{"a format in the query", "GET", query("SELECT 1 AS one FORMAT JSONEachRow"), "", 200, "", `{"one":1}`},
		{"a query in the body", "POST", "/?default_format=CSV", "SELECT 'a', 2", 200, "", `"a",2`},
		{"a parameter", "GET", query("SELECT {x:UInt8} + 1") + "&param_x=41", "", 200, "", "42\n"},
		{"a missing parameter", "GET", query("SELECT {x:UInt8} + 1"), "", 500, "456", "x"},
		{"a setting holds for its request", "GET", query("SELECT getSetting('max_threads')") + "&max_threads=7", "", 200, "", "7\n"},
		{"and a quote in it is text", "GET", query("SELECT getSetting('log_comment')") + "&log_comment=it%27s", "", 200, "", "it\\'s\n"},
		{"an unknown setting", "GET", query("SELECT 1") + "&no_such_setting=7", "", 404, "115", "no_such_setting"},
		{"a setting that is no name", "GET", query("SELECT 1") + "&a%3D1%2Cb=7", "", 404, "115", "UNKNOWN_SETTING"},
		{"GET only reads", "GET", query("CREATE TABLE t (a UInt8) ENGINE = Memory"), "", 500, "164", "READONLY"},
		{"POST writes", "POST", query("CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a"), "", 200, "", ""},
		{"rows in the body", "POST", query("INSERT INTO t FORMAT CSV"), "1,x\n2,y\n", 200, "", ""},
		{"values in the body", "POST", query("-- why\nINSERT INTO t VALUES"), "(3,'z')", 200, "", ""},
		{"rows after the query in the body", "POST", "/", "INSERT INTO t FORMAT CSV\n4,w\n", 200, "", ""},
		{"an insert from a select", "POST", query("INSERT INTO t SELECT 5, 'v'"), "", 200, "", ""},
		{"all five are there", "GET", query("SELECT sum(a) FROM t"), "", 200, "", "15\n"},
		{"bad rows", "POST", query("INSERT INTO t FORMAT CSV"), "not a number,x\n", 400, "27", "Cannot parse"},
		{"an unknown table", "GET", query("SELECT 1 FROM nowhere"), "", 404, "60", "UNKNOWN_TABLE"},
		{"an unknown database", "GET", query("SELECT 1") + "&database=nowhere", "", 404, "81", "nowhere"},
		{"not SQL", "POST", "/", "SELEKT", 400, "62", "Syntax error"},
		{"a session is refused, not ignored", "GET", query("SELECT 1") + "&session_id=a", "", 501, "48", "session_id"},
		{"another path", "GET", "/nowhere", "", 404, "", "nowhere"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			status, code, answer := ask(t, server, test.method, test.target, test.body)
			if status != test.status || code != test.code || !strings.Contains(answer, test.answer) {
				t.Errorf("status %d, code %q, answer %q; expected %d, %q, %q", status, code, answer, test.status, test.code, test.answer)
			}
		})
	}
}

func TestAnErrorReachesTheClientAsTheEnginesException(t *testing.T) {
	conn := open(t, clientOptions(serverstest.ClickHouse(t, clickhouse.Options{})))
	err := conn.Exec(t.Context(), "INSERT INTO nowhere SELECT 1")
	var exception *ch.Exception
	if !errors.As(err, &exception) || exception.Code != 60 {
		t.Fatalf("expected exception 60, found %v", err)
	}
}

func TestOnlyThePasswordLetsIn(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{Password: "a secret"})
	for _, test := range []struct {
		rule string
		auth ch.Auth
		code int32 // 0: let in
	}{
		{"right", ch.Auth{Username: "default", Password: "a secret"}, 0},
		{"wrong", ch.Auth{Username: "default", Password: "a guess"}, 516},
		{"none", ch.Auth{}, 516},
		{"another user", ch.Auth{Username: "root", Password: "a secret"}, 516},
	} {
		t.Run(test.rule, func(t *testing.T) {
			options := clientOptions(server)
			options.Auth = test.auth
			err := open(t, options).Ping(t.Context())
			var exception *ch.Exception
			if errors.As(err, &exception) && exception.Code == test.code {
				return
			}
			if err != nil || test.code != 0 {
				t.Errorf("expected code %d, found %v", test.code, err)
			}
		})
	}
}
