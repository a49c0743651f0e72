package shop

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/examples/api"
)

// Heard is one thing that the issuer told the shop.
type Heard struct {
	At         time.Time
	Type, What string
	Who        string // the first letters of the subject
}

// mostHeard is how much of it the shop shows.
const mostHeard = 100

// hear does what the issuer's webhook says: who is erased or closes the account
// is forgotten here too. The shop keeps no copy of anything else, so there is
// nothing else to delete.
func (s *Shop) hear(e api.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Type == "customer.erased" || e.Type == "customer.closed" {
		for _, v := range s.visits {
			if v.who != nil && v.who.Sub == e.Data.Subject {
				*v = visit{ended: true}
			}
		}
	}
	d := e.Data
	what := strings.Join(append(slices.Clone(d.Fields), d.Purpose, d.Scope, d.Topic, d.Channel), " ")
	if d.On != nil {
		what += map[bool]string{true: " on", false: " off"}[*d.On]
	}
	h := Heard{e.Timestamp, e.Type, strings.Join(strings.Fields(what), " "), d.Subject[:min(len(d.Subject), 6)]}
	s.heard = append([]Heard{h}, s.heard[:min(len(s.heard), mostHeard-1)]...)
	return nil
}

// told shows what the issuer told. A real shop shows that to nobody but its staff.
func (s *Shop) told(w http.ResponseWriter, r *http.Request) {
	p := s.page(w, r, "What the shop was told")
	s.mu.Lock()
	p.Heard = slices.Clone(s.heard)
	s.mu.Unlock()
	s.render(w, http.StatusOK, "told", p)
}
