package tap

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Subjects of trouble that lasts.
const (
	aboutKafka = "Kafka"
	aboutDisk  = "spool"
	aboutLock  = "spool lock"
)

// noteAgain is how often trouble that lasts is repeated.
const noteAgain = time.Minute

// notes tells a person on stderr what goes wrong with reporting: when it begins, once a minute
// while it lasts, and when it is over. A stderr that is gone is ignored.
type notes struct {
	mu      sync.Mutex
	out     io.Writer
	trouble map[string]time.Time // subject → last told
}

func newNotes(out io.Writer) *notes {
	return &notes{out: out, trouble: make(map[string]time.Time)}
}

func (n *notes) print(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.write(fmt.Sprintf(format, args...))
}

func (n *notes) write(text string) {
	// One line a note: errors joined by newlines would look like notes of their own.
	_, _ = fmt.Fprintf(n.out, "drawdown tap: %s\n", strings.ReplaceAll(text, "\n", "; "))
}

// state notes that the subject works (err nil) or not, and what follows from it.
func (n *notes) state(subject string, err error, consequence string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	told, inTrouble := n.trouble[subject]
	switch {
	case err == nil && inTrouble:
		delete(n.trouble, subject)
		n.write(subject + " works again")
	case err != nil && (!inTrouble || time.Since(told) >= noteAgain):
		n.trouble[subject] = time.Now()
		n.write(fmt.Sprintf("%s: %v; %s; the sync goes on", subject, err, consequence))
	}
}
