package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// View is how somebody looks at a page.
type View struct {
	Width, Height int64  // 1280 x 900 if zero
	Dark          bool   // prefers-color-scheme
	Lang          string // Accept-Language; "en" if empty
	NoScript      bool   // JavaScript switched off
	Forced        bool   // forced colours, as in high contrast modes
}

const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// Tab is one tab of somebody's browser.
type Tab struct {
	TB   testing.TB
	View View
	ctx  context.Context
	ears *ears
}

// Open opens a browser that has never been anywhere. What its console says is
// held against the test when it ends.
func Open(tb testing.TB, v View) *Tab {
	tb.Helper()
	return newTab(tb, browser(tb), v, chromedp.WithNewBrowserContext())
}

// Sibling opens another tab of the same browser, with the same cookies.
func (t *Tab) Sibling() *Tab {
	t.TB.Helper()
	return newTab(t.TB, t.ctx, t.View)
}

func newTab(tb testing.TB, parent context.Context, v View, options ...chromedp.ContextOption) *Tab {
	tb.Helper()
	t := &Tab{TB: tb, ears: &ears{}}
	ctx, stop := chromedp.NewContext(parent, append(options, chromedp.WithListener(t.ears.hear))...)
	t.ctx = ctx
	tb.Cleanup(stop)
	t.ok(chromedp.Do(ctx))
	t.Look(v)
	tb.Cleanup(t.Quiet)
	return t
}

// Look changes how the tab is looked at from the next page on.
func (t *Tab) Look(v View) {
	t.TB.Helper()
	if v.Width == 0 {
		v.Width, v.Height = 1280, 900
	}
	if v.Height == 0 {
		v.Height = 844
	}
	if v.Lang == "" {
		v.Lang = "en"
	}
	t.View = v
	scheme, forced := "light", "none"
	if v.Dark {
		scheme = "dark"
	}
	if v.Forced {
		forced = "active"
	}
	t.do(
		chromedp.EmulateViewport(v.Width, v.Height),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "forced-colors", Value: forced},
		}}),
		call(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: v.Lang, Platform: "Linux x86_64"}),
		// Several tabs work side by side, and each is to believe that it is looked at.
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
	)
}

func (t *Tab) ok(err error) {
	t.TB.Helper()
	if err != nil {
		t.TB.Fatal(err)
	}
}

// do runs actions within the tab's patience.
func (t *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.TB.Helper()
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.TB.Fatalf("%v\n%s", err, t.sight())
	}
}

// eval runs an expression in the page. It works where JavaScript is switched
// off too, since that only stops the page's own.
func eval[T any](t *Tab, script string, options ...chromedp.EvaluateOption) (T, error) {
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, options...))
}

// Ask is the value of an expression in the page.
func Ask[T any](t *Tab, script string, options ...chromedp.EvaluateOption) T {
	t.TB.Helper()
	v, err := eval[T](t, script, options...)
	if err != nil {
		t.TB.Fatalf("%v\nin %s\n%s", err, script, t.sight())
	}
	return v
}

// Wait waits until an expression is true, over any number of pages.
func (t *Tab) Wait(what, script string) {
	t.TB.Helper()
	deadline := time.Now().Add(patience)
	for {
		// A page that is just going away answers with an error: the next one will tell.
		if yes, err := eval[bool](t, "!!("+script+")"); err == nil && yes {
			return
		}
		if time.Now().After(deadline) {
			t.TB.Fatalf("waited for %s in vain\n%s", what, t.sight())
		}
		time.Sleep(tick)
	}
}

// settled is true on a page that has come, loaded, and leads nowhere by itself.
const settled = `!window.leftBehind && document.readyState === 'complete' && document.body && !document.querySelector('meta[http-equiv="refresh" i][content^="0"]')`

// Goto opens an address.
func (t *Tab) Goto(address string) {
	t.TB.Helper()
	t.do(chromedp.Navigate(address))
	t.Wait("the page "+address, settled)
}

// leave does something that leads to another page, and waits for that.
func (t *Tab) leave(what string, act func()) {
	t.TB.Helper()
	Ask[bool](t, "window.leftBehind = true")
	act()
	t.Wait("the page after "+what, settled)
}

// Reload loads the page again.
func (t *Tab) Reload() { t.TB.Helper(); t.do(chromedp.Reload()); t.Wait("the page again", settled) }

// Back is the browser's Back button.
func (t *Tab) Back() {
	t.TB.Helper()
	Ask[bool](t, "setTimeout(() => history.back(), 0) > 0")
	time.Sleep(4 * tick)
	t.Wait("the page before", "document.readyState === 'complete'")
}

