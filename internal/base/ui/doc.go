// Package ui is how pages look and how they are put together: the design
// language (tokens, layers, components), the shell round every page, tenants'
// looks, the error pages, and the assets.
//
// A face hands New a Part: its templates and its words. A page is a struct that
// embeds Shell and names its template; a component is a struct that Shell.Show
// draws. Both are typed, so that a template cannot ask for what is not there
// without a test seeing it.
//
//	Part{Files: signin.html, locales/en.json} ─┐
//	Part …                                     ├─ New ─▶ UI ─ Shell(r) ─▶ page ─ Render ─▶ HTML
//	parts/*.html, assets/* of this package ────┘
//
// A field shows its own problem, and the summary on top is made from the same
// list, so that the two never say different things.
//
// It knows nothing of identity, of tenants' tables or of what a page does. It
// writes no inline script or style and no colour outside assets/css/tokens.css.
package ui
