package notify

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestARecordKeepsTheBytesOfItsNotice(t *testing.T) {
	when := time.Date(2026, 2, 1, 0, 0, 0, 123_000_000, time.UTC)
	record := DeliveryRecord{
		ID: "3-7-2/webhook/a/b", State: StatePending, Channel: Webhook, Target: "a/b", Tries: 3, CreatedAt: when, ChangedAt: when,
		NextAt: when.Add(time.Hour), Detail: "HTTP 503 <&>", FailingSince: when, Receiver: receiverOf("https://x/?secret"),
		Notice: &Notice{ID: "3-7-2", Kind: PaymentFailed, Account: "acme", At: when, Data: json.RawMessage(`{"reason":"<&>\u2028é\u0001","n":1.50}`)},
	}
	encoded := record.encode()
	decoded, err := decodeRecord(encoded.Value)
	if err != nil || !reflect.DeepEqual(decoded, record) {
		t.Errorf("got %+v, %v", decoded, err)
	}
	expect(t, "key", encoded.Key, "3-7-2/webhook/a/b")
	const want = `{"delivery":"3-7-2/webhook/a/b","state":"pending","notice":{"id":"3-7-2","kind":"payment_failed","account":"acme",` +
		`"at":"2026-02-01T00:00:00.123Z","data":{"reason":"<&>\u2028é\u0001","n":1.50}},"channel":"webhook","target":"a/b","tries":3,` +
		`"created_at":"2026-02-01T00:00:00.123Z","changed_at":"2026-02-01T00:00:00.123Z","next_at":"2026-02-01T01:00:00.123Z",` +
		`"detail":"HTTP 503 <&>","failing_since":"2026-02-01T00:00:00.123Z","receiver":"c2a1f0"}`
	expect(t, "value", strings.Replace(string(encoded.Value), record.Receiver, "c2a1f0", 1), want)
	if strings.Contains(string(encoded.Value), "secret") {
		t.Error("the URL is in the record")
	}
}

func TestRecordsOfOthersAreRefused(t *testing.T) {
	valid := `{"delivery":"1-2-3/email/a@x","state":"pending","notice":{"id":"1-2-3"},"channel":"email","target":"a@x"}`
	if _, err := decodeRecord([]byte(valid)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"pending"`, `"sleeping"`}, {`"delivery":"1`, `"delivery":"2`}, {`"target":"a@x"`, `"target":"b@x"`}, {`"a@x"}`, `"a@x"`},
		{`"notice":{"id":"1-2-3"}`, `"notice":{"id":""}`}, {`"channel"`, `"tries":-1,"channel"`},
	} {
		changed := strings.Replace(valid, change[0], change[1], 1)
		if changed == valid {
			t.Fatalf("nothing to change: %v", change)
		}
		if _, err := decodeRecord([]byte(changed)); err == nil {
			t.Errorf("accepted %s", changed)
		}
	}
}

// TestTheOrderOfCopiesDoesNotMatter: a broker may append the copy of a record whose answer was lost after later ones.
func TestTheOrderOfCopiesDoesNotMatter(t *testing.T) {
	known := func(state State, tries int) string { return fmt.Sprint(state, " ", tries) }
	for _, c := range []struct {
		before, after string
		overtakes     bool
	}{
		{known(StatePending, 0), known(StatePending, 1), true}, {known(StatePending, 2), known(StatePending, 1), false},
		{known(StatePending, 2), known(StateDelivered, 2), true}, {known(StateDelivered, 1), known(StatePending, 2), false},
		{known(StateDelivered, 1), known(StateExpired, 9), false}, {known(StatePending, 5), known(StateDropped, 0), true},
	} {
		var before, after DeliveryRecord
		for text, r := range map[string]*DeliveryRecord{c.before: &before, c.after: &after} {
			if _, err := fmt.Sscan(text, &r.State, &r.Tries); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, c.before+" then "+c.after, after.overtakes(before.State, before.Tries), c.overtakes)
	}
}

func TestTheScheduleOfMails(t *testing.T) {
	total, tries := time.Duration(0), 1
	for ; ; tries++ {
		wait, more := EmailSchedule("1-2-3", tries)
		if !more {
			break
		}
		if nominal := emailWaits[tries-1]; wait < nominal-nominal/10 || wait > nominal+nominal/10 {
			t.Errorf("wait after try %d: %v", tries, wait)
		}
		total += wait
	}
	if total < 42*time.Hour || total > 53*time.Hour || tries != 12 {
		t.Errorf("%d tries in %v", tries, total)
	}
	if _, more := EmailSchedule("1-2-3", 0); more {
		t.Error("there is a wait before the first try")
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	err := (&Config{}).Validate()
	for _, option := range []string{
		"email_concurrency_max", "email_retry_concurrency_max", "webhook_concurrency_max", "webhook_retry_concurrency_max",
		"pending_max", "horizon", "notice_age_max", "disable_after", "send_timeout", "attempt_timeout", "retry_min", "retry_max",
	} {
		if err == nil || !strings.Contains(err.Error(), option+": is") {
			t.Errorf("%s is not reported: %v", option, err)
		}
	}
	c.NoticeAgeMax = c.Horizon
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "notice_age_max: is 192h0m0s; allowed are 1m0s to 168h0m0s") {
		t.Errorf("an age beyond the horizon: %v", err)
	}
}

func TestDetailsAreClipped(t *testing.T) {
	long := clip(strings.Repeat("é", 100) + "\xff")
	if len(long) > detailMax || !strings.HasSuffix(long, "é…") {
		t.Errorf("%d bytes: %s", len(long), long)
	}
	expect(t, "short", clip("HTTP 503\xff"), "HTTP 503")
}
