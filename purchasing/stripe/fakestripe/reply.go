package fakestripe

import (
	"encoding/json"
	"net/http"
)

// object is a JSON object.
type object = map[string]any

// reply is an answer as it is sent, and stored under a key.
type reply struct {
	code     int
	body     []byte
	replayed bool
	// unstored replies come before any work began: their key stays free.
	unstored bool
	wait     bool // with a Retry-After
}

func (a reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_fake")
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if a.wait {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(a.code)
	// A client that has gone is what some faults are about.
	_, _ = w.Write(a.body)
}

func (a reply) status(code int) reply {
	a.code = code
	return a
}

func ok(o any) reply {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return reply{code: http.StatusOK, body: body}
}

// list is a page of a list.
func list(url string, data []object, more bool) reply {
	if data == nil {
		data = []object{}
	}
	return ok(object{"object": "list", "url": url, "has_more": more, "data": data})
}

// problem is an error that is stored.
func problem(kind, code, param, message string) reply {
	return refusal(object{"type": kind, "code": code, "param": param, "message": message}, http.StatusBadRequest)
}

func refusal(e object, status int) reply {
	for name, v := range e {
		if v == "" {
			delete(e, name)
		}
	}
	a := ok(object{"error": e})
	a.code = status
	return a
}

// invalid is a fault of the parameters: no work began.
func invalid(code, param, message string) reply {
	a := problem("invalid_request_error", code, param, message)
	a.unstored = true
	return a
}

func missing(param, id string) reply {
	a := invalid("resource_missing", param, "No such "+param+": '"+id+"'")
	if param == "id" {
		a.code = http.StatusNotFound
	}
	return a
}

func limited() reply {
	a := problem("invalid_request_error", "rate_limit", "", "Request rate limit exceeded.").status(http.StatusTooManyRequests)
	a.wait = true
	return a
}

func failed() reply {
	return problem("api_error", "", "", "An unknown error occurred.").status(http.StatusInternalServerError)
}
