package engine

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
)

// Codes of ClickHouse's exceptions that this server raises itself.
const (
	codeBadArguments         = 36
	codeNotImplemented       = 48
	codeUnknownCompression   = 89
	codeUnknownSetting       = 115
	codeNetworkError         = 210
	codeCannotDecompress     = 271
	codeAuthenticationFailed = 516
	codeUnknownException     = 1002 // ClickHouse's own code for what has none
)

// failure is an exception of this server in ClickHouse's words.
type failure struct {
	code int
	name string
	text string
}

func (f *failure) Error() string {
	return fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", f.code, f.text, f.name)
}

func authenticationFailed(user string) *failure {
	return &failure{
		code: codeAuthenticationFailed,
		name: "AUTHENTICATION_FAILED",
		text: user + ": Authentication failed: password is incorrect, or there is no user with such name",
	}
}

// statusOf is the HTTP status that the real server gives to an exception; every other one is 500.
var statusOf = map[int]int{
	6: http.StatusBadRequest, 26: http.StatusBadRequest, 27: http.StatusBadRequest, 36: http.StatusBadRequest, 38: http.StatusBadRequest,
	41: http.StatusBadRequest, 53: http.StatusBadRequest, 62: http.StatusBadRequest, 69: http.StatusBadRequest, 72: http.StatusBadRequest, 117: http.StatusBadRequest,
	46: http.StatusNotFound, 47: http.StatusNotFound, 50: http.StatusNotFound, 56: http.StatusNotFound, 60: http.StatusNotFound,
	63: http.StatusNotFound, 73: http.StatusNotFound, 81: http.StatusNotFound, 115: http.StatusNotFound,
	codeNotImplemented: http.StatusNotImplemented, codeAuthenticationFailed: http.StatusForbidden,
}

var exceptionCode = regexp.MustCompile(`^Code:\s*(\d+)\.`)

// fail answers with an exception as the real server does: its text as the body, its code in a header.
func fail(w http.ResponseWriter, err error) {
	code := codeOf(err)
	text := err.Error()
	if !exceptionCode.MatchString(text) {
		text = fmt.Sprintf("Code: %d. DB::Exception: %s. (UNKNOWN_EXCEPTION)", code, text)
	}
	status, ok := statusOf[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that has gone away needs no answer
}

func codeOf(err error) int {
	var own *failure
	if errors.As(err, &own) {
		return own.code
	}
	if found := exceptionCode.FindStringSubmatch(err.Error()); found != nil {
		if code, err := strconv.Atoi(found[1]); err == nil {
			return code
		}
	}
	return codeUnknownException
}
