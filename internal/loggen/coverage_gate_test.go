package loggen_test

import (
	"encoding/json"
	"math/big"
	"slices"

	"drawdown/internal/reference"
)

// wantedOfGate is what section 10 names in its output, and the rarer turns of its rules.
var wantedOfGate = []string{
	"type hold.placed", "type hold.queued", "type hold.released", "type hold.expired", "notice runaway",
	"reason bad_hold", "reason hold_exists", "reason too_many_holds", "reason connection_stopped",
	"reason insufficient_credits", "reason unknown_hold",
	"hold of all that can be held", "hold of a nano-credit too much", "hold rejected behind the queue",
	"hold queued behind the queue", "hold queued of a stopped connection", "hold placed past the queue",
	"hold of a connection never known", "hold under an id that one had before", "hold of a critical connection from the reserve",
	"hold rejected for the reserve", "hold for a job that has one",
	"queue served by a release", "queue served by an expiry of a hold", "queue served by a grant", "queue served by a purchase",
	"queue served by a new period", "queue served by a priority", "queue served by a gate", "queue served by an acknowledgement",
	"queue served of several", "queue held up by its first", "queue served out of the order of placing",
	"released untouched", "released in part", "released used up", "released while waiting", "expired while waiting",
	"expired in part", "two holds expire at one instant", "hold and grant expire at one instant", "hold expires with a period",
	"hold expires with a purchase", "hold expires with a retry",
	"charge of a hold in part", "charge of a hold beyond it", "charge to nothing exactly", "charge of a waiting hold",
	"balance with holds", "more held than there is", "plan changed with holds", "refund with holds", "purchase requested with holds",
	"status changed with holds",
	"connection removed while stopped", "acknowledged", "acknowledged what was not stopped", "acknowledged what is unknown",
	"prioritized what is unknown", "job at its limit exactly", "job at its least exactly", "runaway of an even number", "runaway of an odd number",
	"runaway again after acknowledgement", "runaway while stopped", "job forgotten", "jobs forgotten by a gate",
	"stop ended by a gate", "gate set again keeps jobs", "runaway before a settling notice", "free usage of a watched connection",
}

// gate counts what one log shows of holds and the breaker.
type gate struct {
	seen map[string]int
	// ended are the holds that ended, and acknowledged the connections, by account and id.
	ended, acknowledged map[[2]string]bool
}

func newGate(seen map[string]int) *gate {
	return &gate{seen: seen, ended: map[[2]string]bool{}, acknowledged: map[[2]string]bool{}}
}

func (x *gate) when(holds bool, name string) {
	if holds {
		x.seen[name]++
	}
}

// note looks at a record of an account, at the account before and after it, and at the lines between.
func (x *gate) note(account string, record []byte, before, after reference.Probe, lines []reference.Line) {
	var members map[string]any
	if !before.Known || json.Unmarshal(record, &members) != nil {
		return
	}
	typ, _ := members["type"].(string)
	data, _ := members["data"].(map[string]any)
	x.noteServed(typ, before, lines)
	x.noteRecord(account, typ, data, before, after, lines)
	for i, line := range lines {
		switch line["type"] {
		case "hold.placed", "hold.queued":
			x.when(x.ended[[2]string{account, line["hold"].(string)}], "hold under an id that one had before")
			x.when(line["connection"] == "never-known", "hold of a connection never known")
		case "hold.released", "hold.expired":
			x.noteEnd(account, line, before, lines[:i])
		case "charge":
			x.noteCharge(line, before, after, lines[i+1:])
		case "notice":
			x.when(line["kind"] == "runaway" && i+1 < len(lines), "runaway before a settling notice")
			x.noteRunaway(account, line, before)
		case "purchase.requested":
			x.when(len(before.Holds) > 0 && len(after.Holds) > 0, "purchase requested with holds")
		case "status.changed":
			x.when(len(before.Holds) > 0 && len(after.Holds) > 0, "status changed with holds")
		case "grant.refunded":
			x.when(len(after.Holds) > 0, "refund with holds")
		}
	}
	x.when(after.Unheld.Sign() < 0 && after.Available.Sign() > 0, "more held than there is")
}

