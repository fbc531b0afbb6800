package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	firstSecret  = bytes.Repeat([]byte{0xa1}, 32)
	secondSecret = bytes.Repeat([]byte{0xb2}, 48)
)

func line(id string, secret []byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(secret) + "\n"
}

func parse(t testing.TB, text string) *Keys {
	t.Helper()
	keys, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSignatureIsTheDocumentedHash(t *testing.T) {
	value := []byte(`{"type":"credits.granted"}`)
	header, err := parse(t, line("ops-1", firstSecret)).Sign(value)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, firstSecret)
	mac.Write([]byte("drawdown operation 1\n" + string(value)))
	if want := "ops-1:" + hex.EncodeToString(mac.Sum(nil)); string(header) != want {
		t.Errorf("header %s, want %s", header, want)
	}
}

func TestVerify(t *testing.T) {
	both := parse(t, line("new", secondSecret)+"# the old key\n\n"+line("old", firstSecret))
	old := parse(t, line("old", firstSecret))
	value := []byte("value")
	byOld, _ := old.Sign(value)
	byNew, _ := both.Sign(value)
	swapped := []byte("new" + string(byOld[len("old"):]))
	otherDigit := bytes.Clone(byOld)
	otherDigit[len(otherDigit)-1] ^= 1

	for _, c := range []struct {
		rule   string
		keys   *Keys
		value  string
		header []byte
		valid  bool
	}{
		{"a signature by the only key", old, "value", byOld, true},
		{"rotation: the old key stays valid", both, "value", byOld, true},
		{"rotation: the first key signs", both, "value", byNew, true},
		{"a key that is not known yet", old, "value", byNew, false},
		{"another value", both, "Value", byOld, false},
		{"a signature under another key's id", both, "value", swapped, false},
		{"one bit differs", both, "value", otherDigit, false},
		{"upper case digits are the same number", both, "value", append([]byte("old:"), bytes.ToUpper(byOld[4:])...), true},
		{"too short", both, "value", byOld[:len(byOld)-1], false},
		{"too long", both, "value", append(bytes.Clone(byOld), '0'), false},
		{"no digits", both, "value", append([]byte("old:"), bytes.Repeat([]byte("g"), 64)...), false},
		{"no key id", both, "value", byOld[len("old"):], false},
		{"no header", both, "value", nil, false},
		{"no keys", nil, "value", byOld, false},
		{"the zero value", &Keys{}, "value", byOld, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := c.keys.Verify([]byte(c.value), c.header); got != c.valid {
				t.Errorf("Verify = %v, want %v", got, c.valid)
			}
		})
	}
}

func TestParseReportsEveryFaultAndNoSecret(t *testing.T) {
	short := base64.StdEncoding.EncodeToString([]byte("short-secret"))
	text := line("a", firstSecret) + "no separator\n" + "b!:" + short + "\nc:" + short + "\nd:%%%hidden%%%\n" + line("a", secondSecret)
	_, err := Parse([]byte(text))
	if err == nil {
		t.Fatal("five faults were accepted")
	}
	for _, want := range []string{"line 2", "line 3", "line 4", "12 bytes", "line 5", "not base64", "line 6", "twice"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	for _, secret := range []string{short, "hidden"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error shows a secret:\n%v", err)
		}
	}
	if _, err := Parse([]byte("# only a comment\n")); !errors.Is(err, ErrNoKeys) {
		t.Errorf("no keys: %v", err)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	keys := parse(t, line("ops-1", firstSecret)+line("ops-2", secondSecret))
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("start", "keys", keys)
	printed := fmt.Sprintf("%v %+v %#v %s ", keys, keys, keys, keys) + logged.String()
	if !strings.Contains(printed, "ops-1, ops-2") {
		t.Errorf("the key ids are missing: %s", printed)
	}
	for _, secret := range [][]byte{firstSecret, secondSecret} {
		for _, form := range []string{base64.StdEncoding.EncodeToString(secret), hex.EncodeToString(secret), fmt.Sprint(secret), string(secret)} {
			if strings.Contains(printed, form) {
				t.Errorf("a secret is printed: %s", printed)
			}
		}
	}
}

func TestLoadAndEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	text := line("a", firstSecret) + line("b", secondSecret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_KEYS", strings.ReplaceAll(strings.TrimSpace(text), "\n", ","))
	given, err := FromEnvironment("TEST_KEYS")
	if err != nil {
		t.Fatal(err)
	}
	header, _ := loaded.Sign([]byte("v"))
	if !given.Verify([]byte("v"), header) || loaded.String() != given.String() {
		t.Error("the file's keys and the environment's differ")
	}
	if _, err := Load(path + ".absent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := FromEnvironment("TEST_KEYS_ABSENT"); !errors.Is(err, ErrNoKeys) {
		t.Errorf("absent variable: %v", err)
	}
	if _, err := (&Keys{}).Sign(nil); !errors.Is(err, ErrCannotSign) {
		t.Errorf("signing without a key: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	keys := parse(f, line("ops-1", firstSecret)+line("ops-2", secondSecret))
	header, _ := keys.Sign([]byte("value"))
	f.Add([]byte("value"), header)
	f.Add([]byte(""), []byte(":"))
	f.Fuzz(func(t *testing.T, value, header []byte) {
		valid := keys.Verify(value, header)
		made, err := keys.Sign(value)
		if err != nil || !keys.Verify(value, made) {
			t.Fatal("an own signature is not valid")
		}
		if valid && !bytes.EqualFold(header, made) && !bytes.HasPrefix(header, []byte("ops-2:")) {
			t.Fatalf("%q is valid for %q", header, value)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(line("ops-1", firstSecret))
	f.Add("a:b:c\n#\n:")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := Parse([]byte(text))
		if (keys == nil) == (err == nil) {
			t.Fatalf("keys %v, error %v", keys, err)
		}
		if err != nil {
			return
		}
		header, err := keys.Sign([]byte(text))
		if err != nil || !keys.Verify([]byte(text), header) {
			t.Fatal("parsed keys don't verify their own signature")
		}
	})
}
