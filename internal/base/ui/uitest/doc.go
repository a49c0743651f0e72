// Package uitest holds pages against the checklist of ui.md: it renders every
// page in every state and locale and looks at the DOM, not at pictures. Tests of
// faces import it; the product never does.
package uitest
