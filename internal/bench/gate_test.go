package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawdown"
	"drawdown/consumer/decode"
)

// TestTheRuleByHand: the table of the contract, section 10, on the kinds of accounts.
func TestTheRuleByHand(t *testing.T) {
	for _, c := range []struct {
		granted, reserve, held, used int64
		connection                   int
		heldJob                      bool
		want                         string
	}{
		{granted: 10, used: 9, want: "true active"},
		{granted: 10, used: 10, want: "false exhausted"},
		{granted: 10, used: 11, want: "false exhausted"},
		{granted: 110, reserve: 100, used: 9, want: "true active"},
		{granted: 110, reserve: 100, used: 10, want: "false reserved"},
		{granted: 110, reserve: 100, used: 10, connection: gateCritical, want: "true active"},
		{granted: 110, reserve: 100, used: 110, connection: gateCritical, want: "false exhausted"},
		{granted: 110, held: 100, used: 9, want: "true active"},
		{granted: 110, held: 100, used: 10, want: "false held"},
		{granted: 110, held: 100, used: 10, heldJob: true, want: "false held"},
		{granted: 110, held: 100, used: 10, connection: gateHolder, want: "false held"},
		{granted: 110, held: 100, used: 10, connection: gateHolder, heldJob: true, want: "true hold"},
		{granted: 110, held: 100, used: 110, want: "false exhausted"},
	} {
		q := question{account: &gateAccount{granted: c.granted, reserve: c.reserve, held: c.held}, connection: c.connection, heldJob: c.heldJob}
		if allowed, reason := q.rule(c.granted - c.used); fmt.Sprintf("%t %s", allowed, reason) != c.want {
			t.Errorf("%+v: %t, %s", c, allowed, reason)
		}
	}
}

// TestAnAnswerIsWrongUnlessItFollowsFromABalance that the account had between question and answer.
func TestAnAnswerIsWrongUnlessItFollowsFromABalance(t *testing.T) {
	body := func(allowed bool, reason, available, held, reserve string) string {
		return fmt.Sprintf(`{"allowed":%t,"reason":%q,"available":%q,"held":%q,"reserve":%q}`, allowed, reason, available, held, reserve)
	}
	for _, c := range []struct {
		what, body string
		right      bool
	}{
		{"as before the question", body(true, "active", "6", "0", "0"), true},
		{"as appended since", body(false, "exhausted", "0", "0", "0"), true},
		{"older than an answer before it", body(true, "active", "7", "0", "0"), false},
		{"of usage that there was not", body(false, "exhausted", "-1", "0", "0"), false},
		{"a fraction of an event", body(true, "active", "0.5", "0", "0"), false},
		{"allowed without credits", body(true, "active", "0", "0", "0"), false},
		{"denied with credits", body(false, "exhausted", "1", "0", "0"), false},
		{"another reason", body(false, "held", "0", "0", "0"), false},
		{"a hold that there is not", body(true, "active", "6", "1", "0"), false},
		{"a reserve that there is not", body(true, "active", "6", "0", "1"), false},
		{"no JSON", "ok", false},
	} {
		a := &gateAccount{name: "a", granted: 10}
		a.appended.Store(10)
		q := question{account: a, seen: 4}
		err := q.check([]byte(c.body))
		var wrong *WrongAnswerError
		if c.right != (err == nil) || err != nil && !errors.As(err, &wrong) {
			t.Errorf("%s: %v", c.what, err)
		}
		if c.right && a.seen.Load() < 4 {
			t.Errorf("%s: %d events were seen", c.what, a.seen.Load())
		}
	}
}

