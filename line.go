package drawdown

import (
	"strconv"
	"unicode/utf8"
)

// members writes the members of one JSON object.
type members struct{ buf []byte }

func (m *members) key(name string) {
	if last := m.buf[len(m.buf)-1]; last != '{' && last != '[' {
		m.buf = append(m.buf, ',')
	}
	m.buf = append(m.buf, '"')
	m.buf = append(m.buf, name...)
	m.buf = append(m.buf, '"', ':')
}

func (m *members) text(name, value string) {
	m.key(name)
	m.buf = appendJSONString(m.buf, value)
}

// optionalText writes null for an empty text.
func (m *members) optionalText(name, value string) {
	if value == "" {
		m.null(name)
		return
	}
	m.text(name, value)
}

func (m *members) integer(name string, value int64) {
	m.key(name)
	m.buf = strconv.AppendInt(m.buf, value, 10)
}

func (m *members) null(name string) {
	m.key(name)
	m.buf = append(m.buf, "null"...)
}

func (m *members) boolean(name string, value bool) {
	m.key(name)
	m.buf = strconv.AppendBool(m.buf, value)
}

// time writes the instant as a string, null where there is none.
func (m *members) time(name string, t Time) {
	if t == NoTime || t == Never {
		m.null(name)
		return
	}
	m.quoted(name, t.Append)
}

// quoted writes a string whose characters need no escape.
func (m *members) quoted(name string, appendValue func([]byte) []byte) {
	m.key(name)
	m.buf = append(m.buf, '"')
	m.buf = appendValue(m.buf)
	m.buf = append(m.buf, '"')
}

func (m *members) credits(name string, c Credits) { m.quoted(name, c.Append) }
func (m *members) total(name string, t Total)     { m.quoted(name, t.AppendCredits) }
func (m *members) money(name string, a Money)     { m.quoted(name, a.Append) }

func (m *members) open(name string, bracket byte) {
	m.key(name)
	m.buf = append(m.buf, bracket)
}

func (m *members) close(bracket byte) { m.buf = append(m.buf, bracket) }

// item opens an object within a list.
func (m *members) item() {
	if m.buf[len(m.buf)-1] != '[' {
		m.buf = append(m.buf, ',')
	}
	m.buf = append(m.buf, '{')
}

// head writes the members that every entry has. Without an account it writes none (rejected and duplicate broadcasts).
func (m *members) head(h *Head, entryType string) {
	m.integer("offset", int64(h.Offset))
	m.integer("n", int64(h.N))
	m.text("type", entryType)
	m.time("at", h.At)
}

// AppendCharge appends the JSON line of a charge, without a newline (contract, section 8).
func AppendCharge(dst []byte, c *Charge) []byte {
	m := members{append(dst, '{')}
	m.head(&c.Head, "charge")
	m.text("account", c.Account)
	m.time("time", c.Time)
	m.text("connection", c.Connection)
	m.text("source_connector", c.SourceConnector)
	m.text("destination_connector", c.DestinationConnector)
	m.integer("job", int64(c.Job))
	m.integer("attempt", int64(c.Attempt))
	if c.Stream == nil {
		m.null("stream")
	} else {
		m.text("stream", string(c.Stream))
	}
	m.text("event", string(c.Event))
	m.text("kind", c.Kind)
	m.text("meter", c.Meter.String())
	m.integer("quantity", int64(c.Quantity))
	m.total("credits", c.Credits)
	m.total("waived", c.Waived)
	m.text("category", c.Category())
	m.text("rates", c.Rates)
	m.open("burned", '[')
	for _, burn := range c.Burned {
		m.item()
		m.text("grant", burn.Grant)
		m.credits("credits", burn.Credits)
		m.close('}')
	}
	m.close(']')
	m.credits("overdraft", c.Overdraft)
	m.close('}')
	return m.buf
}

// Category is "free" or "billed".
func (c *Charge) Category() string {
	if c.Free {
		return "free"
	}
	return "billed"
}

// AppendRejected appends the JSON line of a rejection, without a newline.
func AppendRejected(dst []byte, r *Rejected) []byte {
	m := members{append(dst, '{')}
	m.head(&r.Head, "rejected")
	m.optionalAccount(r.Account, r.Broadcast)
	m.text("reason", string(r.Reason))
	m.close('}')
	return m.buf
}

// AppendDuplicate appends the JSON line of a duplicate, without a newline.
func AppendDuplicate(dst []byte, d *Duplicate) []byte {
	m := members{append(dst, '{')}
	m.head(&d.Head, "duplicate")
	m.optionalAccount(d.Account, d.Broadcast)
	m.text("event", string(d.Event))
	m.close('}')
	return m.buf
}

// optionalAccount writes no account for a broadcast, and null where the subject was no account id.
func (m *members) optionalAccount(account string, broadcast bool) {
	switch {
	case broadcast:
	case account == "":
		m.null("account")
	default:
		m.text("account", account)
	}
}

// AppendLedger appends the JSON line of a ledger entry, without a newline.
func AppendLedger(dst []byte, e Entry) []byte {
	m := members{append(dst, '{')}
	m.head(e.Where(), e.EntryType())
	m.text("account", e.Where().Account)
	e.appendMembers(&m)
	m.close('}')
	return m.buf
}

func (e *PeriodStarted) appendMembers(m *members) {
	m.time("from", e.From)
	m.time("to", e.To)
}

