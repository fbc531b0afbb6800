package servers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// heartbeat is how often a long command says that it is still at work, so that a slow download is not taken for a hang.
const heartbeat = 10 * time.Second

// Say writes one progress line. A writer that fails loses the line and nothing else: progress is for eyes only.
func Say(progress io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(progress, format+"\n", args...)
}

// RunCommand runs a command in a folder for an installer and returns its standard output. It tells progress what it does
// and, while it takes long, that it is still doing it. An error quotes what the command printed.
func RunCommand(ctx context.Context, progress io.Writer, dir string, env []string, name string, args ...string) (string, error) {
	line := name + " " + strings.Join(args, " ")
	Say(progress, "  $ %s", line)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("run %q: %w", line, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	start := time.Now()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return "", fmt.Errorf("run %q: %w\n%s%s", line, err, stdout.String(), stderr.String())
			}
			return stdout.String(), nil
		case <-ticker.C:
			Say(progress, "  still at it after %s", time.Since(start).Round(time.Second))
		}
	}
}
