package mail

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func message() Message {
	return Message{
		Locale: "en", Brand: Brand{Name: "Fern & Field", Color: "#ffd400"}, Preheader: "482 913 is your code", Heading: "Sign in to Fern & Field",
		Paragraphs: []string{"Enter this code on the page where you began."}, Code: "482 913", CodeLabel: "Works for 10 minutes.",
		Button: &Button{"Sign in", "https://id.example.test/signin/link?t=abc&x=1"}, Words: Words{Link: "Or open this address:"},
		Facts: [][2]string{{"Device", "Firefox on Linux"}}, After: []string{"If this was not you, delete this message."},
		Footer: []string{"Fern & Field sent this message automatically.", "Need help? https://example.test/help"},
	}
}

func TestBothPartsSayTheSame(t *testing.T) {
	t.Parallel()
	h, text := Render(message())
	if strings.Contains(h, "ZgotmplZ") {
		t.Error("a value was refused by its context")
	}
	for _, want := range []string{"482 913", "https://id.example.test/signin/link?t=abc", "Firefox on Linux", "delete this message", "https://example.test/help"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %q:\n%s", want, text)
		}
		if !strings.Contains(h, strings.ReplaceAll(want, "&", "&amp;")) {
			t.Errorf("the HTML has no %q", want)
		}
	}
}

func TestH136_NamesCannotBringMarkupOrLinks(t *testing.T) {
	t.Parallel()
	m := message()
	evil := `<a href=//evil.example>click</a> https://evil.example/x`
	m.Brand.Name, m.Heading, m.Paragraphs, m.Facts = evil, evil, []string{evil}, [][2]string{{"Name\nX", evil + "\nBcc: eve"}}
	h, text := Render(m)
	root, err := html.Parse(strings.NewReader(h))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for _, a := range n.Attr {
			if strings.Contains(a.Val, "evil") && a.Key == "href" {
				t.Errorf("a link of theirs: %s", a.Val)
			}
		}
		if n.Type == html.TextNode && n.Parent.Data != "title" && strings.Contains(n.Data, "https://evil") {
			t.Errorf("a mail program would make a link of %q", n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	if strings.Contains(text, "\nBcc") || strings.Contains(text, "Name\nX") {
		t.Errorf("a value adds lines:\n%s", text)
	}
}

func TestAddressesOfOtherKindsAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, href := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example", "/signin", ""} {
		m := message()
		m.Button.Href = href
		if h, text := Render(m); strings.Contains(h, "<a ") || href != "" && strings.Contains(text, "\n"+href+"\n") {
			t.Errorf("%q became a link", href)
		}
	}
}

func TestArabicMessagesRunFromTheRight(t *testing.T) {
	t.Parallel()
	m := message()
	m.Locale, m.Brand.Color = "ar", "nonsense"
	h, _ := Render(m)
	if !strings.Contains(h, `<html lang="ar" dir="rtl">`) || !strings.Contains(h, "text-align:right") || !strings.Contains(h, `class="code" dir="ltr"`) {
		t.Error("the direction is not that of Arabic")
	}
}

func TestAddressesOfPeopleStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"mia@example.test was added.": "mia@example.test was added.", "Read www.x.test": "Read www.\u2060x.\u2060test", "A sentence. And one more.": "A sentence. And one more.",
		"https://x.test/y": "https:\u2060/\u2060/\u2060x.\u2060test/\u2060y",
	} {
		if got := inline(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
