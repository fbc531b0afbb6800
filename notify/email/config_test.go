package email

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaultNeedsOnlyAddressesAndNames(t *testing.T) {
	if err := seller().Validate(); err != nil {
		t.Error(err)
	}
	faults := strings.Split(Default().Validate().Error(), "\n")
	for i, name := range []string{"addr", "from", "seller_name", "billing_url"} {
		if len(faults) != 4 || !strings.HasPrefix(faults[i], "e-mail: "+name+": ") {
			t.Fatalf("the faults are %q", faults)
		}
	}
}

func TestConfigurations(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		fault  string // begins the only one; "" for none
	}{
		"implicit TLS":                     {func(c *Config) { c.TLS, c.Addr = Implicit, "mail.example.com:465" }, ""},
		"IPv6":                             {func(c *Config) { c.Addr = "[::1]:587" }, ""},
		"no port":                          {func(c *Config) { c.Addr = "mail.example.com" }, "addr"},
		"a port that is none":              {func(c *Config) { c.Addr = "mail.example.com:smtp" }, "addr"},
		"port 0":                           {func(c *Config) { c.Addr = "mail.example.com:0" }, "addr"},
		"no host":                          {func(c *Config) { c.Addr = ":25" }, "addr"},
		"an unknown mode":                  {func(c *Config) { c.TLS = "tls" }, "tls"},
		"unencrypted on this machine":      {func(c *Config) { c.TLS, c.Addr = Unencrypted, "127.0.0.2:25" }, ""},
		"unencrypted by name":              {func(c *Config) { c.TLS, c.Addr = Unencrypted, "localhost:25" }, ""},
		"unencrypted elsewhere":            {func(c *Config) { c.TLS = Unencrypted }, "tls"},
		"unencrypted elsewhere, allowed":   {func(c *Config) { c.TLS, c.AllowUnencrypted = Unencrypted, true }, ""},
		"unencrypted with certificates":    {func(c *Config) { c.TLS, c.Addr, c.CAFile = Unencrypted, "127.0.0.1:25", "ca.pem" }, "ca_file"},
		"a login":                          {func(c *Config) { c.Username, c.Password = "u", "p" }, ""},
		"a login from a file":              {func(c *Config) { c.Username, c.PasswordFile = "u", "/run/secrets/p" }, ""},
		"a login, unencrypted, here":       {func(c *Config) { c.Username, c.Password, c.TLS, c.Addr = "u", "p", Unencrypted, "[::1]:25" }, ""},
		"a login, unencrypted, elsewhere":  {func(c *Config) { c.Username, c.Password, c.TLS, c.AllowUnencrypted = "u", "p", Unencrypted, true }, "username"},
		"a login without a password":       {func(c *Config) { c.Username = "u" }, "password"},
		"two passwords":                    {func(c *Config) { c.Username, c.Password, c.PasswordFile = "u", "p", "f" }, "password"},
		"a password without a name":        {func(c *Config) { c.Password = "p" }, "username"},
		"a user name of two lines":         {func(c *Config) { c.Username, c.Password = "u\r\nRSET", "p" }, "username"},
		"a sender without a name":          {func(c *Config) { c.From = "billing@example.com" }, ""},
		"two senders":                      {func(c *Config) { c.From = "a@example.com, b@example.com" }, "from"},
		"a sender with a header":           {func(c *Config) { c.From = "a@example.com\r\nBcc: b@example.com" }, "from"},
		"a sender beyond ASCII":            {func(c *Config) { c.From = "bücher@example.com" }, "from"},
		"a domain of Message-IDs":          {func(c *Config) { c.MessageIDDomain = "mail.example.com" }, ""},
		"a domain that is none":            {func(c *Config) { c.MessageIDDomain = "example com" }, "message_id_domain"},
		"answers to nobody":                {func(c *Config) { c.ReplyTo = "nobody" }, "reply_to"},
		"support by nobody":                {func(c *Config) { c.SupportEmail = "help@" }, "support_email"},
		"a nameless seller":                {func(c *Config) { c.SellerName = "" }, "seller_name"},
		"a seller with a header":           {func(c *Config) { c.SellerName = "S\nBcc: x" }, "seller_name"},
		"a billing page in the clear":      {func(c *Config) { c.BillingURL = "http://app.example.com/{account}" }, "billing_url"},
		"a billing page on this machine":   {func(c *Config) { c.BillingURL = "http://127.0.0.1:8080/{account}" }, ""},
		"a billing page for all":           {func(c *Config) { c.BillingURL = "https://app.example.com/billing" }, ""},
		"a billing page in a query":        {func(c *Config) { c.BillingURL = "https://app.example.com/?a={account}#pay" }, ""},
		"a billing page chosen by account": {func(c *Config) { c.BillingURL = "https://{account}.example.com/" }, "billing_url"},
		"a billing page that is a script":  {func(c *Config) { c.BillingURL = "javascript:alert(1)" }, "billing_url"},
		"a billing page with a login":      {func(c *Config) { c.BillingURL = "https://u:p@app.example.com/" }, "billing_url"},
		"too little time":                  {func(c *Config) { c.Timeout = time.Millisecond }, "timeout"},
		"too much time":                    {func(c *Config) { c.Timeout = time.Hour }, "timeout"},
		"no connections":                   {func(c *Config) { c.ConnectionsMax = 0 }, "connections_max"},
		"too many connections":             {func(c *Config) { c.ConnectionsMax = 101 }, "connections_max"},
	} {
		c := seller()
		test.change(&c)
		err := c.Validate()
		switch {
		case test.fault == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.fault != "" && (err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "e-mail: "+test.fault+": ")):
			t.Errorf("%s: %v, want a fault of %s alone", name, err, test.fault)
		}
	}
}

