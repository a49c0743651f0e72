package ui

import (
	"html/template"
	"math"
	"time"
)

// Button sends a form, or leads somewhere if Href is set.
type Button struct {
	Text  string
	Kind  string // "primary", "" (secondary), "quiet", "danger"
	Icon  string
	Name  string
	Value string
	Href  string
	Label string // what a screen reader says, where Text needs its row: "End session on Pixel 9"
	Form  string // id of a form elsewhere on the page
	Wait  string // stands on the button while the form is on its way
	Opens string // id of a Dialog
	Block bool   // as wide as its column
	Small bool
}

// Template implements Component.
func (Button) Template() string { return "ui/button" }

// Class is the button's CSS.
func (b Button) Class() string {
	class := "btn"
	for _, c := range []struct {
		on   bool
		name string
	}{{b.Kind != "", b.Kind}, {b.Block, "block"}, {b.Small, "small"}} {
		if c.on {
			class += " " + c.name
		}
	}
	return class
}

// Hidden is a value that travels with a form.
type Hidden struct{ Name, Value string }

// Template implements Component.
func (Hidden) Template() string { return "ui/hidden" }

// Field is a line of text with its label. Its id is its name.
type Field struct {
	Name, Label, Hint, Value string
	Type                     string // "" is text; email, tel, url, search, date, number
	Autocomplete             string // a token of HTML: "given-name"
	InputMode                string
	Max                      int
	Ltr                      bool // written from the left in every language
	Optional                 bool
	Autofocus                bool
	ReadOnly                 bool
}

// Template implements Component.
func (Field) Template() string { return "ui/field" }

// Kind is the type of the input.
func (f Field) Kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// Technical reports a value that is neither a word nor a name.
func (f Field) Technical() bool {
	return f.Ltr || f.Type == "email" || f.Type == "tel" || f.Type == "url"
}

// Mode is the keyboard that a phone shows.
func (f Field) Mode() string {
	if f.InputMode == "" && (f.Type == "email" || f.Type == "tel" || f.Type == "url") {
		return f.Type
	}
	return f.InputMode
}

// IdentifierField is where people say who they are; a browser offers passkeys
// in it.
type IdentifierField struct {
	Name, Label, Hint, Value string
	Kind                     string // "email" (also if empty), "tel", "text" where several kinds are allowed
	Autofocus                bool
	ReadOnly                 bool
}

// Template implements Component.
func (IdentifierField) Template() string { return "ui/identifier" }

// Type is the type of the input.
func (f IdentifierField) Type() string {
	if f.Kind == "" {
		return "email"
	}
	return f.Kind
}

// CodeField takes a one-time code in one input; spaces and hyphens are allowed,
// the server removes them.
type CodeField struct {
	Name, Label, Hint string
	Length            int // digits; 6 if zero
	Autofocus         bool
}

// Template implements Component.
func (CodeField) Template() string { return "ui/code" }

// Digits is the number of digits.
func (f CodeField) Digits() int {
	if f.Length == 0 {
		return 6
	}
	return f.Length
}

// Room is how many characters fit: digits with something between each two.
func (f CodeField) Room() int { return 2*f.Digits() - 1 }

// PasswordField takes a password, with a button that shows it. Username is the
// account's identifier, for password managers; "" leaves it out.
type PasswordField struct {
	Name, Label, Hint, Username string
	New                         bool // to be chosen, not known
	Min                         int  // least number of characters of a new one
	Autofocus                   bool
}

// Template implements Component.
func (PasswordField) Template() string { return "ui/password" }

// Rules is what a password manager needs to know to make one up.
func (f PasswordField) Rules() string {
	if !f.New {
		return ""
	}
	return "minlength: " + itoa(max(f.Min, 8)) + "; maxlength: 256; allowed: unicode;"
}

// Textarea is several lines of text.
type Textarea struct {
	Name, Label, Hint, Value string
	Autocomplete             string // a token of HTML: "street-address"
	Max, Rows                int
	Optional                 bool
}

// Template implements Component.
func (Textarea) Template() string { return "ui/textarea" }

// Option is one choice of a Select. Lang is set where Text is in a language of
// its own.
type Option struct{ Value, Text, Lang string }

// Select is a choice from a list.
type Select struct {
	Name, Label, Hint, Value string
	Options                  []Option
	Autocomplete             string
	Optional                 bool
}

// Template implements Component.
func (Select) Template() string { return "ui/select" }

// Checkbox is a box to tick. Rich, if set, is the label with links in it, made
// by Shell.Rich.
type Checkbox struct {
	Name, Value, Label, Hint string
	Rich                     template.HTML
	Checked                  bool
}

// Template implements Component.
func (Checkbox) Template() string { return "ui/checkbox" }

// ID is the box's id, which differs for boxes of one name.
func (c Checkbox) ID() string { return boxID(c.Name, c.Value) }

// Sent is the value that travels when the box is ticked.
func (c Checkbox) Sent() string { return sent(c.Value) }

// Switch is a setting that is on or off.
type Switch struct {
	Name, Value, Label, Hint string
	Checked                  bool
}

// Template implements Component.
func (Switch) Template() string { return "ui/switch" }

// ID is the switch's id.
func (c Switch) ID() string { return boxID(c.Name, c.Value) }

// Sent is the value that travels when the switch is on.
func (c Switch) Sent() string { return sent(c.Value) }

func boxID(name, value string) string {
	if value == "" {
		return name
	}
	return name + "-" + value
}

func sent(value string) string {
	if value == "" {
		return "on"
	}
	return value
}

// Choice is one of RadioCards.
type Choice struct{ Value, Text, Hint, Icon, Lang string }

// RadioCards is a choice of one among few, each with a line of its own.
type RadioCards struct {
	Name, Legend, Hint, Value string
	Options                   []Choice
}

// Template implements Component.
func (RadioCards) Template() string { return "ui/radios" }

// SaveBar ends a form: save, and a way out.
type SaveBar struct {
	Save   Button
	Cancel *Button
}

// Template implements Component.
func (SaveBar) Template() string { return "ui/savebar" }

// Resend asks for another code. Until says from when on the server sends one;
// with scripts the button counts down to it, without it can be pressed at any
// time and the server says how long to wait.
type Resend struct {
	Text, Name, Value, Form string
	Until                   time.Time
	Href                    string
}

// Template implements Component.
func (Resend) Template() string { return "ui/resend" }

// Seconds are those still to wait at now.
func (c Resend) Seconds(now time.Time) int {
	return int(math.Ceil(max(0, c.Until.Sub(now).Seconds())))
}

// CopyChip is a short text with a button that copies it.
type CopyChip struct {
	Text, Label string
	Big         bool // what the page is about
}

// Template implements Component.
func (CopyChip) Template() string { return "ui/copy" }

// Or is the line between two ways of doing the same.
type Or struct{}

// Template implements Component.
func (Or) Template() string { return "ui/or" }

// LanguagePicker lets people choose the language; ThemePicker the theme. Action
// receives a POST with "locale" or "theme", and "return", where to go then.
type LanguagePicker struct{ Action, Return string }

// Template implements Component.
func (LanguagePicker) Template() string { return "ui/languages" }

// ThemePicker lets people choose between light, dark and the system's.
type ThemePicker struct{ Action, Return string }

// Template implements Component.
func (ThemePicker) Template() string { return "ui/themes" }
