// Package mail draws one letter twice, as HTML for mail programs and as plain
// text, from plain strings. It knows no template and no words.
//
// Everything that it is given is escaped; nothing in a text becomes a link but
// the button's address. Styles stand inline, since mail programs read no style
// sheets, and every colour is readable in light and dark.
package mail
