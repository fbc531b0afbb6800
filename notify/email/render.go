package email

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"

	"drawdown"
	"drawdown/notify"
)

// A kind's templates are `<kind>.txt`, which defines "subject" and "content", and `<kind>.html`, which defines
// "content". The two layouts put them between a heading and a footer.
//
//go:embed templates
var files embed.FS

// page is what the templates see.
type page struct {
	Seller  string
	Account name
	Link    string // the account's billing page
	Support string // "" for none
	Subject string
	At      instant
	Notice  any // the kind's type, see contents.go

	// NoMethod is whether the plan could buy credits by itself but no payment method is saved.
	NoMethod bool
	// stop is what forbids another auto-purchase, in auto_purchase_capped.
	stop stop
}

// StoppedByPlan and StoppedByLimit say what forbids another auto-purchase; both are false where it is not known.
func (p *page) StoppedByPlan() bool  { return p.stop == stopPlan }
func (p *page) StoppedByLimit() bool { return p.stop == stopLimit }

// RetryNow is whether the retry of a declined payment followed at once.
func (p *page) RetryNow() bool {
	notice, ok := p.Notice.(*declined)
	return ok && !notice.RetryAt.After(p.At.Time)
}

// Render writes a notice for people: the subject and the two forms of the message. The profile may be nil; then advice
// that depends on the account as it is now is left out. Of the configuration it needs the seller's part. An error says
// what is wrong with the notice: trying again would not help.
func Render(n *notify.Notice, p *drawdown.Profile, c Config) (subject, text, html string, err error) {
	kind, known := contents[n.Kind]
	if !known {
		return "", "", "", fmt.Errorf("e-mail: there are no templates for notices of kind %q", n.Kind)
	}
	data, err := kind.read(n.Data)
	if err != nil {
		return "", "", "", fmt.Errorf("e-mail: notice %s of kind %s: %w", n.ID, n.Kind, err)
	}
	page := newPage(n, p, c, data)
	if page.Subject, err = execute(texts[n.Kind], "subject", page); err != nil {
		return "", "", "", err
	}
	if text, err = execute(texts[n.Kind], "layout", page); err != nil {
		return "", "", "", err
	}
	text = fill(text)
	html, err = execute(htmls[n.Kind], "layout", page)
	return page.Subject, text, html, err
}

func newPage(n *notify.Notice, p *drawdown.Profile, c Config, data any) *page {
	page := &page{
		Seller:  c.SellerName,
		Account: clean(n.Account),
		Link:    c.link(n.Account),
		Support: c.SupportEmail,
		At:      instant{n.At},
		Notice:  data,
	}
	var plan *drawdown.Plan
	if p != nil {
		plan = p.Plan
		page.NoMethod = plan != nil && plan.AutoPurchase != nil && p.Primary.Method == "" && p.Backup.Method == ""
	}
	if notice, ok := data.(*capped); ok {
		page.stop = notice.stop(plan)
	}
	return page
}

// executor is a template of either package.
type executor interface {
	ExecuteTemplate(w io.Writer, name string, data any) error
}

func execute(t executor, name string, page *page) (string, error) {
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, name, page); err != nil {
		return "", fmt.Errorf("e-mail: fill in a template: %w", err)
	}
	return strings.TrimSpace(out.String()), nil
}

// row is a fact in a list of them; link is a button or a link of its own line.
type (
	row  struct{ Label, Value any }
	link struct{ Label, URL string }
)

// style is the inline style of an element. Mail programs drop style sheets when they quote or forward a message, and
// some never read them: colours of the dark scheme are all that stands in the layout's sheet.
func style(element string) (htmltemplate.HTMLAttr, error) {
	declarations, known := styles[element]
	if !known {
		return "", fmt.Errorf("no style for %q", element)
	}
	return htmltemplate.HTMLAttr(`style="` + declarations + `"`), nil
}

// The contrast of every pair of colours is at least 4.5 to 1 (WCAG 2.2, 1.4.3), also in the layout's dark scheme.
var styles = map[string]string{
	"body":   "margin:0;padding:0;background-color:#f3f4f6",
	"page":   "background-color:#f3f4f6",
	"card":   "max-width:600px;background-color:#ffffff;border:1px solid #d7dae0;border-radius:8px",
	"cell":   "padding:28px 24px 12px;" + font + "font-size:16px;line-height:1.5;color:#1b2330;text-align:left;overflow-wrap:anywhere",
	"seller": "margin:0 0 20px;font-size:14px;color:#525c6b",
	"title":  "margin:0 0 16px;font-size:22px;line-height:1.3;font-weight:600",
	"p":      "margin:0 0 16px",
	"facts":  "width:100%;margin:0 0 20px;border-collapse:collapse",
	"label":  "padding:8px 16px 8px 0;border-top:1px solid #d7dae0;font-weight:400;color:#525c6b;text-align:left;vertical-align:top;white-space:nowrap",
	"value":  "padding:8px 0;border-top:1px solid #d7dae0;text-align:right;vertical-align:top;overflow-wrap:anywhere;word-break:break-word",
	"sum":    "padding:8px 0;border-top:1px solid #d7dae0;text-align:right;vertical-align:top;font-weight:600",
	"button": "display:inline-block;margin:4px 0 20px;padding:12px 20px;background-color:#1a56db;border-radius:6px;color:#ffffff;font-weight:600;text-decoration:none",
	"link":   "color:#1a56db;text-decoration:underline",
	"footer": "padding:16px 24px 24px;" + font + "font-size:13px;line-height:1.5;color:#525c6b;text-align:left;overflow-wrap:anywhere",
}

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"

var functions = map[string]any{
	"row":    func(label, value any) row { return row{label, value} },
	"button": func(label, url string) link { return link{label, url} },
	"style":  style,
}

// The templates of each kind, read when the program starts: a fault in one is found by any test.
var (
	texts = func() map[notify.Kind]*texttemplate.Template {
		layout := texttemplate.Must(texttemplate.New("").Funcs(functions).Option("missingkey=error").ParseFS(files, "templates/layout.txt"))
		parsed := make(map[notify.Kind]*texttemplate.Template)
		for kind := range contents {
			parsed[kind] = texttemplate.Must(texttemplate.Must(layout.Clone()).ParseFS(files, "templates/"+string(kind)+".txt"))
		}
		return parsed
	}()
	htmls = func() map[notify.Kind]*htmltemplate.Template {
		layout := htmltemplate.Must(htmltemplate.New("").Funcs(functions).Option("missingkey=error").ParseFS(files, "templates/layout.html"))
		parsed := make(map[notify.Kind]*htmltemplate.Template)
		for kind := range contents {
			parsed[kind] = htmltemplate.Must(htmltemplate.Must(layout.Clone()).ParseFS(files, "templates/"+string(kind)+".html"))
		}
		return parsed
	}()
)