// noteServed looks at what the record opened that waited before.
func (x *gate) noteServed(typ string, before reference.Probe, lines []reference.Line) {
	places := []int{}
	for i, line := range lines {
		at := slices.IndexFunc(before.Holds, func(h reference.Hold) bool { return h.ID == line["hold"] && h.Waiting })
		if line["type"] != "hold.placed" || at < 0 {
			continue
		}
		places = append(places, at)
		causes := map[string]string{
			"grant.added": "a grant", "purchase.settled": "a purchase", "period.started": "a new period",
			"hold.released": "a release", "hold.expired": "an expiry of a hold",
		}
		for _, earlier := range lines[:i] {
			if cause, is := causes[earlier["type"].(string)]; is && earlier["at"] == line["at"] {
				x.seen["queue served by "+cause]++
			}
		}
		x.when(typ == "connection.prioritized" && i == 0, "queue served by a priority")
		x.when(typ == "gate.set" && i == 0, "queue served by a gate")
		x.when(typ == "runaway.acknowledged" && i == 0, "queue served by an acknowledgement")
	}
	x.when(len(places) > 1, "queue served of several")
	x.when(!slices.IsSorted(places), "queue served out of the order of placing")
}

func (x *gate) noteRecord(account, typ string, data map[string]any, before, after reference.Probe, lines []reference.Line) {
	connection, _ := data["connection"].(string)
	refused := ""
	for _, line := range lines {
		if line["type"] == "duplicate" {
			return
		}
		if reason, is := line["reason"].(string); is && line["type"] == "rejected" {
			refused = reason
		}
	}
	if refused == "malformed" {
		return
	}
	wasStopped := slices.Contains(before.Stopped, connection)
	key := [2]string{account, connection}
	switch typ {
	case "hold.placed":
		x.notePlaced(data, before, after, refused)
	case "runaway.acknowledged":
		x.when(refused == "" && wasStopped, "acknowledged")
		x.when(refused == "" && !wasStopped, "acknowledged what was not stopped")
		x.when(refused == "unknown_connection", "acknowledged what is unknown")
		x.acknowledged[key] = x.acknowledged[key] || refused == "" && wasStopped
	case "connection.prioritized":
		x.when(refused == "unknown_connection", "prioritized what is unknown")
	case "connection.removed":
		x.when(refused == "" && wasStopped, "connection removed while stopped")
	case "account.plan_changed":
		x.when(refused == "" && before.Plan != after.Plan && len(after.Holds) > 0, "plan changed with holds")
	case "gate.set":
		if refused != "" {
			return
		}
		x.when(len(before.Jobs) > 0 && len(after.Jobs) == 0, "jobs forgotten by a gate")
		x.when(len(before.Stopped) > 0 && len(after.Stopped) == 0, "stop ended by a gate")
		x.when(before.Factor > 0 && after.Factor > 0 && before.Factor != after.Factor && len(after.Jobs) > 0, "gate set again keeps jobs")
	}
}

// notePlaced looks at a hold that was asked for, at an account for which nothing else was due if before is like after.
func (x *gate) notePlaced(data map[string]any, before, after reference.Probe, refused string) {
	connection := data["connection"].(string)
	waiting := slices.ContainsFunc(before.Holds, func(h reference.Hold) bool { return h.Waiting })
	critical := before.Priorities[connection] == "critical"
	beyond := new(big.Int).Sub(after.Unheld, after.Reserve)
	i := slices.IndexFunc(after.Holds, func(h reference.Hold) bool { return h.ID == data["hold"] })
	switch {
	case refused == "insufficient_credits":
		amount, _ := new(big.Rat).SetString(data["amount"].(string))
		room := new(big.Rat).SetFrac(after.Unheld, big.NewInt(1_000_000_000))
		reserved := new(big.Rat).SetFrac(beyond, big.NewInt(1_000_000_000))
		excess := new(big.Rat).Sub(amount, room)
		x.when(excess.Cmp(big.NewRat(1, 1_000_000_000)) == 0, "hold of a nano-credit too much")
		x.when(amount.Cmp(room) <= 0 && amount.Cmp(reserved) > 0 && !critical, "hold rejected for the reserve")
		x.when(amount.Cmp(reserved) <= 0, "hold rejected behind the queue")
	case refused == "hold_exists":
		x.when(i < 0, "hold for a job that has one")
	case refused != "" || i < 0:
	case after.Holds[i].Waiting:
		h := after.Holds[i]
		stopped := slices.Contains(after.Stopped, connection)
		x.when(stopped, "hold queued of a stopped connection")
		x.when(!stopped && waiting && h.Amount.Cmp(beyond) <= 0, "hold queued behind the queue")
		x.when(!stopped && h.Amount.Cmp(beyond) <= 0, "queue held up by its first")
	default:
		x.when(waiting, "hold placed past the queue")
		x.when(after.Unheld.Sign() == 0 || beyond.Sign() == 0, "hold of all that can be held")
		x.when(critical && beyond.Sign() < 0, "hold of a critical connection from the reserve")
	}
}

