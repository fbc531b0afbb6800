package reference

import (
	"math/big"
	"slices"
)

const (
	runawayFactorMin = 2
	runawayFactorMax = 1000
	// jobsMax is how many jobs a connection remembers, and othersMin how many others make a cost usual.
	jobsMax   = 9
	othersMin = 3
)

// breaker stops connections whose jobs pass factor times their usual cost, and least.
type breaker struct {
	factor int64
	least  *big.Int
}

// jobCost is what a remembered job has been billed.
type jobCost struct {
	job      int64
	credits  *big.Int
	notified bool // it has raised its notice
}

type (
	gateData struct {
		reserve *big.Int
		// breaker is nil where it is off.
		breaker *breaker
	}
	acknowledgedData struct{ connection string }
)

func decodeGate(f fields) any {
	d := gateData{reserve: f.optionalCredits("reserve")}
	least := f.optionalCredits("runaway_min")
	if f.present("runaway_factor") {
		d.breaker = &breaker{factor: f.integer("runaway_factor", runawayFactorMin, runawayFactorMax), least: least}
	}
	return d
}

func decodeAcknowledged(f fields) any {
	return acknowledgedData{connection: f.text("connection", nameMax)}
}

func (a *account) setGate(data gateData) (reason string) {
	a.reserve, a.breaker = data.reserve, data.breaker
	if a.breaker == nil {
		a.jobs = map[string][]*jobCost{}
		a.stopped = map[string]bool{}
	}
	return ""
}

func (a *account) acknowledge(data acknowledgedData) (reason string) {
	if a.connections[data.connection] == nil {
		return "unknown_connection"
	}
	a.stopped[data.connection] = false
	return ""
}

// watch counts a billed charge of a sync and stops its connection where the job runs away.
func (e *Engine) watch(a *account, connection string, job int64, charge *big.Int) {
	if a.breaker == nil {
		return
	}
	j := a.rememberJob(connection, job)
	j.credits = plus(j.credits, charge)
	usual, known := a.usual(connection, job)
	if !known || j.notified || j.credits.Cmp(a.breaker.least) <= 0 ||
		j.credits.Cmp(times(usual, big.NewInt(a.breaker.factor))) <= 0 {
		return
	}
	j.notified = true
	a.stopped[connection] = true
	e.notice(a, *e.now, "runaway", Line{
		"connection": connection, "job": job, "used": formatCredits(j.credits), "usual": formatCredits(usual),
	})
}

// rememberJob is what the connection remembers of a job: from now on, if it was not remembered. The one that was
// remembered first then makes room.
func (a *account) rememberJob(connection string, job int64) *jobCost {
	for _, j := range a.jobs[connection] {
		if j.job == job {
			return j
		}
	}
	begun := &jobCost{job: job, credits: zero()}
	remembered := append(a.jobs[connection], begun)
	if len(remembered) > jobsMax {
		remembered = remembered[1:]
	}
	a.jobs[connection] = remembered
	return begun
}

// usual is the median of the other jobs that a connection remembers, the lower of the middle two of an even number.
func (a *account) usual(connection string, job int64) (credits *big.Int, known bool) {
	var others []*big.Int
	for _, j := range a.jobs[connection] {
		if j.job != job {
			others = append(others, j.credits)
		}
	}
	if len(others) < othersMin {
		return nil, false
	}
	slices.SortFunc(others, (*big.Int).Cmp)
	return others[(len(others)-1)/2], true
}
