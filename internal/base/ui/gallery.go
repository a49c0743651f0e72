package ui

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// GalleryPage shows components, each with its name.
type GalleryPage struct {
	Shell
	Intro string
	Shows []Exhibit
}

// Template implements Page.
func (GalleryPage) Template() string { return "ui/gallery" }

// Exhibit is a named component of the gallery.
type Exhibit struct {
	Name  string
	Shown []Component
}

func ownPages() []Page { return []Page{ErrorPage{}, LicencesPage{}, GalleryPage{}} }

// Pages lists this package's own page types, for tests.
func Pages() []Page { return ownPages() }

// Specimens are this package's own pages: every component, and every error page.
func Specimens(s *Sample) []Specimen {
	all := []Specimen{{"ui/gallery", "typical", s.gallery(false)}, {"ui/gallery", "error", s.gallery(true)}, {"ui/licences", "typical", s.Shell().Licences()}}
	for _, e := range []struct {
		state  string
		status int
		err    *fault.Error
	}{
		{"400", 400, fault.New(fault.Invalid, "bad_request", "Bad.")}, {"401", 401, fault.New(fault.Unauthenticated, "session_ended", "Ended.")},
		{"403", 403, fault.New(fault.Denied, "cross_site", "No.")}, {"404", 404, fault.New(fault.NotFound, "not_found", "None.")},
		{"405", 405, fault.New(fault.Invalid, "method_not_allowed", "No.")}, {"409", 409, fault.New(fault.Conflict, "conflict", "Clash.")},
		{"410", 410, fault.New(fault.Gone, "link_expired", "Gone.")}, {"413", 413, fault.New(fault.Invalid, "too_large", "Large.")},
		{"415", 415, fault.New(fault.Invalid, "unsupported_media_type", "Type.")}, {"421", 421, fault.New(fault.NotFound, "wrong_host", "Host.")},
		{"429", 429, fault.New(fault.Limited, "too_many_tries", "Wait.").In(2 * time.Minute)}, {"500", 500, fault.New(fault.Internal, "internal", "Ours.")},
		{"503", 503, fault.New(fault.Unavailable, "busy", "Busy.").In(5 * time.Second)},
	} {
		all = append(all, Specimen{"ui/error_page", e.state, s.Shell().ErrorPage(e.status, e.err, "7Q4M-2K9D")})
	}
	return all
}

func (s *Sample) gallery(failed bool) GalleryPage {
	p := GalleryPage{Shell: s.Shell(), Intro: "Every component, drawn by the templates that the pages use."}
	p.Title, p.Layout = "Gallery", Portal
	p.Person = &Person{Name: "Mia Okafor", Address: "mia.okafor@example.test", SignOut: "/signout"}
	p.Nav = []NavItem{{"#buttons", "Buttons", "house", true}, {"#fields", "Fields", "id-card", false}, {"#rows", "Rows", "monitor", false}, {"#messages", "Messages", "bell", false}}
	if failed {
		p.Fail("email", "fault.bad_email")
		p.Fail("code", "fault.code_wrong")
		p.Fail("password", "fault.leaked_password")
		p.FailText("", "A problem with the whole form.")
	}
	for _, group := range [][]Exhibit{s.actions(), s.fields(), s.people(), s.data(), s.surfaces()} {
		p.Shows = append(p.Shows, group...)
	}
	return p
}

