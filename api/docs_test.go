package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"drawdown/api"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A problem's type leads to its reason on the page, with the status that the answer has.
func TestThePageExplainsEveryReason(t *testing.T) {
	text := page(t)
	for reason, status := range api.ReasonStatuses() {
		if row := `<a id="` + reason + `"></a>` + "`" + reason + "` | " + status + " |"; !strings.Contains(text, row) {
			t.Errorf("docs/api.md has no row with %s", row)
		}
	}
	rows := regexp.MustCompile(`<a id="(\w+)">`).FindAllStringSubmatch(text, -1)
	for _, row := range rows {
		if _, known := api.ReasonStatuses()[row[1]]; !known {
			t.Errorf("docs/api.md explains %s, which is no reason", row[1])
		}
	}
}

// Each path on the page is one of the document.
func TestThePageNamesPathsThatAreThere(t *testing.T) {
	s := newServer(t)
	var known []*regexp.Regexp
	for _, op := range operations(t, s) {
		pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(op.path), `[^/]+`)
		known = append(known, regexp.MustCompile("^"+pattern+"$"))
	}
	found := regexp.MustCompile("/v1/[A-Za-z0-9_/%.-]*").FindAllString(page(t), -1)
	if len(found) < 15 {
		t.Fatalf("only %d paths are found", len(found))
	}
	for _, path := range found {
		path = strings.TrimRight(path, ".")
		there := path == "/v1/openapi.json"
		for _, pattern := range known {
			there = there || pattern.MatchString(path)
		}
		if !there {
			t.Errorf("docs/api.md has %s", path)
		}
	}
}

// What the page shows as an answer of the gate is one.
func TestThePagesGate(t *testing.T) {
	answer := newServer(t).do(t, request{method: "GET", path: "/v1/accounts/acme/gate?connection=shop&job=4711", bearer: "worker"})
	shown := `{"allowed":true,"reason":"active","status":"active","available":"187.5","held":"12.5","reserve":"10","priority":"normal"}`
	if got := strings.Replace(compact(t, answer), "critical", "normal", 1); got != shown || !strings.Contains(page(t), shown) {
		t.Errorf("the gate answers %s", got)
	}
}

// What the page shows as the order of starts is an answer.
func TestThePagesStartOrder(t *testing.T) {
	answer := newServer(t).do(t, request{method: "GET", path: "/v1/accounts/acme/start-order", bearer: "worker"})
	if got := compact(t, answer); !strings.Contains(regexp.MustCompile(`\n +| \n`).ReplaceAllString(page(t), ""), got) {
		t.Errorf("docs/api.md does not show %s", got)
	}
}
