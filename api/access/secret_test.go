package access

import (
	"strings"
	"testing"
)

func TestSecretsAreDrawnFromAllDigits(t *testing.T) {
	const draws = 62 * 1000
	counts := map[rune]int{}
	for _, digit := range randomDigits(draws) {
		counts[digit]++
	}
	for _, digit := range digits {
		if counts[digit] < 800 || counts[digit] > 1200 { // 1000 expected; six standard deviations are 190
			t.Errorf("%c was drawn %d times of %d", digit, counts[digit], draws)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d digits were drawn", len(counts))
	}
}

func FuzzKey(f *testing.F) {
	token, _ := newSecret(keyPrefix + randomDigits(keyIDLen))
	f.Add(token)
	f.Add("dk_")
	f.Add(strings.Repeat("_", tokenLen))
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, ok := parseKeyToken(text)
		if ok && (id+"_"+secret != text || !validKeyID(id) || len(secret) != secretLen) || !ok && id+secret != "" {
			t.Errorf("%q is read as %q and %q, %v", text, id, secret, ok)
		}
	})
}

func FuzzKeyRecord(f *testing.F) {
	signer := signingKeysOf(f, "k1")
	record, err := newRecord(keyIssued, "dk_000000000001", recordData{By: "x", Name: "x", Role: Worker, Secret: hexHash{1}}).sign(signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record.Value)
	f.Add([]byte(`{"type":"key.used","data":{"hour":"2026-01-01T00:00:00Z","keys":["dk_000000000001"]}}`))
	f.Add([]byte(`{"type":"key.rotated","subject":"dk_000000000001","time":"2026-01-01T00:00:00Z","data":{"generation":2,"previous_until":"2026-01-01T00:00:00Z","secret_sha256":"zz"}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		signed, err := signer.Sign(domainOf(value))
		if err != nil {
			t.Fatal(err)
		}
		read, err := readRecord(LogRecord{Value: value, Signature: signed}, signer)
		if err != nil {
			return
		}
		keys := keyring{}
		keys.apply(read)
		keys.apply(read)
		for id, held := range keys {
			if !validKeyID(id) || validRights(held.Role, held.Account, held.Scopes) != nil || held.Generation != 1 {
				t.Errorf("there is a key %+v", held.Key)
			}
		}
	})
}