func (s *Sample) actions() []Exhibit {
	return []Exhibit{
		{"Button", []Component{
			Button{Text: "Continue", Kind: "primary"}, Button{Text: "Use a passkey", Icon: "key-round"},
			Button{Text: "Not now", Kind: "quiet"}, Button{Text: "End session", Kind: "danger"}, Button{Text: "Download", Icon: "download", Small: true, Href: "#d"},
		}},
		{"CopyChip", []Component{CopyChip{Text: "cus_01k9x2", Label: "Copy the customer's id"}}},
		{"Resend", []Component{Resend{Text: s.T("ui.resend"), Name: "action", Value: "resend", Until: SampleTime.Add(25 * time.Second)}}},
		{"Dialog", []Component{
			Button{Text: "End all sessions", Kind: "danger", Opens: "end-all"},
			Dialog{ID: "end-all", Title: "End all other sessions?", Text: "You stay signed in here.", Consequences: []string{"3 devices are signed out", "Applications ask again"}, Action: "#", Submit: Button{Text: "End 3 sessions", Kind: "danger primary"}},
		}},
		{"Steps", []Component{Steps{Items: []string{"Address", "Code", "Passkey"}, Current: 2}}},
		{"Pagination", []Component{Pagination{Older: "#o", Newer: "#n", Summary: "20 of 48,210"}}},
	}
}

func (s *Sample) fields() []Exhibit {
	return []Exhibit{
		{"IdentifierField", []Component{IdentifierField{Name: "identifier", Label: "Email address"}}},
		{"Field", []Component{
			Field{Name: "email", Label: "Email address", Type: "email", Autocomplete: "email", Value: "mia@", Hint: "We send a code there."},
			Field{Name: "given_name", Label: "Given name", Autocomplete: "given-name", Optional: true, Value: "Mia"},
			Field{Name: "birthdate", Label: "Birthday", Type: "date", Autocomplete: "bday", Optional: true},
		}},
		{"CodeField", []Component{CodeField{Name: "code", Label: "Security code", Hint: "6 digits"}}},
		{"PasswordField", []Component{PasswordField{Name: "password", Label: "Choose a password", New: true, Min: 8, Hint: "At least 8 characters. A few words work well."}, Meter{ID: "strength", Label: "Strength", Text: "Good", Value: 3, Max: 4}}},
		{"Textarea", []Component{Textarea{Name: "note", Label: "Note", Optional: true, Max: 400}}},
		{"Select", []Component{Select{Name: "zone", Label: "Time zone", Value: "b", Options: []Option{{"a", "Europe/Lisbon", ""}, {"b", "Europe/Berlin", ""}}}}},
		{"Checkbox", []Component{Checkbox{Name: "remember", Label: "Keep me signed in", Hint: "Not on a device that others use."}}},
		{"Switch", []Component{Switch{Name: "news", Label: "News by email", Hint: "About once a month", Checked: true}, Switch{Name: "sms", Label: "News by text message"}}},
		{"RadioCards", []Component{RadioCards{Name: "way", Legend: "How do you want to get the code?", Value: "mail", Options: []Choice{{"mail", "By email", "m•••@example.test", "mail", ""}, {"sms", "By text message", "••• 4711", "smartphone", ""}}}}},
		{"SaveBar", []Component{SaveBar{Save: Button{Text: "Save", Kind: "primary"}, Cancel: &Button{Text: "Cancel", Href: "#c"}}}},
		{"LanguagePicker, ThemePicker", []Component{LanguagePicker{"/language", "/"}, ThemePicker{"/theme", "/"}}},
	}
}

func (s *Sample) people() []Exhibit {
	end := func(of string) *Button { return &Button{Text: "End", Small: true, Label: "End session on " + of} }
	return []Exhibit{
		{"AccountCard", []Component{AccountCard{Name: "Mia Okafor", Address: "mia.okafor@example.test", Change: "#x", ChangeText: "Not you?"}}},
		{"ChooserRow", []Component{Rows{Label: "Accounts", Items: []Component{
			ChooserRow{Name: "Mia Okafor", Address: "mia.okafor@example.test", State: "Signed in", Action: "/", Field: "account", Value: "1"},
			ChooserRow{Address: "a.very.long.address.that.has.to.wrap.somewhere@subdomain.example.test", State: "Signed out", Action: "/", Field: "account", Value: "2", Forget: &Button{Text: "Forget", Kind: "quiet", Small: true, Name: "action", Value: "forget", Label: "Forget this account"}},
		}}}},
		{"SessionRow", []Component{Rows{Label: "Sessions", Items: []Component{
			SessionRow{Device: "Firefox on Linux", Icon: "laptop", Detail: "Berlin", Last: SampleTime, This: true},
			SessionRow{Device: "Chrome on Pixel 9", Icon: "smartphone", Detail: "Lisbon", Last: SampleTime.Add(-50 * time.Hour), Action: end("Chrome on Pixel 9")},
		}}}},
		{"AppRow", []Component{AppRow{Name: "Garden planner", Detail: "Sees your name and email address", Badge: &Badge{Text: "New"}, Action: &Button{Text: "Remove", Small: true, Label: "Remove Garden planner"}}}},
	}
}

