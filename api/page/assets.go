package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var assetFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// asset is an embedded file with its address, in which stands what it contains: it never changes under its address.
type asset struct {
	URL     string
	content []byte
	kind    string // media type
}

// assets are the files of the page, by name.
type assets map[string]*asset

// kinds of assets by the ending of their names.
var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets() (assets, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read the embedded assets: %w", err)
	}
	loaded := assets{}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile(path.Join("assets", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the embedded asset %s: %w", entry.Name(), err)
		}
		ending := path.Ext(entry.Name())
		sum := sha256.Sum256(content)
		name := strings.TrimSuffix(entry.Name(), ending) + "." + hex.EncodeToString(sum[:6]) + ending
		loaded[entry.Name()] = &asset{URL: base + "assets/" + name, content: content, kind: assetKinds[ending]}
	}
	return loaded, nil
}

// handle serves the assets.
func (a assets) handle(mux *http.ServeMux) {
	for _, file := range a {
		mux.HandleFunc("GET "+file.URL, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.content))
		})
	}
}

// pages are the templates, by name of the page. Each is the layout with the page's own content.
type pages map[string]*template.Template

func loadPages() (pages, error) {
	shared, err := template.New("").ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/live.html")
	if err != nil {
		return nil, fmt.Errorf("read the embedded templates: %w", err)
	}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read the embedded templates: %w", err)
	}
	loaded := pages{"": shared}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".html")
		if shared.Lookup(entry.Name()) != nil {
			continue
		}
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, "templates/"+entry.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("read the embedded template %s: %w", entry.Name(), err)
		}
		loaded[name] = page
	}
	return loaded, nil
}
