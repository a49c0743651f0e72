// Package words owns what pages and messages say: catalogues of one flat JSON
// file per locale and package, parsed at start to closures, the choice of a
// locale, and how dates, spans, numbers and lists are written in it.
//
//	locales/en.json    {"login.title": "Sign in", "login.wait": {"m": "…", "d": "for translators", "max": 40}}
//
// Messages are a subset of ICU MessageFormat: {name}, {n, plural, =0{…} one{…}
// other{…}} with # for the number, {g, select, a{…} other{…}}, and '{' for a
// brace. Keys begin with the name of their package, so that packages never
// clash. The pseudo-locales en-XA (accents, longer) and ar-XB (right to left)
// are made from English.
//
// Readers are addressed politely: Sie, vous, usted. French puts a no-break
// space before ? ! ; : and inside of its quotes. Check finds who forgets.
//
// It never holds markup: a message is text, and Rich escapes it round the
// markup of its arguments. It never asks a clock.
package words
