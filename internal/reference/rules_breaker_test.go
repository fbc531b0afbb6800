package reference_test

import (
	"fmt"
	"testing"
)

// guarded is a story with an account of 100,000 credits whose breaker stops at more than twice the usual cost.
func guarded(t *testing.T, more string) *story {
	s := holding(t, "100000")
	s.do("01-02T00:00", "gate.set", `{"runaway_factor":2`+more+`}`)
	s.given = nil
	return s
}

// jobs makes jobs of the connection c, numbered from 1, that cost so much each, in one event.
func (s *story) jobs(at string, costs ...int) {
	s.t.Helper()
	for i, cost := range costs {
		s.sync(at, "c", i+1, cost)
	}
	s.given = nil
}

func TestAJobRunsAwayBeyondTheMedianOfThreeOthers(t *testing.T) {
	s := guarded(t, "")
	s.sync("01-02T00:01", "c", 1, 30)
	s.sync("01-02T00:01", "c", 2, 10)
	s.sync("01-02T00:01", "c", 3, 1000) // two others are too few
	s.sync("01-02T00:02", "c", 4, 60)   // exactly twice 30, the median of 10, 30 and 1000
	s.given = nil
	s.sync("01-02T00:03", "c", 4, 0)
	s.sync("01-02T00:04", "c", 4, 1)
	s.sync("01-02T00:05", "c", 4, 500) // once a job
	s.gives("01-02T00:03 charge 0", "01-02T00:04 charge 1", "01-02T00:04 notice runaway 61 30", "01-02T00:05 charge 500")
	s.stopped("c", true)
	s.stopped("x", false)
}

func TestTheUsualCostOfAnEvenNumberIsTheLowerOfTheMiddleTwo(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 40, 10, 20, 30)
	s.sync("01-02T00:02", "c", 5, 40)
	s.sync("01-02T00:03", "c", 5, 1)
	s.gives("01-02T00:02 charge 40", "01-02T00:03 charge 1", "01-02T00:03 notice runaway 41 20")
}

func TestARunawayIsWrittenAfterItsChargeAndBeforeSettling(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 10, 10, 10)
	s.sync("01-02T00:02", "c", 4, 99_967)
	s.gives("01-02T00:02 charge 99967", "01-02T00:02 notice runaway 99967 10", "01-02T00:02 notice low_balance 3")
}

func TestSmallJobsDoNotRunAway(t *testing.T) {
	s := guarded(t, `,"runaway_min":"50"`)
	s.jobs("01-02T00:01", 1, 1, 0)
	s.sync("01-02T00:02", "c", 4, 50)
	s.sync("01-02T00:03", "c", 4, 1)
	s.gives("01-02T00:02 charge 50", "01-02T00:03 charge 1", "01-02T00:03 notice runaway 51 1")
}

func TestJobsOfNoCostAreRememberedToo(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 0, 0, 0)
	s.sync("01-02T00:02", "c", 4, 0)
	s.sync("01-02T00:03", "c", 4, 1)
	s.gives("01-02T00:02 charge 0", "01-02T00:03 charge 1", "01-02T00:03 notice runaway 1 0")
}

func TestNineJobsAreRememberedAndTheFirstBegunIsForgotten(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 1, 2, 3, 4, 5, 6, 7, 8, 9)
	s.sync("01-02T00:02", "c", 1, 0)  // its first event stays the first
	s.sync("01-02T00:03", "c", 10, 1) // 1 is forgotten
	s.sync("01-02T00:04", "c", 1, 13) // begun again as the last, 2 is forgotten: of 1 and 3 to 9 the lower middle is 5
	s.gives("01-02T00:02 charge 0", "01-02T00:03 charge 1", "01-02T00:04 charge 13", "01-02T00:04 notice runaway 13 5")
	for job := 11; job <= 18; job++ {
		s.sync("01-02T00:05", "c", job, 1)
	}
	s.sync("01-02T00:06", "c", 19, 1) // 1 is forgotten again, and that it raised a notice
	s.given = nil
	s.sync("01-02T00:07", "c", 1, 3)
	s.gives("01-02T00:07 charge 3", "01-02T00:07 notice runaway 3 1")
}

