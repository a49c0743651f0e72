// Package mail lays a message out: one typed Message in, an HTML part and a text
// part out. The HTML is made of tables with inline styles, which is what mail
// programs understand; it loads nothing but the tenant's logo, reads well in
// dark mode, from right to left, and with pictures switched off.
//
// Everything in a Message is plain text and is escaped (H136). Texts that may hold
// what people typed are kept from becoming links in mail programs too; the only
// addresses are those of Button and the logo, and what the sender writes into
// the footer. It chooses no words: its callers do.
package mail
