package session

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Set is the tokens of the sessions that one browser holds, the current one
// first: the value of its session cookie, taken apart.
type Set []string

// MostHeld is how many sessions one browser holds at most.
const MostHeld = 8

// ParseSet reads a cookie's value. Whatever is empty, there twice or beyond
// MostHeld is left out; whether a token is worth anything, Held tells.
func ParseSet(cookie string) Set {
	var out Set
	for token := range strings.SplitSeq(cookie, ".") {
		if token != "" && len(out) < MostHeld && !slices.Contains(out, token) {
			out = append(out, token)
		}
	}
	return out
}

// String is the cookie's value: "" for an empty set.
func (s Set) String() string { return strings.Join(s, ".") }

// With returns the set with the token in front, and the tokens for which there
// is no room any more.
func (s Set) With(token string) (set, displaced Set) {
	set = append(Set{token}, s.Without(token)...)
	if len(set) > MostHeld {
		return set[:MostHeld:MostHeld], set[MostHeld:]
	}
	return set, nil
}

// Without returns the set without the tokens.
func (s Set) Without(tokens ...string) Set {
	return slices.DeleteFunc(slices.Clone(s), func(t string) bool { return slices.Contains(tokens, t) })
}

// Held is a living session with the token by which a browser holds it.
type Held struct {
	Token string
	Session
}

// FindSet returns the living sessions of a browser's set, in its order. Tokens
// that lead nowhere (any more) are left out, and so the caller drops them.
func FindSet(tx *db.Tx, t *tenant.Tenant, s Set) ([]Held, error) {
	var out []Held
	for _, token := range s {
		found, alive, err := Find(tx, t, token)
		if err != nil {
			return nil, err
		}
		if alive {
			out = append(out, Held{token, found})
		}
	}
	return out, nil
}

// SetOf is the set that holds the sessions.
func SetOf(held []Held) Set {
	var out Set
	for _, h := range held {
		out = append(out, h.Token)
	}
	return out
}

// Distinct returns one session of each customer, the one that stands first:
// what the account chooser offers, and what answers a request.
func Distinct(held []Held) []Session {
	var out []Session
	for _, h := range held {
		if !slices.ContainsFunc(out, func(s Session) bool { return s.CustomerID == h.CustomerID }) {
			out = append(out, h.Session)
		}
	}
	return out
}

// Of returns the sessions of one customer.
func Of(held []Held, c customer.ID) []Held {
	return slices.DeleteFunc(slices.Clone(held), func(h Held) bool { return h.CustomerID != c })
}

// KeepFor is how long a browser keeps the set: until it is closed (0), unless
// every session in it is one that somebody asked to be remembered. One that was
// opened for the day on a shared machine ends with the day.
func KeepFor(held []Held, now time.Time) time.Duration {
	var longest time.Duration
	for _, h := range held {
		if !h.Remembered {
			return 0
		}
		longest = max(longest, h.ExpiresAt.Sub(now))
	}
	return longest
}
