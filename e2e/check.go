package e2e

import (
	"context"
	"embed"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/*.js
var scripts embed.FS

func script(name string) string {
	text, err := scripts.ReadFile("testdata/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// finding is what a check found wrong, and where.
type finding struct {
	What, Where string
}

// report fails the test with every finding.
func (t *Tab) report(check string, list []finding) {
	t.TB.Helper()
	for _, f := range list {
		t.TB.Errorf("%s: %s: %s: %s (%dx%d dark=%v %s)", t.URL(), check, f.What, f.Where, t.View.Width, t.View.Height, t.View.Dark, t.View.Lang)
	}
}

// Axe runs every rule of WCAG 2.2 AA that axe-core knows, and its best
// practices. The engine comes in by the debugger, past the page's policy.
func (t *Tab) Axe() {
	t.TB.Helper()
	Ask[bool](t, script("axe.min.js")+";true")
	const run = `axe.run(document, {
		resultTypes: ['violations'], rules: {'target-size': {enabled: true}},
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
	}).then(r => r.violations.map(v => ({
		What: v.id + ' (' + v.help + ')',
		Where: v.nodes.map(n => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).join(' | '),
	})))`
	t.report("axe", Ask[[]finding](t, run, chromedp.EvalAwaitPromise))
}

// Targets measures everything that is clicked: 24 CSS pixels in both directions
// anywhere, 44 on the pages of the front door. A link inside a sentence is exempt
// (WCAG 2.2, 2.5.8).
func (t *Tab) Targets() {
	t.TB.Helper()
	t.report("target size", Ask[[]finding](t, "("+script("targets.js")+")(document.body.matches('.hosted') ? 44 : 24)"))
}

// Fits finds what makes the page scroll sideways and text that is cut off.
func (t *Tab) Fits() {
	t.TB.Helper()
	t.report("width", Ask[[]finding](t, "("+script("fits.js")+")()"))
}

// Named holds what a control is called against what it shows, so that whoever
// speaks to the page can name what they see (WCAG 2.2, 2.5.3).
func (t *Tab) Named() {
	t.TB.Helper()
	t.report("name", Ask[[]finding](t, `(() => {
		const plain = s => s.normalize('NFKC').toLowerCase().replace(/[\s\u2066-\u2069]+/g, ' ').trim();
		return [...document.querySelectorAll(':is(a, button)[aria-label]')]
			.filter(e => e.checkVisibility() && e.innerText && !plain(e.ariaLabel).includes(plain(e.innerText)))
			.map(e => ({What: e.ariaLabel + ' does not hold ' + e.innerText, Where: e.outerHTML.slice(0, 120)}));
	})()`))
}

// SpacedOut sets text as WCAG 2.2, 1.4.12 lets readers set it.
func (t *Tab) SpacedOut() {
	t.TB.Helper()
	Ask[bool](t, `(() => {
		const s = new CSSStyleSheet();
		s.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }');
		document.adoptedStyleSheets = [...document.adoptedStyleSheets, s];
		return true;
	})()`)
}

// Weight is what a page cost to load into an empty cache.
type Weight struct {
	Requests       int
	Bytes          int     // of everything, as transferred with headers
	Text           int     // of HTML, CSS and JavaScript, compressed
	Paint, Shift   float64 // largest contentful paint in ms; cumulative layout shift
	LongestTask    float64 // ms
	Listed         []string
	FontBytes, Bad int
}

// Weigh loads an address into an empty cache and weighs it.
func (t *Tab) Weigh(address string) Weight {
	t.TB.Helper()
	t.do(call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script("observe.js")}))
	t.Goto(address)
	Ask[bool](t, "document.fonts.ready.then(() => true)", chromedp.EvalAwaitPromise)
	t.Wait("the largest paint", "watched.paint > 0")
	return Ask[Weight](t, "("+script("weigh.js")+")()")
}

// Picture is the page as a person sees it, from top to end.
func (t *Tab) Picture() []byte {
	t.TB.Helper()
	Ask[bool](t, "document.fonts.ready.then(() => true)", chromedp.EvalAwaitPromise)
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	height := Ask[int64](t, "Math.max(innerHeight, document.documentElement.scrollHeight)")
	t.do(chromedp.EmulateViewport(t.View.Width, height))
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{OptimizeForSpeed: new(true)})
	t.ok(err)
	t.do(chromedp.EmulateViewport(t.View.Width, t.View.Height))
	return shot.Data
}

// Key presses keys as a keyboard does.
func (t *Tab) Key(keys string) {
	t.TB.Helper()
	t.do(chromedp.KeyEvent(keys))
	time.Sleep(tick / 5)
}

// Focus is what has the focus now: its name, text or id.
func (t *Tab) Focus() string {
	t.TB.Helper()
	return Ask[string](t, `(e => e === document.body ? '' : e.name || e.id || e.textContent.trim())(document.activeElement)`)
}

// Ring reports how the focus shows: the outline of the focused element.
func (t *Tab) Ring() (float64, string) {
	t.TB.Helper()
	said := Ask[string](t, `(() => {
		let e = document.activeElement;
		const of = e => getComputedStyle(e);
		while (e && of(e).outlineStyle === 'none' && e.parentElement?.matches(':focus-within')) e = e.parentElement;
		return of(e).outlineWidth + ' ' + of(e).outlineStyle;
	})()`)
	size, style, _ := strings.Cut(said, " ")
	width, err := strconv.ParseFloat(strings.TrimSuffix(size, "px"), 64)
	t.ok(err)
	return width, style
}

// awaited waits for the promise that an expression makes.
var awaited = chromedp.EvalAwaitPromise
