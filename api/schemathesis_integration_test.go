//go:build integration

package api_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/api"
	"drawdown/internal/servers/python"
)

// schemathesis makes requests out of the document, good and bad ones, and compares every answer with it: no 5xx, no status,
// content type or body that is not described, nothing refused that the document allows, nothing taken that it forbids, no
// operation without authentication.
func TestTheDocumentIsTrue(t *testing.T) {
	venv, err := python.Find()
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(c *api.Config) {
		c.RequestsPerSecond, c.RequestsBurst = 1_000_000, 1_000_000
		c.RefusalsPerSecond, c.RefusalsBurst = 1_000_000, 1_000_000
	})
	s.office.everywhere = true // or most requests would find nothing
	listener := httptest.NewServer(s)
	defer listener.Close()
	config, err := filepath.Abs("testdata/schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), venv.Schemathesis, "--config-file", config, "run", listener.URL+"/v1/openapi.json")
	command.Dir = t.TempDir() // it keeps a database of examples beside it
	command.Env = append(os.Environ(), "NO_COLOR=1", "COLUMNS=160")
	said, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, shortened(said))
	} else if testing.Verbose() {
		t.Logf("%s", said)
	}
}

// shortened cuts long lines: a traceback can hold a whole source file in one.
func shortened(text []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if len(line) > 400 {
			line = strings.ToValidUTF8(line[:400], "") + "…\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
