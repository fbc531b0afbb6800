package servers_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawdown/internal/servers"
)

// parentVariable makes this test binary a process that starts a child, tells its id and waits to be killed.
const parentVariable = "DRAWDOWN_TEST_PARENT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		beParent(dir)
	}
	os.Exit(m.Run())
}

func beParent(dir string) {
	process, err := servers.StartProcess(servers.Command{Name: "child", Path: "/bin/sleep", Args: []string{"1000"}, Log: filepath.Join(dir, "log")})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(process.PID())
	<-process.Done()
	os.Exit(1)
}

func TestAChildDiesWithAParentThatIsKilled(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+t.TempDir())
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if !alive(child) {
		t.Fatal("the child is gone before its parent")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // says that it was killed
	deadline, ticker := time.After(20*time.Second), time.NewTicker(10*time.Millisecond)
	defer ticker.Stop()
	for alive(child) {
		select {
		case <-deadline:
			t.Fatalf("process %d outlives its parent", child)
		case <-ticker.C:
		}
	}
}

// alive tells whether a process runs; one that has ended and waits for init to collect it does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(status), ") Z ")
}
