package reference

import (
	"bytes"
	"encoding/json"
)

// line writes one line about an account.
func (e *Engine) line(a *account, at Instant, typ string, members Line) {
	members["account"] = a.id
	e.write(&at, typ, members)
}

func (e *Engine) notice(a *account, at Instant, kind string, members Line) {
	members["kind"] = kind
	e.line(a, at, "notice", members)
}

// reject writes a rejection; account is absent where type names a broadcast.
func (e *Engine) reject(r record, reason string) {
	members := Line{"reason": reason}
	if !r.broadcast {
		members["account"] = optionalText(r.subject)
	}
	e.write(e.now, "rejected", members)
}

func (e *Engine) duplicate(r record) {
	members := Line{"event": r.id}
	if !r.broadcast {
		members["account"] = *r.subject
	}
	e.write(e.now, "duplicate", members)
}

func (e *Engine) write(at *Instant, typ string, members Line) {
	members["offset"] = e.offset
	members["n"] = len(e.lines)
	members["type"] = typ
	members["at"] = optionalTime(at)
	e.lines = append(e.lines, members)
}

// Balances are the lines of all accounts, in order of id, as they stood after their last advance.
func (e *Engine) Balances() []Line {
	var lines []Line
	for _, id := range sortedNames(e.accounts) {
		lines = append(lines, e.accounts[id].balance())
	}
	return lines
}

func (a *account) balance() Line {
	grants := []any{}
	for _, g := range a.inBurnOrder() {
		grants = append(grants, Line{
			"grant": g.id, "category": string(g.category), "amount": formatCredits(g.amount),
			"remaining": formatCredits(g.remaining), "expires_at": optionalTime(g.expiresAt),
		})
	}
	connections := []any{}
	for _, name := range sortedNames(a.usage) {
		u := a.usage[name]
		connections = append(connections, Line{
			"connection": name, "used": formatCredits(u.used), "waived": formatCredits(u.waived),
		})
	}
	var open any
	if p := a.openPurchase(); p != nil {
		open = p.id
	}
	line := Line{
		"type": "balance", "account": a.id, "at": a.reached.String(), "plan": a.plan.id, "status": a.status,
		"available": formatCredits(minus(a.available(), a.held())), "overdraft": formatCredits(a.overdraft),
		"granted": formatCredits(a.granted), "used": formatCredits(a.used), "expired": formatCredits(a.expired),
		"voided": formatCredits(a.voided), "waived": formatCredits(a.waived),
		"period": Line{"from": a.period.from.String(), "to": a.period.to.String()},
		"grants": grants, "connections": connections, "missing": a.memory.missing,
		"auto_purchase": Line{
			"enabled": a.autoPurchase, "auto_purchases": a.autoPurchases(), "amount": formatMoney(a.period.amount),
			"open": open, "payment_failed": a.failedBy != nil,
		},
	}
	if len(a.holds) > 0 {
		line["held"], line["holds"] = formatCredits(a.held()), a.holdList()
	}
	return line
}

func (a *account) holdList() []any {
	list := []any{}
	for _, h := range a.holds {
		list = append(list, Line{
			"hold": h.id, "connection": h.connection, "job": h.job, "amount": formatCredits(h.amount),
			"remaining": formatCredits(h.remaining), "expires_at": h.expiresAt.String(), "waiting": h.waiting,
		})
	}
	return list
}

func burnedList(burned []burnt) []any {
	list := []any{}
	for _, b := range burned {
		list = append(list, Line{"grant": b.grant, "credits": formatCredits(b.credits)})
	}
	return list
}

func optionalText(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

// Encode is a line as one JSON object with its keys in order, without HTML escaping, ended by a newline.
func Encode(line Line) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
