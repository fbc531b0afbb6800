package app

import (
	"os"
	"runtime/debug"
)

// gatePercent is how much garbage the API lets gather before it collects, in percent of what it keeps; Go's own default is
// 100. It keeps a few megabytes (at most some 50, with as many API keys as there can be) and makes tens of megabytes of
// garbage a second where the gate is asked thousands of times. By the default it would collect more than ten times a second,
// and answers that come in a collection are the slow ones: `drawdown bench gate --cpuprofile` showed a tenth of the API's
// processor time in it. A quarter of that takes memory of at most five times what is kept.
const gatePercent = 400

// collectSeldom sets that for the whole process, unless its environment says otherwise in Go's own way.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gatePercent)
	}
}
