//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"drawdown/internal/servers/browser"
)

var screenshots = flag.String("screenshots", "", "an absolute folder for pictures of the billing page; none are made without")

// openChromium starts a browser that lives as long as the test.
func openChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := browser.Chromium.Find()
	if err != nil {
		t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.WSURLReadTimeout(patience),
		chromedp.NoSandbox, chromedp.DisableGPU)...) // in a container there is neither
	t.Cleanup(stop)
	chromium, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(chromium); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return chromium
}

// tab is a visitor's browser, which has not been there before.
type tab struct {
	s      *storefront
	ctx    context.Context
	mu     sync.Mutex
	faults []string // of scripts, of the Content-Security-Policy, and of answers
}

// visitor opens a browser of somebody who is not signed in.
func (s *storefront) visitor(chromium context.Context) *tab {
	s.t.Helper()
	ctx, end := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	s.t.Cleanup(end)
	b := &tab{s: s, ctx: ctx}
	b.watch()
	return b
}

// customer opens the browser of an account's customer, who has followed a sign-in link.
func (s *storefront) customer(chromium context.Context, account string) *tab {
	s.t.Helper()
	b := s.visitor(chromium)
	b.follow(s.link(account))
	b.sees("Available credits")
	return b
}

// another is a second tab in the same browser.
func (b *tab) another() *tab {
	b.s.t.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	b.s.t.Cleanup(end)
	second := &tab{s: b.s, ctx: ctx}
	second.watch()
	return second
}

// link makes a sign-in link.
func (s *storefront) link(account string) string {
	s.t.Helper()
	var made struct{ URL string }
	s.tell(http.MethodPost, "/accounts/"+account+"/page-links", nil, &made)
	return made.URL
}

// watch begins to look at what the browser complains of and what is answered. Each fault fails the test at its end.
func (b *tab) watch() {
	b.s.t.Helper()
	b.s.must(chromedp.Listen(b.ctx, b.listen))
	send(b, cdplog.Enable, cdp.Empty{})
	send(b, network.Enable, network.EnableParams{})
	b.look(desktop, "light")
	b.s.t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			b.s.t.Error(fault)
		}
	})
}

// listen collects faults. That something was refused is none: journeys look at that.
func (b *tab) listen(event any) {
	var fault string
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError && e.Entry.Source != cdplog.EntrySourceNetwork {
			fault = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			args, _ := json.Marshal(e.Args)
			fault = fmt.Sprintf("the console says: %s", args)
		}
	case *runtime.EventExceptionThrown:
		fault = fmt.Sprintf("a script failed: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *network.EventRequestWillBeSent:
		if to := e.Request.URL; !strings.HasPrefix(to, b.s.base+"/") && !strings.HasPrefix(to, b.s.checkout+"/") {
			fault = "the page asks somebody else: " + to
		}
	case *network.EventResponseReceived:
		fault = b.faultOf(e)
	}
	if fault != "" {
		b.mu.Lock()
		b.faults = append(b.faults, fault)
		b.mu.Unlock()
	}
}

// faultOf finds what is wrong with an answer: a failure, or a page without a strict policy.
func (b *tab) faultOf(e *network.EventResponseReceived) string {
	policy := ""
	for name, value := range e.Response.Headers {
		if strings.EqualFold(name, "Content-Security-Policy") {
			policy = fmt.Sprint(value)
		}
	}
	switch {
	case e.Response.Status >= http.StatusInternalServerError,
		e.Response.Status >= http.StatusBadRequest && e.Type != network.ResourceTypeDocument:
		return fmt.Sprintf("%s was answered %d", e.Response.URL, e.Response.Status)
	case e.Type == network.ResourceTypeDocument && (!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")):
		return fmt.Sprintf("%s has the policy %q", e.Response.URL, policy)
	default:
		return ""
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.s.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.s.t.Fatalf("%v; the page says: %s", err, b.text())
	}
}

// send sends the browser a command.
func send[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.s.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.s.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// evaluate evaluates an expression.
func evaluate[T any](b *tab, expression string) T {
	b.s.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.s.t.Fatalf("%s: %v; the page says: %s", expression, err, b.text())
	}
	return result
}

// text is what the page says.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + ": " + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}

// follow opens an address.
func (b *tab) follow(address string) {
	b.s.t.Helper()
	b.run(chromedp.Navigate(address))
}

// visit opens a place of the billing page.
func (b *tab) visit(place string) {
	b.s.t.Helper()
	b.follow(b.s.base + "/billing/" + place)
}

// visitUntil opens a place again and again until it says something: what comes by way of ClickHouse comes a moment later.
func (b *tab) visitUntil(place, text string) {
	b.s.t.Helper()
	b.s.await(place+" says "+text, func(context.Context) (bool, any) {
		b.visit(place)
		said := b.text()
		return strings.Contains(said, text), said
	})
}

// sees waits until the page says something.
func (b *tab) sees(texts ...string) {
	b.s.t.Helper()
	for _, text := range texts {
		b.s.await("the page says "+text, func(context.Context) (bool, any) {
			said := b.text()
			return strings.Contains(said, text), said
		})
	}
}

func (b *tab) doesNotSee(texts ...string) {
	b.s.t.Helper()
	said := b.text()
	for _, text := range texts {
		if strings.Contains(said, text) {
			b.s.t.Errorf("the page says %q: %s", text, said)
		}
	}
}

// press presses a button or a link by what it says.
func (b *tab) press(text string) {
	b.s.t.Helper()
	b.run(chromedp.Click(fmt.Sprintf(`//*[self::button or self::a or self::summary][contains(normalize-space(.), %s)]`, quote(text)), chromedp.NodeVisible))
}

// choose chooses one of the sandbox's test cards.
func (b *tab) choose(card string) {
	b.s.t.Helper()
	b.sees("Test card")
	b.run(chromedp.Click(fmt.Sprintf(`input[name=card][value=%s]`, quote(card)), chromedp.NodeVisible))
}

func quote(text string) string {
	encoded, _ := json.Marshal(text) // a text is never refused
	return string(encoded)
}

// available is the exact amount of available credits on the page.
func (b *tab) available() string {
	b.s.t.Helper()
	return evaluate[string](b, `document.querySelector("#live-credits .big data").value`)
}

// status is the status of the answer that the page is.
func (b *tab) status() int {
	b.s.t.Helper()
	return evaluate[int](b, `performance.getEntriesByType("navigation")[0].responseStatus`)
}

// mark marks the document; kept tells whether it is still the same one.
func (b *tab) mark() { evaluate[bool](b, `window.sameDocument = true`) }

func (b *tab) kept() {
	b.s.t.Helper()
	if !evaluate[bool](b, `window.sameDocument === true`) {
		b.s.t.Error("the page was loaded again")
	}
}

// Widths of screens, in pixels.
const (
	desktop = 1280
	phone   = 390
)

// look sets the width of the screen and the colours.
func (b *tab) look(width int64, scheme string) {
	b.s.t.Helper()
	send(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 844, DeviceScaleFactor: 1, Mobile: width < 600})
	send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// fits fails the test if something stands beyond the screen's edge.
func (b *tab) fits() {
	b.s.t.Helper()
	if beyond := evaluate[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); beyond > 0 {
		b.s.t.Errorf("%s is %d pixels wider than the screen", b.text(), beyond)
	}
}

// picture keeps a picture of the whole page, where pictures are wanted.
func (b *tab) picture(name string) {
	b.s.t.Helper()
	b.fits()
	if *screenshots == "" {
		return
	}
	beyond := true
	png := send(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: &beyond}).Data
	b.s.must(os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644))
}