func (s *Sample) data() []Exhibit {
	return []Exhibit{
		{"Badge", []Component{Badge{Text: "Draft"}, Badge{Text: "Verified", Kind: "ok", Icon: "check"}, Badge{Text: "Pending", Kind: "warn"}, Badge{Text: "Locked", Kind: "danger"}, Badge{Text: "New", Kind: "info"}}},
		{"KeyValue", []Component{KeyValue{Rows: []Pair{
			{Key: "Name", Value: "Mia Okafor", Action: &Button{Text: "Change", Small: true, Kind: "quiet", Href: "#n", Label: "Change name"}},
			{Key: "Email", Value: "mia.okafor@example.test", Ltr: true, Badge: &Badge{Text: "Verified", Kind: "ok", Icon: "check"}},
			{Key: "Customer since", HTML: s.Shell().Date(SampleTime.AddDate(-1, -2, 0))},
		}}}},
		{"Table", []Component{Table{ID: "orders", Caption: "Orders", Columns: []Column{{"Order", false}, {"Date", false}, {"Items", true}},
			Rows: [][]Cell{{{Text: "A-1001", Href: "#a"}, {HTML: s.Shell().ShortDate(SampleTime)}, {Text: "3"}}, {{Text: "A-1000", Href: "#b"}, {HTML: s.Shell().ShortDate(SampleTime)}, {Text: "12"}}}}}},
		{"Timeline", []Component{Timeline{Items: []Moment{
			{"log-in", "ok", "Signed in", "Firefox on Linux, Berlin", SampleTime.Add(-12 * time.Minute)},
			{"key-round", "", "Changed the password", "", SampleTime.Add(-30 * time.Hour)},
		}}}},
	}
}

func (s *Sample) surfaces() []Exhibit {
	return []Exhibit{
		{"Card", []Component{Card{ID: "check", Title: "Security check-up", Text: "Two things to look at.", Icon: "shield-check", Kind: "ok", Badge: &Badge{Text: "Good", Kind: "ok"}, Body: []Component{Text{Text: "Last looked at today."}}}}},
		{"LinkRow", []Component{Rows{Items: []Component{
			LinkRow{Href: "#1", Title: "Sign-in and security", Text: "Password set, no passkey yet", Icon: "lock", Kind: "warn"},
			LinkRow{Href: "#2", Title: "Your data", Text: "Download or erase it", Icon: "download", Badge: &Badge{Text: "1 request"}},
		}}}},
		{"Notice", []Component{Notice{Title: "You have a new device", Text: "We saw a sign-in from Lisbon."}, Notice{Kind: "ok", Text: "Your profile was saved."}, Notice{Kind: "warn", Text: "This code works for 10 minutes.", Action: &Button{Text: "New code", Small: true}}, Notice{Kind: "danger", Text: "This cannot be undone."}}},
		{"EmptyState", []Component{EmptyState{Title: "No applications yet", Text: "Applications that you sign in to with this account are listed here.", Link: &Link{"#h", "How this works"}}}},
		{"Hero and Facts", []Component{Hero{Icon: "fingerprint"}, Facts{Items: []Fact{{"fingerprint", "What is it?", "Your face, finger or screen lock instead of a password."}, {"lock", "Is it safe?", "It stays on your device."}}}}},
		{"Details", []Component{Details{Summary: "Why we ask", Body: []Component{Text{Text: "To send the right plants to the right place.", Kind: "hint"}}}}},
		{"Or", []Component{Or{}}},
	}
}
