package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// AssetSet serves files that never change while the program runs, from memory.
// Their paths hold a digest of the whole tree, so that relative imports between
// them are cached for good too.
type AssetSet struct {
	prefix, tree string
	files        map[string]*asset
}

type asset struct {
	kind         string
	plain, small []byte // small: gzip, nil if it saves nothing
	etag         string
}

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json",
}

// Assets reads and compresses all files of fsys, to be served below prefix
// ("/_a"). Every file must be of a known kind and have a name that cleanPath
// lets through. Register it with
//
//	mux.Handle(a.Pattern(), nil, a.Serve, web.Public(), web.AnyHost())
func Assets(fsys fs.FS, prefix string) (*AssetSet, error) {
	a := &AssetSet{prefix: strings.TrimSuffix(prefix, "/"), files: map[string]*asset{}}
	tree := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f, err := newAsset(name, body)
		if err != nil {
			return err
		}
		a.files[name] = f
		fmt.Fprintf(tree, "%q %s\n", name, f.etag)
		return nil
	})
	a.tree = hex.EncodeToString(tree.Sum(nil)[:6])
	return a, err
}

func newAsset(name string, body []byte) (*asset, error) {
	kind := assetKinds[path.Ext(name)]
	if kind == "" || !cleanSegments("/"+name) {
		return nil, fmt.Errorf("web: asset %q has no kind or no clean name", name)
	}
	sum := sha256.Sum256(body)
	f := &asset{kind: kind, plain: body, etag: hex.EncodeToString(sum[:8])}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if buf.Len() < len(body)*9/10 {
		f.small = buf.Bytes()
	}
	return f, nil
}

// Path is where a file is served: "/_a/3f9c2b01d4aa/js/passkey.js". It panics on
// a name that is not in the set, which is a page's spelling mistake.
func (a *AssetSet) Path(name string) string {
	if a.files[name] == nil {
		panic("web: no asset " + name)
	}
	return a.prefix + "/" + a.tree + "/" + name
}

// Pattern is the route of the set.
func (a *AssetSet) Pattern() string { return "GET " + a.prefix + "/{tree}/{name...}" }

// Serve answers one file. Under the tree's own digest it may be kept for a year;
// under another one, which a node of the former version gave out, it is served
// but not kept, so that no cache holds this file under that name.
func (a *AssetSet) Serve(w http.ResponseWriter, r *http.Request) error {
	f := a.files[r.PathValue("name")]
	if f == nil {
		return ErrPath
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Add("Vary", "Accept-Encoding")
	if r.PathValue("tree") == a.tree {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, tag := f.plain, `"`+f.etag+`"`
	if f.small != nil && acceptsGzip(r) {
		body, tag = f.small, `"`+f.etag+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if matches(r, tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
	return nil
}

func matches(r *http.Request, tag string) bool {
	for _, t := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3): gzip or * without q=0.
func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "gzip" && coding != "*" {
			continue
		}
		q, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !weighted || err == nil && weight > 0
	}
	return false
}
