package webhook

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// nobody is where a proxy would be, if one were used: nothing listens there.
const nobody = "http://127.0.0.1:9"

// The environment names a proxy from the beginning, since net/http reads it once. It is never used for 127.0.0.1, but
// for every other host.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		if err := os.Setenv(name, nobody); err != nil {
			panic(err)
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
