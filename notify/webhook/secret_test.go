package webhook

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"drawdown"
)

// Master keys of the tests: 32 bytes each.
const (
	testMaster  = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	otherMaster = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
)

func secretsOf(t testing.TB, master, previous string) *Secrets {
	t.Helper()
	secrets, err := NewSecrets(&Config{MasterKey: master, PreviousMasterKey: previous})
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

// The published vector: "sign function works" in libraries/go/webhook_test.go, python/tests/test_webhooks.py and
// javascript/src/webhook.test.ts of standard-webhooks/standard-webhooks.
func TestPublishedSignature(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, published is %s", got, want)
	}
}

// The cases of the specification's library (TestWebhook there), each with a request that is signed here: it accepts
// ours and refuses what is changed.
func TestPublishedVerificationCases(t *testing.T) {
	secrets := secretsOf(t, testMaster, "")
	endpoint := &drawdown.Webhook{Endpoint: "main", SecretVersion: 1}
	verifier, err := standardwebhooks.NewWebhook(secrets.Secret("acme", "main", 1))
	if err != nil {
		t.Fatal(err)
	}
	const id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	body := []byte(`{"test": 2432232314}`)
	tolerance := 5 * time.Minute
	for _, c := range []struct {
		name   string
		offset time.Duration
		change func(http.Header)
		valid  bool
	}{
		{"valid signature is valid", 0, nil, true},
		{"missing id", 0, func(h http.Header) { h.Del("webhook-id") }, false},
		{"missing timestamp", 0, func(h http.Header) { h.Del("webhook-timestamp") }, false},
		{"missing signature", 0, func(h http.Header) { h.Del("webhook-signature") }, false},
		{"invalid signature", 0, func(h http.Header) {
			h.Set("webhook-signature", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=")
		}, false},
		{"partial signature", 0, func(h http.Header) { h.Set("webhook-signature", "v1,") }, false},
		{"old timestamp", -tolerance - time.Second, nil, false},
		{"new timestamp", tolerance + 2*time.Second, nil, false},
		{"several signatures, one valid", 0, func(h http.Header) {
			h.Set("webhook-signature", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "+
				h.Get("webhook-signature")+" v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=")
		}, true},
		{"another id", 0, func(h http.Header) { h.Set("webhook-id", id+"x") }, false},
		{"another timestamp", 0, func(h http.Header) { h.Set("webhook-timestamp", "1") }, false},
	} {
		at := time.Now().Add(c.offset)
		header := http.Header{}
		header.Set("webhook-id", id)
		header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
		header.Set("webhook-signature", secrets.signatures("acme", endpoint, id, at, body))
		if c.change != nil {
			c.change(header)
		}
		if err := verifier.Verify(body, header); (err == nil) != c.valid {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Whatever is signed, the specification's library verifies with the secret that the customer is shown.
func TestReferenceLibraryVerifies(t *testing.T) {
	secrets := secretsOf(t, testMaster, "")
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.StringMatching(`[A-Za-z0-9._:-]{1,40}`).Draw(t, "account")
		endpoint := &drawdown.Webhook{Endpoint: rapid.StringN(1, 30, 128).Draw(t, "endpoint"), SecretVersion: rapid.Int64Range(1, 1_000_000).Draw(t, "version")}
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		id := "msg_" + rapid.StringMatching(`[0-9]{1,3}-[0-9]{1,18}-[0-9]{1,4}`).Draw(t, "id")
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0)
		header := http.Header{}
		header.Set("webhook-id", id)
		header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
		header.Set("webhook-signature", secrets.signatures(account, endpoint, id, at, body))
		verifier, err := standardwebhooks.NewWebhook(secrets.Secret(account, endpoint.Endpoint, endpoint.SecretVersion))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.VerifyIgnoringTimestamp(body, header); err != nil {
			t.Fatal(err)
		}
	})
}

// Customers have configured these: a change of the derivation would break every receiver. The value was computed with
// another implementation of HKDF (Python's hmac).
func TestSecretStaysWhatItIs(t *testing.T) {
	if got, want := secretsOf(t, testMaster, "").Secret("acme", "main", 1), "whsec_37LD+vsPLXNMU5MfuNONN/Aiucq4tuLcqeeN7YFz6KU="; got != want {
		t.Errorf("secret %s, customers have %s", got, want)
	}
}

func TestSecretsDiffer(t *testing.T) {
	seen := make(map[string]string)
	for _, master := range []string{testMaster, otherMaster} {
		secrets := secretsOf(t, master, "")
		for _, of := range []struct {
			account, endpoint string
			version           int64
		}{
			{"acme", "main", 1}, {"acme", "main", 2}, {"acme", "main", 256}, {"acme", "other", 1}, {"globex", "main", 1},
			{"acmem", "ain", 1}, {"acm", "emain", 1}, {"acme", "main1", 1}, {"acme", "main\x00", 1},
		} {
			name, secret := fmt.Sprint(master, of), secrets.Secret(of.account, of.endpoint, of.version)
			if before, taken := seen[secret]; taken {
				t.Errorf("%s and %s have the same secret", before, name)
			}
			seen[secret] = name
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
			if err != nil || len(raw) != 32 {
				t.Errorf("%s: %d bytes, %v", name, len(raw), err)
			}
		}
	}
}

func TestWhichSecretsSign(t *testing.T) {
	at := time.UnixMilli(1_780_000_000_000)
	now := drawdown.TimeOf(at)
	rotated := drawdown.Webhook{Endpoint: "main", SecretVersion: 2, PreviousVersion: 1, PreviousUntil: now + 1}
	ended := rotated
	ended.PreviousUntil = now
	never := drawdown.Webhook{Endpoint: "main", SecretVersion: 2, PreviousUntil: drawdown.NoTime}
	type signer struct {
		master  string
		version int64
	}
	for _, c := range []struct {
		name     string
		previous string
		endpoint drawdown.Webhook
		want     []signer // exactly these, in this order
	}{
		{"one version", "", never, []signer{{testMaster, 2}}},
		{"the previous version until its end", "", rotated, []signer{{testMaster, 2}, {testMaster, 1}}},
		{"no longer at its end", "", ended, []signer{{testMaster, 2}}},
		{"the previous master key as well", otherMaster, never, []signer{{testMaster, 2}, {otherMaster, 2}}},
		{"both rotations at once", otherMaster, rotated, []signer{{testMaster, 2}, {otherMaster, 2}, {testMaster, 1}, {otherMaster, 1}}},
		{"a previous master key that is the current one", testMaster, never, []signer{{testMaster, 2}}},
	} {
		got := strings.Split(secretsOf(t, testMaster, c.previous).signatures("acme", &c.endpoint, "msg_0-1-2", at, []byte("{}")), " ")
		if len(got) != len(c.want) {
			t.Errorf("%s: %d signatures, expected %d", c.name, len(got), len(c.want))
			continue
		}
		for i, want := range c.want {
			verifier, err := standardwebhooks.NewWebhook(secretsOf(t, want.master, "").Secret("acme", "main", want.version))
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Webhook-Id": {"msg_0-1-2"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {got[i]}}
			if err := verifier.VerifyIgnoringTimestamp([]byte("{}"), header); err != nil {
				t.Errorf("%s: signature %d: %v", c.name, i, err)
			}
		}
	}
}

func TestMasterKeyFromFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master")
	if err := os.WriteFile(file, []byte(testMaster+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets, err := NewSecrets(&Config{MasterKeyFile: file, PreviousMasterKeyFile: file})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := secrets.Secret("acme", "main", 1), secretsOf(t, testMaster, "").Secret("acme", "main", 1); got != want {
		t.Errorf("%s from the file, %s from the text", got, want)
	}
}

func TestBadMasterKeys(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("c2hvcnRzZWNyZXQ="), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]*Config{
		"none":           {},
		"not base64":     {MasterKey: "not-base64-at-all-hunter2"},
		"short":          {MasterKey: "aHVudGVyMg=="},
		"short file":     {MasterKeyFile: short},
		"missing file":   {MasterKeyFile: filepath.Join(dir, "none")},
		"previous wrong": {MasterKey: testMaster, PreviousMasterKey: "hunter2"},
	} {
		_, err := NewSecrets(config)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, secret := range []string{"hunter2", "aHVudGVyMg", "c2hvcnRzZWNyZXQ", testMaster} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows the key: %v", name, err)
			}
		}
	}
}

// However they are printed or logged, keys do not show: neither their text nor their bytes.
func TestKeysAreNeverShown(t *testing.T) {
	config := Default()
	config.MasterKey, config.PreviousMasterKey = testMaster, otherMaster
	secrets := secretsOf(t, testMaster, otherMaster)
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "config", config, "config_pointer", &config, "secrets", secrets)
	fmt.Fprintf(&out, "%v %+v %#v %s %q %v %+v %#v %v %+v %#v", config, config, config, config, config, &config, &config, &config, secrets, secrets, secrets)
	for _, shown := range []string{testMaster, otherMaster, "AAEC", "ICEi", "1 2 3 4 5", "0x1, 0x2"} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("shows %q: %s", shown, out.String())
		}
	}
}
