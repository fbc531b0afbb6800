// Command reference replays a log through the reference implementation, to compare by hand.
//
//	reference [-balances] FILE|-
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"drawdown/internal/reference"
)

func main() {
	balances := flag.Bool("balances", false, "write a line for each account after the last record")
	flag.Parse()
	if err := run(flag.Arg(0), *balances); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(path string, balances bool) error {
	if path == "" {
		return fmt.Errorf("name a .jsonl log, or - for standard input")
	}
	var in io.Reader = os.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	return reference.Replay(in, os.Stdout, balances)
}
