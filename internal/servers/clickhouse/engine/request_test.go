package engine

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func parse(t *testing.T, query, body string) *request {
	t.Helper()
	req, err := parseRequest(httptest.NewRequest(http.MethodPost, "/?query="+url.QueryEscape(query), strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestRowsAreToldFromTheStatement(t *testing.T) {
	for _, test := range []struct{ rule, query, body, statement, format, rows string }{
		{"rows in the body", "INSERT INTO t (a) FORMAT Native", "rows", "INSERT INTO t (a)", "Native", "rows"},
		{"whatever the case and the end", "insert into t format csv ;\n", "rows", "insert into t", "csv", "rows"},
		{"settings come before the format", "INSERT INTO t SETTINGS a = 1 FORMAT CSV", "rows", "INSERT INTO t SETTINGS a = 1", "CSV", "rows"},
		{"values in the body", "INSERT INTO t VALUES", "(1)", "INSERT INTO t", "Values", "(1)"},
		{"behind comments", "-- a\n/* b\n*/ INSERT INTO t FORMAT CSV", "rows", "-- a\n/* b\n*/ INSERT INTO t", "CSV", "rows"},
		{"no rows at all", "INSERT INTO t FORMAT CSV", "", "INSERT INTO t", "CSV", ""},
		{"values in the statement", "INSERT INTO t VALUES (1)", "", "INSERT INTO t VALUES (1)", "TabSeparated", ""},
		{"a select with a format", "SELECT 1 FORMAT CSV", "", "SELECT 1 FORMAT CSV", "TabSeparated", ""},
		{"a statement in the body", "", "SELECT 1", "SELECT 1", "TabSeparated", ""},
		{"a statement in two parts", "SELECT", "1", "SELECT\n1", "TabSeparated", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			req := parse(t, test.query, test.body)
			if req.statement != test.statement || req.format != test.format || string(req.rows) != test.rows {
				t.Errorf("statement %q, format %q, rows %q", req.statement, req.format, req.rows)
			}
		})
	}
}

func TestSettingsAreOneStatementAndCannotBreakOut(t *testing.T) {
	for _, test := range []struct {
		rule     string
		settings map[string]string
		want     string
	}{
		{"none", nil, ""},
		{"in order of name", map[string]string{"b": "2", "a": "1"}, "SET a = '1', b = '2'"},
		{"a quote is text", map[string]string{"a": `'; DROP TABLE t; --\`}, `SET a = '\'; DROP TABLE t; --\\'`},
	} {
		got, err := setStatement(test.settings)
		if err != nil || got != test.want {
			t.Errorf("%s: %q, %v; expected %q", test.rule, got, err, test.want)
		}
	}
	var failed *failure
	if _, err := setStatement(map[string]string{"a = 1, b": "2"}); !errors.As(err, &failed) || failed.code != codeUnknownSetting {
		t.Errorf("a name that is none: %v", err)
	}
}

func TestABrokenBodyIsRefusedNotCutShort(t *testing.T) {
	var whole bytes.Buffer
	writer := gzip.NewWriter(&whole)
	if _, err := writer.Write(bytes.Repeat([]byte("row\n"), 10_000)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if plain, err := decodeContent("gzip", whole.Bytes()); err != nil || len(plain) != 40_000 {
		t.Errorf("whole: %d bytes, %v", len(plain), err)
	}
	if _, err := decodeContent("gzip", whole.Bytes()[:whole.Len()-1]); err == nil {
		t.Error("a gzip body that is cut was taken")
	}
	if _, err := decodeContent("br", nil); err == nil {
		t.Error("an encoding that is not known was taken")
	}
	for _, method := range []string{"LZ4", "ZSTD"} {
		packed, err := compressBlocks(bytes.Repeat([]byte("row\n"), 1_000_000), method)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := decompressBlocks(packed); err != nil || len(plain) != 4_000_000 {
			t.Errorf("%s: %d bytes, %v", method, len(plain), err)
		}
		for _, cut := range []int{1, 10, len(packed) / 2} {
			if plain, err := decompressBlocks(packed[:len(packed)-cut]); err == nil {
				t.Errorf("%s: a body cut by %d bytes gave %d bytes and no error", method, cut, len(plain))
			}
		}
	}
}

func TestAnExceptionKeepsItsCode(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)"), 404, "60"},
		{errors.New("Code: 241. DB::Exception: memory. (MEMORY_LIMIT_EXCEEDED)"), 500, "241"},
		{authenticationFailed("x"), 403, "516"},
		{fmt.Errorf("the engine is gone"), 500, "1002"},
	} {
		recorder := httptest.NewRecorder()
		fail(recorder, test.err)
		if recorder.Code != test.status || recorder.Header().Get("X-ClickHouse-Exception-Code") != test.code || !strings.HasPrefix(recorder.Body.String(), "Code: "+test.code+".") {
			t.Errorf("%v: status %d, code %s, body %q", test.err, recorder.Code, recorder.Header().Get("X-ClickHouse-Exception-Code"), recorder.Body)
		}
	}
}

func TestABinaryThatForgotTheHookIsTold(t *testing.T) {
	if _, err := ChildOf("library", "dir", "addr", ""); err == nil || !strings.Contains(err.Error(), "MaybeRunChild") {
		t.Errorf("expected an error that names the hook, found %v", err)
	}
}
