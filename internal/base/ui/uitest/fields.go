package uitest

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// controls: 1, 2, 3, 4, 8, 12, 23, 29 and every control has a name.
func (p *page) controls() {
	focused := 0
	for _, n := range p.named("input", "select", "textarea", "button") {
		if has(n, "disabled") {
			p.tell("23: %s %s is disabled", n.Data, attr(n, "name"))
		}
		if has(n, "autofocus") {
			focused++
		}
		if n.Data == "button" {
			if name(n) == "" {
				p.tell("28: a button without a name")
			}
			continue
		}
		p.control(n)
	}
	if focused > 1 || focused == 1 && p.ids["problems"] != nil {
		p.tell("29: %d fields take the focus", focused)
	}
}

func (p *page) control(n *html.Node) {
	kind := attr(n, "type")
	if kind == "hidden" || attr(n, "aria-hidden") == "true" {
		return
	}
	id := attr(n, "id")
	if attr(n, "name") == "" || id == "" {
		p.tell("6: %s %q has no name or no id", n.Data, id)
	}
	if !p.labelled(n) {
		p.tell("27: %s %q has no label", n.Data, id)
	}
	if kind != "checkbox" && kind != "radio" && n.Data == "input" && id != attr(n, "name") {
		p.tell("6: the id %q is not the name %q", id, attr(n, "name"))
	}
	lower := strings.ToLower(attr(n, "name"))
	if strings.Contains(lower, "confirm_password") || strings.Contains(lower, "password2") || strings.Contains(lower, "confirm_email") || strings.Contains(lower, "repeat") {
		p.tell("4: %s asks for the same twice", lower)
	}
	switch kind {
	case "image", "reset", "submit", "button":
		p.tell("23: an input of type %s", kind)
	case "password":
		p.password(n)
	}
	p.token(n)
}

func (p *page) labelled(n *html.Node) bool {
	if attr(n, "aria-label") != "" || inside(n, "label") != nil && text(inside(n, "label")) != "" {
		return true
	}
	for _, l := range p.named("label") {
		if attr(l, "for") == attr(n, "id") && text(l) != "" {
			return true
		}
	}
	by := attr(n, "aria-labelledby")
	return by != "" && p.ids[by] != nil
}

// tokens are the autocomplete tokens that pages of the house use (HTML,
// "Autofill"; SC 1.3.5).
var tokens = strings.Fields(`username current-password new-password one-time-code webauthn name given-name additional-name family-name nickname email tel
	bday bday-day bday-month bday-year sex language url photo organization organization-title street-address address-line1 address-line2 address-level1
	address-level2 postal-code country country-name home work mobile shipping billing on`)

// byName says which token a field of a well-known name has to have.
var byName = map[string]string{
	"identifier": "username", "code": "one-time-code", "email": "email", "phone": "tel", "phone_number": "tel", "tel": "tel",
	"given_name": "given-name", "family_name": "family-name", "middle_name": "additional-name", "nickname": "nickname", "birthdate": "bday", "name": "name",
	"postal_code": "postal-code", "street_address": "street-address", "locality": "address-level2", "region": "address-level1", "country": "country",
}

// token: 1, 3, 5.
func (p *page) token(n *html.Node) {
	said := strings.Fields(attr(n, "autocomplete"))
	for _, t := range said {
		if !slices.Contains(tokens, t) && t != "off" {
			p.tell("5: %q is no autocomplete token of ours", t)
		}
	}
	field := attr(n, "name")
	if want := byName[field]; want != "" && !slices.Contains(said, want) && n.Data == "input" && (attr(n, "type") != "radio" && attr(n, "type") != "checkbox") {
		p.tell("5: %s has the tokens %v, not %s", field, said, want)
	}
	if slices.Contains(said, "one-time-code") && (attr(n, "inputmode") != "numeric" || attr(n, "type") != "text" || !has(n, "pattern") || len(attr(n, "maxlength")) < 1) {
		p.tell("3: the code field is not one text field with digits")
	}
	if slices.Contains(said, "username") && (attr(n, "autocapitalize") != "none" || attr(n, "spellcheck") != "false" || attr(n, "dir") != "ltr" || !slices.Contains(said, "webauthn")) {
		p.tell("1: the identifier is not set up for typing and passkeys")
	}
}

// password: 2, 8.
func (p *page) password(n *html.Node) {
	token := attr(n, "autocomplete")
	if token != "current-password" && token != "new-password" {
		p.tell("2: %s has autocomplete %q", attr(n, "name"), token)
	}
	if token == "new-password" && attr(n, "passwordrules") == "" {
		p.tell("2: %s has no passwordrules", attr(n, "name"))
	}
	if attr(n, "value") != "" {
		p.tell("22: a password is put into the page")
	}
	form := inside(n, "form")
	user, shows := false, false
	for _, m := range p.all {
		if inside(m, "form") != form {
			continue
		}
		user = user || strings.Contains(attr(m, "autocomplete"), "username")
		if attr(m, "data-reveal") == attr(n, "id") {
			shows = m.Data == "button" && attr(m, "type") == "button" && has(m, "aria-pressed") && has(m, "hidden")
		}
	}
	if form != nil && !user {
		p.tell("2: the form with %s has no username", attr(n, "name"))
	}
	if !shows {
		p.tell("8: %s has no button that shows it", attr(n, "name"))
	}
}

// problems: 19, 20, 21, 26 (one summary, the same words at the field, wired).
func (p *page) problems() {
	summary := p.ids["problems"]
	marked := 0
	for _, n := range p.named("input", "select", "textarea") {
		if attr(n, "aria-invalid") == "true" {
			marked++
			p.wired(n)
		}
	}
	if summary == nil {
		if marked > 0 {
			p.tell("19: fields have errors and there is no summary")
		}
		return
	}
	if attr(summary, "role") != "alert" || attr(summary, "tabindex") != "-1" {
		p.tell("19: the summary is no alert that takes the focus")
	}
	titles, heads := p.named("title"), p.ids["problems-title"]
	if heads == nil || len(titles) == 0 || !strings.HasPrefix(text(titles[0]), text(heads)+": ") {
		p.tell("21: the title does not begin with the problem")
	}
	for _, a := range p.named("a") {
		field, inPage := strings.CutPrefix(attr(a, "href"), "#")
		if !inPage || !p.within(a, summary) {
			continue
		}
		if p.ids[field] == nil {
			p.tell("19: the summary leads to #%s, which is not there", field)
		}
		if said := p.ids[field+"-error"]; said == nil || !strings.HasSuffix(text(said), text(a)) {
			p.tell("20: the field %s does not say what the summary says", field)
		}
	}
}

func (p *page) within(n, outer *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == outer {
			return true
		}
	}
	return false
}

func (p *page) wired(n *html.Node) {
	id := attr(n, "name") + "-error"
	if !slices.Contains(strings.Fields(attr(n, "aria-describedby")), id) {
		p.tell("20: %s is not described by its error", attr(n, "name"))
	}
}

// references: every id that an attribute names exists.
func (p *page) references() {
	for _, n := range p.all {
		for _, key := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "form", "popovertarget", "data-reveal", "data-frame"} {
			for _, id := range strings.Fields(attr(n, key)) {
				if p.ids[id] == nil {
					p.tell("27: %s=%q on %s leads nowhere", key, id, n.Data)
				}
			}
		}
	}
}

func inputNames(source string) []string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return nil
	}
	p := &page{root: root, ids: map[string]*html.Node{}}
	p.collect(root)
	var names []string
	for _, n := range p.named("input", "select", "textarea", "button") {
		if name := attr(n, "name"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
