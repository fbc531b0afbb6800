package email

import (
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown/notify"
)

// FuzzRender renders whatever a notice may hold: it says something or is an error, and never half of it.
func FuzzRender(f *testing.F) {
	for _, n := range Samples() {
		f.Add(string(n.Kind), n.Account, []byte(n.Data))
	}
	for _, n := range hostileNotices(hostileNames[0]) {
		f.Add(string(n.Kind), n.Account, []byte(n.Data))
	}
	f.Fuzz(func(t *testing.T, kind, account string, data []byte) {
		n := &notify.Notice{ID: "1-2-3", Kind: notify.Kind(kind), Account: account, At: time.Unix(0, 0), Data: data}
		subject, text, markup, err := Render(n, nil, seller())
		whole := subject != "" && strings.Contains(text, "\n--\n") && strings.HasSuffix(markup, "</html>")
		if whole != (err == nil) || err != nil && subject+text+markup != "" {
			t.Errorf("%v with %q\n%s\n%s", err, subject, text, markup)
		}
		if err == nil && !slices.Contains(notify.Kinds, n.Kind) {
			t.Errorf("kind %q is rendered", kind)
		}
		if strings.ContainsAny(subject, "\r\n") {
			t.Errorf("the subject %q has several lines", subject)
		}
	})
}
