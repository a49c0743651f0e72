package session

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Held is a living session with the token by which a browser holds it.
type Held struct {
	Token string
	Session
}

// FindSet returns the living sessions of the set in a browser's cookie, in its
// order. Tokens that lead nowhere (any more), or that stand there twice, are
// left out: a caller who writes SetOf back drops them.
func FindSet(tx *db.Tx, t *tenant.Tenant, cookie string) ([]Held, error) {
	var out []Held
	for _, token := range ReadSet(cookie) {
		found, alive, err := Find(tx, t, token)
		if err != nil {
			return nil, err
		}
		if alive && !slices.ContainsFunc(out, func(h Held) bool { return h.Token == token }) {
			out = append(out, Held{token, found})
		}
	}
	return out, nil
}

// SetOf is the cookie's value for the sessions, as WriteSet writes it.
func SetOf(held []Held) string {
	tokens := make([]string, 0, len(held))
	for _, h := range held {
		tokens = append(tokens, h.Token)
	}
	return WriteSet(tokens)
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