func TestABalanceIsCheckedInTheSameWay(t *testing.T) {
	for body, right := range map[string]bool{
		`{"status":"active","available":"6"}`: true, `{"status":"exhausted","available":"0"}`: true,
		`{"status":"active","available":"7"}`: false, `{"status":"exhausted","available":"-1"}`: false,
		`{"status":"active","available":"0"}`: false, `{"status":"active","available":"0.5"}`: false, `{}`: false, ``: false,
	} {
		a := &gateAccount{name: "a", granted: 10}
		a.appended.Store(10)
		if err := (&question{account: a, seen: 4}).checkNaive([]byte(body)); (err == nil) != right {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestGateUsageIsUsageAndNoneRepeatsAnother: a duplicate would change no balance.
func TestGateUsageIsUsageAndNoneRepeatsAnother(t *testing.T) {
	g := newGateAccounts(gateKinds, 2, 100)
	seen := map[string]bool{}
	for n := range 100 {
		value := g.use(&g.all[n%len(g.all)])
		var decoder decode.Decoder
		var rec drawdown.Record
		decoder.Decode(value, drawdown.TimeOf(time.Now()), &rec)
		id := string(rec.Account) + " " + string(rec.ID)
		if rec.Reject != "" || rec.Type != drawdown.SyncUsage || seen[id] || !bytes.Contains(value, []byte(`"operations":1`)) {
			t.Errorf("rejected as %q, repeated %t: %s", rec.Reject, seen[id], value)
		}
		seen[id] = true
	}
}

// gateOf serves answers to a load on one funded account.
func gateOf(t *testing.T, answer http.HandlerFunc) *gateLoad {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &gateLoad{
		addr: strings.TrimPrefix(server.URL, "http://"), keys: []string{"k"}, accounts: newGateAccounts(1, 1, 0),
		rate: 500, lasts: time.Second, count: 1,
	}
}

func sayFunded(w http.ResponseWriter) {
	fmt.Fprintf(w, `{"allowed":true,"reason":"active","available":"%d","held":"0","reserve":"0"}`, gatePlenty)
}

// TestASlowAnswerDoesNotHideTheQuestionsBehindIt: a gate that stops for a fifth of a second is late for all that were due
// then, not for the one that was asked.
func TestASlowAnswerDoesNotHideTheQuestionsBehindIt(t *testing.T) {
	var asked atomic.Int64
	const stop = 200 * time.Millisecond
	load := gateOf(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 100 {
			select { // a stop that is as long as the test says
			case <-time.After(stop):
			case <-r.Context().Done():
			}
		}
		sayFunded(w)
	})
	found, err := load.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind := 0
	for i, took := range found.took {
		if took > stop/2 {
			behind++
		}
		if i > 0 && took < found.took[i-1] {
			t.Fatal("latencies are not sorted")
		}
	}
	if len(found.took) != 500 || found.errors != 0 || behind < 45 {
		t.Errorf("%d answers, %d errors; %d took more than half of the stop, expected 50 or more", len(found.took), found.errors, behind)
	}
}

// TestQuestionsWithoutAnAnswerAreCounted and no latency is theirs.
func TestQuestionsWithoutAnAnswerAreCounted(t *testing.T) {
	var asked atomic.Int64
	load := gateOf(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n == 10:
			panic(http.ErrAbortHandler)
		case n == 20:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			sayFunded(w)
		}
	})
	found, err := load.run(t.Context())
	if err != nil || found.errors != 2 || found.first == nil || len(found.took) != 498 {
		t.Errorf("%d errors, the first %v; %d answers; %v", found.errors, found.first, len(found.took), err)
	}
}

// TestAWrongAnswerEndsTheLoad, also while it is warming up.
func TestAWrongAnswerEndsTheLoad(t *testing.T) {
	load := gateOf(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"allowed":false,"reason":"exhausted","available":"0","held":"0","reserve":"0"}`)
	})
	load.warmUp, load.lasts = time.Minute, time.Minute
	var wrong *WrongAnswerError
	if _, err := load.run(t.Context()); !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
	if err := load.askAll(t.Context()); !errors.As(err, &wrong) {
		t.Errorf("all: %v", err)
	}
}

func TestFaultsOfTheGatesOptionsAreReportedAtOnce(t *testing.T) {
	o := DefaultGate()
	if err := o.Validate(); err != nil {
		t.Fatalf("the default: %v", err)
	}
	o.Accounts, o.Partitions, o.Rate, o.For, o.Events, o.Connections, o.BaselineRate = 1, 0, 0, 0, 0, 0, -1
	o.Nice = -1
	err := o.Validate()
	for _, name := range []string{"accounts", "partitions", "rate", "for", "events", "connections", "baseline-rate", "nice"} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}

func TestTheLastLineIsTheResultOfTheGate(t *testing.T) {
	cpu := 300.0
	r := GateResult{P99: 1.25, Errors: 3, Ratio: &cpu, BaselineP50: &cpu, BaselineP99: &cpu, BaselinePerSecond: &cpu, BaselineCPUPerQuestion: &cpu}
	for _, onlyJSON := range []bool{false, true} {
		var out bytes.Buffer
		if err := show(&out, &r, onlyJSON); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		var members map[string]any
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil || onlyJSON != (len(lines) == 1) {
			t.Fatalf("only JSON %v, %d lines: %v", onlyJSON, len(lines), err)
		}
		for name, want := range map[string]any{"p99_ms": 1.25, "errors": 3.0, "ratio": 300.0, "wrong_answers": 0.0} {
			if found, there := members[name]; !there || found != want {
				t.Errorf("%s is %v, expected %v", name, found, want)
			}
		}
	}
}

func TestSharesOfLatencies(t *testing.T) {
	var sorted []time.Duration
	for n := range 2000 {
		sorted = append(sorted, time.Duration(n+1))
	}
	for share, want := range map[int]time.Duration{500: 1000, 990: 1980, 999: 1998, 1000: 2000} {
		if found := permille(sorted, share); found != want {
			t.Errorf("of 2000, %d of a thousand are up to %d, found %d", share, want, found)
		}
	}
	if one, none := permille(sorted[:1], 990), permille(nil, 990); one != 1 || none != 0 {
		t.Errorf("of one %v, of none %v", one, none)
	}
}
