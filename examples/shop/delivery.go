package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/cardea-id/cardea/examples/api"
)

// stepUp is what an API wants of the next sign-in (RFC 9470, 3).
type stepUp struct{ acr, maxAge string }

// errSignIn says that the access token is over: a sign-in gives another one,
// without a page if the issuer still knows the browser.
var errSignIn = errors.New("the access token is over")

// needed is an API's answer that the sign-in is too weak or too old.
type needed struct{ stepUp }

// Error says so.
func (n needed) Error() string { return "the API wants a stronger or fresher sign-in" }

// param is one auth-param of a challenge (RFC 9110, 11.2), as APIs write them.
var param = regexp.MustCompile(`([a-z_]+)="([^"\\]*)"`)

// challenged reads WWW-Authenticate.
func challenged(header string) error {
	fields := map[string]string{}
	for _, m := range param.FindAllStringSubmatch(header, -1) {
		fields[m[1]] = m[2]
	}
	if fields["error"] == "insufficient_user_authentication" {
		return needed{stepUp{fields["acr_values"], fields["max_age"]}}
	}
	return errSignIn
}

// ask calls the API for the customer. With an address it changes theirs.
func (c *client) ask(ctx context.Context, token, method, address string) (string, error) {
	body, err := json.Marshal(api.Address{Address: address})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.cfg.API+"/delivery", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http().Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return address, nil
	case http.StatusOK:
		var a api.Address
		err := json.NewDecoder(answer.Body).Decode(&a)
		return a.Address, err
	case http.StatusUnauthorized:
		return "", challenged(answer.Header.Get("WWW-Authenticate"))
	}
	return "", fmt.Errorf("the API answered %d", answer.StatusCode)
}

// delivery shows where the orders go.
func (s *Shop) delivery(w http.ResponseWriter, r *http.Request) {
	v := s.peek(w, r)
	if v.who == nil || s.client.cfg.API == "" {
		s.show(w, r, "delivery", "Delivery")
		return
	}
	now, err := s.client.ask(r.Context(), v.who.Access, http.MethodGet, "")
	if err != nil {
		s.again(w, r, err, "")
		return
	}
	s.with(w, r, func(v *visit) { v.address = now })
	s.show(w, r, "delivery", "Delivery")
}

// move changes where the orders go, after one more proof if the API wants it.
func (s *Shop) move(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	to := strings.TrimSpace(r.PostFormValue("address"))
	v := s.peek(w, r)
	if v.who == nil || to == "" {
		http.Redirect(w, r, "/delivery", http.StatusSeeOther)
		return
	}
	if _, err := s.client.ask(r.Context(), v.who.Access, http.MethodPut, to); err != nil {
		s.again(w, r, err, to)
		return
	}
	http.Redirect(w, r, "/delivery", http.StatusSeeOther)
}

// again sends the browser back to the issuer with what the API wants, and
// remembers what was about to be done.
func (s *Shop) again(w http.ResponseWriter, r *http.Request, err error, to string) {
	var n needed
	if !errors.As(err, &n) && !errors.Is(err, errSignIn) {
		s.fail(w, err)
		return
	}
	address, a, err := s.client.begin(r.Context(), "", n.stepUp)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.with(w, r, func(v *visit) { v.attempt, v.moving, v.wants, v.back = a, to, "", "/delivery" })
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// moved does once more, after the sign-in, what the API had refused. Refused
// again, it says so: going round in circles helps nobody.
func (s *Shop) moved(r *http.Request, old visit, who person) error {
	if old.moving == "" {
		return nil
	}
	_, err := s.client.ask(r.Context(), who.Access, http.MethodPut, old.moving)
	return err
}

// peek is a copy of the browser's visit.
func (s *Shop) peek(w http.ResponseWriter, r *http.Request) (out visit) {
	s.with(w, r, func(v *visit) { out = *v })
	return out
}
