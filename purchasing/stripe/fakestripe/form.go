package fakestripe

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// call is a request as it was read.
type call struct {
	method, path, key string
	form              url.Values // of the body, or of the query
}

// read checks a request's form and its secret key.
func (s *Server) read(r *http.Request) (*call, *reply) {
	secret, _, _ := r.BasicAuth()
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		secret = bearer
	}
	if secret == "" || s.options.SecretKey != "" && secret != s.options.SecretKey {
		// Stripe masks the key. A proxy between may not.
		refused := problem("invalid_request_error", "", "", "Invalid API Key provided: "+secret).status(http.StatusUnauthorized)
		return nil, &refused
	}
	if err := r.ParseForm(); err != nil {
		refused := invalid("", "", err.Error())
		return nil, &refused
	}
	return &call{method: r.Method, path: r.URL.Path, key: r.Header.Get("Idempotency-Key"), form: r.Form}, nil
}

// parts splits /v1/<collection>[/<id>[/<verb>]].
func (c *call) parts() (collection, id, verb string) {
	path := strings.TrimPrefix(c.path, "/v1/")
	collection, rest, _ := strings.Cut(path, "/")
	if collection == "checkout" {
		second, more, _ := strings.Cut(rest, "/")
		collection, rest = collection+"/"+second, more
	}
	id, verb, _ = strings.Cut(rest, "/")
	return collection, id, verb
}

// routeName is the call's method and path with {id} for the id.
func (c *call) routeName() string {
	collection, id, verb := c.parts()
	name := c.method + " /v1/" + collection
	if id == "search" {
		return name + "/search"
	}
	if id != "" {
		name += "/{id}"
	}
	if verb != "" {
		name += "/" + verb
	}
	return name
}

// charges reports whether the call would charge a card.
func (c *call) charges() bool {
	collection, _, verb := c.parts()
	return c.method == http.MethodPost && collection == "payment_intents" && (verb == "confirm" || c.form.Get("confirm") == "true")
}

// expands reports whether the reply is to hold that member as an object.
func (c *call) expands(member string) bool {
	for name, values := range c.form {
		if strings.HasPrefix(name, "expand") {
			for _, v := range values {
				if v == member || strings.HasPrefix(v, member+".") {
					return true
				}
			}
		}
	}
	return false
}

// nested reads parent[a]=…, parent[b]=….
func (c *call) nested(parent string) map[string]string {
	m := map[string]string{}
	for name, values := range c.form {
		if inner, ok := strings.CutPrefix(name, parent+"["); ok && strings.HasSuffix(inner, "]") && strings.Count(inner, "]") == 1 {
			m[strings.TrimSuffix(inner, "]")] = values[0]
		}
	}
	return m
}

func (c *call) integer(name string) int64 {
	n, _ := strconv.ParseInt(c.form.Get(name), 10, 64)
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }
func digits(n int) int  { return len(itoa(n)) }
func zero(s string) any { return orNull(s, s) }
func orNull(s string, v any) any {
	if s == "" {
		return nil
	}
	return v
}
