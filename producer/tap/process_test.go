package tap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawdown/producer/internal/kafkatest"
)

// asTap makes the test binary a tap on its standard streams: "<broker>,<spool folder>".
const asTap = "DRAWDOWN_TEST_AS_TAP"

func TestMain(m *testing.M) {
	if setting := os.Getenv(asTap); setting != "" {
		broker, dir, _ := strings.Cut(setting, ",")
		os.Exit(runAsTap(broker, dir))
	}
	os.Exit(m.Run())
}

func runAsTap(broker, dir string) int {
	err := Run(context.Background(), Options{
		Account: "acme", Connection: "c", SourceConnector: "s", DestinationConnector: "d", Job: 1,
		Brokers: []string{broker}, SpoolDir: dir, StateGap: -1, FinishTimeout: 5 * time.Second, DeliveryTimeout: 300 * time.Millisecond,
	}, os.Stdin, os.Stdout, os.Stderr)
	var failure *PassError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failure) && failure.DownstreamClosed():
		return 41
	default:
		return 1
	}
}

type tapProcess struct {
	*exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

func startTap(t *testing.T, broker, dir string) tapProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asTap+"="+broker+","+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return tapProcess{cmd, in, out}
}

// Kafka is away; the tap is killed with SIGKILL after each round, and started again under the same
// attempt number. What was stored before each kill is neither lost nor counted twice.
func TestKilledTapsLoseNothingThatWasStored(t *testing.T) {
	port, dir := kafkatest.FreePort(t), t.TempDir()
	const rounds, perRound = 4, 25
	for round := range rounds {
		tap := startTap(t, kafkatest.Address(port), dir)
		lines := bufio.NewReader(tap.out)
		for id := range perRound {
			io.WriteString(tap.in, recordLine("users", id)+stateLine("users"))
			for range 2 { // each line comes through before the next goes in
				if _, err := lines.ReadString('\n'); err != nil {
					t.Fatalf("read the passed line: %v", err)
				}
			}
		}
		awaitStored(t, dir, (round+1)*perRound)
		if err := tap.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		tap.Wait()
	}
	broker := kafkatest.StartOn(t, port, 1)
	tap := startTap(t, broker.Addr, dir)
	tap.in.Close()
	if err := tap.Wait(); err != nil {
		t.Fatalf("the last tap: %v", err)
	}
	events := untilRecords(t, broker, rounds*perRound)
	wantContiguous(t, events)
	if got := total(distinct(events)); got != rounds*perRound {
		t.Errorf("reported %d records of %d", got, rounds*perRound)
	}
}

// awaitStored waits until the spool holds events that add up to this many records.
func awaitStored(t *testing.T, dir string, want int) {
	t.Helper()
	for deadline := time.Now().Add(kafkatest.Timeout); ; {
		stored := 0
		paths, err := filepath.Glob(filepath.Join(dir, "*"+eventsSuffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				var n int
				if _, rest, ok := strings.Cut(line, `"records":`); ok {
					fmt.Sscanf(rest, "%d", &n)
				}
				stored += n
			}
		}
		if stored == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records are stored, want %d", stored, want)
		}
		time.Sleep(5 * time.Millisecond) // polls another process's file
	}
}

func TestAClosedStandardOutputIsReportedAndTold(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	tap := startTap(t, broker.Addr, t.TempDir())
	io.WriteString(tap.in, recordLine("users", 1))
	if _, err := bufio.NewReader(tap.out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	tap.out.Close()
	for { // until the tap notices
		if _, err := io.WriteString(tap.in, recordLine("users", 2)); err != nil {
			break
		}
	}
	var exit *exec.ExitError
	if err := tap.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 41 {
		t.Fatalf("the tap ended with %v, want the code for a closed destination", err)
	}
	untilRecords(t, broker, 1)
}
