package balance

import (
	"testing"

	"drawdown"
)

// three are three jobs of connection c that cost 10, 20 and 30 credits: the usual cost is 20.
const three = "grant 1000; use c 1 10; use c 2 20; use c 3 30;"

// TestBreaker: each case runs steps and says what the last of them caused.
func TestBreaker(t *testing.T) {
	for _, test := range []struct{ rule, steps, want string }{
		{"more than so many times the usual cost", "gate 0 3 0;" + three + "use c 4 61", "charged 61; runaway c 4 used 61 usual 20"},
		{"as many times is not more", "gate 0 3 0;" + three + "use c 4 60", "charged 60"},
		{"events of a job add up", "gate 0 3 0;" + three + "use c 4 40; use c 4 21", "charged 21; runaway c 4 used 61 usual 20"},
		{"the notice stands after the charge and before what settling writes", "gate 0 3 0; grant 60; use c 1 10; use c 2 10; use c 3 10; use c 4 31", "charged 31; runaway c 4 used 31 usual 10; grace"},
		{"two other jobs are too few", "gate 0 3 0; grant 1000; use c 1 10; use c 2 10; use c 3 900", "charged 900"},
		{"jobs of another connection do not count", "gate 0 3 0;" + three + "use d 4 900", "charged 900"},
		{"of an even number the lower of the middle two", "gate 0 3 0;" + three + "use c 5 30; use c 4 61", "charged 61; runaway c 4 used 61 usual 20"},
		{"of an odd number the middle one", "gate 0 3 0;" + three + "use c 5 40; use c 6 50; use c 4 91", "charged 91; runaway c 4 used 91 usual 30"},
		{"the minimum must be passed", "gate 0 3 70;" + three + "use c 4 70", "charged 70"},
		{"and then it is", "gate 0 3 70;" + three + "use c 4 70; use c 4 1", "charged 1; runaway c 4 used 71 usual 20"},
		{"usual may be nothing", "gate 0 3 0; grant 9; use c 1 0; use c 2 0; use c 3 0; use c 4 1", "charged 1; runaway c 4 used 1 usual 0"},
		{"nothing is not more than nothing", "gate 0 3 0; grant 9; use c 1 0; use c 2 0; use c 3 0; use c 4 0", "charged 0"},
		{"once a job", "gate 0 3 0;" + three + "use c 4 61; use c 4 500", "charged 500"},
		{"another job raises another, stopped or not", "gate 0 3 0;" + three + "use c 4 61; use c 5 91", "charged 91; runaway c 5 used 91 usual 20"},
		{"acknowledged, the job goes on", "gate 0 3 0;" + three + "use c 4 61; ack c; use c 4 500; hold h c 9 1", "placed h"},
		{"another job stops it again", "gate 0 3 0;" + three + "use c 4 61; ack c; use c 5 91; hold h c 9 1", "connection_stopped"},
		{"without a breaker nothing is remembered", three + "gate 0 3 0; use c 4 61", "charged 61"},
		{"a breaker that is set again keeps jobs", "gate 0 2 0;" + three + "gate 5 3 0; use c 4 61", "charged 61; runaway c 4 used 61 usual 20"},
		{"without one they are forgotten", "gate 0 3 0;" + three + "gate 0; gate 0 3 0; use c 4 61", "charged 61"},
		{"free usage is no job", "connect f beta; enrol; gate 0 2 0; grant 999; free f 1 1; free f 2 1; free f 3 1; use f 4 99", "charged 99"},

		{"a stopped connection can't hold", "gate 0 3 0;" + three + "use c 4 61; hold h c 9 1", "connection_stopped"},
		{"its stop is told before its lack of credits", "gate 0 3 0;" + three + "use c 4 61; hold h c 9 99999", "connection_stopped"},
		{"it can wait", "gate 0 3 0;" + three + "use c 4 61; wait h c 9 1", "queued h"},
		{"and holds up nobody", "gate 0 3 0;" + three + "use c 4 61; wait h c 9 1; hold i d 9 1", "placed i"},
		{"acknowledged, its holds are opened", "gate 0 3 0;" + three + "use c 4 61; wait h c 9 1; ack c", "placed h"},
		{"or without a breaker", "gate 0 3 0;" + three + "use c 4 61; wait h c 9 1; gate 0", "placed h"},
		{"an open hold stays open", "gate 0 3 0;" + three + "hold h c 4 99; use c 4 61; release h", "released h 38 used 61"},
		{"a stop is kept over removal", "gate 0 3 0;" + three + "use c 4 61; remove c; connect c; hold h c 9 1", "connection_stopped"},
		{"what is not known is not acknowledged", "ack c", "unknown_connection"},
		{"what is not stopped may be", "connect c; ack c", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if got := newScript(t).run(test.steps).said(); got != test.want {
				t.Errorf("%s\n got %q\nwant %q", test.steps, got, test.want)
			}
		})
	}
}

// TestAConnectionRemembersNineJobs: the one whose first event came first is forgotten, whichever was last charged.
func TestAConnectionRemembersNineJobs(t *testing.T) {
	s := newScript(t).run("gate 0 1000 0; grant 9999")
	for job := range uint64(maxJobs) {
		s.use("c", job, 10*(job+1), "ga")
	}
	s.run("use c 0 1; use c 9 5")
	var jobs []uint64
	for _, cost := range s.p.accounts[scriptAccount].connections["c"].jobs {
		jobs = append(jobs, cost.job)
	}
	if len(jobs) != maxJobs || jobs[0] != 1 || jobs[maxJobs-1] != 9 {
		t.Fatalf("%v", jobs)
	}
	c := s.p.accounts[scriptAccount].connections["c"]
	if usual, known := c.usualCost(9); !known || usual != drawdown.TotalOf(50*drawdown.Credit) {
		t.Errorf("of the eight others the lower middle is %v", usual)
	}
	s.run("use c 0 7")
	if last := c.jobs[maxJobs-1]; last.job != 0 || last.used != drawdown.TotalOf(7*drawdown.Credit) || c.jobs[0].job != 2 {
		t.Errorf("a job that was forgotten begins again as the last one: %+v", c.jobs)
	}
}