func TestFaultsComeTogether(t *testing.T) {
	c := Config{TLS: "?", Password: "p", From: "?", ReplyTo: "?", SupportEmail: "?", MessageIDDomain: "?"}
	err := c.Validate()
	for _, name := range []string{
		"addr", "tls", "username", "from", "message_id_domain", "reply_to", "support_email", "seller_name", "billing_url",
		"timeout", "connections_max",
	} {
		if err == nil || strings.Count("\n"+err.Error(), "\ne-mail: "+name+": ") != 1 {
			t.Errorf("%s is not named once in\n%v", name, err)
		}
	}
}

func TestThePasswordIsShownNowhere(t *testing.T) {
	const secret = "hunter2-0123456789"
	c := seller()
	c.Username, c.Password = "u", secret
	faulty := c
	faulty.Addr, faulty.PasswordFile = "?", "f"
	sender := testSender(t, c)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("configuration", "email", c, "pointer", &c)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	_, newErr := New(faulty)
	for name, shown := range map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
		"a pointer": fmt.Sprintf("%v %+v %#v", &c, &c, &c), "String": c.String(), "log": logged.String(), "JSON": string(asJSON),
		"faults": fmt.Sprint(faulty.Validate()), "New": fmt.Sprint(newErr),
		"the sender": fmt.Sprintf("%v %+v %#v", sender, sender, sender),
	} {
		if strings.Contains(shown, secret) || len(shown) < 10 {
			t.Errorf("%s shows %s", name, shown)
		}
	}
}

func TestCertificatesToTrust(t *testing.T) {
	c := seller()
	c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "read the certificates to trust") {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(c.CAFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "holds no certificate in PEM") {
		t.Errorf("a file without certificates: %v", err)
	}
}

func TestAnAccountStaysOnePartOfTheLink(t *testing.T) {
	for url, want := range map[string]string{
		"https://app.example.com/a/{account}/pay": "https://app.example.com/a/a%2F..%2F%3Fb%3D1%26c%20%23d%3A.-_/pay",
		"https://app.example.com/?a={account}":    "https://app.example.com/?a=a%2F..%2F%3Fb%3D1%26c%20%23d%3A.-_",
		"https://app.example.com/billing":         "https://app.example.com/billing",
	} {
		c := Config{BillingURL: url}
		if got := c.link("a/../?b=1&c #d:.-_"); got != want {
			t.Errorf("%s becomes %s, want %s", url, got, want)
		}
	}
}
