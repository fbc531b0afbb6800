package demo

import (
	"fmt"
	"io"
	"math/bits"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"drawdown"
)

// style has the colours, which are none where the output shows none.
type style struct {
	title, dim, head            lipgloss.Style
	good, warn, bad, money, bar lipgloss.Style
}

// newStyle makes the colours for a terminal, or no colours.
func newStyle(out io.Writer, coloured bool) style {
	renderer := lipgloss.NewRenderer(out)
	if !coloured {
		renderer.SetColorProfile(termenv.Ascii)
	}
	colour := func(code string) lipgloss.Style { return renderer.NewStyle().Foreground(lipgloss.Color(code)) }
	// The sixteen colours of the terminal's own theme: they can be read on light and dark ground.
	return style{
		title: renderer.NewStyle().Bold(true), dim: renderer.NewStyle().Faint(true), head: renderer.NewStyle().Faint(true),
		good: colour("2"), warn: colour("3"), bad: colour("1"), money: colour("6"), bar: colour("4"),
	}
}

func (s *style) of(t tone) lipgloss.Style {
	switch t {
	case goodTone:
		return s.good
	case warnTone:
		return s.warn
	case badTone:
		return s.bad
	case moneyTone:
		return s.money
	default:
		return s.title.UnsetBold()
	}
}

// Bounds of the view. Below widthMin lines are cut; beyond widthMax they are hard to follow.
const (
	widthMin = 40
	widthMax = 140
)

// frame draws a snapshot and the latest happenings into so many columns and lines.
func (s *style) frame(now *snapshot, told []happening, width, height int) []string {
	width = min(max(width, widthMin), widthMax)
	lines := []string{s.headline(now, width), "", " " + s.throughputLine(&now.throughput), " " + s.clickhouseLine(now), " " + s.toldLine(&now.dealings), " " + s.pageLine(now.page), ""}
	lines = append(lines, s.accountTable(now, width)...)
	if room := height - len(lines) - 1; room > 0 {
		lines = append(lines, "")
		lines = append(lines, s.log(told, room)...)
	}
	lines = lines[:min(len(lines), max(height, 0))]
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], width, "…")
	}
	return lines
}

func (s *style) headline(now *snapshot, width int) string {
	left := " " + s.title.Render("Drawdown demo") + "  " + clock(now.elapsed) + " of " + clock(now.lasts) + "  "
	right := "  " + s.dim.Render("Ctrl-C ends it early")
	if now.ended {
		right = "  " + s.dim.Render("finishing            ")
	}
	room := width - lipgloss.Width(left) - lipgloss.Width(right) - 1
	if room < 5 {
		return left
	}
	return left + s.bar.Render(bar(int64(now.elapsed), int64(now.lasts), room)) + right
}

func (s *style) throughputLine(t *throughput) string {
	line := fmt.Sprintf("%s events/s   %s events (%s repeated)   lag %s", s.title.Render(number(t.eventsPerSecond)),
		number(t.events), number(t.duplicates), number(t.lag))
	if t.visibleAfter > 0 {
		line += fmt.Sprintf("   balance after %d ms", t.visibleAfter.Milliseconds())
	}
	return line
}

func (s *style) clickhouseLine(now *snapshot) string {
	t, taken := &now.throughput, &now.dealings.takings
	line := fmt.Sprintf("ClickHouse %s rows, %s to go   %d %s, %s USD", number(t.rows), number(t.rowsBehind),
		taken.paid, plural(taken.paid, "purchase"), dollars(taken.amount))
	if taken.refused > 0 {
		line += fmt.Sprintf("   %d refused", taken.refused)
	}
	return line
}

func (s *style) toldLine(d *dealings) string {
	line := fmt.Sprintf("%d %s   %d %s", d.hooks, plural(d.hooks, "webhook"), d.mails, plural(d.mails, "e-mail"))
	if d.kinds != "" {
		line += ": " + d.kinds
	}
	return line
}

// pageLine has the address first: many terminals open it with a click.
func (s *style) pageLine(page string) string { return "Billing page " + s.title.Render(page) }

// dollars shows money with its digits grouped.
func dollars(amount drawdown.Money) string {
	whole, cents, _ := strings.Cut(amount.String(), ".")
	return withCommas(whole) + "." + cents
}

// column is a column of the table of accounts.
type column struct {
	head   string
	width  int
	right  bool // aligned
	render func(a *accountState, width int) string
}

