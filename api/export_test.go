package api

import "strconv"

// ReasonStatuses are the statuses of all reasons, for the test of the page that explains them.
func ReasonStatuses() map[string]string {
	statuses := map[string]string{}
	for reason, e := range reasons {
		statuses[reason] = strconv.Itoa(e.status)
	}
	return statuses
}
