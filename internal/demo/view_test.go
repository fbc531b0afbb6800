package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"drawdown"
)

// moment is a snapshot with every status that the story knows.
func moment() (*snapshot, []happening) {
	const credit = drawdown.Credit
	now := &snapshot{
		page:    "http://127.0.0.1:45079/demo/xvtlgkufq7hrz",
		elapsed: 17 * time.Second, lasts: 30 * time.Second,
		throughput: throughput{eventsPerSecond: 2987, events: 48_321, duplicates: 112, lag: 64, visibleAfter: 12 * time.Millisecond, rows: 46_100, rowsBehind: 2_109},
		dealings: dealings{
			takings: takings{open: 1, paid: 4, refused: 2, amount: usd("2011.70")}, mails: 12, kinds: "4 receipts, 1 payment failed, 7 low balance", hooks: 1,
		},
		accounts: []accountState{
			{account: "acme-data", plan: airbytePlan, status: drawdown.Active, available: 38*credit + 123_456_789, full: 200 * credit, auto: true, running: 4, all: 4},
			{account: "birchwood", plan: airbytePlan, status: drawdown.Exhausted, available: -5*credit - 1_000_000, full: 200 * credit, all: 3},
			{account: "cobalt-labs", plan: airbytePlan, status: drawdown.Active, available: 305 * credit, full: 400 * credit, running: 4, all: 4},
			{account: "dune-retail", plan: makePlan, status: drawdown.Purchasing, available: -12 * credit, full: 10_000 * credit, auto: true, bought: 1, running: 3, all: 4},
			{account: "elm-clinic", plan: makePlan, status: drawdown.Active, available: 5_267 * credit, full: 10_000 * credit, running: 3, all: 3},
			{account: "fjord-travel", plan: makePlan, status: drawdown.PaymentFailed, available: 0, full: 10_000 * credit, all: 2},
			{account: "grove-media", plan: airbytePlan, status: drawdown.Active, available: 40 * credit, full: 100 * credit, all: 3},
		},
	}
	told := []happening{
		{15 * time.Second, "birchwood", "e-mail to owner: Credits are running low: 19.972 left", warnTone},
		{16 * time.Second, "birchwood", "exhausted: no credits left and none on order; its syncs stop", badTone},
		{16 * time.Second, "dune-retail", "purchase requested: 10,000 credits for 11.70 USD", moneyTone},
	}
	return now, told
}

// TestFrame compares frames with testdata/frame-<columns>x<lines>.txt. UPDATE=1 writes them anew: look at the change.
func TestFrame(t *testing.T) {
	now, told := moment()
	style := newStyle(os.Stdout, false)
	for _, size := range [][2]int{{80, 24}, {120, 40}, {60, 14}, {44, 9}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			lines := style.frame(now, told, size[0], size[1])
			if len(lines) > size[1] {
				t.Errorf("%d lines", len(lines))
			}
			for _, line := range lines {
				if lipgloss.Width(line) > size[0] {
					t.Errorf("too wide: %q", line)
				}
			}
			compareFile(t, fmt.Sprintf("frame-%dx%d.txt", size[0], size[1]), strings.Join(lines, "\n")+"\n")
		})
	}
}

func compareFile(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func TestFrameAtTheEndSaysThatSyncsHaveEnded(t *testing.T) {
	now, _ := moment()
	now.ended = true
	for i := range now.accounts {
		now.accounts[i].running = 0
	}
	style := newStyle(os.Stdout, false)
	frame := strings.Join(style.frame(now, nil, 80, 24), "\n")
	if strings.Contains(frame, "stopped") || strings.Count(frame, "ended") != len(now.accounts) {
		t.Errorf("frame:\n%s", frame)
	}
}

func TestPlainTellsEachHappeningOnceAndASummaryNowAndThen(t *testing.T) {
	var out strings.Builder
	p := &plain{out: &out}
	now, told := moment()
	for _, step := range []struct {
		millis, told int
	}{{0, 0}, {250, 1}, {1900, 1}, {2000, 3}, {2250, 3}, {4100, 3}} {
		now.elapsed = time.Duration(step.millis) * time.Millisecond
		p.show(now, told[:step.told])
	}
	p.end()
	p.end()
	for text, count := range map[string]int{
		"4 purchases, 12 e-mails, 1 webhooks | acme-data": 4,
		"events/s": 4, // at 0:00, 0:02, 0:04 and at the end
		"0:15  birchwood: e-mail to owner: Credits are running low: 19.972 left\n": 1,
		"0:16  dune-retail: purchase requested: 10,000 credits for 11.70 USD\n":    1,
		"birchwood -5.001, cobalt-labs 305.000, dune-retail -12.000, elm-clinic ":  4,
	} {
		if found := strings.Count(out.String(), text); found != count {
			t.Errorf("%q stands there %d times, expected %d:\n%s", text, found, count, &out)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-1234567": "-1,234,567", "1.5": "1.5"} {
		if got := withCommas(in); got != want {
			t.Errorf("withCommas(%q) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"0.00": "0.00", "999.99": "999.99", "1234567.89": "1,234,567.89"} {
		if got := dollars(usd(in)); got != want {
			t.Errorf("dollars(%s) = %q, expected %q", in, got, want)
		}
	}
	for in, want := range map[drawdown.Credits]string{0: "0.000", -1_500_000: "-0.001", 1_234_567_891_000: "1,234.567"} {
		if got := threeDecimalsOf(in); got != want {
			t.Errorf("threeDecimalsOf(%d) = %q, expected %q", in, got, want)
		}
	}
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{0, 10, "░░░░"}, {10, 10, "████"}, {5, 10, "██░░"}, {-3, 10, "░░░░"}, {12, 10, "████"}, {1, 0, "░░░░"}, {3, 3, "████"}} {
		if got := bar(c.part, c.whole, 4); got != c.want {
			t.Errorf("bar(%d, %d) = %s, expected %s", c.part, c.whole, got, c.want)
		}
	}
}
