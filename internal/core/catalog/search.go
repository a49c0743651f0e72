package catalog

import (
	"encoding/json"
	"slices"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Search says how staff find customers by the words of a field.
type Search string

// The ways. Sealed is by whole words, which rest as keyed digests: nobody reads
// them in the database, its log or its backups. Open is by beginnings of words
// too, and for that the words rest readable.
const (
	SearchOff    Search = "off"
	SearchSealed Search = "sealed"
	SearchOpen   Search = "open"
)

// ErrSearch is told of a way that a field cannot be searched in.
var ErrSearch = fault.New(fault.Invalid, "bad_search", "Words are searched 'sealed' or not at all ('off'). Only fields of the classes profile and contact may be searched 'open': identifiers, special categories and other sensitive data never rest readable.")

// Indexed reports whether the field is found by its words at all.
func (s Search) Indexed() bool { return s == SearchSealed || s == SearchOpen }

// UnmarshalText reads the three words, and true and false as earlier files and
// catalogues write them.
func (s *Search) UnmarshalText(text []byte) error {
	switch word := Search(text); word {
	case "true":
		*s = SearchSealed
	case "false":
		*s = SearchOff
	case "", SearchOff, SearchSealed, SearchOpen:
		*s = word
	default:
		return ErrSearch
	}
	return nil
}

// UnmarshalJSON is UnmarshalText for a string and for true and false.
func (s *Search) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) != nil {
		word = string(b)
	}
	return s.UnmarshalText([]byte(word))
}

// openly are the classes whose words may rest readable.
var openly = []Class{Profile, Contact}

// Openly reports whether the tenant may have the field searched in the clear.
func (f *Field) Openly() bool { return f.Stored() && slices.Contains(openly, f.Class) }

// checkSearch refuses ways that the field cannot be searched in: identifiers are
// always found by their digests, what is derived never is.
func (f *Field) checkSearch() error {
	switch {
	case f.Search == SearchOpen && !f.Openly(),
		f.Source == FromIdentifier && f.Search != SearchSealed,
		f.Source == Derived && f.Search.Indexed():
		return ErrSearch.At(f.Name)
	}
	switch f.Search {
	case "", SearchOff, SearchSealed, SearchOpen:
		return nil
	}
	return ErrSearch.At(f.Name)
}

// Text is what of a value is searched by: of an address its parts.
func (f *Field) Text(value string) string {
	a, err := ParseAddress(value)
	if f.Type != Address || err != nil {
		return value
	}
	return a.Formatted + " " + a.StreetAddress + " " + a.Locality + " " + a.Region + " " + a.PostalCode + " " + a.Country
}
