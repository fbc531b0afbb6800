package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
)

// live answers with the parts of a page that refresh by themselves. It reads balances only, which cost little; the answer
// has an ETag, so that one which says the same as before is empty.
func (v *visit) live() error {
	v.w.Header().Del("Set-Cookie") // a page that is merely open keeps no session from becoming idle
	f, err := v.facts()
	if err != nil {
		return err
	}
	var body bytes.Buffer
	switch v.r.URL.Query().Get("view") {
	case "overview":
		err = v.pages[""].ExecuteTemplate(&body, "live-overview", v.creditsCard(f))
	case "returned":
		var page *returnedPage
		if page, err = v.returnedPage(f); err == nil {
			err = v.pages[""].ExecuteTemplate(&body, "live-returned", page)
		}
	default:
		err = v.pages[""].ExecuteTemplate(&body, "live-banners", v.shell("", "").of(f, ""))
	}
	if err != nil {
		return fmt.Errorf("render what refreshes by itself: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := v.w.Header()
	h.Set("ETag", tag)
	if v.r.Header.Get("If-None-Match") == tag {
		v.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	if _, err := body.WriteTo(v.w); err != nil {
		v.Logger.DebugContext(v.ctx(), "the visitor went away", "error", err)
	}
	return nil
}

// anchor makes a name of any bytes part of an element's id.
func anchor(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}

// LiveMessage is what a screen reader hears when it changes.
func (c *creditsCard) LiveMessage() string {
	return "Available credits: " + c.Available.Shown + ". " + c.Status.Label + "."
}
