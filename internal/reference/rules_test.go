package reference_test

import (
	"fmt"
	"strings"
	"testing"

	"drawdown/internal/reference"
)

// story applies records one by one and keeps what they gave, in short.
type story struct {
	t      *testing.T
	engine *reference.Engine
	ids    int
	given  []string
}

// world is a story with rates of one credit an operation, a beta and a ga connector and the plans that rules need.
func world(t *testing.T) *story {
	s := &story{t: t, engine: reference.New()}
	const at = "2025-01-01T00:00:00Z"
	s.broadcast(at, "rates.published", `{"version":"v","effective_from":"2024-01-01T00:00:00Z","rates":[{"kind":"m","meter":"operations","credits":"1","per":1}]}`)
	s.broadcast(at, "connector.set", `{"connector":"s","kind":"m","stage":"beta"}`)
	s.broadcast(at, "connector.set", `{"connector":"d","kind":"m","stage":"ga"}`)
	const pack = `"purchase":{"unit":1,"min":1,"max":9,"default":1,"unit_price":"1","validity":{"months":12}},"auto_purchase":{"mode":"pack","pack":10,"threshold":"0","surcharge_percent":0,"cap":"none"}`
	s.broadcast(at, "plan.published", `{"id":"month","currency":"USD","subscription":{"credits":"100","price":"1.00","period":"month"},`+pack+`,"low_balance":"20"}`)
	s.broadcast(at, "plan.published", `{"id":"other","currency":"USD","subscription":{"credits":"50","price":"1.00","period":"month"},`+pack+`}`)
	s.broadcast(at, "plan.published", `{"id":"free","currency":"USD",`+pack+`,"low_balance":"5","grace_hours":24,"max_overdraft":"3","expiry_notice_days":[2]}`)
	s.given = nil
	return s
}

func (s *story) record(at, typ, subject, data string) {
	s.t.Helper()
	s.ids++
	line := fmt.Sprintf(`{"specversion":"1.0","id":"r%d","source":"t","type":%q,"time":%q%s,"data":%s}`, s.ids, typ, at, subject, data)
	lines, err := s.engine.Apply([]byte(line))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range lines {
		s.given = append(s.given, short(l))
	}
}

// short is a line without what every line has: at, type, and what tells it apart.
func short(l reference.Line) string {
	text := strings.TrimPrefix(strings.TrimSuffix(l["at"].(string), ":00Z"), "2025-") + " " + l["type"].(string)
	for _, key := range []string{"kind", "reason", "hold", "grant", "purchase", "amount", "credits", "available", "to", "ga_at", "auto_purchases", "used", "usual"} {
		if value, there := l[key]; there && !(l["type"] == "charge" && key == "kind") {
			text += fmt.Sprintf(" %v", value)
		}
	}
	return text
}

func (s *story) broadcast(at, typ, data string) { s.t.Helper(); s.record(at, typ, "", data) }

func (s *story) do(at, typ, data string) {
	s.t.Helper()
	s.record("2025-"+at+":00Z", typ, `,"subject":"a"`, data)
}

func (s *story) use(at string, seq, operations int) {
	s.t.Helper()
	s.do(at, "sync.usage", fmt.Sprintf(
		`{"connection":"c","source_connector":"s","destination_connector":"d","job":1,"attempt":0,"seq":%d,"operations":%d}`, seq, operations))
}

func (s *story) open(at, plan string) {
	s.t.Helper()
	s.do(at, "account.opened", fmt.Sprintf(`{"plan":%q,"email":"e","email_verified":true}`, plan))
}

// buying saves a card and turns auto-purchase on.
func (s *story) buying(at, limit string) {
	s.t.Helper()
	s.do(at, "payment_method.saved", `{"method":"m","kind":"card"}`)
	s.do(at, "auto_purchase.set", `{"enabled":true`+limit+`}`)
}

func (s *story) settle(at, purchase, kind string) {
	s.t.Helper()
	s.do(at, "purchase.settled", fmt.Sprintf(`{"purchase":%q,"kind":%q,"quantity":"10","amount":"10.00","currency":"USD"}`, purchase, kind))
}