func TestFreeUsageAddsToNoJob(t *testing.T) {
	s := guarded(t, "")
	s.do("01-02T00:00", "payment_method.saved", `{"method":"m","kind":"card"}`)
	s.jobs("01-02T00:01", 1, 1, 1)
	s.do("01-02T00:02", "program.enrolled", "{}")
	s.sync("01-02T00:03", "c", 4, 1000)
	s.gives("01-02T00:03 charge 0")
	s.stopped("c", false)
}

func TestAnAcknowledgedConnectionIsStoppedByAnotherJobOnly(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 10, 10, 10)
	s.sync("01-02T00:02", "c", 4, 21)
	s.do("01-02T00:03", "runaway.acknowledged", `{"connection":"c"}`)
	s.stopped("c", false)
	s.sync("01-02T00:04", "c", 4, 100)
	s.stopped("c", false)
	s.given = nil
	s.sync("01-02T00:05", "c", 5, 21)
	s.sync("01-02T00:06", "c", 1, 12) // also while it is stopped: of 10, 10, 21 and 121 the lower middle is 10
	s.gives("01-02T00:05 charge 21", "01-02T00:05 notice runaway 21 10", "01-02T00:06 charge 12", "01-02T00:06 notice runaway 22 10")
	s.do("01-02T00:07", "connection.removed", `{"connection":"c"}`)
	s.do("01-02T00:08", "runaway.acknowledged", `{"connection":"c"}`)
	s.gives("01-02T00:08 rejected unknown_connection")
	s.do("01-02T00:09", "connection.set", `{"connection":"c","source_connector":"s","destination_connector":"d"}`)
	s.stopped("c", true) // for ever, until somebody says so
}

func TestHoldsOfAStoppedConnectionWaitAndHoldUpNobody(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 10, 10, 10)
	s.hold("01-02T00:02", "c1", "c", 11, "99970", "")
	s.hold("01-02T00:03", "c2", "c", 12, "5", `,"wait":true`)
	s.hold("01-02T00:04", "x1", "x", 1, "4", `,"wait":true`)
	s.sync("01-02T00:05", "c", 4, 21)
	s.given = nil
	s.hold("01-02T00:06", "c3", "c", 13, "1", "")
	s.hold("01-02T00:07", "c3", "c", 13, "1", `,"wait":true`)
	s.release("01-02T00:08", "c1") // an open one of the stopped connection stayed open
	s.do("01-02T00:09", "runaway.acknowledged", `{"connection":"c"}`)
	s.gives("01-02T00:06 rejected connection_stopped", "01-02T00:07 hold.queued c3 1",
		"01-02T00:08 hold.released c1 99970 0", "01-02T00:08 hold.placed x1 4",
		"01-02T00:09 hold.placed c2 5", "01-02T00:09 hold.placed c3 1")
}

func TestAGateWithoutBreakerForgetsJobsAndStops(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 10, 10, 10, 21)
	s.hold("01-02T00:02", "a", "c", 9, "1", `,"wait":true`)
	s.given = nil
	s.do("01-02T00:03", "gate.set", `{"runaway_factor":1000,"reserve":"1"}`) // keeps both
	s.stopped("c", true)
	s.do("01-02T00:04", "gate.set", `{"reserve":"1"}`)
	s.gives("01-02T00:04 hold.placed a 1")
	s.stopped("c", false)
	s.sync("01-02T00:05", "c", 8, 5) // nothing is remembered without a breaker
	s.do("01-02T00:06", "gate.set", `{"runaway_factor":2}`)
	s.given = nil
	for job := 1; job <= 3; job++ {
		s.sync("01-02T00:07", "c", job, job)
	}
	s.sync("01-02T00:08", "c", 4, 5) // 1, 2 and 3, and not 8
	s.gives("01-02T00:07 charge 1", "01-02T00:07 charge 2", "01-02T00:07 charge 3", "01-02T00:08 charge 5",
		"01-02T00:08 notice runaway 5 2")
}

