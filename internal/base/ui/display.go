package ui

import (
	"html/template"
	"strconv"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Badge is a state in a word. Kind is "", "ok", "warn", "danger" or "info".
type Badge struct{ Text, Kind, Icon string }

// Template implements Component.
func (Badge) Template() string { return "ui/badge" }

// Pair is a line of KeyValue. HTML, made by Shell's methods, stands in for Value.
type Pair struct {
	Key, Value string
	HTML       template.HTML
	Ltr        bool
	Badge      *Badge
	Action     *Button
}

// KeyValue is a list of what is known; Dense sets it in columns, for a card with
// more than that.
type KeyValue struct {
	Rows  []Pair
	Dense bool
}

// Template implements Component.
func (KeyValue) Template() string { return "ui/keyvalue" }

// Column is one of a Table.
type Column struct {
	Text    string
	Numeric bool
}

// Cell is one of a Table. HTML, made by Shell's methods, stands in for Text.
type Cell struct {
	Text, Href string
	HTML       template.HTML
	Badge      *Badge
	Ltr        bool
}

// Table is rows of the same kind; the first cell of a row is its heading.
type Table struct {
	ID, Caption string
	Hush        bool // the caption is for screen readers alone
	Columns     []Column
	Rows        [][]Cell
}

// Template implements Component.
func (Table) Template() string { return "ui/table" }

// Numeric reports whether the cells of a column are numbers.
func (t Table) Numeric(column int) bool { return column < len(t.Columns) && t.Columns[column].Numeric }

// Pagination leads to older and newer entries; empty addresses are left out.
type Pagination struct{ Older, Newer, Summary string }

// Template implements Component.
func (Pagination) Template() string { return "ui/pagination" }

// Moment is one entry of a Timeline.
type Moment struct {
	Icon, Kind, Text, Detail string
	At                       time.Time
}

// Timeline is what happened, newest first.
type Timeline struct{ Items []Moment }

// Template implements Component.
func (Timeline) Template() string { return "ui/timeline" }

// Meter is a measure with its meaning in words: the strength of a password.
type Meter struct {
	ID, Label, Text string
	Value, Max      int
}

// Template implements Component.
func (Meter) Template() string { return "ui/meter" }

// Steps says how far one is.
type Steps struct {
	Items   []string
	Current int // counted from 1
}

// Template implements Component.
func (Steps) Template() string { return "ui/steps" }

// Card is a part of a page with a heading.
type Card struct {
	ID, Title, Text, Icon, Kind string
	Badge                       *Badge
	Action                      *Button
	Body                        []Component
}

// Template implements Component.
func (Card) Template() string { return "ui/card" }

// LinkRow leads to a page and says how things stand there.
type LinkRow struct {
	Href, Title, Text, Icon, Kind string
	Badge                         *Badge
}

// Template implements Component.
func (LinkRow) Template() string { return "ui/linkrow" }

// Rows is a card of rows with lines between them.
type Rows struct {
	Label string // names the list for screen readers
	Items []Component
}

// Template implements Component.
func (Rows) Template() string { return "ui/rows" }

// Stack is components one below the other.
type Stack struct{ Items []Component }

// Template implements Component.
func (Stack) Template() string { return "ui/stack" }

// Notice tells something that is not an error of input. Kind is "" (or "info"),
// "ok", "warn" or "danger".
type Notice struct {
	Kind, Title, Text string
	HTML              template.HTML
	Action            *Button
}

// Template implements Component.
func (Notice) Template() string { return "ui/notice" }

// Icon is the picture of the notice's kind, so that colour is not the only sign.
func (n Notice) Icon() string {
	switch n.Kind {
	case "ok":
		return "circle-check"
	case "warn":
		return "triangle-alert"
	case "danger":
		return "circle-alert"
	}
	return "info"
}

// EmptyState says what would stand here, why nothing does, and what to do.
type EmptyState struct {
	Title, Text string
	Action      *Button
	Link        *Link
}

// Template implements Component.
func (EmptyState) Template() string { return "ui/empty" }

// Hero is the picture over a page of one message. Kind is "", "ok" or "warn".
type Hero struct{ Icon, Kind string }

// Template implements Component.
func (Hero) Template() string { return "ui/hero" }

// Fact is a line of Facts; Title may be empty.
type Fact struct{ Icon, Title, Text string }

// Facts are a few short answers: what, where, is it safe.
type Facts struct{ Items []Fact }

// Template implements Component.
func (Facts) Template() string { return "ui/facts" }

// Dialog asks before something is done. It opens over the page without scripts,
// by a Button with Opens; acts that cannot be undone have a page of their own.
type Dialog struct {
	ID, Title, Text string
	Consequences    []string
	Action          string // where the form is sent
	Fields          []Component
	Submit          Button
}

// Template implements Component.
func (Dialog) Template() string { return "ui/dialog" }

// Details is what only some want to read.
type Details struct {
	Summary string
	Open    bool
	Body    []Component
}

// Template implements Component.
func (Details) Template() string { return "ui/details" }

// Text is a paragraph. Kind is "", "lede" or "hint".
type Text struct{ Text, Kind string }

// Template implements Component.
func (Text) Template() string { return "ui/text" }

// Consequences is a list of what an act brings about.
type Consequences struct{ Items []string }

// Template implements Component.
func (Consequences) Template() string { return "ui/consequences" }
