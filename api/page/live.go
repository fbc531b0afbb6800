package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
)

// live answers with the parts of a page that refresh by themselves. It reads balances only, which costs little, and has an
// ETag, so that an answer which says the same as before is empty. Only when a balance has changed are reports asked for
// anew. They follow a moment after balances, so the script asks some more times without the ETag.
func (v *visit) live() error {
	v.w.Header().Del("Set-Cookie") // a page that is merely open keeps no session from becoming idle
	f, err := v.facts()
	if err != nil {
		return err
	}
	var body bytes.Buffer
	var overview *overviewPage
	switch v.r.URL.Query().Get("view") {
	case "overview":
		overview = v.overviewPage(f)
		err = v.pages[""].ExecuteTemplate(&body, "live-overview", overview)
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
	if overview != nil {
		if overview.Forecast, err = v.forecast(f); err != nil {
			return err
		}
		if overview.Used, err = v.used(f); err != nil {
			return err
		}
		if err := v.pages[""].ExecuteTemplate(&body, "live-reports", overview); err != nil {
			return fmt.Errorf("render the reports: %w", err)
		}
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
