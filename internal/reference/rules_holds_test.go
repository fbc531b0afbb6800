package reference_test

import (
	"fmt"
	"testing"

	"drawdown/internal/reference"
)

// holding is a story with an account that was given so many credits and knows the connection c.
func holding(t *testing.T, credits string) *story {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.do("01-01T00:00", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.do("01-01T00:00", "connection.set", `{"connection":"x","source_connector":"s","destination_connector":"d"}`)
	s.do("01-01T00:00", "credits.granted", fmt.Sprintf(`{"amount":%q,"category":"promotional"}`, credits))
	s.given = nil
	return s
}

// hold places one for a job of a connection; more is further members.
func (s *story) hold(at, id, connection string, job int, amount, more string) {
	s.t.Helper()
	s.do(at, "hold.placed", fmt.Sprintf(
		`{"hold":%q,"connection":%q,"job":%d,"amount":%q,"expires_at":"2025-01-20T00:00:00Z"%s}`, id, connection, job, amount, more))
}

func (s *story) release(at, id string) {
	s.t.Helper()
	s.do(at, "hold.released", fmt.Sprintf(`{"hold":%q}`, id))
}

func (s *story) prioritize(at, connection, priority string) {
	s.t.Helper()
	s.do(at, "connection.prioritized", fmt.Sprintf(`{"connection":%q,"priority":%q}`, connection, priority))
}

// sync is usage of a job of a connection, without seq.
func (s *story) sync(at, connection string, job, operations int) {
	s.t.Helper()
	s.do(at, "sync.usage", fmt.Sprintf(
		`{"connection":%q,"source_connector":"s","destination_connector":"d","job":%d,"attempt":0,"operations":%d}`, connection, job, operations))
}

// shows compares members of the account's balance.
func (s *story) shows(want map[string]any) {
	s.t.Helper()
	balance := s.balance()
	for key, value := range want {
		if balance[key] != value {
			s.t.Errorf("%s is %v, not %v", key, balance[key], value)
		}
	}
}

func TestWhatIsHeldIsNotAvailableToOtherHolds(t *testing.T) {
	s := holding(t, "10")
	if _, there := s.balance()["held"]; there {
		t.Error("an account without holds shows what is held")
	}
	s.hold("01-02T00:00", "a", "c", 1, "7", "")
	s.hold("01-02T00:01", "b", "c", 2, "3.000000001", "")
	s.hold("01-02T00:02", "b", "c", 2, "3", "")
	s.hold("01-02T00:03", "d", "c", 3, "0.000000001", "")
	s.gives("01-02T00:00 hold.placed a 7", "01-02T00:01 rejected insufficient_credits",
		"01-02T00:02 hold.placed b 3", "01-02T00:03 rejected insufficient_credits")
	s.shows(map[string]any{"available": "0", "held": "10", "status": "active", "used": "0"})
	s.release("01-02T00:04", "a")
	s.release("01-02T00:05", "a")
	s.hold("01-02T00:06", "a", "c", 1, "7", "") // the id is free again, and so is the job
	s.gives("01-02T00:04 hold.released a 7 0", "01-02T00:05 rejected unknown_hold", "01-02T00:06 hold.placed a 7")
}

func TestFormsAndBoundsOfAHold(t *testing.T) {
	s := holding(t, "10")
	expiring := func(at, expires string) {
		s.t.Helper()
		s.do(at, "hold.placed", fmt.Sprintf(`{"hold":"h%d","connection":"c","job":%d,"amount":"1","expires_at":"2025-%s:00Z"}`, s.ids, s.ids, expires))
	}
	s.hold("01-02T00:00", "a", "c", 1, "0", "")
	s.hold("01-02T00:01", "a", "c", 1, "-0", "")
	s.hold("01-02T00:02", "a", "c", 1, "-1", "")
	expiring("01-02T00:03", "01-02T00:03")
	expiring("01-02T00:04", "02-06T00:05")
	s.gives("01-02T00:00 rejected bad_hold", "01-02T00:01 rejected bad_hold", "01-02T00:02 rejected bad_hold",
		"01-02T00:03 rejected bad_hold", "01-02T00:04 rejected bad_hold")
	expiring("01-02T00:05", "02-06T00:05") // exactly 35 days
	expiring("01-02T00:06", "01-02T00:07")
	s.gives("01-02T00:05 hold.placed h15 1", "01-02T00:06 hold.placed h16 1")
}

func TestAHoldIsKnownByItsIDAndByItsSync(t *testing.T) {
	s := holding(t, "10")
	s.hold("01-02T00:00", "a", "c", 1, "4", "")
	s.hold("01-02T00:01", "b", "c", 2, "40", `,"wait":true`)
	s.given = nil
	s.hold("01-02T00:02", "a", "x", 9, "1", "")
	s.hold("01-02T00:03", "b", "x", 9, "1", "")
	s.hold("01-02T00:04", "d", "c", 1, "1", "")
	s.hold("01-02T00:05", "d", "c", 2, "1", `,"wait":true`)
	s.gives("01-02T00:02 rejected hold_exists", "01-02T00:03 rejected hold_exists",
		"01-02T00:04 rejected hold_exists", "01-02T00:05 rejected hold_exists")
}

func TestUsageOfASyncIsTakenFromItsHold(t *testing.T) {
	s := holding(t, "20")
	s.hold("01-02T00:00", "a", "c", 1, "8", "")
	s.sync("01-02T00:01", "c", 1, 5)
	s.shows(map[string]any{"available": "12", "held": "3", "used": "5"})
	s.sync("01-02T00:02", "c", 2, 2) // another job
	s.sync("01-02T00:03", "x", 1, 2) // another connection
	s.shows(map[string]any{"available": "8", "held": "3", "used": "9"})
	s.sync("01-02T00:04", "c", 1, 4)
	s.shows(map[string]any{"available": "7", "held": "0", "used": "13"})
	s.given = nil
	s.hold("01-02T00:05", "b", "c", 1, "1", "") // nothing is left of a, and it is open
	s.release("01-02T00:06", "a")
	s.gives("01-02T00:05 rejected hold_exists", "01-02T00:06 hold.released a 0 8")
}

func TestUsageOfAWaitingHoldTakesNothingOfIt(t *testing.T) {
	s := holding(t, "20")
	s.hold("01-02T00:00", "a", "c", 1, "30", `,"wait":true`)
	s.sync("01-02T00:01", "c", 1, 5)
	s.given = nil
	s.shows(map[string]any{"available": "15", "held": "0"})
	s.release("01-02T00:02", "a")
	s.gives("01-02T00:02 hold.released a 30 0")
}

func TestTheQueueIsServedByPriorityAndItsFirstHoldsUpTheRest(t *testing.T) {
	s := holding(t, "1")
	s.hold("01-02T00:00", "n1", "c", 1, "5", `,"wait":true`)
	s.hold("01-02T00:01", "n2", "x", 1, "3", `,"wait":true`)
	s.hold("01-02T00:02", "n3", "x", 2, "0.5", "")             // would fit, and is not first
	s.hold("01-02T00:03", "n4", "x", 2, "0.5", `,"wait":true`) // waits likewise
	s.gives("01-02T00:00 hold.queued n1 5", "01-02T00:01 hold.queued n2 3",
		"01-02T00:02 rejected insufficient_credits", "01-02T00:03 hold.queued n4 0.5")
	s.do("01-02T00:04", "credits.granted", `{"amount":"2","category":"promotional"}`)
	s.gives("01-02T00:04 grant.added " + s.lastID() + " 2") // three credits: n2 would fit, and n1 is before it
	s.prioritize("01-02T00:05", "x", "critical")
	s.gives("01-02T00:05 hold.placed n2 3")
	s.prioritize("01-02T00:06", "c", "low")
	s.do("01-02T00:07", "credits.granted", `{"amount":"5","category":"promotional"}`)
	s.gives("01-02T00:07 grant.added "+s.lastID()+" 5", "01-02T00:07 hold.placed n4 0.5")
	s.release("01-02T00:08", "n2")
	s.gives("01-02T00:08 hold.released n2 3 0", "01-02T00:08 hold.placed n1 5")
}

// lastID is the id of the record before, which is that of the grant that it made.
func (s *story) lastID() string { return fmt.Sprintf("r%d", s.ids) }

func TestAHoldOfHigherPriorityPassesTheQueue(t *testing.T) {
	s := holding(t, "4")
	s.hold("01-02T00:00", "n1", "c", 1, "5", `,"wait":true`)
	s.prioritize("01-02T00:01", "x", "critical")
	s.hold("01-02T00:02", "n2", "x", 1, "4", `,"wait":true`) // first, and fits: never queued
	s.gives("01-02T00:00 hold.queued n1 5", "01-02T00:02 hold.placed n2 4")
}

func TestOnlyCriticalConnectionsHoldOfTheReserve(t *testing.T) {
	s := holding(t, "10")
	s.do("01-02T00:00", "gate.set", `{"reserve":"4"}`)
	s.hold("01-02T00:01", "a", "c", 1, "6.000000001", "")
	s.hold("01-02T00:02", "a", "c", 1, "6", "")
	s.prioritize("01-02T00:03", "c", "low")
	s.prioritize("01-02T00:03", "x", "critical")
	s.hold("01-02T00:04", "b", "x", 1, "4", "")
	s.gives("01-02T00:01 rejected insufficient_credits", "01-02T00:02 hold.placed a 6", "01-02T00:04 hold.placed b 4")
	s.release("01-02T00:05", "b")
	s.hold("01-02T00:06", "d", "never-known", 1, "2", `,"wait":true`)
	s.given = nil
	s.do("01-02T00:07", "gate.set", `{"reserve":"2"}`)
	s.gives("01-02T00:07 hold.placed d 2")
	s.do("01-02T00:08", "gate.set", `{}`)
	s.hold("01-02T00:09", "e", "c", 2, "2", "")
	s.gives("01-02T00:09 hold.placed e 2")
}

func TestAPriorityOutlivesItsConnection(t *testing.T) {
	s := holding(t, "10")
	s.do("01-02T00:00", "gate.set", `{"reserve":"10"}`)
	s.prioritize("01-02T00:01", "never-known", "critical")
	s.prioritize("01-02T00:01", "c", "critical")
	s.do("01-02T00:02", "connection.removed", `{"connection":"c"}`)
	s.prioritize("01-02T00:03", "c", "low")
	s.hold("01-02T00:04", "a", "c", 1, "10", "")
	s.gives("01-02T00:01 rejected unknown_connection", "01-02T00:03 rejected unknown_connection", "01-02T00:04 hold.placed a 10")
}

func TestHoldsExpireInTheOrderInWhichTheyWerePlaced(t *testing.T) {
	s := holding(t, "10")
	s.hold("01-02T00:00", "z", "c", 1, "8", "")
	s.sync("01-02T00:01", "c", 1, 3)
	s.hold("01-02T00:02", "y", "c", 2, "9", `,"wait":true`)
	s.hold("01-02T00:03", "x", "c", 3, "1", `,"wait":true`)
	s.do("01-02T00:04", "hold.placed", `{"hold":"w","connection":"c","job":4,"amount":"2","expires_at":"2025-02-01T00:00:00Z","wait":true}`)
	s.do("01-03T00:00", "hold.released", `{"hold":"y"}`)
	s.given = nil
	s.hold("01-03T00:01", "y", "c", 2, "9", `,"wait":true`)
	s.do("01-20T00:00", "tick", "{}")
	s.gives("01-03T00:01 hold.queued y 9", "01-20T00:00 hold.expired z 5 3", "01-20T00:00 hold.expired x 1 0",
		"01-20T00:00 hold.expired y 9 0", "01-20T00:00 hold.placed w 2")
	s.shows(map[string]any{"available": "5", "held": "2"})
}

func TestExpiryOfAHoldServesTheQueueAtItsInstant(t *testing.T) {
	s := holding(t, "10")
	s.hold("01-02T00:00", "a", "c", 1, "8", "")
	s.do("01-02T00:01", "hold.placed", `{"hold":"b","connection":"x","job":1,"amount":"5","expires_at":"2025-02-01T00:00:00Z","wait":true}`)
	s.given = nil
	s.do("01-25T00:00", "tick", "{}")
	s.gives("01-20T00:00 hold.expired a 8 0", "01-20T00:00 hold.placed b 5")
}

func TestHoldsExpireAfterGrantsAndPeriodsOfTheInstant(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "month")
	s.do("01-15T00:00", "hold.placed", `{"hold":"a","connection":"c","job":1,"amount":"60","expires_at":"2025-02-01T00:00:00Z"}`)
	s.do("01-15T00:00", "hold.placed", `{"hold":"b","connection":"c","job":2,"amount":"60","expires_at":"2025-02-10T00:00:00Z","wait":true}`)
	s.given = nil
	s.do("02-01T00:00", "tick", "{}")
	s.gives("02-01T00:00 grant.expired a:sub:2025-01-01T00:00:00Z 100", "02-01T00:00 period.started 2025-03-01T00:00:00Z",
		"02-01T00:00 grant.added a:sub:2025-02-01T00:00:00Z 100", "02-01T00:00 hold.expired a 60 0", "02-01T00:00 hold.placed b 60")
}