// columns are those that fit: a narrow terminal shows fewer.
func (s *style) columns(now *snapshot, width int) []column {
	account := column{"ACCOUNT", 12, false, func(a *accountState, _ int) string { return a.account }}
	plan := column{"PLAN", 13, false, func(a *accountState, _ int) string { return a.plan }}
	status := column{"STATUS", 10, false, func(a *accountState, _ int) string {
		return s.ofStatus(a.status).Render(statusName(a.status))
	}}
	available := column{"CREDITS", 11, true, func(a *accountState, _ int) string { return threeDecimalsOf(a.available) }}
	level := column{"", 0, false, s.level}
	syncs := column{"SYNCS", 7, false, func(a *accountState, _ int) string { return s.syncs(a, now.ended) }}
	auto := column{"AUTO-BUY", 8, false, autoPurchase}
	chosen := []column{account, plan, status, available, level, syncs, auto}
	switch {
	case width < 52:
		chosen = []column{account, status, available}
	case width < 66:
		chosen = []column{account, status, available, level, syncs}
	case width < 78:
		chosen = []column{account, status, available, level, syncs, auto}
	}
	return stretch(chosen, width)
}

// stretch gives the bar what the other columns leave.
func stretch(columns []column, width int) []column {
	rest := width - 1
	for i := range columns {
		rest -= columns[i].width + 1
	}
	for i := range columns {
		if columns[i].width == 0 {
			columns[i].width = max(rest, 1)
		}
	}
	return columns
}

func (s *style) accountTable(now *snapshot, width int) []string {
	columns := s.columns(now, width)
	var head strings.Builder
	for _, c := range columns {
		head.WriteString(" " + padded(c.head, c.width, c.right))
	}
	lines := []string{s.head.Render(strings.TrimRight(head.String(), " "))}
	for i := range now.accounts {
		var row strings.Builder
		for _, c := range columns {
			row.WriteString(" " + padded(c.render(&now.accounts[i], c.width), c.width, c.right))
		}
		lines = append(lines, strings.TrimRight(row.String(), " "))
	}
	return lines
}

// statusName is a status in at most ten letters.
func statusName(status drawdown.Status) string {
	if status == drawdown.PaymentFailed {
		return "no payment"
	}
	return status.String()
}

func (s *style) ofStatus(status drawdown.Status) lipgloss.Style {
	switch status {
	case drawdown.Active:
		return s.good
	case drawdown.Purchasing, drawdown.Grace:
		return s.warn
	default:
		return s.bad
	}
}

// level is a bar of what is left, in the colour of how much that is.
func (s *style) level(a *accountState, width int) string {
	colour := s.good
	switch {
	case a.available < a.full/10:
		colour = s.bad
	case a.available < a.full/3:
		colour = s.warn
	}
	return colour.Render(bar(int64(a.available), int64(a.full), width))
}

func (s *style) syncs(a *accountState, ended bool) string {
	switch {
	case a.running == 0 && ended:
		return s.dim.Render("ended")
	case a.running == 0 && stands(a.status.String()):
		return s.bad.Render("stopped")
	case a.running == 0:
		return s.dim.Render("idle")
	}
	return fmt.Sprintf("%d of %d", a.running, a.all)
}

func autoPurchase(a *accountState, _ int) string {
	switch {
	case !a.auto:
		return "off"
	case a.bought == 0:
		return "on"
	default:
		return fmt.Sprintf("%d bought", a.bought)
	}
}

// log shows the latest happenings, the last one at the bottom.
func (s *style) log(told []happening, room int) []string {
	told = told[max(0, len(told)-room):]
	lines := make([]string, len(told))
	for i, h := range told {
		lines[i] = " " + s.dim.Render(clock(h.after)) + " " + padded(h.account, 12, false) + " " + s.of(h.tone).Render(h.text)
	}
	return lines
}

// bar shows a part of a whole.
func bar(part, whole int64, width int) string {
	filled := 0
	if whole > 0 {
		high, low := bits.Mul64(uint64(min(max(part, 0), whole)), uint64(width))
		cells, _ := bits.Div64(high, low, uint64(whole)) // at most width
		filled = int(cells)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// padded fills a text up to a width, and cuts it there.
func padded(text string, width int, right bool) string {
	text = ansi.Truncate(text, width, "…")
	space := strings.Repeat(" ", max(0, width-lipgloss.Width(text)))
	if right {
		return space + text
	}
	return text + space
}

// clock shows a time since the first sync.
func clock(d time.Duration) string {
	seconds := int(max(d, 0) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func number(n uint64) string { return withCommas(fmt.Sprint(n)) }

// threeDecimalsOf shows credits with three decimals, so that they stand below each other.
func threeDecimalsOf(c drawdown.Credits) string {
	const thousandth = drawdown.Credit / 1000
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return sign + withCommas(fmt.Sprint(int64(c/drawdown.Credit))) + fmt.Sprintf(".%03d", int64(c%drawdown.Credit/thousandth))
}
