package page

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of every answer: scripts, styles, images and connections of this server only, and
// nothing inline. Forms may lead to the checkout, which a browser checks at the redirect, too.
func policy(checkoutOrigins []string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self'",
		"connect-src 'self'",
		"form-action " + strings.Join(append([]string{"'self'"}, checkoutOrigins...), " "),
		"frame-ancestors 'none'",
		"base-uri 'none'",
	}, "; ")
}

// guarded adds the headers that keep a browser from being used against its visitor, and refuses forms that another site
// sent.
func guarded(checkoutOrigins []string, next http.Handler) http.Handler {
	csp := policy(checkoutOrigins)
	headers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		// A sign-in link's address holds its token, so no other site may learn addresses. (With no-referrer, browsers would
		// send this site's own forms with Origin: null.)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cache-Control", "no-store") // what an account has is nobody's to keep; assets set their own
		next.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(headers)
}
