//go:build integration

package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/goleak"

	"drawdown/consumer/murmur"
)

// runPlain runs the demo without a terminal and returns what it printed.
func runPlain(ctx context.Context, t *testing.T, options Options) (string, error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	runErr := Run(ctx, options, out)
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return string(text), runErr
}

var reconciledLine = regexp.MustCompile(`(?m)^reconciled: [1-9][0-9]* events, [1-9][0-9]*(\.[0-9]{1,9})? credits, drift 0\n\z`)

func TestTheDemoReconciles(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	out, err := runPlain(t.Context(), t, Options{For: 5 * time.Second, Plain: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !reconciledLine.MatchString(out) {
		t.Errorf("the last line is not that everything is reconciled")
	}
	for _, told := range []string{
		"birchwood: exhausted: no credits left and none on order; its syncs stop\n",
		"dune-retail: purchase requested: 10,000 credits for 11.70 USD\n",
		"dune-retail: purchase settled: 10,000 credits, 11.70 USD paid\n",
		"acme-data: purchase settled: ",
		"acme-data: e-mail to owner: Receipt: ",
		"acme-data: webhook to its billing-bot, signature valid: purchase_settled\n",
		"elm-clinic: payment refused: insufficient funds; next is the backup card\n",
		"elm-clinic: purchase settled: 10,000 credits, 11.70 USD paid\n",
		"fjord-travel: purchase failed: card declined\n",
		"fjord-travel: paused: the payment failed; its syncs stop until a card works\n",
		"fjord-travel: e-mail to owner: Payment failed: please update your payment method\n",
		"fjord-travel: its owner, who got the e-mail, saves another card\n",
		"fjord-travel: purchase settled: 10,000 credits, 11.70 USD paid\n",
		"fjord-travel: active again\n",
		" and settled once: ",
		" every notice told once\n",
		"birchwood: gate: may crm-bigquery start? yes, active\n",
		"birchwood: gate: may crm-bigquery start? no, exhausted\n",
		"grove-media: two schedulers ask at once to hold 60 of its 100 credits\n",
		"grove-media: 60 credits held for ads-snowflake\n",
		"grove-media: 60 credits held for shop-snowflake\n",
		"-snowflake is told: insufficient credits\n",
		"-snowflake waits in line for 60 credits\n",
		"grove-media: hold of ads-snowflake released: 30 credits used of it, 30 left\n",
		"grove-media: hold of shop-snowflake released: 30 credits used of it, 30 left\n",
		"grove-media: breaker: a sync of mail-snowflake used 2.1 credits, usual are 0.6: stopped\n",
		"grove-media: gate: may mail-snowflake start? no, connection stopped\n",
		"grove-media: its owner, who got the e-mail, lets mail-snowflake run again\n",
		"grove-media: gate: may mail-snowflake start? yes, active\n",
		"Usage of 23 connections of 7 accounts: the API's report = ClickHouse = Redis = log\n",
		"faker-postgres", // through the tap
		"notion-postgres",
		" repeated events were counted once.\n",
	} {
		if !strings.Contains(out, told) {
			t.Errorf("%q was not told", told)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("there are escape sequences in an output that is no terminal")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestAnInterruptEndsTheSyncsAndReconciles ends the context as soon as rows of an hour of syncs are in ClickHouse.
func TestAnInterruptEndsTheSyncsAndReconciles(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	t.Setenv("TMPDIR", t.TempDir())
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	ended := make(chan error, 1)
	go func() {
		defer out.Close()
		ended <- Run(ctx, Options{For: time.Hour, Plain: true}, out)
	}()
	written := regexp.MustCompile(` [1-9][0-9,]* rows in ClickHouse`)
	var text strings.Builder
	for lines := bufio.NewScanner(read); lines.Scan(); { // until the demo has ended
		fmt.Fprintln(&text, lines.Text())
		if written.MatchString(lines.Text()) {
			cancel()
		}
	}
	if err := <-ended; err != nil || !reconciledLine.MatchString(text.String()) {
		t.Fatalf("%v\n%s", err, &text)
	}
}

func TestAnInterruptBeforeTheSyncsIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := runPlain(ctx, t, Options{For: time.Second, Plain: true}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestKeepingLeavesMailsAndMetricsToLookAt waits until the demo says where things are, looks, and ends it.
func TestKeepingLeavesMailsAndMetricsToLookAt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context()) // an end before the demo keeps would only end its syncs
	defer cancel()
	t.Setenv("TMPDIR", t.TempDir())
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	ended := make(chan error, 1)
	go func() {
		defer out.Close()
		ended <- Run(ctx, Options{For: 2 * time.Second, Plain: true, Keep: true}, out)
	}()
	var text strings.Builder
	for lines := bufio.NewScanner(read); lines.Scan(); { // until the demo has ended
		fmt.Fprintln(&text, lines.Text())
		what, where, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch where = strings.TrimSpace(where); what {
		case "Metrics":
			url, _, _ := strings.Cut(where, ",")
			for _, part := range []string{"worker", "sink", "purchaser", "notifier", "api"} {
				looksReady(t, strings.Replace(url, "/worker/metrics", "/"+part+"/readyz", 1))
			}
		case "E-mails": // the last one
			if files, err := filepath.Glob(where); err != nil || len(files) < len(story()) {
				t.Errorf("%s: %d files, %v", where, len(files), err)
			}
			looksAround(t, text.String())
			cancel()
		}
	}
	if err := <-ended; err != nil || !strings.Contains(text.String(), "E-mails") || !strings.Contains(text.String(), "Metrics") {
		t.Errorf("%v\n%s", err, &text)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// looksAround does what a visitor does with what is printed: opens the page, twice, buys credits for an account, and asks
// the gate.
func looksAround(t *testing.T, printed string) {
	t.Helper()
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/demo/\w+`).FindString(printed)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Error(err)
		return
	}
	browser := &http.Client{Jar: jar}
	defer browser.CloseIdleConnections()
	for range 2 {
		if page := seen(t)(browser.Get(link)); !strings.HasSuffix(page.at, "/billing/?account=acme-data") || !strings.Contains(page.text, "acme-data") {
			t.Errorf("%s leads to %s:\n%s", link, page.at, page.text)
		}
	}
	origin, _, _ := strings.Cut(link, "/demo/")
	for _, c := range story() {
		if all := seen(t)(browser.Get(origin + "/billing/")); !strings.Contains(all.text, c.account) {
			t.Errorf("%s is not among the accounts:\n%s", c.account, all.text)
		}
	}
	checkout := seen(t)(browser.PostForm(origin+"/billing/purchases?account=birchwood", url.Values{"quantity": {"300"}}))
	if !strings.Contains(checkout.at, "/sandbox/sessions/") {
		t.Errorf("an order leads to %s:\n%s", checkout.at, checkout.text)
	}
	back := seen(t)(browser.PostForm(checkout.at, url.Values{"card": {"pm_ok"}, "quantity": {"300"}, "shown": {"300"}}))
	if back.at != origin+"/billing/returned?account=birchwood" {
		t.Errorf("paying leads to %s:\n%s", back.at, back.text)
	}
	key := regexp.MustCompile(`Bearer (\w+)'`).FindStringSubmatch(printed)
	gate := regexp.MustCompile(`'(http\S+/gate\?\S+)'`).FindStringSubmatch(printed)
	if key == nil || gate == nil {
		t.Error("nothing to ask the gate with is printed")
		return
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate[1], nil)
	if err != nil {
		t.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+key[1])
	if answer := seen(t)(browser.Do(request)); !strings.Contains(answer.text, `"allowed":`) {
		t.Errorf("the gate answers %s", answer.text)
	}
	request.URL.Path = "/v1/accounts/birchwood"
	if response, err := browser.Do(request); err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("with a key for the gate an account is answered %v, %v", response, err)
	} else {
		response.Body.Close()
	}
}

// sight is what a visitor sees, and where.
type sight struct{ at, text string }

// seen reads an answer that should be a page.
func seen(t *testing.T) func(*http.Response, error) sight {
	return func(response *http.Response, err error) sight {
		t.Helper()
		if err != nil {
			t.Error(err)
			return sight{}
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v\n%s", response.Request.URL, response.Status, err, text)
		}
		return sight{response.Request.URL.String(), string(text)}
	}
}

func looksReady(t *testing.T, url string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", url, response.Status)
	}
}

// TestATamperedStoreIsADrift changes what worker and sink have written, behind their backs.
func TestATamperedStoreIsADrift(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	d := &demo{options: Options{For: 2 * time.Second}, out: out, style: newStyle(out, false), story: story()}
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := d.prepare(t.Context(), &steps{out: out, style: d.style}); err != nil {
		t.Fatal(err)
	}
	defer d.startLedger(t.Context())()
	if err := d.stream(t.Context(), t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := d.finish(t.Context(), false); err != nil {
		t.Fatalf("before anything was changed: %v", err)
	}
	account := d.story[0].account
	key := fmt.Sprintf("%s{p%03d}:a:%s", d.config.Redis.Prefix, murmur.Partition([]byte(account), partitions), account)
	for _, nano := range []int64{1, -1} {
		if err := d.redis.HIncrBy(t.Context(), key, "b", nano).Err(); err != nil {
			t.Fatal(err)
		}
		var drift *DriftError
		if err := d.finish(t.Context(), false); errors.As(err, &drift) != (nano > 0) {
			t.Errorf("after a change of the balance by %d nano-credits: %v", nano, err)
		}
	}
	connection, err := ch.ParseDSN(d.config.ClickHouse.DSN)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := ch.Open(connection)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if err := rows.Exec(t.Context(), "INSERT INTO charges SELECT * FROM charges LIMIT 1 SETTINGS insert_deduplicate = 0"); err != nil {
		t.Fatal(err)
	}
	var drift *DriftError
	if err := d.finish(t.Context(), false); !errors.As(err, &drift) {
		t.Errorf("after a row was doubled: %v", err)
	}
}
