package tap

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func feed(m *meter, lines ...string) {
	for _, line := range lines {
		m.passed([]byte(line))
	}
}

// taken is what a meter's slices say, without their times.
func taken(m *meter) string {
	var texts []string
	for _, s := range m.take() {
		texts = append(texts, fmt.Sprintf("%s %d/%d", s.stream, s.records, s.bytes))
	}
	return strings.Join(texts, ", ")
}

func TestSlicesFollowStateMessages(t *testing.T) {
	const global = `{"type":"STATE","state":{"type":"GLOBAL","global":{}}}` + "\n"
	const legacy = `{"type":"STATE","state":{"data":{}}}` + "\n"
	for _, c := range []struct {
		rule  string
		lines []string
		want  string
	}{
		{"a stream's STATE slices that stream", []string{recordLine("a", 1), recordLine("b", 1), stateLine("a")}, "public.a 1/8"},
		{"a GLOBAL STATE slices all", []string{recordLine("a", 1), recordLine("b", 1), global}, "public.a 1/8, public.b 1/8"},
		{"a LEGACY STATE slices all", []string{recordLine("a", 1), recordLine("a", 22), legacy}, "public.a 2/17"},
		{"nothing new, no slice", []string{recordLine("a", 1), stateLine("a"), stateLine("a"), global}, "public.a 1/8"},
		{"an unknown stream's STATE slices nothing", []string{recordLine("a", 1), stateLine("c")}, ""},
		{"records after the STATE are not in it", []string{recordLine("a", 1), stateLine("a"), recordLine("a", 2), stateLine("a")}, "public.a 1/8, public.a 1/8"},
		{"a record after another stream's STATE", []string{recordLine("a", 1), recordLine("b", 2), stateLine("a"), recordLine("a", 3), global},
			"public.a 1/8, public.a 1/8, public.b 1/8"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := newMeter(0)
			feed(m, c.lines...)
			if got := taken(m); got != c.want {
				t.Errorf("slices %q, want %q", got, c.want)
			}
		})
	}
}

func TestStatesInQuickSuccessionShareASlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(time.Second)
		for id := range 10 {
			feed(m, recordLine("a", id), stateLine("a"))
		}
		if got := taken(m); got != "public.a 1/8" {
			t.Errorf("at once: %q, want the first only", got)
		}
		time.Sleep(time.Second)
		feed(m, recordLine("a", 1), stateLine("a"))
		if got := taken(m); got != "public.a 10/80" {
			t.Errorf("after the gap: %q", got)
		}
	})
}

func TestSlicesAreBoundedAndNothingIsLost(t *testing.T) {
	m := newMeter(0)
	for id := range slicesMax + 500 {
		feed(m, recordLine("a", id), stateLine("a"))
	}
	slices := m.take()
	if len(slices) != slicesMax || m.unreported() != 500 {
		t.Fatalf("%d slices, %d records wait", len(slices), m.unreported())
	}
	m.sliceAll()
	if rest := m.take(); len(rest) != 1 || rest[0].records != 500 {
		t.Errorf("the rest: %+v", rest)
	}
}

func TestStreamsAreBoundedAndNothingIsLost(t *testing.T) {
	m := newMeter(0)
	for id := range streamsMax + 50 {
		feed(m, recordLine(fmt.Sprintf("s%d", id), id))
	}
	feed(m, recordLine("s0", 1), recordLine("t", 1))
	counts := map[string]int64{}
	for m.sliceAll(); ; m.sliceAll() {
		slices := m.take()
		if len(slices) == 0 {
			break
		}
		for _, s := range slices {
			counts[s.stream] += s.records
		}
	}
	if len(counts) != streamsMax+1 || counts[otherStreams] != 51 || counts["public.s0"] != 2 {
		t.Errorf("%d streams, %d of others, %d of the first", len(counts), counts[otherStreams], counts["public.s0"])
	}
}

func TestLabels(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, c := range []struct{ namespace, name, want string }{
		{"", "users", "users"}, {"public", "users", "public.users"}, {"", "", ""}, {"", "\xff", "\uFFFD"},
		{"", strings.Repeat("n", 128), strings.Repeat("n", 128)},
	} {
		if got := label(c.namespace, c.name); got != c.want {
			t.Errorf("label(%q, %q) = %q, want %q", c.namespace, c.name, got, c.want)
		}
	}
	one, other := label("", long+"1"), label("", long+"2")
	if one == other || len(one) > labelMax || !utf8.ValidString(one) || !strings.HasPrefix(one, "éé") {
		t.Errorf("long labels %q, %q", one, other)
	}
}
