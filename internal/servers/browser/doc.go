// Package browser installs what browser tests need: Chromium, and axe-core, which looks for what people with disabilities
// can't use.
//
// It owns: where both are and how they get there. It does not own: driving the browser (chromedp), or what is tested.
package browser
