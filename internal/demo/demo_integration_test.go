//go:build integration

package demo

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// runPlain runs the demo without a terminal and returns what it printed.
func runPlain(t *testing.T, ctx context.Context, options Options) (string, error) {
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
	out, err := runPlain(t, t.Context(), Options{For: 5 * time.Second, Plain: true})
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
		"faker-to-postgres", // through the tap
		"notion-to-postgres",
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

// TestAnInterruptEndsTheSyncsAndReconciles ends the context some seconds into an hour of syncs.
func TestAnInterruptEndsTheSyncsAndReconciles(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	out, err := runPlain(t, ctx, Options{For: time.Hour, Plain: true})
	if err != nil || !reconciledLine.MatchString(out) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestAnInterruptBeforeTheSyncsIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := runPlain(t, ctx, Options{For: time.Second, Plain: true}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v\n%s", err, out)
	}
}
