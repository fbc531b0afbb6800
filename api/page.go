package api

import (
	"context"
	"net/http"
)

// Paging is what list operations take.
type Paging struct {
	Cursor string `query:"cursor" minLength:"1" maxLength:"1024" doc:"next_cursor of the page before; without it, the first page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
}

// nextLink is the header Link of a page that another one follows (RFC 8288): this request with another cursor.
func nextLink(ctx context.Context, cursor string) string {
	if cursor == "" {
		return ""
	}
	at := *exchangeOf(ctx).url
	query := at.Query()
	query.Set("cursor", cursor)
	at.RawQuery = query.Encode()
	return "<" + at.RequestURI() + `>; rel="next"`
}

// Conditional is what operations take whose answer has an ETag.
type Conditional struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the answer that the client has: 304 where it is still true."`
}

// status is 304 where the client has the answer already.
func (c *Conditional) status(etag string) int {
	if c.IfNoneMatch != "" && matches(c.IfNoneMatch, etag) {
		return http.StatusNotModified
	}
	return http.StatusOK
}