// noteEnd looks at the end of a hold; earlier are the record's lines before it.
func (x *gate) noteEnd(account string, line reference.Line, before reference.Probe, earlier []reference.Line) {
	x.ended[[2]string{account, line["hold"].(string)}] = true
	waited := slices.ContainsFunc(before.Holds, func(h reference.Hold) bool { return h.ID == line["hold"] && h.Waiting })
	waited = waited && !slices.ContainsFunc(earlier, func(l reference.Line) bool { return l["hold"] == line["hold"] })
	released := line["type"] == "hold.released"
	x.when(released && waited, "released while waiting")
	x.when(!released && waited, "expired while waiting")
	x.when(released && !waited && line["used"] == "0", "released untouched")
	x.when(released && line["used"] != "0" && line["amount"] != "0", "released in part")
	x.when(released && line["amount"] == "0", "released used up")
	x.when(!released && line["used"] != "0" && line["amount"] != "0", "expired in part")
	for _, l := range earlier {
		together := !released && l["at"] == line["at"]
		x.when(together && l["type"] == "hold.expired", "two holds expire at one instant")
		x.when(together && l["type"] == "grant.expired", "hold and grant expire at one instant")
		x.when(together && l["type"] == "period.started", "hold expires with a period")
		x.when(together && l["type"] == "purchase.failed", "hold expires with a purchase")
		x.when(together && l["type"] == "purchase.retried", "hold expires with a retry")
	}
}

func (x *gate) noteCharge(line reference.Line, before, after reference.Probe, rest []reference.Line) {
	connection, job := line["connection"].(string), line["job"].(int64)
	free := line["category"] == "free"
	x.when(free && len(after.Jobs[connection]) > 0, "free usage of a watched connection")
	if free {
		return
	}
	is := func(h reference.Hold) bool { return h.Connection == connection && h.Job == job }
	if i, j := slices.IndexFunc(before.Holds, is), slices.IndexFunc(after.Holds, is); i >= 0 && j >= 0 && line["credits"] != "0" {
		then, now := before.Holds[i], after.Holds[j]
		left, used := now.Remaining, new(big.Int).Sub(then.Remaining, now.Remaining)
		charged := new(big.Rat).SetFrac(used, big.NewInt(1_000_000_000))
		credits, _ := new(big.Rat).SetString(line["credits"].(string))
		x.when(then.Waiting, "charge of a waiting hold")
		x.when(!then.Waiting && left.Sign() > 0, "charge of a hold in part")
		x.when(!then.Waiting && used.Sign() > 0 && charged.Cmp(credits) < 0, "charge of a hold beyond it")
		x.when(!then.Waiting && used.Sign() > 0 && left.Sign() == 0 && charged.Cmp(credits) == 0, "charge to nothing exactly")
	}
	x.when(len(before.Jobs[connection]) == 9 && len(after.Jobs[connection]) == 9 &&
		before.Jobs[connection][0].Job != after.Jobs[connection][0].Job, "job forgotten")
	if slices.ContainsFunc(rest, func(l reference.Line) bool { return l["kind"] == "runaway" }) {
		return
	}
	for _, j := range after.Jobs[connection] {
		if j.Job != job || j.Usual == nil || j.Notified || j.Credits.Sign() == 0 {
			continue
		}
		limit := new(big.Int).Mul(j.Usual, big.NewInt(after.Factor))
		x.when(j.Credits.Cmp(limit) == 0 && j.Credits.Cmp(after.Least) > 0, "job at its limit exactly")
		x.when(j.Credits.Cmp(limit) > 0 && j.Credits.Cmp(after.Least) == 0, "job at its least exactly")
	}
}

func (x *gate) noteRunaway(account string, line reference.Line, before reference.Probe) {
	if line["kind"] != "runaway" {
		return
	}
	connection := line["connection"].(string)
	others := len(before.Jobs[connection])
	if slices.ContainsFunc(before.Jobs[connection], func(j reference.Job) bool { return j.Job == line["job"] }) {
		others--
	}
	x.when(others%2 == 0, "runaway of an even number")
	x.when(others%2 == 1, "runaway of an odd number")
	x.when(slices.Contains(before.Stopped, connection), "runaway while stopped")
	x.when(x.acknowledged[[2]string{account, connection}], "runaway again after acknowledgement")
}
