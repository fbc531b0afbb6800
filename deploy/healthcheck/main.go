// Command healthcheck asks a Drawdown process of the same container whether it is ready. The image has no shell or
// curl that could.
//
// Its argument is the address to ask, default http://127.0.0.1:9464/readyz. Not ready means that a server is away or
// that a partition needs a person; the answer says which. Don't restart a process for it: a restart repairs neither.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	defaultAddress = "http://127.0.0.1:9464/readyz"
	// timeout is below the one that the image gives the whole check, so that the reason is still printed.
	timeout = 4 * time.Second
	// answerBytesMax is how much of an answer is shown; Docker keeps 4 KB.
	answerBytesMax = 4 << 10
)

func main() {
	address := defaultAddress
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := check(context.Background(), address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check returns nil if the address answers 200, else an error with the answer's beginning.
func check(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", address, response.Status, answer)
	}
	return nil
}
