package producer

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func validUsage() Usage {
	return Usage{
		Account: "acme", Connection: "shop-to-lake", SourceConnector: "source-postgres",
		DestinationConnector: "destination-s3", Job: 7, Attempt: 0, Stream: "public.orders",
		Seq: 1, Records: 1000, Bytes: 250000,
		Time: time.Date(2026, 2, 1, 0, 0, 0, 123_456_789, time.UTC),
	}
}

func TestEventIsTheContractsCloudEvent(t *testing.T) {
	want := `{"specversion":"1.0","id":"shop-to-lake/7/0/1","source":"/worker/3","type":"sync.usage","subject":"acme",` +
		`"time":"2026-02-01T00:00:00.123Z","data":{"connection":"shop-to-lake","source_connector":"source-postgres",` +
		`"destination_connector":"destination-s3","job":7,"attempt":0,"stream":"public.orders","seq":1,"records":1000,"bytes":250000}}`
	if got := string(validUsage().Event("/worker/3")); got != want {
		t.Errorf("event\n got %s\nwant %s", got, want)
	}
}

func TestValidateNamesMemberAndRule(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, c := range []struct {
		rule   string
		change func(*Usage)
		member string
		text   string
	}{
		{"no account", func(u *Usage) { u.Account = "" }, "account", "1 to 128 bytes (it has 0)"},
		{"account too long", func(u *Usage) { u.Account = long }, "account", "it has 129"},
		{"account with a space", func(u *Usage) { u.Account = "a b" }, "account", `byte 1 is ' '`},
		{"no connection", func(u *Usage) { u.Connection = "" }, "connection", "1 to 128"},
		{"connection not UTF-8", func(u *Usage) { u.Connection = "\xff" }, "connection", "valid UTF-8"},
		{"no source", func(u *Usage) { u.SourceConnector = "" }, "source_connector", "1 to 128"},
		{"destination too long", func(u *Usage) { u.DestinationConnector = long }, "destination_connector", "129"},
		{"stream too long", func(u *Usage) { u.Stream = long }, "stream", "0 to 128"},
		{"job below 0", func(u *Usage) { u.Job = -1 }, "job", "from 0 to 2^53-1 (it is -1)"},
		{"attempt too great", func(u *Usage) { u.Attempt = 1 << 53 }, "attempt", "9007199254740992"},
		{"no seq", func(u *Usage) { u.Seq = 0 }, "seq", "from 1 to"},
		{"records below 0", func(u *Usage) { u.Records = -5 }, "records", "-5"},
		{"bytes too great", func(u *Usage) { u.Bytes = 1 << 60 }, "bytes", "2^53-1"},
		{"operations below 0", func(u *Usage) { u.Operations = -1 }, "operations", "-1"},
		{"time too early", func(u *Usage) { u.Time = time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC) }, "time", "1969"},
		{"time too late", func(u *Usage) { u.Time = time.Date(9001, 1, 1, 0, 0, 0, 0, time.UTC) }, "time", "9001"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			usage := validUsage()
			c.change(&usage)
			var invalid *UsageError
			if err := usage.Validate(); !errors.As(err, &invalid) {
				t.Fatalf("Validate() = %v, want a *UsageError", err)
			}
			if len(invalid.Faults) != 1 || invalid.Faults[0].Member != c.member || !strings.Contains(invalid.Faults[0].Rule, c.text) {
				t.Errorf("faults %v, want one of %q with %q", invalid.Faults, c.member, c.text)
			}
		})
	}
}

func TestValidateReportsEveryFaultAtOnce(t *testing.T) {
	var invalid *UsageError
	if !errors.As(Usage{Records: -1}.Validate(), &invalid) || len(invalid.Faults) != 6 {
		t.Errorf("faults %v, want 6: account, three names, seq, records", invalid)
	}
}

func TestEveryValidEventReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		usage := validUsage()
		name := rapid.StringN(1, 128, 128)
		usage.Connection, usage.SourceConnector = name.Draw(t, "connection"), name.Draw(t, "source")
		usage.Stream = rapid.StringN(0, 128, 128).Draw(t, "stream")
		integer := rapid.Int64Range(0, integerMax)
		usage.Job, usage.Attempt = integer.Draw(t, "job"), integer.Draw(t, "attempt")
		usage.Seq = rapid.Int64Range(1, integerMax).Draw(t, "seq")
		usage.Records, usage.Bytes = integer.Draw(t, "records"), integer.Draw(t, "bytes")
		if err := usage.Validate(); err != nil {
			t.Fatalf("a valid event is refused: %v", err)
		}
		var read envelope
		if err := json.Unmarshal(usage.Event("s"), &read); err != nil {
			t.Fatalf("read the event: %v", err)
		}
		if len(read.ID) < 1 || len(read.ID) > eventIDMax {
			t.Fatalf("id of %d bytes", len(read.ID))
		}
		want := usageData{usage.Connection, usage.SourceConnector, usage.DestinationConnector, usage.Job,
			usage.Attempt, usage.Stream, usage.Seq, usage.Records, usage.Bytes, usage.Operations}
		if read.Data != want {
			t.Fatalf("read %+v, want %+v", read.Data, want)
		}
	})
}

func TestIDFollowsFromIdentityAlone(t *testing.T) {
	usage, other := validUsage(), validUsage()
	other.Records, other.Time, other.Stream = 5, time.Now(), "x"
	if usage.ID() != other.ID() {
		t.Errorf("ids differ for one identity: %q, %q", usage.ID(), other.ID())
	}
	long := validUsage()
	long.Connection = strings.Repeat("ä", 64)
	longer := long
	longer.Connection = strings.Repeat("ä", 63) + "öx"[:2]
	if long.ID() == longer.ID() || len(long.ID()) > eventIDMax {
		t.Errorf("ids of long names: %q, %q", long.ID(), longer.ID())
	}
	next := validUsage()
	next.Seq++
	if next.ID() == usage.ID() {
		t.Error("two seq, one id")
	}
}
