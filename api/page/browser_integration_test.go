//go:build integration

package page_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"drawdown/api/page"
	"drawdown/internal/servers/browser"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of the pages; none are made without")

// stepTimeout is how long anything in the browser may take, on a machine that does other things as well.
const stepTimeout = 20 * time.Second

// newTab opens a tab without cookies in the one browser of all tests.
var newTab func() (context.Context, context.CancelFunc)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(withChromium(m))
}

// withChromium runs the tests beside the browser, and ends it.
func withChromium(m *testing.M) (status int) {
	path, err := browser.Chromium.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, // in a container there is neither
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	chromium, end := chromedp.NewContext(allocator)
	defer end()
	newTab = func() (context.Context, context.CancelFunc) {
		return chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	}
	if err := chromedp.Do(chromium); err != nil {
		fmt.Fprintln(os.Stderr, "start Chromium:", err)
		return 1
	}
	return m.Run()
}

// tab is a visitor's browser on a page and a checkout of its own.
type tab struct {
	t      *testing.T
	ctx    context.Context
	office *fakeOffice
	url    string
	mu     sync.Mutex
	faults []string // of scripts and of the Content-Security-Policy
}

// open starts the page and the checkout and signs a visitor in.
func open(t *testing.T, o *fakeOffice) *tab {
	t.Helper()
	checkout := httptest.NewServer(checkoutPages(o))
	t.Cleanup(checkout.Close)
	o.checkout = strings.Replace(checkout.URL, "127.0.0.1", "localhost", 1) // another site, as a gateway is
	config := configured()
	config.SecureCookies, config.CheckoutOrigins, config.RefreshEvery = false, []string{o.checkout}, 500*time.Millisecond
	handler, err := page.New(config, page.Deps{Office: o, Sessions: sessions, Links: fakeLinks{"good": customer}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	backTo = server.URL + "/billing/"

	ctx, end := newTab()
	t.Cleanup(end)
	b := &tab{t: t, ctx: ctx, office: o, url: server.URL}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, cdplog.Enable, cdp.Empty{})
	call(b, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: "customer", URL: server.URL})
	b.look(1280, "light")
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			t.Error(fault)
		}
	})
	return b
}

// backTo is where the checkout sends visitors. Tests of browsers run one after the other.
var backTo string

// checkoutPages are those of a gateway: paying sends the visitor back, and the money arrives when the test says so.
func checkoutPages(*fakeOffice) http.Handler {
	mux := http.NewServeMux()
	form := func(title, action string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>%s</title><h1>%s %s</h1><form method="post" action=%q><button autofocus>%s</button></form><a href="%scancelled">Cancel</a>`,
				title, title, r.URL.Query().Get("quantity"), action, title, backTo)
		}
	}
	mux.HandleFunc("GET /pay", form("Pay", "/done"))
	mux.HandleFunc("GET /card", form("Save", "/done"))
	mux.HandleFunc("POST /done", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, backTo+"returned", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// listen collects what a browser complains of. That an answer was refused is no fault of a script: tests look at those.
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
	}
	if fault != "" {
		b.mu.Lock()
		b.faults = append(b.faults, fault)
		b.mu.Unlock()
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v; the page says: %s", err, b.text())
	}
}

// call sends the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// value evaluates an expression.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v; the page says: %s", err, b.text())
	}
	return result
}

// text is what the page says.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}

// visit opens a place of the page.
func (b *tab) visit(place string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.url + "/billing/" + place))
}

// sees waits until the page says something.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.until(fmt.Sprintf(`document.body !== null && document.body.innerText.replace(/\s+/g, " ").includes(%s)`, quoted(text)), "it says "+text)
	}
}

// until waits until an expression is true.
func (b *tab) until(expression, what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if err == nil && holds {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("waited in vain until %s; the page says: %s", what, b.text())
		}
		// Asked again after a moment of the browser's: while a page is being left, an expression fails at once.
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *tab) doesNotSee(text string) {
	b.t.Helper()
	if strings.Contains(b.text(), text) {
		b.t.Errorf("the page says %q: %s", text, b.text())
	}
}

// press presses a button or a link by what it says.
func (b *tab) press(text string) {
	b.t.Helper()
	b.run(chromedp.Click(fmt.Sprintf(`//*[self::button or self::a or self::summary][contains(normalize-space(.), %s)]`, quoted(text)), chromedp.NodeVisible))
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// look sets the width of the screen and the colours.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// picture keeps a picture of the whole page, where pictures are wanted.
func (b *tab) picture(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	beyond := true
	png := call(b, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: &beyond}).Data
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