func (e *GrantAdded) appendMembers(m *members) {
	m.text("grant", e.Grant)
	m.text("category", e.Category.String())
	m.credits("amount", e.Amount)
	m.time("expires_at", e.ExpiresAt)
	m.credits("repaid", e.Repaid)
}

func (e *GrantExpired) appendMembers(m *members) {
	m.text("grant", e.Grant)
	m.credits("amount", e.Amount)
}

func (e *GrantVoided) appendMembers(m *members) {
	m.text("grant", e.Grant)
	m.credits("amount", e.Amount)
}

func (e *PurchaseRequested) appendMembers(m *members) {
	m.text("purchase", e.Purchase)
	m.credits("quantity", e.Quantity)
	m.money("amount", e.Amount)
	m.text("currency", e.Currency)
	if e.Payer.Customer != "" {
		m.text("customer", e.Payer.Customer)
		m.text("payment_method", e.Payer.Method)
	}
}

func (e *PurchaseSettledEntry) appendMembers(m *members) {
	m.text("purchase", e.Purchase)
	m.text("kind", e.Kind)
	m.credits("quantity", e.Quantity)
	m.money("amount", e.Amount)
	m.text("currency", e.Currency)
	if e.Tax == nil {
		m.null("tax")
	} else {
		m.money("tax", *e.Tax)
	}
	if e.Receipt == nil {
		m.null("receipt")
	} else {
		m.text("receipt", *e.Receipt)
	}
}

func (e *PurchaseFailedEntry) appendMembers(m *members) {
	m.text("purchase", e.Purchase)
	if e.Attempt != 0 {
		m.integer("attempt", e.Attempt)
	}
	m.text("reason", e.Reason)
}

func (e *StatusChanged) appendMembers(m *members) {
	m.text("from", e.From.String())
	m.text("to", e.To.String())
}

func (e *LowBalanceNotice) appendMembers(m *members) {
	m.text("kind", "low_balance")
	m.credits("available", e.Available)
}

func (e *UsagePercentNotice) appendMembers(m *members) {
	m.text("kind", "usage_percent")
	m.integer("percent", e.Percent)
	m.total("used", e.Used)
}

func (e *CreditsExpiringNotice) appendMembers(m *members) {
	m.text("kind", "credits_expiring")
	m.text("grant", e.Grant)
	m.credits("remaining", e.Remaining)
	m.time("expires_at", e.ExpiresAt)
}

func (e *LeavingFreeProgramNotice) appendMembers(m *members) {
	m.text("kind", "leaving_free_program")
	m.text("connection", e.Connection)
	m.time("ga_at", e.GAAt)
}

func (e *AutoPurchaseCappedNotice) appendMembers(m *members) {
	m.text("kind", "auto_purchase_capped")
	m.integer("auto_purchases", e.AutoPurchases)
}

func (e *PurchaseDeclined) appendMembers(m *members) {
	m.text("purchase", e.Purchase)
	m.integer("attempt", e.Attempt)
	m.text("reason", e.Reason)
	m.time("retry_at", e.RetryAt)
	m.text("method", MethodName(e.Backup))
}

func (e *PurchaseRetried) appendMembers(m *members) {
	m.text("purchase", e.Purchase)
	m.integer("attempt", e.Attempt)
	m.text("method", MethodName(e.Backup))
	m.credits("quantity", e.Quantity)
	m.money("amount", e.Amount)
	m.text("currency", e.Currency)
	m.optionalText("customer", e.Payer.Customer)
	m.optionalText("payment_method", e.Payer.Method)
}

func (e *GrantRefunded) appendMembers(m *members) {
	m.text("grant", e.Grant)
	m.credits("amount", e.Amount)
	m.credits("overdraft", e.Overdraft)
}

func (e *WebhookDisabledNotice) appendMembers(m *members) {
	m.text("kind", "webhook_disabled")
	m.text("endpoint", e.Endpoint)
	m.text("reason", e.Reason)
}

func (h *HeldFor) appendMembers(m *members) {
	m.text("hold", h.Hold)
	m.text("connection", h.Connection)
	m.integer("job", int64(h.Job))
}

func (e *HoldPlacedEntry) appendMembers(m *members) {
	e.HeldFor.appendMembers(m)
	m.credits("amount", e.Amount)
	m.time("expires_at", e.ExpiresAt)
}

func (e *HoldQueuedEntry) appendMembers(m *members) {
	e.HeldFor.appendMembers(m)
	m.credits("amount", e.Amount)
	m.time("expires_at", e.ExpiresAt)
}

func (e *HoldReleasedEntry) appendMembers(m *members) {
	e.HeldFor.appendMembers(m)
	m.credits("amount", e.Amount)
	m.credits("used", e.Used)
}

func (e *HoldExpiredEntry) appendMembers(m *members) {
	e.HeldFor.appendMembers(m)
	m.credits("amount", e.Amount)
	m.credits("used", e.Used)
}

func (e *RunawayNotice) appendMembers(m *members) {
	m.text("kind", "runaway")
	m.text("connection", e.Connection)
	m.integer("job", int64(e.Job))
	m.total("used", e.Used)
	m.total("usual", e.Usual)
}

// MethodName is how lines and plans name which payment method is meant.
func MethodName(backup bool) string {
	if backup {
		return "backup"
	}
	return "primary"
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends s, which is valid UTF-8, as a JSON string; only what must be escaped is.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' || c >= utf8.RuneSelf {
			continue
		}
		dst = append(dst, s[plain:i]...)
		plain = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}
