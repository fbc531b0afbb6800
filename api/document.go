package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// version is that of the API, not of the program: it changes with what clients see.
const version = "1.0.0"

const about = `Credits for data syncs: accounts, balances, usage, purchases; the gate that syncs ask before they start; usage events over HTTP.

Credits and money are decimal strings: never read them as floating point. Refusals are problem details (RFC 9457) with a
` + "`reason`" + ` for programs. Writes take an Idempotency-Key, and answer with the position of their record in the log.
docs/api.md explains the rest.`

// newHuma returns huma with a document that has everything but the operations.
func (s *server) newHuma() huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	return huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Drawdown", Version: version, Description: about},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An API key, or a token of the identity provider."},
				},
			},
			Security: []map[string][]string{{"bearer": {}}},
			Tags: []*huma.Tag{
				{Name: tagAccounts}, {Name: tagCredits}, {Name: tagUsage}, {Name: tagPurchases}, {Name: tagConnections},
				{Name: tagGate}, {Name: tagNotices}, {Name: tagEvents}, {Name: tagAdmin},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}, humago.NewAdapter(s, ""))
}

// unmarshal reads a body. No member of ours may be null: huma would let it pass, against its own document.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped) && strings.HasPrefix(mistyped.Value, "number"):
		return errNotWhole
	case err != nil:
		return err
	}
	if parsed, raw := v.(*any); raw && hasNull(*parsed) {
		return errNull
	}
	return nil
}

var (
	errNull = errors.New("null stands for nothing here: leave the member out")
	// errNotWhole is about 1.0 and 1e3, which JSON Schema counts among the integers and the contract does not.
	errNotWhole = errors.New("an integer is written without a fraction and an exponent")
)

func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, hasNull)
	case map[string]any:
		for _, member := range v {
			if hasNull(member) {
				return true
			}
		}
	}
	return false
}

// problemResponse is how the document describes a refusal.
func (s *server) problemResponse(status int) *huma.Response {
	response := &huma.Response{
		Description: http.StatusText(status),
		Content: map[string]*huma.MediaType{problemType: {
			Schema: s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, ""),
		}},
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		response.Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
	}
	return response
}

// finishDocument describes what huma cannot see in the handlers' types, and serves the document.
func (s *server) finishDocument() error {
	for _, item := range s.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op != nil {
				describeSuccess(op)
			}
		}
	}
	asJSON, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	asYAML, err := s.huma.OpenAPI().YAML()
	if err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	s.document("/openapi.json", "application/openapi+json", asJSON)
	s.document("/openapi.yaml", "application/openapi+yaml", asYAML)
	return nil
}

// describeSuccess adds the answers that a handler can give besides its usual one.
func describeSuccess(op *huma.Operation) {
	for _, status := range []string{"200", "201"} {
		response := op.Responses[status]
		if response == nil {
			continue
		}
		if _, waits := response.Headers["Preference-Applied"]; waits && op.Method != http.MethodGet {
			accepted := *response
			accepted.Description = "It stands in the log, and will be applied or rejected."
			response.Description = "It is applied: whatever is read now shows it."
			op.Responses["202"] = &accepted
		}
		if _, tagged := response.Headers["ETag"]; tagged {
			op.Responses["304"] = &huma.Response{Description: "Nothing has changed since the answer with that ETag."}
		}
	}
}

// document serves a text that anybody may read.
func (s *server) document(path, contentType string, text []byte) {
	etag := `"` + digest(text) + `"`
	s.mux.HandleFunc(http.MethodGet+" "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("ETag", etag)
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(text)
	})
	s.mux.HandleFunc(prefix+path, otherMethods([]string{http.MethodGet}))
}
