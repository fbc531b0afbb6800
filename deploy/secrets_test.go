package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"drawdown/consumer/signature"
)

// TestSecretsScript: what it makes can be used and read by the owner only, and a second run changes nothing.
func TestSecretsScript(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "secrets.sh")
	if err := os.WriteFile(script, []byte(read(t, "secrets.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func() (passwords, keys string) {
		if output, err := exec.CommandContext(t.Context(), "/bin/sh", script).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return read(t, filepath.Join(dir, ".env")), read(t, filepath.Join(dir, "secrets/signing-keys"))
	}
	passwords, keys := run()
	if loaded, err := signature.Parse([]byte(keys)); err != nil {
		t.Errorf("%v: %v", loaded, err)
	}
	distinct := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^[A-Z_]+=([0-9a-f]{48})$`).FindAllStringSubmatch(passwords, -1) {
		distinct[line[1]] = true
	}
	if len(distinct) != 6 {
		t.Errorf("there are %d different passwords, want 6", len(distinct))
	}
	for _, private := range []string{".env", "secrets"} {
		if info, err := os.Stat(filepath.Join(dir, private)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", private, info.Mode(), err)
		}
	}
	if againPasswords, againKeys := run(); againPasswords != passwords || againKeys != keys {
		t.Error("a second run changed secrets that are in use")
	}
}