func TestHoldsExpireAfterATimeoutAndARetryAndBeforeLeavingNotices(t *testing.T) {
	s := ladders(t, `[{"after_minutes":60,"method":"primary"}]`)
	s.do("01-01T00:00", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.buying("01-01T00:00", "")
	s.do("01-01T00:00", "program.enrolled", "{}")
	s.broadcast("2025-01-01T00:00:00Z", "connector.set", `{"connector":"s","kind":"m","stage":"ga","effective_at":"2025-01-16T00:00:00Z"}`)
	waiting := func(id string, job int, expires string) {
		s.do("01-01T00:00", "hold.placed", fmt.Sprintf(
			`{"hold":%q,"connection":"c","job":%d,"amount":"1","expires_at":"2025-%s:00Z","wait":true}`, id, job, expires))
	}
	waiting("retry", 1, "01-01T01:00")
	waiting("end", 2, "01-02T00:00")
	s.refuse("01-01T00:01", "a:1", 1)
	s.given = nil
	s.do("01-03T00:00", "tick", "{}")
	s.gives("01-01T01:00 purchase.retried a:1 10.00", "01-01T01:00 hold.expired retry 1 0",
		"01-02T00:00 purchase.failed timeout a:1", "01-02T00:00 hold.expired end 1 0",
		"01-02T00:00 notice leaving_free_program 2025-01-16T00:00:00Z", "01-02T00:00 status.changed payment_failed")
}

func TestHoldsChangeNoStatusAndBuyNothing(t *testing.T) {
	s := holding(t, "10")
	s.buying("01-02T00:00", "")
	s.hold("01-02T00:01", "a", "c", 1, "10", "")
	s.gives("01-02T00:01 hold.placed a 10")
	s.sync("01-02T00:02", "x", 1, 6) // usage takes what is held for another: the notice names the balance
	s.gives("01-02T00:02 charge 6", "01-02T00:02 notice low_balance 4")
	s.shows(map[string]any{"available": "-6", "held": "10", "status": "active"})
	s.hold("01-02T00:03", "b", "x", 2, "1", `,"wait":true`)
	s.do("01-02T00:04", "credits.granted", `{"amount":"6.999999999","category":"promotional"}`)
	s.given = nil
	s.do("01-02T00:05", "credits.granted", `{"amount":"0.000000001","category":"promotional"}`)
	s.gives("01-02T00:05 grant.added "+s.lastID()+" 0.000000001", "01-02T00:05 hold.placed b 1")
}

func TestAPurchaseServesTheQueueAfterTheStatus(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.hold("01-02T00:00", "a", "c", 1, "10", `,"wait":true`)
	s.given = nil
	s.settle("01-02T00:01", "cs_1", "manual")
	s.gives("01-02T00:01 purchase.settled manual cs_1 10.00", "01-02T00:01 grant.added cs_1 10",
		"01-02T00:01 status.changed active", "01-02T00:01 hold.placed a 10")
}

func TestAnAccountHas256Holds(t *testing.T) {
	s := holding(t, "100")
	for i := range 256 {
		wait := ""
		if i >= 100 {
			wait = `,"wait":true`
		}
		s.hold("01-02T00:00", fmt.Sprintf("h%d", i), "c", i, "1", wait)
	}
	s.given = nil
	s.hold("01-02T00:01", "more", "x", 1, "1", `,"wait":true`)
	s.hold("01-02T00:02", "h7", "x", 1, "1", "")
	s.release("01-02T00:03", "h255")
	s.hold("01-02T00:04", "more", "x", 1, "1", "")
	s.hold("01-02T00:05", "more", "x", 1, "1", `,"wait":true`)
	s.gives("01-02T00:01 rejected too_many_holds", "01-02T00:02 rejected hold_exists", "01-02T00:03 hold.released h255 1 0",
		"01-02T00:04 rejected insufficient_credits", "01-02T00:05 hold.queued more 1")
}

func TestTheBalanceListsHoldsAsTheyWerePlaced(t *testing.T) {
	s := holding(t, "10")
	s.hold("01-02T00:00", "b", "c", 1, "11", `,"wait":true`)
	s.prioritize("01-02T00:01", "x", "critical")
	s.hold("01-02T00:02", "a", "x", 1, "2.5", "")
	s.sync("01-02T00:03", "x", 1, 1)
	text, err := reference.Encode(reference.Line{"holds": s.balance()["holds"]})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"holds":[` +
		`{"amount":"11","connection":"c","expires_at":"2025-01-20T00:00:00Z","hold":"b","job":1,"remaining":"11","waiting":true},` +
		`{"amount":"2.5","connection":"x","expires_at":"2025-01-20T00:00:00Z","hold":"a","job":1,"remaining":"1.5","waiting":false}]}` + "\n"
	if string(text) != want {
		t.Errorf("got %swant %s", text, want)
	}
}
