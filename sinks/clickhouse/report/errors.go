package report

import (
	"errors"
	"fmt"
)

// ErrBadCursor says that a cursor was not given out for this question: it was made up, cut, or belongs to another
// account or other filters.
var ErrBadCursor = errors.New("report: the cursor is not one of this list; begin without one")

// ErrNoSync says that nothing was charged for a sync.
var ErrNoSync = errors.New("report: nothing was charged for this sync")

// QueryError says that a question can't be answered as it is.
type QueryError struct {
	Member string // of the query: limit, window, by, from
	Rule   string // what it must be
}

func (e *QueryError) Error() string { return fmt.Sprintf("report: %s %s", e.Member, e.Rule) }

// LimitMax is how many rows a page may have.
const LimitMax = 1000

func checkLimit(limit int) error {
	if limit < 1 || limit > LimitMax {
		return &QueryError{"limit", fmt.Sprintf("is %d; allowed are 1 to %d", limit, LimitMax)}
	}
	return nil
}