// Click clicks what a CSS selector finds.
func (t *Tab) Click(selector string) {
	t.TB.Helper()
	t.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Submit clicks what leads to another page.
func (t *Tab) Submit(selector string) {
	t.TB.Helper()
	t.leave(selector, func() { t.TB.Helper(); t.Click(selector) })
}

// Press clicks the link or button of that text and waits for the page it leads to.
func (t *Tab) Press(text string) { t.TB.Helper(); t.Submit(t.Control(text)) }

// Act clicks the button of that name and value.
func (t *Tab) Act(name, value string) {
	t.TB.Helper()
	t.Submit(fmt.Sprintf("button[name=%q][value=%q]", name, value))
}

// Send presses the first button of the form that has the field.
func (t *Tab) Send(field string) {
	t.TB.Helper()
	t.Submit(fmt.Sprintf(`form:has([name=%q]) button:is([type=submit],:not([type]))`, field))
}

const control = `(want => {
	const says = e => (e.getAttribute('aria-label') || e.textContent).replace(/\s+/g, ' ').trim();
	const list = [...document.querySelectorAll('a[href],button,summary')].filter(e => e.checkVisibility());
	const e = list.find(e => says(e) === want) || list.find(e => says(e).includes(want));
	if (!e) return '';
	e.dataset.wanted = want;
	return '[data-wanted=' + JSON.stringify(want) + ']';
})`

// Control finds the visible link or button of that text.
func (t *Tab) Control(text string) string {
	t.TB.Helper()
	found := Ask[string](t, control+"("+quoted(text)+")")
	if found == "" {
		t.TB.Fatalf("nothing to press says %q\n%s", text, t.sight())
	}
	return found
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return string(b)
}

// Fill types into the field of that name, in place of what stands there.
func (t *Tab) Fill(name, value string) {
	t.TB.Helper()
	field := fmt.Sprintf(`[name=%q]:not([type=hidden])`, name)
	if !t.Has(name) {
		t.TB.Fatalf("there is no field %q\n%s", name, t.sight())
	}
	Ask[bool](t, "(e => { e.focus(); e.select(); return true })(document.querySelector("+quoted(field)+"))")
	t.do(call(input.InsertText, input.InsertTextParams{Text: value}))
	if got := t.Value(name); got != value {
		t.TB.Fatalf("the field %q holds %q after typing %q", name, got, value)
	}
}

// Value is what stands in a field.
func (t *Tab) Value(name string) string {
	t.TB.Helper()
	return Ask[string](t, fmt.Sprintf(`document.querySelector('[name=%q]:not([type=hidden])')?.value ?? ''`, name))
}

// Has reports whether the page has a visible field or button of that name.
func (t *Tab) Has(name string) bool {
	t.TB.Helper()
	return Ask[bool](t, fmt.Sprintf(`[...document.querySelectorAll('[name=%q]:not([type=hidden])')].some(e => e.checkVisibility() || e.type === 'checkbox')`, name))
}

// Sees reports whether a CSS selector finds anything visible.
func (t *Tab) Sees(selector string) bool {
	t.TB.Helper()
	return Ask[bool](t, "[...document.querySelectorAll("+quoted(selector)+")].some(e => e.checkVisibility())")
}

// Text is what a person reads in the first element that a selector finds.
func (t *Tab) Text(selector string) string {
	t.TB.Helper()
	return Ask[string](t, "(document.querySelector("+quoted(selector)+")?.innerText ?? '').trim()")
}

// Title, URL and Heading tell which page this is.
func (t *Tab) Title() string   { t.TB.Helper(); return Ask[string](t, "document.title") }
func (t *Tab) URL() string     { t.TB.Helper(); return Ask[string](t, "location.href") }
func (t *Tab) Heading() string { t.TB.Helper(); return t.Text("h1") }

// Expect fails unless the page says all the words.
func (t *Tab) Expect(words ...string) {
	t.TB.Helper()
	text := t.Text("body")
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.TB.Fatalf("the page does not say %q\n%s", w, t.sight())
		}
	}
}

// Missing fails if the page says any of the words.
func (t *Tab) Missing(words ...string) {
	t.TB.Helper()
	text := t.Text("body")
	for _, w := range words {
		if strings.Contains(text, w) {
			t.TB.Fatalf("the page says %q\n%s", w, t.sight())
		}
	}
}

// At fails unless the tab stands at an address that begins so.
func (t *Tab) At(prefix string) {
	t.TB.Helper()
	if u := t.URL(); !strings.HasPrefix(u, prefix) {
		t.TB.Fatalf("the tab stands at %s, not at %s\n%s", u, prefix, t.sight())
	}
}

// sight is what the tab shows, for a test that fails.
func (t *Tab) sight() string {
	const script = `JSON.stringify({url: location.href, title: document.title, text: document.body?.innerText ?? ''})`
	ctx, stop := context.WithTimeout(t.ctx, time.Second)
	defer stop()
	said, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return "(the tab shows nothing: " + err.Error() + ")"
	}
	var page struct{ URL, Title, Text string }
	if err := json.Unmarshal([]byte(said), &page); err != nil {
		return said
	}
	if r := []rune(page.Text); len(r) > 1200 {
		page.Text = string(r[:1200]) + " …"
	}
	return fmt.Sprintf("--- %s\n--- %s\n%s\n---%s", page.URL, page.Title, page.Text, t.ears.told())
}
