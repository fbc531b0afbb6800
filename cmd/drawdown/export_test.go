package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

var testCharge = report.Charge{
	Partition: 1, Offset: 42, N: 2, At: time.Date(2026, 2, 1, 0, 0, 0, 5e6, time.UTC), Time: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC),
	Connection: "=shop<1>", Source: "source-stripe", Destination: "destination-s3", Job: 7, Event: "e-1", Kind: "api", Meter: "records",
	Quantity: 1000, Credits: drawdown.TotalOf(6_000_000), Category: "billed", Rates: "2026-01",
	Burned: []report.Burn{{Grant: "g", Credits: drawdown.TotalOf(5_000_000)}}, Overdraft: drawdown.TotalOf(1_000_000),
}

const (
	testChargeLine = `{"partition":1,"offset":42,"n":2,"at":"2026-02-01T00:00:00.005Z","time":"2026-01-31T23:00:00Z","connection":"=shop<1>",` +
		`"source_connector":"source-stripe","destination_connector":"destination-s3","job":7,"attempt":0,"stream":null,"event":"e-1",` +
		`"kind":"api","meter":"records","quantity":1000,"credits":"0.006","waived":"0","category":"billed","rates":"2026-01",` +
		`"burned":[{"grant":"g","credits":"0.005"}],"overdraft":"0.001"}` + "\n"
	testChargeTable = "partition,offset,n,at,time,connection,source_connector,destination_connector,job,attempt,stream,event,kind,meter," +
		"quantity,credits,waived,category,rates,burned,overdraft\n" +
		"1,42,2,2026-02-01T00:00:00.005Z,2026-01-31T23:00:00Z,'=shop<1>,source-stripe,destination-s3,7,0,,e-1,api,records," +
		`1000,0.006,0,billed,2026-01,"[{""grant"":""g"",""credits"":""0.005""}]",0.001` + "\n"
)

func oneCharge(take func(exportRow) error) error {
	return take(exportRow{testCharge.At, testCharge.Line, testCharge.Cells})
}

func TestRowsOfAnExport(t *testing.T) {
	nothing := func(func(exportRow) error) error { return nil }
	for _, test := range []struct {
		name, format string
		each         eachRow
		want         string
	}{
		{"a JSON line is exact", jsonlFormat, oneCharge, testChargeLine},
		{"a cell is no formula", csvFormat, oneCharge, testChargeTable},
		{"no rows are a header", csvFormat, nothing, testChargeTable[:bytes.IndexByte([]byte(testChargeTable), '\n')+1]},
		{"no rows are no lines", jsonlFormat, nothing, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := writeRows(&out, test.format, report.ChargeHeader(), test.each); err != nil {
				t.Fatal(err)
			}
			if out.String() != test.want {
				t.Errorf("wrote\n%s\nnot\n%s", out.String(), test.want)
			}
		})
	}
}

func TestFormatFollowsTheFile(t *testing.T) {
	for _, test := range []struct{ output, format, want string }{
		{"-", "", csvFormat}, {"a.csv", "", csvFormat}, {"a.jsonl", "", jsonlFormat}, {"a.jsonl", csvFormat, csvFormat}, {"-", jsonlFormat, jsonlFormat},
	} {
		if got := (&exportFlags{Output: test.output, Format: test.format}).format(); got != test.want {
			t.Errorf("--output %s --format %q is %s, not %s", test.output, test.format, got, test.want)
		}
	}
}

func TestFileIsWholeOrAsItWas(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "charges.csv")
	if err := os.WriteFile(path, []byte("before"), 0o640); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the database went away")
	err := writeWhole(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("the error is %v, not %v", err, broken)
	}
	wantFile(t, path, "before")

	if err := writeWhole(path, func(w io.Writer) error { return writeText(w, "after") }); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "after")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its permissions are %v (%v), not those it had", info.Mode(), err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Errorf("the folder has %v (%v), not the file alone", files, err)
	}
}

func TestLinkStaysALink(t *testing.T) {
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	if err := os.WriteFile(target, []byte("before, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(link, func(w io.Writer) error { return writeText(w, "after") }); err != nil {
		t.Fatal(err)
	}
	wantFile(t, target, "after")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v (%v) now", info.Mode(), err)
	}
}

func writeText(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), not %q", filepath.Base(path), got, err, want)
	}
}

func TestProgressIsShownNowAndThen(t *testing.T) {
	clock := time.Unix(0, 0)
	var out bytes.Buffer
	p := &progress{out: &out, what: "charges", now: func() time.Time { return clock }, every: progressEvery}
	each := p.counted(func(take func(exportRow) error) error {
		for i := range 4 {
			if err := take(exportRow{at: time.Unix(int64(i), 0)}); err != nil {
				return err
			}
			clock = clock.Add(progressEvery / 2)
		}
		return nil
	})
	if err := each(func(exportRow) error { return nil }); err != nil {
		t.Fatal(err)
	}
	p.clear()
	p.clear()
	const want = "\r\x1b[K1 charges, up to 1970-01-01T00:00:00Z\r\x1b[K3 charges, up to 1970-01-01T00:00:02Z\r\x1b[K"
	if out.String() != want || p.count != 4 {
		t.Errorf("%d rows were shown as\n%q, not as\n%q", p.count, out.String(), want)
	}
}

func TestProgressWhereNobodyLooks(t *testing.T) {
	p := &progress{what: "charges", now: func() time.Time { panic("asked for the time") }}
	if err := p.counted(oneCharge)(func(exportRow) error { return nil }); err != nil || p.count != 1 {
		t.Errorf("counted %d rows (%v), not 1", p.count, err)
	}
	p.clear()
}
