// Package mail gives the messages of the house their words: subject, text and
// HTML of every mail, and text messages, in every language.
//
// It owns the texts under locales/ and which of them a message has. The look
// of a mail is base/ui/mail's. It never decides what is sent or to whom, never
// opens a personal value, and never takes markup from a value: names, addresses
// and links are plain text until they are escaped (H136).
package mail