// gives compares what was given since the last call.
func (s *story) gives(want ...string) {
	s.t.Helper()
	if got, wanted := strings.Join(s.given, "\n"), strings.Join(want, "\n"); got != wanted {
		s.t.Errorf("got\n%s\nwant\n%s", got, wanted)
	}
	s.given = nil
}

func (s *story) balance() reference.Line { return s.engine.Balances()[0] }

func (s *story) auto(key string, want any) {
	s.t.Helper()
	if got := s.balance()["auto_purchase"].(reference.Line)[key]; got != want {
		s.t.Errorf("%s is %v, not %v", key, got, want)
	}
}

func TestAFailureIsTakenFromTheAmountOfItsOwnPeriodOnly(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.buying("01-01T00:00", "")
	s.use("01-31T12:00", 1, 100)
	s.auto("amount", "10.00")
	s.given = nil
	s.do("02-01T12:00", "tick", "{}") // the period ends first; the timeout is the failure of an earlier period's request
	s.gives("02-01T00:00 period.started 2025-03-01T00:00:00Z",
		"02-01T00:00 grant.added a:sub:2025-02-01T00:00:00Z 100",
		"02-01T00:00 status.changed active",
		"02-01T12:00 purchase.failed timeout a:1")
	s.auto("amount", "0.00")
	s.auto("payment_failed", true)
	s.settle("02-02T00:00", "a:1", "manual") // late: by the id it ends the failure and counts again; by its kind no cap
	s.auto("amount", "10.00")
	s.auto("payment_failed", false)
	s.auto("auto_purchases", int64(0))
}

func TestALateSettlementEndsOnlyTheFailureThatItsPurchaseSet(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.buying("01-01T00:00", "")
	s.use("01-02T00:00", 1, 105)
	s.do("01-02T00:01", "purchase.failed", `{"purchase":"a:1","reason":"declined"}`)
	s.auto("amount", "0.00")
	s.do("01-02T00:02", "payment_method.saved", `{"method":"m","kind":"card"}`) // requests a:2
	s.do("01-02T00:03", "purchase.failed", `{"purchase":"a:2","reason":"declined"}`)
	s.given = nil
	s.settle("01-02T00:04", "a:1", "auto")
	s.auto("payment_failed", true)
	s.auto("amount", "10.00")
	s.auto("auto_purchases", int64(1))
	s.settle("01-02T00:05", "a:1", "auto")
	s.gives("01-02T00:04 purchase.settled auto a:1 10.00", "01-02T00:04 grant.added a:1 10",
		"01-02T00:04 status.changed active", "01-02T00:05 duplicate")
}

func TestTwoPlanChangesInOneInstantNumberTheGrant(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.do("01-02T00:00", "account.plan_changed", `{"plan":"other","when":"now"}`)
	s.given = nil
	s.do("01-02T00:00", "account.plan_changed", `{"plan":"month","when":"now"}`)
	s.gives("01-02T00:00 grant.voided a:sub:2025-01-02T00:00:00Z 50", "01-02T00:00 period.started 2025-02-02T00:00:00Z",
		"01-02T00:00 grant.added a:sub:2025-01-02T00:00:00Z#2 100")
}

func TestAnOwnPlanDropsAWaitingChange(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.do("01-02T00:00", "account.plan_changed", `{"plan":"other","when":"period_end"}`)
	s.do("01-03T00:00", "account.plan_changed", `{"plan":"month","when":"now"}`)
	s.given = nil
	s.do("01-04T00:00", "account.plan_changed", `{"plan":"month","when":"period_end"}`)
	s.gives("01-04T00:00 rejected same_plan")
}

func TestGraceEndsAtItsInstantAndOnlyAfterCreditsThatThereWere(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.use("01-02T00:00", 1, 1)
	s.gives("01-02T00:00 charge 1") // never above 0: no grace
	s.do("01-03T00:00", "credits.granted", `{"amount":"11","category":"promotional"}`)
	s.use("01-04T00:00", 2, 12)
	s.given = nil
	s.do("01-05T00:00", "tick", "{}")
	s.gives("01-05T00:00 status.changed exhausted")
	s.do("01-06T00:00", "credits.granted", `{"amount":"10","category":"promotional"}`)
	s.given = nil
	s.use("01-07T00:00", 3, 12)
	s.use("01-07T00:01", 4, 1)
	s.gives("01-07T00:00 charge 12", "01-07T00:00 notice low_balance -4",
		"01-07T00:00 status.changed exhausted", "01-07T00:01 charge 1") // an overdraft above the limit has no grace
}

