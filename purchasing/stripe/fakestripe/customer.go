package fakestripe

import (
	"net/http"
	"regexp"
	"strings"
)

// customer is who pays.
type customer struct {
	id, email  string
	metadata   map[string]string
	searchable bool
}

// AddCustomer makes a customer, searchable by the metadata.
func (s *Server) AddCustomer(id, email string, metadata map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepCustomer(&customer{id: id, email: email, metadata: metadata, searchable: true})
}

// Index lets searches find the customers made so far. Stripe's search lags behind.
func (s *Server) Index() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.customerOrder {
		c.searchable = true
	}
}

func (s *Server) keepCustomer(c *customer) {
	s.customers[c.id] = c
	s.customerOrder = append(s.customerOrder, c)
}

func (s *Server) knowsCustomer(id string) bool {
	return id == "" || s.customers[id] != nil || !s.options.Strict && strings.HasPrefix(id, "cus_")
}

func (s *Server) customerCall(c *call, id string) reply {
	switch {
	case id == "search":
		return s.searchCustomers(c)
	case id == "" && c.method == http.MethodPost:
		made := &customer{id: s.name("cus")}
		made.update(c)
		s.keepCustomer(made)
		return ok(made.view())
	case s.customers[id] == nil:
		return missing("id", id)
	case c.method == http.MethodPost:
		s.customers[id].update(c)
	}
	return ok(s.customers[id].view())
}

func (c *customer) update(from *call) {
	if from.form.Has("email") {
		c.email = from.form.Get("email")
	}
	if metadata := from.nested("metadata"); len(metadata) > 0 {
		c.metadata = metadata
	}
}

var metadataQuery = regexp.MustCompile(`^metadata\['([^']+)'\]:'([^']*)'$`)

func (s *Server) searchCustomers(c *call) reply {
	query := metadataQuery.FindStringSubmatch(c.form.Get("query"))
	if query == nil {
		return invalid("", "query", "We were unable to parse your search query.")
	}
	data := []object{}
	for _, found := range s.customerOrder {
		if found.searchable && found.metadata[query[1]] == query[2] {
			data = append(data, found.view())
		}
	}
	return ok(object{"object": "search_result", "url": c.path, "has_more": false, "next_page": nil, "data": data})
}

func (c *customer) view() object {
	return object{"id": c.id, "object": "customer", "email": zero(c.email), "metadata": c.metadata}
}
