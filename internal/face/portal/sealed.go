package portal

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

// letters gathers what rests sealed, so that all of it is opened at the cost of
// one.
type letters struct {
	items []customer.Item
	read  []func([]byte)
}

// add takes one, with what is done with its text. What is not there is left out.
func (l *letters) add(field string, sealed customer.Sealed, read func([]byte)) {
	if len(sealed) > 0 {
		l.items, l.read = append(l.items, customer.Item{Field: field, Sealed: sealed}), append(l.read, read)
	}
}

// open opens all of them, for the customer's own eyes.
func (l *letters) open(tx *db.Tx, v *visit) error {
	plain, err := release.OpenAll(tx, v.t, self(v.me.CustomerID), v.me.CustomerID, l.items...)
	if err != nil {
		return err
	}
	for i, text := range plain {
		l.read[i](text)
	}
	return nil
}

// named16 is the id of something of this customer's that a form or link names by
// the handle that the page gave it. Any other name, of something of somebody
// else's too, is that of nothing (H109, H154).
func (v *visit) named16(label string) (id [16]byte, err error) {
	raw, err := v.typed(label)
	if err != nil {
		return id, err
	}
	plain, ok := v.unseal(label, raw)
	if !ok || len(plain) != len(id) {
		return id, errNothing
	}
	return [16]byte(plain), nil
}

// Rename is a form in place of a name.
type Rename struct {
	Action       string
	Hidden       []ui.Component
	Field        ui.Field
	Save, Cancel ui.Button
}

// Template implements ui.Component.
func (Rename) Template() string { return "portal/_rename" }

// labelName is the field in which a passkey or an app gets its name: "name" is
// that of a person.
const labelName = "label"

func rename(s ui.Shell, action, back, value string, hidden ...ui.Component) *Rename {
	return &Rename{
		Action: action, Hidden: hidden,
		Field:  ui.Field{Name: labelName, Label: s.T("portal.label.field"), Hint: s.T("portal.label.hint"), Value: value, Max: 64, Autofocus: true},
		Save:   ui.Button{Text: s.T("portal.label.save"), Kind: "primary", Wait: s.T("portal.wait")},
		Cancel: ui.Button{Text: s.T("portal.cancel"), Href: back},
	}
}
