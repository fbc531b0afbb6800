package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// plainInterval is how often a line tells how things are where there is no terminal.
const plainInterval = 2 * time.Second

// plain prints lines: one now and then, and one for each happening.
type plain struct {
	out  io.Writer
	told int
	next time.Duration
	last *snapshot
}

// show implements display.
func (p *plain) show(now *snapshot, told []happening) {
	for _, h := range told[p.told:] {
		_, _ = fmt.Fprintf(p.out, "%s  %s: %s\n", clock(h.after), h.account, h.text)
	}
	p.told, p.last = len(told), now
	if now.elapsed >= p.next {
		p.next = now.elapsed.Truncate(plainInterval) + plainInterval
		p.summary(now)
	}
}

func (p *plain) summary(now *snapshot) {
	t := &now.throughput
	accounts := make([]string, len(now.accounts))
	for i, a := range now.accounts {
		accounts[i] = a.account + " " + threeDecimalsOf(a.available)
	}
	_, _ = fmt.Fprintf(p.out, "%s  %s events/s, %s events, %s repeated, lag %s, %s rows in ClickHouse, %d purchases, %d e-mails, %d webhooks | %s\n", clock(now.elapsed),
		number(t.eventsPerSecond), number(t.events), number(t.duplicates), number(t.lag), number(t.rows),
		now.dealings.takings.paid, now.dealings.mails, now.dealings.hooks, strings.Join(accounts, ", "))
}

// end implements display.
func (p *plain) end() {
	if p.last != nil {
		p.summary(p.last)
		p.last = nil
	}
}
