package portal_test

import (
	"strings"
	"testing"
)

// Point 60 of the checklist: the record of who saw the data is a table to take
// away, and in the customer's words.
func TestWhoSawMyDataCanBeTakenAway(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.publish()
		d.at(b, "/account")
		got := d.get(b, "/account/privacy/record")
		head := got.Header.Get("Content-Type") + got.Header.Get("Content-Disposition")
		if got.Status != 200 || !strings.Contains(head, "text/csv") || !strings.Contains(head, "attachment") || !strings.HasPrefix(string(got.Body), "Who,What,What for") {
			d.t.Errorf("%d %s %.200s", got.Status, head, got.Body)
		}
	})
}
