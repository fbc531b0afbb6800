package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawdown/notify"
)

func noticeOf(kind notify.Kind, data string) *notify.Notice {
	return &notify.Notice{ID: "3-1207-2", Kind: kind, Account: "acme", At: time.Date(2026, 2, 14, 9, 30, 0, 0, time.UTC), Data: json.RawMessage(data)}
}

func TestPayload(t *testing.T) {
	for name, c := range map[string]struct {
		notice *notify.Notice
		want   string
	}{
		"members follow id and account": {
			noticeOf(notify.LowBalance, `{"available":"12.5"}`),
			`{"type":"drawdown.low_balance","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme","available":"12.5"}}`,
		},
		"compact, and numbers keep their digits": {
			noticeOf(notify.UsagePercent, " {\n \"percent\" : 90, \"used\":\"9000.000000001\", \"x\": 12345678901234567890.10 }\n"),
			`{"type":"drawdown.usage_percent","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme","percent":90,"used":"9000.000000001","x":12345678901234567890.10}}`,
		},
		"no members":    {noticeOf(notify.Exhausted, `{}`), `{"type":"drawdown.exhausted","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme"}}`},
		"no data":       {noticeOf(notify.Exhausted, ""), `{"type":"drawdown.exhausted","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme"}}`},
		"no HTML forms": {noticeOf(notify.WebhookDisabled, `{"reason":"<&>"}`), `{"type":"drawdown.webhook_disabled","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme","reason":"<&>"}}`},
		"milliseconds, in UTC": {
			&notify.Notice{ID: "0-0-0", Kind: notify.Resumed, Account: "a:b", At: time.Date(2026, 2, 14, 10, 30, 0, 42_999_999, time.FixedZone("", 3600))},
			`{"type":"drawdown.resumed","timestamp":"2026-02-14T09:30:00.042Z","data":{"id":"0-0-0","account":"a:b"}}`,
		},
	} {
		got, err := Payload(c.notice)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, c.want)
		}
	}
}

func TestDataThatIsNoPayload(t *testing.T) {
	for _, data := range []string{`null`, `[]`, `"x"`, `1`, `{`, `{"a":1}{"b":2}`, `{"id":"x"}`, `{"account":null}`, `{"secret-of-customer":}`} {
		body, err := Payload(noticeOf(notify.LowBalance, data))
		if err == nil {
			t.Errorf("%s became %s", data, body)
		} else if strings.Contains(err.Error(), "customer") {
			t.Errorf("the error quotes the data: %v", err)
		}
	}
}

// Any object goes in whole and comes out as it was, the same bytes each time.
func TestPayloadHoldsTheMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOf(rapid.StringMatching(`[a-z_]{3,10}`).Filter(func(s string) bool { return s != "account" }), rapid.String()).Draw(t, "members")
		data, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		notice := noticeOf(notify.LowBalance, string(data))
		notice.Account = rapid.String().Draw(t, "account")
		first, err := Payload(notice)
		if err != nil {
			t.Fatal(err)
		}
		second, _ := Payload(notice)
		if !bytes.Equal(first, second) {
			t.Fatalf("%s, then %s", first, second)
		}
		var got struct{ Data map[string]string }
		if err := json.Unmarshal(first, &got); err != nil {
			t.Fatalf("%v in %s", err, first)
		}
		if got.Data["account"] != strings.ToValidUTF8(notice.Account, "\ufffd") || got.Data["id"] != notice.ID || len(got.Data) != len(members)+2 {
			t.Fatalf("data is %v", got.Data)
		}
		for name, value := range members {
			if got.Data[name] != strings.ToValidUTF8(value, "\ufffd") {
				t.Fatalf("%s is %q, was %q", name, got.Data[name], value)
			}
		}
	})
}

func TestMessageID(t *testing.T) {
	for id, want := range map[string]string{
		"3-1207-2": "msg_3-1207-2", "0-0-0": "msg_0-0-0", "a_B-9": "msg_a_B-9",
		"": "", "3.1207": "", "3 4": "", "3\r\nx": "", "é": "",
	} {
		if got, ok := MessageID(&notify.Notice{ID: id}); got != want || ok != (want != "") {
			t.Errorf("%q became %q, %v", id, got, ok)
		}
	}
}
