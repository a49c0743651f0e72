package dev

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// Specimens are the pages of this face in their states.
func Specimens(s *ui.Sample) []ui.Specimen {
	letter := notify.Kept{
		ID: "inb_01j9specimen", At: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), Channel: notify.Email, To: "mia@example.test",
		Subject: "482 913 is your Fern & Field code", Text: "Enter this code on the page where you began:\n\n482 913\n", HTML: "<p>482 913</p>",
		Code: "482913", Link: "http://localhost:8080/signin/link?t=specimen",
	}
	long := letter
	long.To, long.Subject = strings.Repeat("long", 15)+"@example.test", strings.Repeat("A very long subject ", 8)
	text := notify.Kept{ID: "inb_01j9text", At: letter.At, Channel: notify.Text, To: "+4915155512345", Text: "482913 is your Fern & Field code."}
	return []ui.Specimen{
		{Name: "inbox", State: "empty", Page: newInbox(s.Shell(), "", nil)},
		{Name: "inbox", State: "typical", Page: newInbox(s.Shell(), "", []notify.Kept{letter, text})},
		{Name: "inbox", State: "long", Page: newInbox(s.Shell(), long.To, []notify.Kept{long})},
		{Name: "message", State: "typical", Page: newMessage(s.Shell(), letter)},
		{Name: "message", State: "text", Page: newMessage(s.Shell(), text)},
		{Name: "gallery", State: "typical", Page: newGallery(s.Shell(), []Shelf{{Name: "login", Rows: []Frame{{Name: "code", States: []ui.Link{{Href: "/dev/gallery/page?name=code", Text: "typical"}}}}}}, "en")},
	}
}
