package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawdown"
	"drawdown/notify"
	"drawdown/notify/email"
)

// TestTheMailboxTakesWhatIsSent sends one mail of each kind as the notifier does.
func TestTheMailboxTakesWhatIsSent(t *testing.T) {
	box, err := listenMail()
	if err != nil {
		t.Fatal(err)
	}
	defer box.close()
	folder := t.TempDir()
	read := make(chan mail, 100)
	box.serve(folder, func(m mail) { read <- m })
	config := email.Default()
	config.Addr, config.TLS, config.From = box.addr(), email.Unencrypted, "billing@seller.example"
	config.SellerName, config.BillingURL = "Seller", "https://seller.example/{account}"
	sender, err := email.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	const to = "owner@birchwood.example"
	samples := email.Samples()
	for _, notice := range samples {
		outcome := sender.Send(t.Context(), &notify.Delivery{
			Notice: notice, Channel: notify.Email, Target: to, Attempt: 1, Profile: &drawdown.Profile{Account: notice.Account},
		})
		if outcome.Verdict != notify.Delivered {
			t.Fatalf("%s: %+v", notice.Kind, outcome)
		}
		want, _, _, err := email.Render(notice, nil, config)
		if err != nil {
			t.Fatal(err)
		}
		if m := <-read; m.to != to || m.subject != want || m.notice != notice.ID {
			t.Errorf("%s: read %+v, expected subject %q of notice %s", notice.Kind, m, want, notice.ID)
		}
	}
	if arrived := box.arrived(); len(arrived) != len(samples) {
		t.Errorf("%d mails arrived, %d were sent", len(arrived), len(samples))
	}
	files, err := filepath.Glob(filepath.Join(folder, "*-birchwood.example.eml"))
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(content), "To: <"+to+">") {
		t.Errorf("%v\n%s", err, content)
	}
}

// TestAMailThatIsNoNoticeIsRefused: nothing else is sent here, so it would be a fault.
func TestAMailThatIsNoNoticeIsRefused(t *testing.T) {
	box := &mailbox{read: func(mail) { t.Error("it was read") }}
	for _, content := range []string{"", "Subject: hello\r\n\r\nworld", "no header"} {
		if err := box.take("owner@birchwood.example", []byte(content)); err == nil {
			t.Errorf("%q was taken", content)
		}
	}
	if len(box.arrived()) > 0 {
		t.Error("it counts as arrived")
	}
}
