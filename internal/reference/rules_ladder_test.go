package reference_test

import (
	"fmt"
	"testing"
)

// ladders is a story with a plan for each ladder, the second in another currency, and an account under the first.
func ladders(t *testing.T, ladders ...string) *story {
	s := world(t)
	for i, ladder := range ladders {
		s.broadcast("2025-01-01T00:00:00Z", "plan.published", fmt.Sprintf(`{"id":"ladder-%d","currency":%q,
			"purchase":{"unit":1,"min":1,"max":9,"default":1,"unit_price":"1","validity":{"months":12}},
			"auto_purchase":{"mode":"pack","pack":10,"threshold":"0","surcharge_percent":0,"cap":"none"},
			"payment_ladder":%s}`, i, []string{"USD", "EUR"}[i], ladder))
	}
	s.open("01-01T00:00", "ladder-0")
	return s
}

func (s *story) save(at, data string) {
	s.t.Helper()
	s.do(at, "payment_method.saved", `{"method":"m","kind":"card"`+data+`}`)
}

func (s *story) refuse(at, purchase string, attempt int) {
	s.t.Helper()
	s.do(at, "purchase.failed", fmt.Sprintf(`{"purchase":%q,"reason":"declined","attempt":%d}`, purchase, attempt))
}

func TestABackupAloneBuysAndEnrolsNothing(t *testing.T) {
	s := ladders(t, `[{"after_minutes":0,"method":"backup"}]`)
	s.do("01-01T00:01", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.save("01-01T00:02", `,"backup":true`)
	s.do("01-01T00:03", "auto_purchase.set", `{"enabled":true}`)
	s.do("01-01T00:04", "program.enrolled", "{}")
	s.gives("01-01T00:04 rejected no_payment_method")
	s.save("01-01T00:05", "")
	s.do("01-01T00:06", "payment_method.removed", "{}")
	s.refuse("01-01T00:07", "a:1", 1) // the backup outlives the primary
	s.gives("01-01T00:05 purchase.requested a:1 10.00", "01-01T00:05 status.changed purchasing",
		"01-01T00:07 purchase.declined declined a:1", "01-01T00:07 purchase.retried a:1 10.00")
}

func TestStepsOfAnUnsavedMethodArePassedOverForGood(t *testing.T) {
	s := ladders(t, `[{"after_minutes":5,"method":"backup"},{"after_minutes":10,"method":"primary"}]`)
	s.buying("01-01T00:00", "")
	s.refuse("01-01T00:01", "a:1", 1)
	s.do("01-01T00:10", "tick", "{}")
	s.given = nil
	s.do("01-01T00:11", "payment_method.saved", `{"method":"b","kind":"card","backup":true}`)
	s.refuse("01-01T00:12", "a:1", 2)
	s.gives("01-01T00:12 purchase.failed declined a:1", "01-01T00:12 status.changed payment_failed")
}

func TestARetryThatIsWaitedForOutlivesAPlanChange(t *testing.T) {
	s := ladders(t, `[{"after_minutes":60,"method":"primary"}]`,
		`[{"after_minutes":0,"method":"primary"},{"after_minutes":60,"method":"primary"}]`)
	s.buying("01-01T00:00", "")
	s.refuse("01-01T00:01", "a:1", 1)
	s.do("01-01T00:02", "account.plan_changed", `{"plan":"ladder-1","when":"now"}`)
	s.given = nil
	s.do("01-01T00:59", "tick", "{}")
	s.gives()
	s.refuse("01-01T01:01", "a:1", 2) // one step taken: the second of the new ladder is next, and due already
	s.refuse("01-01T01:02", "a:1", 3)
	s.gives("01-01T01:00 purchase.retried a:1 10.00",
		"01-01T01:01 purchase.declined declined a:1", "01-01T01:01 purchase.retried a:1 10.00",
		"01-01T01:02 purchase.failed declined a:1", "01-01T01:02 status.changed payment_failed")
}

func TestOnlyTheAttemptUnderWayIsRefused(t *testing.T) {
	s := ladders(t, `[{"after_minutes":30,"method":"primary"}]`)
	s.buying("01-01T00:00", "")
	s.given = nil
	s.refuse("01-01T00:01", "a:1", 2)
	s.refuse("01-01T00:02", "a:1", 1)
	s.refuse("01-01T00:03", "a:1", 1)
	s.do("01-01T00:04", "purchase.failed", `{"purchase":"a:1","reason":"gone"}`)
	s.gives("01-01T00:01 rejected unknown_purchase", "01-01T00:02 purchase.declined declined a:1",
		"01-01T00:03 rejected unknown_purchase", "01-01T00:04 purchase.failed gone a:1", "01-01T00:04 status.changed payment_failed")
}

func TestARefundMayReachTheEndOfTheRangeButNotPassIt(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.settle("01-01T00:01", "cs_1", "manual")
	s.use("01-01T00:02", 1, 10)
	s.use("01-01T00:03", 2, 9_000_000_000-5)
	s.given = nil
	refund := func(at, quantity string) {
		s.t.Helper()
		s.do(at, "purchase.refunded", fmt.Sprintf(`{"purchase":"cs_1","quantity":%q,"reason":"r"}`, quantity))
	}
	refund("01-01T00:04", "5.000000001")
	refund("01-01T00:05", "5")
	refund("01-01T00:06", "0.000000001")
	s.gives("01-01T00:04 rejected out_of_range", "01-01T00:05 grant.refunded cs_1 5", "01-01T00:06 rejected out_of_range")
}

func TestARefundTakesFromItsOwnGrantAlone(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.settle("01-01T00:01", "cs_1", "manual")
	s.use("01-01T00:02", 1, 4)
	s.do("01-01T00:03", "credits.voided", `{"grant":"cs_1"}`)
	s.grantUnderIDOf("cs_1")
	s.given = nil
	s.do("01-01T00:05", "purchase.refunded", `{"purchase":"cs_1","quantity":"10","reason":"r"}`)
	s.gives("01-01T00:05 grant.refunded cs_1 4")
	if available, overdraft := s.balance()["available"], s.balance()["overdraft"]; available != "46" || overdraft != "4" {
		t.Errorf("available %v, overdraft %v", available, overdraft)
	}
}

// grantUnderIDOf grants 50 credits by a record whose id is also that of a purchase.
func (s *story) grantUnderIDOf(id string) {
	s.t.Helper()
	line := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"t","type":"credits.granted","time":"2025-01-01T00:04:00Z","subject":"a",
		"data":{"amount":"50","category":"promotional"}}`, id)
	if _, err := s.engine.Apply([]byte(line)); err != nil {
		s.t.Fatal(err)
	}
}

// TestFormsOfSection9 says for each form whether it is malformed.
func TestFormsOfSection9(t *testing.T) {
	const ladder = `{"id":"p","currency":"USD","purchase":{"unit":1,"min":1,"max":9,"default":1,"unit_price":"1","validity":{"months":1}},"payment_ladder":`
	for _, c := range []struct {
		typ, data string
		malformed bool
	}{
		{"plan.published", ladder + `null}`, false},
		{"plan.published", ladder + `[]}`, true},
		{"plan.published", ladder + `{}}`, true},
		{"plan.published", ladder + `[{"after_minutes":1439,"method":"primary"}]}`, false},
		{"plan.published", ladder + `[{"after_minutes":1440,"method":"primary"}]}`, true},
		{"plan.published", ladder + `[{"after_minutes":-1,"method":"primary"}]}`, true},
		{"plan.published", ladder + `[{"after_minutes":"1","method":"primary"}]}`, true},
		{"plan.published", ladder + `[{"method":"primary"}]}`, true},
		{"plan.published", ladder + `[{"after_minutes":1,"method":"Backup"}]}`, true},
		{"plan.published", ladder + `[{"after_minutes":1}]}`, true},
		{"plan.published", ladder + `[1]}`, true},
		{"plan.published", ladder + `[{"after_minutes":5,"method":"backup"},{"after_minutes":5,"method":"backup"}]}`, false},
		{"plan.published", ladder + `[{"after_minutes":5,"method":"backup"},{"after_minutes":4,"method":"backup"}]}`, true},
		{"payment_method.saved", `{"method":"m","kind":"card","backup":null,"customer":null}`, false},
		{"payment_method.saved", `{"method":"m","kind":"card","backup":"true"}`, true},
		{"payment_method.saved", `{"method":"m","kind":"card","customer":""}`, true},
		{"payment_method.removed", `null`, false},
		{"payment_method.removed", `{"backup":0}`, true},
		{"payment_method.removed", `[]`, true},
		{"purchase.failed", `{"purchase":"p","reason":"r","attempt":0}`, true},
		{"purchase.failed", `{"purchase":"p","reason":"r","attempt":1.0}`, true},
		{"purchase.failed", `{"purchase":"p","reason":"r","attempt":9007199254740991}`, false},
		{"purchase.refunded", `{"purchase":"p","reason":"r","quantity":"0.000000001"}`, false},
		{"purchase.refunded", `{"purchase":"p","reason":"r","quantity":"0"}`, true},
		{"purchase.refunded", `{"purchase":"p","reason":"r","quantity":"-1"}`, true},
		{"purchase.refunded", `{"purchase":"p","quantity":"1"}`, true},
		{"contacts.set", `{}`, false},
		{"contacts.set", `null`, true},
		{"contacts.set", `{"email":""}`, true},
		{"contacts.set", `{"email_verified":"true"}`, true},
		{"contacts.set", `{"recipients":[],"opt_outs":[]}`, false},
		{"contacts.set", `{"recipients":"a"}`, true},
		{"contacts.set", `{"recipients":["a",""]}`, true},
		{"contacts.set", `{"recipients":["a","\u0061"]}`, true},
		{"contacts.set", `{"opt_outs":[null]}`, true},
		{"contacts.set", `{"recipients":` + numbered(20) + `}`, false},
		{"contacts.set", `{"recipients":` + numbered(21) + `}`, true},
		{"contacts.set", `{"opt_outs":` + numbered(32) + `}`, false},
		{"contacts.set", `{"opt_outs":` + numbered(33) + `}`, true},
		{"webhook.set", `{"endpoint":"e","url":"u"}`, false},
		{"webhook.set", `{"endpoint":"e"}`, true},
		{"webhook.set", `{"url":"u"}`, true},
		{"webhook.set", `{"endpoint":"e","url":"u","kinds":` + numbered(33) + `}`, true},
		{"webhook.set", `{"endpoint":"e","url":"u","secret_version":1000000}`, false},
		{"webhook.set", `{"endpoint":"e","url":"u","secret_version":1000001}`, true},
		{"webhook.set", `{"endpoint":"e","url":"u","secret_version":0}`, true},
		{"webhook.removed", `{}`, true},
		{"webhook.disabled", `{"endpoint":"e"}`, true},
	} {
		s := world(t)
		s.open("01-01T00:00", "free")
		s.given = nil
		if c.typ == "plan.published" {
			s.broadcast("2025-01-01T00:01:00Z", c.typ, c.data)
		} else {
			s.do("01-01T00:01", c.typ, c.data)
		}
		malformed := len(s.given) == 1 && s.given[0] == "01-01T00:01 rejected malformed"
		if malformed != c.malformed {
			t.Errorf("%s %s gives %v", c.typ, c.data, s.given)
		}
	}
}

// numbered is a list of so many different strings.
func numbered(length int) string {
	text := "["
	for i := range length {
		text += fmt.Sprintf(`"%d",`, i)
	}
	return text[:len(text)-1] + "]"
}