func TestSequenceMemory(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	for i := range 66 { // 2, 4 … 132: 66 ranges of one number, of which the lowest two are forgotten
		s.use("01-01T01:00", 2*i+2, 0)
	}
	s.given = nil
	s.use("01-01T02:00", 3, 0)
	s.use("01-01T02:00", 5, 0)
	s.use("01-01T02:00", 5, 0)
	s.gives("01-01T02:00 duplicate", "01-01T02:00 charge 0", "01-01T02:00 duplicate")
	if missing := fmt.Sprint(s.balance()["missing"]); missing != "65" {
		t.Errorf("missing is %s", missing)
	}
	s.use("02-05T02:00", 5, 0) // exactly 35 days after
	s.use("02-05T02:01", 5, 0) // empty: 1 to 4 are missing again
	s.gives("02-05T02:00 duplicate", "02-05T02:01 charge 0")
	if missing := fmt.Sprint(s.balance()["missing"]); missing != "69" {
		t.Errorf("missing is %s", missing)
	}
}

func TestNoticeOfGAIsJudgedByTheInstantsThatAreNew(t *testing.T) {
	s := world(t)
	set := func(at, stage, effective string) {
		s.t.Helper()
		s.broadcast("2025-"+at+":00Z", "connector.set", fmt.Sprintf(`{"connector":"s","kind":"m","stage":%q,"effective_at":"2025-%s:00Z"}`, stage, effective))
	}
	set("01-02T00:00", "ga", "01-15T23:59")
	s.gives("01-02T00:00 rejected notice_too_short")
	set("01-02T00:00", "ga", "01-16T00:00") // exactly 14 days
	set("01-03T00:00", "alpha", "01-04T00:00")
	set("01-05T00:00", "beta", "01-16T00:00") // of equals the one written last: no longer ga
	set("01-05T00:00", "ga", "01-30T00:00")
	set("01-30T00:00", "ga", "02-03T00:00") // ga already: no instant is new
	s.gives()
	set("01-31T00:00", "beta", "02-01T00:00") // would make it ga again on 3 February
	s.gives("01-31T00:00 rejected notice_too_short")
}

func TestNoticesBeforeExpiryAreNotGivenForInstantsReachedUnderAnotherPlan(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.do("01-01T00:00", "credits.granted", `{"amount":"1","category":"purchased","expires_at":"2025-01-05T00:00:00Z"}`)
	s.do("01-01T00:00", "credits.granted", `{"amount":"2","category":"purchased","expires_at":"2025-01-06T00:00:00Z"}`)
	s.do("01-03T00:00", "account.plan_changed", `{"plan":"free","when":"now"}`)
	s.given = nil
	s.do("01-04T00:00", "tick", "{}")
	s.gives("01-04T00:00 notice credits_expiring " + s.balance()["grants"].([]any)[1].(reference.Line)["grant"].(string))
}

func TestLeavingNoticesFollowWhatIsLearned(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.do("01-01T00:00", "payment_method.saved", `{"method":"m","kind":"card"}`)
	s.do("01-01T00:00", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.do("01-01T00:00", "program.enrolled", "{}")
	s.broadcast("2025-01-02T00:00:00Z", "connector.set", `{"connector":"s","kind":"m","stage":"ga","effective_at":"2025-03-01T00:00:00Z"}`)
	s.given = nil
	s.do("02-14T23:59", "tick", "{}")
	s.gives()
	s.do("02-16T00:00", "tick", "{}")
	s.gives("02-15T00:00 notice leaving_free_program 2025-03-01T00:00:00Z")
	s.do("02-17T00:00", "connection.removed", `{"connection":"c"}`)
	s.do("02-18T00:00", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.do("02-19T00:00", "connection.set", `{"connection":"late","source_connector":"s","destination_connector":"d"}`)
	s.gives()
	s.do("02-19T00:00", "tick", "{}") // learned on the 19th; c was told already
	s.gives("02-19T00:00 notice leaving_free_program 2025-03-01T00:00:00Z")
}
