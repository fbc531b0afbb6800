package balance

import (
	"drawdown"
)

const (
	// maxJobs is how many jobs a connection remembers for the breaker, the one that runs included.
	maxJobs = 9
	// minOtherJobs is how many other jobs there must be for a usual cost.
	minOtherJobs = 3
)

// gateSettings is what gate.set set (contract, section 10).
type gateSettings struct {
	reserve       drawdown.Credits // only critical connections may start on these last credits
	runawayFactor uint64           // the breaker: so many times the usual cost; 0 while it is off
	runawayMin    drawdown.Credits // up to it no job is a runaway
}

// jobCost is what a job of a connection was charged, as far as the connection remembers.
type jobCost struct {
	job  uint64
	used drawdown.Total
	told bool // it raised its notice
}

// watch adds a charge to its job, and stops the connection where the job costs many times what others did. It is called
// after the charge was written.
func (p *Partition) watch(a *account, c *connection, charge *drawdown.Charge) {
	if a.holds.gate.runawayFactor == 0 || charge.Free {
		return
	}
	job := c.costOf(charge.Job)
	job.used = job.used.Plus(charge.Credits)
	if job.told || job.used.Compare(drawdown.TotalOf(a.holds.gate.runawayMin)) <= 0 {
		return
	}
	usual, known := c.usualCost(charge.Job)
	if !known || job.used.Compare(usual.Times(a.holds.gate.runawayFactor)) <= 0 {
		return
	}
	job.told, c.stopped = true, true
	p.ledger(a, &drawdown.RunawayNotice{Connection: c.name, Job: job.job, Used: job.used, Usual: usual})
}

// costOf returns what the connection remembers of a job, from now on if it did not. Beyond maxJobs the job whose first
// event came first is forgotten.
func (c *connection) costOf(job uint64) *jobCost {
	for i := len(c.jobs) - 1; i >= 0; i-- {
		if c.jobs[i].job == job {
			return &c.jobs[i]
		}
	}
	if len(c.jobs) < maxJobs {
		c.jobs = append(c.jobs, jobCost{job: job})
	} else {
		copy(c.jobs, c.jobs[1:])
		c.jobs[maxJobs-1] = jobCost{job: job}
	}
	return &c.jobs[len(c.jobs)-1]
}

// usualCost returns the median of what the jobs other than one cost, of an even number the lower of the middle two, and
// whether there are enough of them.
func (c *connection) usualCost(except uint64) (drawdown.Total, bool) {
	var ascending [maxJobs]drawdown.Total
	count := 0
	for i := range c.jobs {
		if c.jobs[i].job == except {
			continue
		}
		at := count
		for ; at > 0 && ascending[at-1].Compare(c.jobs[i].used) > 0; at-- {
			ascending[at] = ascending[at-1]
		}
		ascending[at] = c.jobs[i].used
		count++
	}
	if count < minOtherJobs {
		return drawdown.Total{}, false
	}
	return ascending[(count-1)/2], true
}

// setGate replaces what was set. Without a breaker all jobs are forgotten, and no connection is stopped any more.
func (p *Partition) setGate(a *account, o *drawdown.SetGate) {
	a.holds.gate = gateSettings{reserve: o.Reserve, runawayFactor: uint64(o.RunawayFactor), runawayMin: o.RunawayMin}
	a.holds.touched = true
	if o.RunawayFactor != 0 {
		return
	}
	for _, name := range a.connectionNames() {
		if c := a.connections[name]; c.stopped || len(c.jobs) > 0 {
			p.touchConnection(a, c)
			c.stopped, c.jobs = false, nil
		}
	}
}
