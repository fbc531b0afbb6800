package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"drawdown/purchasing"
)

// signatureHeader is t=<seconds>,v1=<hexadecimal>[,v1=…]: several while Stripe rolls a secret.
const signatureHeader = "Stripe-Signature"

// verify checks a webhook's signature: an HMAC-SHA256 over "<t>.<body>" by one of the secrets. Both that it is too old
// and that it is from the future are refusals.
func (g *Gateway) verify(header string, body []byte) error {
	t, signatures := readSignature(header)
	if t == "" || len(signatures) == 0 {
		return &purchasing.RefusedError{Reason: purchasing.Unsigned}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return &purchasing.RefusedError{Reason: purchasing.Unsigned}
	}
	if !g.signed(t, body, signatures) {
		return &purchasing.RefusedError{Reason: purchasing.Forged}
	}
	if age := g.now().Sub(time.Unix(seconds, 0)); age > g.config.WebhookTolerance || age < -g.config.WebhookTolerance {
		return &purchasing.RefusedError{Reason: purchasing.Stale}
	}
	return nil
}

func readSignature(header string) (t string, signatures [][]byte) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			t = value
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, signature)
			}
		}
	}
	return t, signatures
}

func (g *Gateway) signed(t string, body []byte, signatures [][]byte) bool {
	for _, secret := range g.config.WebhookSecrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(t + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, signature := range signatures {
			if hmac.Equal(signature, want) {
				return true
			}
		}
	}
	return false
}
