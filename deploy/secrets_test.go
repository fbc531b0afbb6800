package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"drawdown/api/access"
	"drawdown/consumer/signature"
	"drawdown/notify/webhook"
)

// TestSecretsScript: what it makes can be used and read by the owner only, and a second run changes nothing.
func TestSecretsScript(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "secrets.sh")
	if err := os.WriteFile(script, []byte(read(t, "secrets.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []string{".env", "secrets/signing-keys", "secrets/session-keys", "secrets/webhook-master-key", "secrets/stripe-secret-key", "secrets/stripe-webhook-secrets", "secrets/smtp-password"}
	run := func() map[string]string {
		if output, err := exec.CommandContext(t.Context(), "/bin/sh", script).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		made := make(map[string]string)
		for _, file := range files {
			made[file] = read(t, filepath.Join(dir, file))
		}
		return made
	}
	made := run()
	expectUsable(t, dir, made)
	// What comes from others is put into the files that stand ready for it.
	if err := os.WriteFile(filepath.Join(dir, "secrets/stripe-secret-key"), []byte("sk_test_1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made["secrets/stripe-secret-key"] = "sk_test_1\n"
	if again := run(); !maps.Equal(again, made) {
		t.Error("a second run changed secrets that are in use")
	}
}

// TestSecretsOfANewerVersionAreAdded: an installation of before gets what it lacks, and keeps the rest.
func TestSecretsOfANewerVersionAreAdded(t *testing.T) {
	dir := t.TempDir()
	script, env := filepath.Join(dir, "secrets.sh"), filepath.Join(dir, ".env")
	for file, text := range map[string]string{script: read(t, "secrets.sh"), env: "REDIS_PASSWORD=mine\nPURCHASING_GATEWAY=stripe\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if output, err := exec.CommandContext(t.Context(), "/bin/sh", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	text := read(t, env)
	if !strings.HasPrefix(text, "REDIS_PASSWORD=mine\nPURCHASING_GATEWAY=stripe\n") || strings.Count(text, "REDIS_PASSWORD=") != 1 || !strings.Contains(text, "\nREDIS_API_PASSWORD=") {
		t.Errorf(".env is now:\n%s", text)
	}
}

func expectUsable(t *testing.T, dir string, made map[string]string) {
	t.Helper()
	if loaded, err := signature.Parse([]byte(made["secrets/signing-keys"])); err != nil {
		t.Errorf("%v: %v", loaded, err)
	}
	config := webhook.Default()
	config.MasterKeyFile = filepath.Join(dir, "secrets/webhook-master-key")
	if _, err := webhook.NewSecrets(&config); err != nil {
		t.Error(err)
	}
	distinct := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^[A-Z_]+=([0-9a-f]{48})$`).FindAllStringSubmatch(made[".env"], -1) {
		distinct[line[1]] = true
	}
	if len(distinct) != 7 {
		t.Errorf("there are %d different passwords, want 7", len(distinct))
	}
	if _, err := access.ParseSessionKeys([]byte(made["secrets/session-keys"])); err != nil {
		t.Error(err)
	}
	for _, private := range []string{".env", "secrets"} {
		if info, err := os.Stat(filepath.Join(dir, private)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", private, info.Mode(), err)
		}
	}
	// The container's user has another number than the owner.
	for name := range made {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || (name != ".env" && info.Mode().Perm() != 0o644) {
			t.Errorf("%s can't be read in the container: %v, %v", name, info.Mode(), err)
		}
	}
}
