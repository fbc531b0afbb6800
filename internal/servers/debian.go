package servers

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// DebianTool is a program that Debian's package manager installs.
type DebianTool struct {
	Executable string // looked up in PATH
	Package    string
	Target     string // what this project's installer calls it
}

// The tools that tests need. Promtool checks Prometheus' rules; only it is used of its package.
var (
	RedisServer = DebianTool{Executable: "redis-server", Package: "redis-server", Target: "redis"}
	Promtool    = DebianTool{Executable: "promtool", Package: "prometheus", Target: "promtool"}
)

// Find looks for the tool in PATH. If it is missing the error names the command which installs it.
func (d DebianTool) Find() (path string, err error) {
	path, err = exec.LookPath(d.Executable)
	if err != nil {
		return "", &MissingError{What: d.Executable, Where: "PATH", Remedy: InstallCommand(d.Target)}
	}
	return path, nil
}

// Install installs the tool with apt-get, unless it is there, and returns its path. Where that is impossible (no
// apt-get, not root) the error says what to run instead.
func (d DebianTool) Install(ctx context.Context, progress io.Writer) (path string, err error) {
	if path, err = exec.LookPath(d.Executable); err == nil {
		Say(progress, "%s: ready in %s", d.Executable, path)
		return path, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("install %s: this machine has no apt-get; install it with the system's own package manager (Debian calls the package %s)", d.Executable, d.Package)
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("install %s: only root may; run: sudo apt-get install -y --no-install-recommends %s", d.Executable, d.Package)
	}
	Say(progress, "%s: installing Debian's package %s", d.Executable, d.Package)
	if err := d.aptInstall(ctx, progress); err != nil {
		return "", fmt.Errorf("install %s: %w", d.Executable, err)
	}
	if path, err = d.Find(); err != nil {
		return "", err
	}
	Say(progress, "%s: ready in %s", d.Executable, path)
	return path, nil
}

// aptInstall asks nothing and starts no service: runlevel 1 tells the package not to.
func (d DebianTool) aptInstall(ctx context.Context, progress io.Writer) error {
	env := []string{"DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"}
	for _, args := range [][]string{
		{"update", "-q"},
		{"install", "-y", "-q", "--no-install-recommends", d.Package},
	} {
		if _, err := RunCommand(ctx, progress, "", env, "apt-get", args...); err != nil {
			return err
		}
	}
	return nil
}
