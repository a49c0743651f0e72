package e2e

import "testing"

// The front door is light on the first visit: bytes, requests and shifts are
// counted, times are only loosely bounded.
func TestTheFrontDoorStaysWithinItsBudget(t *testing.T) {
	t.Parallel()
	h := Build(t)
	for _, width := range []int64{1280, 390} {
		w := Open(t, View{Width: width}).Weigh(h.URL + "/signin")
		t.Logf("%d px: %d bytes in %d requests, %d of text, %d of fonts, paint %.0f ms, shift %.4f, longest task %.0f ms: %v",
			width, w.Bytes, w.Requests, w.Text, w.FontBytes, w.Paint, w.Shift, w.LongestTask, w.Listed)
		if w.Bytes > 30<<10 {
			t.Errorf("%d bytes, of 30 KB: %v", w.Bytes, w.Listed)
		}
		if w.Requests > 6 {
			t.Errorf("%d requests, of 6: %v", w.Requests, w.Listed)
		}
		if w.Text > 12<<10 {
			t.Errorf("%d bytes of HTML, CSS and JavaScript, of 12 KB: %v", w.Text, w.Listed)
		}
		if w.Shift > .02 || w.Bad > 0 || w.Paint == 0 || w.Paint > 5000 {
			t.Errorf("shift %v, %d answers missing, painted after %v ms", w.Shift, w.Bad, w.Paint)
		}
	}
}

// A second page costs its own HTML alone: assets are kept for ever.
func TestTheSecondPageFetchesNothingTwice(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Weigh(h.URL + "/signin")
	w := tab.Weigh(h.URL + "/signin")
	if w.Bytes > 6<<10 {
		t.Errorf("the second visit costs %d bytes: %v", w.Bytes, w.Listed)
	}
}

// The profile, with every time zone to choose from, is the heaviest page.
func TestThePortalStaysWithinItsBudget(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	for _, s := range one(gallery(tab, h)) {
		if s.Wing != "portal" {
			continue
		}
		cold := Open(t, View{})
		if w := cold.Weigh(s.at(h, "en")); w.Bytes > 72<<10 || w.Shift > .02 || w.Bad > 0 {
			t.Errorf("%s: %d bytes, shift %v, %d missing: %v", s, w.Bytes, w.Shift, w.Bad, w.Listed)
		}
	}
}
