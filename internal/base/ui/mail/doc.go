// Package mail lays a message out: one typed Message in, an HTML part and a text
// part out. The HTML is made of tables with inline styles, which is what mail
// programs understand; it loads nothing but the tenant's logo, reads well in
// dark mode, from right to left, and with pictures switched off.
//
// Everything in a Message is plain text and is escaped (H136); no text is turned
// into a link, and the only addresses are those of Button, the footer's links
// and the logo. It chooses no words: its callers do.
package mail