func TestAnotherFactorIsLookedAtWithTheNextEvent(t *testing.T) {
	s := guarded(t, "")
	s.jobs("01-02T00:01", 10, 10, 10)
	s.do("01-02T00:02", "gate.set", `{"runaway_factor":3}`)
	s.sync("01-02T00:03", "c", 4, 30)
	s.given = nil
	s.do("01-02T00:04", "gate.set", `{"runaway_factor":2}`)
	s.gives()
	s.sync("01-02T00:05", "c", 4, 0)
	s.gives("01-02T00:05 charge 0", "01-02T00:05 notice runaway 30 10")
}

// stopped asks the gate.
func (s *story) stopped(connection string, want bool) {
	s.t.Helper()
	now, _ := s.engine.Now()
	if _, reason := s.engine.Gate("a", connection, nil, now); (reason == "connection_stopped") != want {
		s.t.Errorf("%s: the gate says %s", connection, reason)
	}
}

// TestFormsOfSection10 says for each form whether it is malformed.
func TestFormsOfSection10(t *testing.T) {
	const (
		hold = `{"hold":"h","connection":"c","job":1,"amount":"1","expires_at":"2025-01-02T00:00:00Z"`
		plan = `{"id":"p","currency":"USD","purchase":{"unit":1,"min":1,"max":9,"default":1,"unit_price":"1","validity":{"months":1},"orders":`
	)
	for _, c := range []struct {
		typ, data string
		malformed bool
	}{
		{"hold.placed", hold + `}`, false},
		{"hold.placed", hold + `,"wait":null}`, false},
		{"hold.placed", hold + `,"wait":true}`, false},
		{"hold.placed", hold + `,"wait":"true"}`, true},
		{"hold.placed", hold + `,"wait":0}`, true},
		{"hold.placed", hold + `,"hold":""}`, true},
		{"hold.placed", hold + `,"hold":null}`, true},
		{"hold.placed", hold + `,"connection":null}`, true},
		{"hold.placed", hold + `,"job":"1"}`, true},
		{"hold.placed", hold + `,"job":-1}`, true},
		{"hold.placed", hold + `,"job":1.0}`, true},
		{"hold.placed", hold + `,"job":9007199254740992}`, true},
		{"hold.placed", hold + `,"job":9007199254740991}`, false},
		{"hold.placed", hold + `,"amount":1}`, true},
		{"hold.placed", hold + `,"amount":"100000000.000000001"}`, true},
		{"hold.placed", hold + `,"amount":"-100000000"}`, false},
		{"hold.placed", hold + `,"expires_at":null}`, true},
		{"hold.placed", hold + `,"expires_at":"2025-01-02"}`, true},
		{"hold.placed", `null`, true},
		{"hold.released", `{"hold":"h"}`, false},
		{"hold.released", `{}`, true},
		{"connection.prioritized", `{"connection":"c","priority":"low"}`, false},
		{"connection.prioritized", `{"connection":"c","priority":"Low"}`, true},
		{"connection.prioritized", `{"connection":"c"}`, true},
		{"connection.prioritized", `{"priority":"low"}`, true},
		{"gate.set", `{}`, false},
		{"gate.set", `null`, true},
		{"gate.set", `{"reserve":null,"runaway_factor":null,"runaway_min":null}`, false},
		{"gate.set", `{"reserve":"-0","runaway_min":"0.000000001"}`, false},
		{"gate.set", `{"reserve":"-0.000000001"}`, true},
		{"gate.set", `{"reserve":1}`, true},
		{"gate.set", `{"runaway_min":"-1"}`, true},
		{"gate.set", `{"runaway_min":"-1","runaway_factor":2}`, true},
		{"gate.set", `{"runaway_factor":1}`, true},
		{"gate.set", `{"runaway_factor":2}`, false},
		{"gate.set", `{"runaway_factor":1000}`, false},
		{"gate.set", `{"runaway_factor":1001}`, true},
		{"gate.set", `{"runaway_factor":"2"}`, true},
		{"runaway.acknowledged", `{"connection":"c"}`, false},
		{"runaway.acknowledged", `{}`, true},
		{"plan.published", plan + `null}}`, false},
		{"plan.published", plan + `false}}`, false},
		{"plan.published", plan + `true}}`, false},
		{"plan.published", plan + `"true"}}`, true},
		{"plan.published", plan + `1}}`, true},
	} {
		s := holding(t, "10")
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

// TestTheGate asks in each state, in the order in which the reasons apply.
func TestTheGate(t *testing.T) {
	s := holding(t, "30")
	job := int64(7)
	asks := func(connection string, job *int64, want string) {
		t.Helper()
		now, _ := s.engine.Now()
		allowed, reason := s.engine.Gate("a", connection, job, now)
		if got := fmt.Sprint(allowed, " ", reason); got != want {
			t.Errorf("%s: the gate says %s, not %s", connection, got, want)
		}
	}
	asks("c", nil, "true active")
	s.do("01-02T00:00", "gate.set", `{"reserve":"10","runaway_factor":2}`)
	s.prioritize("01-02T00:00", "x", "critical")
	s.hold("01-02T00:01", "a", "c", 7, "20", "")
	asks("c", nil, "false reserved") // 10 are left: not more than the reserve
	asks("c", &job, "true hold")
	asks("x", &job, "true active") // the hold is another connection's
	s.hold("01-02T00:02", "b", "x", 1, "10", "")
	asks("x", nil, "false held")
	s.do("01-02T00:03", "gate.set", `{"runaway_factor":2}`)
	asks("c", nil, "false held")
	s.sync("01-02T00:04", "c", 7, 20)
	asks("c", &job, "false held") // nothing is left of it
	s.release("01-02T00:05", "a")
	s.hold("01-02T00:06", "w", "c", 7, "20", `,"wait":true`)
	asks("c", &job, "false held") // it waits
	s.sync("01-02T00:07", "c", 1, 10)
	asks("c", nil, "true grace")
	s.do("01-02T00:08", "gate.set", `{"reserve":"1","runaway_factor":2}`)
	asks("c", nil, "false reserved")
	asks("x", nil, "true grace")
	s.do("01-04T00:00", "tick", "{}")
	asks("x", nil, "false exhausted")
	asks("x", &[]int64{1}[0], "true hold")
	s.do("01-04T00:01", "payment_method.saved", `{"method":"m","kind":"card"}`)
	s.do("01-04T00:02", "program.enrolled", "{}")
	asks("c", nil, "true free")
	asks("never-known", nil, "false exhausted")
	s.do("01-04T00:03", "connection.removed", `{"connection":"c"}`)
	asks("c", nil, "false exhausted")
}

func TestTheGateOfAStoppedConnectionIsShutToHoldsAndToFreeSyncs(t *testing.T) {
	s := guarded(t, "")
	s.do("01-02T00:00", "payment_method.saved", `{"method":"m","kind":"card"}`)
	s.hold("01-02T00:01", "a", "c", 9, "20", "")
	s.jobs("01-02T00:02", 10, 10, 10, 21)
	s.do("01-02T00:03", "program.enrolled", "{}")
	now, _ := s.engine.Now()
	if allowed, reason := s.engine.Gate("a", "c", &[]int64{9}[0], now); allowed || reason != "connection_stopped" {
		t.Errorf("the gate says %v %s", allowed, reason)
	}
}

func TestTheGateDuringAPurchaseAndAfterItsFailure(t *testing.T) {
	s := world(t)
	s.open("01-01T00:00", "free")
	s.buying("01-01T00:00", "")
	now, _ := s.engine.Now()
	if allowed, reason := s.engine.Gate("a", "c", nil, now); !allowed || reason != "purchasing" {
		t.Errorf("the gate says %v %s", allowed, reason)
	}
	s.do("01-01T00:00", "purchase.failed", `{"purchase":"a:1","reason":"declined"}`)
	if allowed, reason := s.engine.Gate("a", "c", nil, now); allowed || reason != "payment_failed" {
		t.Errorf("the gate says %v %s", allowed, reason)
	}
}
