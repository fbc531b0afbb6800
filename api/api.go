package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what the API works with. All are required.
type Deps struct {
	Office        Office
	Authenticator Authenticator
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
}

// server is the API: a handler for everything below /v1.
type server struct {
	config        Config
	office        Office
	authenticator Authenticator
	logger        *slog.Logger
	metrics       *metrics
	strangers     *routeMetrics // of requests that reached no route
	ids           *requestIDs

	ordinary, gate *limits // by principal
	refusals       *limits // by remote address

	mux    *http.ServeMux
	huma   huma.API
	routes map[string]*route // by "METHOD /path"
}

// New returns the API's handler, to be mounted at /v1/. The server is the caller's, and so are its timeouts: for reading at
// least [Config.BodyTimeout], for writing at least that and [Config.RequestTimeout]. Exports put off the latter by themselves.
func New(config Config, deps Deps) (http.Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if deps.Office == nil || deps.Authenticator == nil || deps.Logger == nil || deps.Registerer == nil {
		return nil, errors.New("api: Office, Authenticator, Logger and Registerer are required")
	}
	s, err := newServer(config, deps)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return s, nil
}

func newServer(config Config, deps Deps) (*server, error) {
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	s := &server{
		config: config, office: deps.Office, authenticator: deps.Authenticator, logger: deps.Logger,
		metrics: m, strangers: m.of("none"), ids: newRequestIDs(),
		ordinary: newLimits("requests", config.RequestsPerSecond, config.RequestsBurst, config.CredentialsMax),
		gate:     newLimits("gate", config.GatePerSecond, config.GateBurst, config.CredentialsMax),
		refusals: newLimits("refusals", config.RefusalsPerSecond, config.RefusalsBurst, config.CredentialsMax),
		mux:      http.NewServeMux(), routes: map[string]*route{},
	}
	s.huma = s.newHuma()
	s.bind(table())
	return s, s.finishDocument()
}
