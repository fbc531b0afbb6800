// Command loggen prints a random log, to try an implementation of the contract by hand.
//
//	loggen [-seed N] [-records N] [-accounts N] [-weird PERCENT] [-scale PERCENT] [-without-logtime]
package main

import (
	"flag"
	"fmt"
	"os"

	"drawdown/internal/loggen"
)

func main() {
	var options loggen.Options
	seed := flag.Uint64("seed", 1, "seed; the same seed gives the same log")
	records := flag.Int("records", 500, "how many records")
	flag.IntVar(&options.Accounts, "accounts", 0, "how many accounts; 0 lets the seed choose")
	flag.IntVar(&options.Weirdness, "weird", loggen.DefaultWeirdness, "share of broken records in percent; negative is none")
	flag.IntVar(&options.TimeScale, "scale", 100, "steps of the clock in percent of the usual")
	flag.BoolVar(&options.WithoutLogtime, "without-logtime", false, "leave logtime out")
	flag.Parse()
	if _, err := os.Stdout.Write(loggen.Generate(*seed, *records, options)); err != nil {
		fmt.Fprintln(os.Stderr, "loggen:", err)
		os.Exit(1)
	}
}
