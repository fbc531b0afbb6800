package python

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"drawdown/internal/servers"
)

// candidates are the interpreters that are tried, in this order.
var candidates = []string{"python3", "python3.12", "python3.11", "python3.10"}

// probe ends with status 0 where an interpreter will do. source-faker runs on Python 3.10 to 3.12; Debian splits
// ensurepip off into a package of its own, without which no environment can be made.
const probe = `import sys, venv, ensurepip
sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 12) else "it is Python " + sys.version.split()[0])`

// interpreter finds a Python that can make the environment.
func interpreter(ctx context.Context) (path string, err error) {
	var faults []error
	for _, name := range candidates {
		path, err := exec.LookPath(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		said, err := exec.CommandContext(ctx, path, "-c", probe).CombinedOutput()
		if err == nil {
			return path, nil
		}
		faults = append(faults, fmt.Errorf("%s: %w: %s", path, err, strings.TrimSpace(string(said))))
	}
	missing := &servers.MissingError{What: "Python 3.10, 3.11 or 3.12 with venv", Where: "PATH", Remedy: "apt-get install -y python3 python3-venv"}
	return "", errors.Join(append([]error{missing}, faults...)...)
}
