package python

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/internal/servers"
)

func TestEveryRequirementIsPinned(t *testing.T) {
	for _, e := range environments {
		names := map[string]bool{}
		for line := range strings.Lines(string(e.requirements)) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, version, pinned := strings.Cut(line, "==")
			if !pinned || version == "" || strings.ContainsAny(version, "*,; ") {
				t.Errorf("%s: %q does not name one version", e.name, line)
			}
			if names[name] {
				t.Errorf("%s: %s stands there twice", e.name, name)
			}
			names[name] = true
		}
		for _, name := range wanted[e.name] {
			if !names[name] {
				t.Errorf("%s: %s is missing", e.name, name)
			}
		}
	}
}

var wanted = map[string][]string{"python": {"airbyte-source-faker", "kafka-python", "aiosmtpd"}, "schemathesis": {"schemathesis"}}

func TestMissingNamesTheRemedy(t *testing.T) {
	var missing *servers.MissingError
	dir := filepath.Join(t.TempDir(), "python-0")
	err := find(dir)
	if !errors.As(err, &missing) || missing.Where != dir || missing.Remedy != servers.InstallCommand("python") {
		t.Errorf("no environment: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nonexistent/python3", filepath.Join(dir, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	err = find(dir)
	if !errors.As(err, &missing) || !strings.HasPrefix(missing.Remedy, "rm -r "+dir+" && ") {
		t.Errorf("an environment whose Python is gone: %v", err)
	}
}

func TestMoveRenamesTheInterpreterInPrograms(t *testing.T) {
	from := t.TempDir()
	bin := filepath.Join(from, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "source-faker")
	if err := os.WriteFile(program, []byte("#!"+bin+"/python3\nprint(1)\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	interpreter := filepath.Join(bin, "python3")
	if err := os.Symlink("/usr/bin/env", interpreter); err != nil {
		t.Fatal(err)
	}
	if err := move(from, "/final/place"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if want := "#!/final/place/bin/python3\nprint(1)\n"; string(text) != want {
		t.Errorf("the program is %q, want %q", text, want)
	}
	if link, err := os.Readlink(interpreter); err != nil || link != "/usr/bin/env" {
		t.Errorf("the interpreter is %q, %v", link, err)
	}
}
