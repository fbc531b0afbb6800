package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// binding puts a route's handler on the mux, and the operation into the OpenAPI document.
type binding func(s *server, rt *route, op huma.Operation)

// reads binds a handler whose answer is 200 (or 304).
func reads[I, O any](h func(*server, context.Context, *I) (*O, error)) binding {
	return bound(http.StatusOK, h)
}

// begins binds a handler that starts something outside of the log, and answers 201.
func begins[I, O any](h func(*server, context.Context, *I) (*O, error)) binding {
	return bound(http.StatusCreated, h)
}

// writes binds a handler that appends an operation: 200 when it is applied, 202 when it stands in the log.
func writes[I any](h func(*server, context.Context, *I) (*WriteAnswer, error)) binding {
	return bound(http.StatusOK, h)
}

// creates is writes with 201 instead of 200.
func creates[I any](h func(*server, context.Context, *I) (*WriteAnswer, error)) binding {
	return bound(http.StatusCreated, h)
}

func bound[I, O any](success int, h func(*server, context.Context, *I) (*O, error)) binding {
	return func(s *server, _ *route, op huma.Operation) {
		op.DefaultStatus = success
		huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := h(s, ctx, in)
			if err != nil {
				return nil, refuse(ctx, err)
			}
			return out, nil
		})
	}
}

// bind registers every row of the table.
func (s *server) bind(rows []*route) {
	methods := map[string][]string{}
	for _, rt := range rows {
		rt.ofAccount = strings.HasPrefix(rt.path, ofAccount)
		rt.hasBody = rt.method == http.MethodPost || rt.method == http.MethodPut
		rt.metrics = s.metrics.of(rt.id)
		s.routes[rt.method+" "+prefix+rt.path] = rt
		methods[rt.path] = append(methods[rt.path], rt.method)
		rt.handle(s, rt, s.operation(rt))
	}
	for _, path := range slices.Sorted(maps.Keys(methods)) {
		slices.Sort(methods[path])
		s.mux.HandleFunc(prefix+path, otherMethods(methods[path]))
	}
	s.mux.HandleFunc("/", notFound)
}

// HandleFunc is huma's way to the mux: each handler behind the guard of its route.
func (s *server) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	rt, known := s.routes[pattern]
	if !known {
		panic("api: no row of the table is " + pattern)
	}
	s.mux.HandleFunc(pattern, s.guard(rt, h))
}

// operation is what the document says of every route.
func (s *server) operation(rt *route) huma.Operation {
	op := huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: prefix + rt.path, Tags: []string{rt.tag}, Summary: rt.summary,
		// The guard has read the body, with its own limits.
		MaxBodyBytes: -1, BodyReadTimeout: -1,
		Responses: map[string]*huma.Response{},
	}
	op.Description = "For whoever has a valid credential."
	if rt.scope != "" {
		op.Description = "Scope: `" + string(rt.scope) + "`."
	}
	for _, status := range s.refusalsOf(rt) {
		op.Responses[strconv.Itoa(status)] = s.problemResponse(status)
	}
	return op
}

// refusalsOf lists the statuses of a route's problems.
func (s *server) refusalsOf(rt *route) []int {
	statuses := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if rt.method != http.MethodGet {
		statuses = append(statuses, http.StatusConflict)
	}
	if rt.hasBody {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return statuses
}
