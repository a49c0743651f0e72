package release_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// scene is Mia, with a value in every field that the table below asks for.
type scene struct {
	*coretest.House
	t       *testing.T
	mia     customer.ID
	support customer.ID // on the staff
	nobody  customer.ID // on the staff, without a role
}

func set(t *testing.T, h *coretest.House) *scene {
	t.Helper()
	s := &scene{House: h, t: t}
	var staff tenant.ID
	h.Update(func(tx *db.Tx) (err error) {
		staff, err = tenant.Create(tx, h.Ring, tenant.New{Slug: "staff", Name: "Staff", Origin: "https://staff.example", BuiltIn: true})
		return err
	})
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	own := []catalog.Field{
		{Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Scope: "shoes", Viewers: []string{"customer", "application"}, Purposes: []string{"fitting"}},
		{Name: "diet", Type: catalog.Text, Class: catalog.Special, Scope: "food", Viewers: []string{"customer", "application"}},
		{Name: "score", Type: catalog.Number, Class: catalog.Behavioural, Viewers: []string{"staff:support:masked"}, Purposes: []string{"support"}},
	}
	h.Update(func(tx *db.Tx) error { return catalog.Put(tx, h.T(), own) })
	h.Update(func(tx *db.Tx) error {
		_, err := consent.PutPurpose(tx, h.T(), consent.Purpose{
			ID: "fitting", Version: 1, Basis: consent.ByContract, Fields: []string{"shoe_size"},
			Words: map[string]consent.Words{"en": {Title: "Fitting", Text: "Shoes that fit."}},
		})
		return err
	})
	h.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, h.T(), customer.New{Identifiers: []customer.NewIdentifier{
			{Kind: customer.Email, Value: "mia@example.com", Verified: true}, {Kind: customer.Email, Value: "old@example.com"},
			{Kind: customer.Phone, Value: "+4930901820"}, {Kind: customer.Username, Value: "mia"},
		}})
		s.mia = c.ID
		if err != nil {
			return err
		}
		for name, v := range map[string]string{"given_name": "Mia", "birthdate": "2000-01-02", "shoe_size": "38", "diet": "vegan", "score": "7", "locale": "de"} {
			if err := customer.SetField(tx, h.T(), c.ID, name, v, customer.SourceImport); err != nil {
				return err
			}
		}
		return nil
	})
	built, _ := h.House.ByID(staff)
	for _, id := range []*customer.ID{&s.support, &s.nobody} {
		h.Update(func(tx *db.Tx) error { c, err := customer.Register(tx, built, customer.New{}); *id = c.ID; return err })
	}
	h.Update(func(tx *db.Tx) error { return access.Assign(tx, built, s.support, access.Support) })
	return s
}

func (s *scene) agree(a *app.Application, scopes ...string) {
	s.Update(func(tx *db.Tx) error {
		for _, scope := range scopes {
			if err := consent.Record(tx, s.T(), consent.Decision{Customer: s.mia, Purpose: consent.Scope, Recipient: a.ID, Item: scope, Given: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scene) disclose(a release.Ask) (d release.Disclosure, err error) {
	a.Customer = s.mia
	err = s.Try(func(tx *db.Tx) (err error) { d, err = release.Disclose(tx, s.T(), a); return err })
	return d, err
}

func told(d release.Disclosure) map[string]string {
	out := map[string]string{}
	for name, v := range d.Values {
		out[name] = v.Text
	}
	for name, why := range d.Withheld {
		out[name] = "-" + why
	}
	return out
}

func TestWhoGetsWhat(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		first, third, agreed, fitting := h.App(true), h.App(false), h.App(false), h.App(true, func(n *app.New) { n.Settings.Purposes = []string{"account", "fitting"} })
		s.agree(agreed, "profile", "food")
		everything := []string{"email", "email_verified", "phone_verified", "username", "given_name", "family_name", "birthdate", "shoe_size", "diet", "score", "nonsense"}
		scopes := []string{"openid", "profile", "email", "phone", "shoes", "food"}
		own := map[string]string{
			"email": "mia@example.com", "email_verified": "true", "phone_verified": "false", "username": "mia", "given_name": "Mia",
			"family_name": "-no_value", "birthdate": "2000-01-02", "shoe_size": "38", "diet": "vegan", "score": "-viewer", "nonsense": "-unknown",
		}
		to := func(kind string, id [16]byte) release.Recipient { return release.Recipient{Kind: kind, ID: id} }
		for name, c := range map[string]struct {
			ask  release.Ask
			want map[string]string // where it differs from own
		}{
			"herself":        {release.Ask{Recipient: to(release.Self, s.mia)}, nil},
			"a message":      {release.Ask{Recipient: to(release.Message, [16]byte{})}, nil},
			"an export":      {release.Ask{Recipient: to(release.Export, [16]byte{}), Reason: "she asked"}, nil},
			"the first shop": {release.Ask{Recipient: to(release.Application, first.ID), Purpose: release.SignIn, Scopes: scopes}, map[string]string{"shoe_size": "-purpose", "diet": "-consent:never"}},
			"the shop without scopes": {release.Ask{Recipient: to(release.Application, first.ID), Purpose: release.SignIn, Scopes: []string{"openid", "email"}}, map[string]string{
				"phone_verified": "-scope", "username": "-scope", "given_name": "-scope", "family_name": "-scope", "birthdate": "-scope", "shoe_size": "-purpose", "diet": "-scope",
			}},
			"for fitting": {release.Ask{Recipient: to(release.Application, fitting.ID), Purpose: "fitting", Scopes: scopes}, map[string]string{
				"email": "-purpose", "email_verified": "-purpose", "phone_verified": "-purpose", "username": "-purpose", "given_name": "-purpose",
				"family_name": "-purpose", "birthdate": "-purpose", "diet": "-purpose",
			}},
			"fitting, which is no purpose of its": {release.Ask{Recipient: to(release.Application, first.ID), Purpose: "fitting", Scopes: scopes}, map[string]string{
				"email": "-purpose", "email_verified": "-purpose", "phone_verified": "-purpose", "username": "-purpose", "given_name": "-purpose",
				"family_name": "-purpose", "birthdate": "-purpose", "shoe_size": "-purpose", "diet": "-purpose",
			}},
			"a third party": {release.Ask{Recipient: to(release.Application, third.ID), Purpose: release.SignIn, Scopes: scopes}, map[string]string{
				"email": "-consent:never", "email_verified": "-consent:never", "phone_verified": "-consent:never", "username": "-consent:never", "given_name": "-consent:never",
				"family_name": "-consent:never", "birthdate": "-consent:never", "shoe_size": "-purpose", "diet": "-consent:never",
			}},
			"a third party with consent": {release.Ask{Recipient: to(release.Application, agreed.ID), Purpose: release.SignIn, Scopes: scopes}, map[string]string{
				"email": "-consent:never", "email_verified": "-consent:never", "phone_verified": "-consent:never", "shoe_size": "-purpose",
			}},
			"support": {release.Ask{Recipient: to(release.Staff, s.support), Purpose: "support", Reason: "ticket 7"}, map[string]string{
				"email": "m•••@example.com", "username": "m•••", "birthdate": "-viewer", "shoe_size": "-viewer", "diet": "-viewer", "score": "•••",
			}},
			"support for marketing": {release.Ask{Recipient: to(release.Staff, s.support), Purpose: "marketing", Reason: "curious"}, map[string]string{
				"email": "-purpose", "email_verified": "-purpose", "phone_verified": "-purpose", "username": "-purpose", "given_name": "-purpose",
				"family_name": "-purpose", "birthdate": "-viewer", "shoe_size": "-viewer", "diet": "-viewer", "score": "-purpose",
			}},
			"the operator": {release.Ask{Recipient: to(release.Operator, [16]byte{}), Purpose: "support", Reason: "ticket 7"}, map[string]string{
				"shoe_size": "-viewer", "diet": "-viewer",
			}},
		} {
			c.ask.Fields = everything
			d, err := s.disclose(c.ask)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			want := maps.Clone(own)
			maps.Copy(want, c.want)
			if got := told(d); !maps.Equal(got, want) {
				t.Errorf("%s:\n got %v\nwant %v", name, got, want)
			}
			if v, ok := d.Values["email"]; ok && v.Masked != strings.Contains(v.Text, "•") {
				t.Errorf("%s: masked %v of %q", name, v.Masked, v.Text)
			}
		}
	})
}

func TestWhoIsNobodyHere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		off := h.App(true)
		h.Update(func(tx *db.Tx) error {
			a, err := app.Get(tx, h.T(), off.ID)
			a.Enabled = false
			if err == nil {
				_, err = app.Change(tx, h.T(), a)
			}
			return err
		})
		other := h.Customer()
		for name, r := range map[string]release.Recipient{
			"no kind": {}, "another customer": {Kind: release.Self, ID: other}, "no such application": {Kind: release.Application, ID: [16]byte{1}},
			"a disabled application": {Kind: release.Application, ID: off.ID}, "staff without a role": {Kind: release.Staff, ID: s.nobody},
			"a customer as staff": {Kind: release.Staff, ID: other}, "nobody as staff": {Kind: release.Staff},
		} {
			ask := release.Ask{Recipient: r, Fields: []string{"email"}, Scopes: []string{"email"}, Purpose: "support", Reason: "x"}
			if d, err := s.disclose(ask); !errors.Is(err, release.ErrRecipient) || len(d.Values) > 0 {
				t.Errorf("%s: %v, %v", name, d.Values, err)
			}
		}
		h.View(func(tx *db.Tx) error {
			for _, kind := range []string{release.Staff, release.Operator, release.Application, release.Export, ""} {
				if _, err := release.Open(tx, h.T(), release.Recipient{Kind: kind}, s.mia, "x", nil); !errors.Is(err, release.ErrRecipient) {
					t.Errorf("%q opens what rooms sealed: %v", kind, err)
				}
			}
			_, err := release.Identifiers(tx, h.T(), release.Ask{Customer: s.mia, Recipient: release.Recipient{Kind: release.Application, ID: off.ID}})
			if !errors.Is(err, release.ErrRecipient) {
				t.Error(err)
			}
			return nil
		})
	})
}

func (s *scene) lines() (list []release.Entry) {
	s.View(func(tx *db.Tx) (err error) { list, err = release.Record(tx, s.T(), s.mia, 100); return err })
	return list
}

func TestAnApplicationIsWrittenDownOnceADay(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s, shop, counter := set(t, h), h.App(true), release.NewCounter()
		ask := release.Ask{
			Customer: s.mia, Recipient: release.Recipient{Kind: release.Application, ID: shop.ID}, Purpose: release.SignIn,
			Fields: []string{"given_name", "email"}, Scopes: []string{"profile", "email"}, Counter: counter,
		}
		view := func() error {
			return h.D.View(t.Context(), func(tx *db.Tx) error {
				d, err := release.Disclose(tx, h.T(), ask)
				if err != nil && len(d.Values) > 0 {
					t.Error("a refusal with values")
				}
				return err
			})
		}
		if err := view(); !errors.Is(err, release.ErrUnrecorded) {
			t.Fatalf("the first is not written down: %v", err)
		}
		if _, err := s.disclose(ask); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			h.Wait(time.Minute)
			if err := view(); err != nil {
				t.Fatal(err)
			}
		}
		if err := counter.Flush(t.Context(), h.D, h.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if l := s.lines(); len(l) != 1 || l[0].Times != 4 || l[0].Names != "email given_name" || !l[0].LastAt.Equal(h.Clock.Now()) || l[0].Recipient != shop.ID {
			t.Fatalf("%+v", l)
		}
		ask.Fields = []string{"email"}
		if err := view(); !errors.Is(err, release.ErrUnrecorded) {
			t.Errorf("other fields are another line: %v", err)
		}
		ask.Fields = []string{"given_name", "email"}
		h.Wait(24 * time.Hour)
		if err := view(); !errors.Is(err, release.ErrUnrecorded) {
			t.Errorf("another day is another line: %v", err)
		}
		before := len(s.lines())
		ask.Fields = []string{"nickname", "gender"}
		if err := view(); err != nil || len(s.lines()) != before {
			t.Errorf("what has no value is written down as given: %v", err)
		}
		ask.Fields, ask.Scopes = []string{"email"}, nil
		if err := view(); err != nil {
			t.Errorf("where nothing goes nothing is written down: %v", err)
		}
	})
}

func TestPeopleAreWrittenDownEachTimeWithTheirReason(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		ask := release.Ask{Customer: s.mia, Recipient: release.Recipient{Kind: release.Staff, ID: s.support}, Purpose: "support", Fields: []string{"email"}}
		for _, reason := range []string{"", "  ", "a\nb", strings.Repeat("x", 501)} {
			ask.Reason = reason
			if _, err := s.disclose(ask); !errors.Is(err, release.ErrReason) {
				t.Errorf("%q: %v", reason, err)
			}
		}
		ask.Reason = "ticket 7"
		err := h.D.View(t.Context(), func(tx *db.Tx) error { _, err := release.Disclose(tx, h.T(), ask); return err })
		if !errors.Is(err, release.ErrUnrecorded) {
			t.Errorf("seen without a record: %v", err)
		}
		for range 2 {
			if _, err := s.disclose(ask); err != nil {
				t.Fatal(err)
			}
		}
		h.Update(func(tx *db.Tx) error {
			list, err := release.Identifiers(tx, h.T(), ask)
			if len(list) != 4 || list[0].Value != "m•••@example.com" || list[0].Value != list[0].Masked {
				t.Errorf("%+v", list)
			}
			return err
		})
		l := s.lines()
		if len(l) != 3 || l[0].Reason != "ticket 7" || l[0].Recipient != s.support {
			t.Fatalf("%+v", l)
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int64](tx, `SELECT count(*) FROM event WHERE tenant_id = $1 AND subject_id = $2 AND name = 'customer.disclosed' AND actor_kind = 'staff' AND actor_id = $3`,
				h.T().ID, s.mia, s.support)
			if n != 3 {
				t.Errorf("%d events", n)
			}
			return err
		})
	})
}

func TestHerOwnAddressesAreAllOpened(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		h.View(func(tx *db.Tx) error {
			list, err := release.Identifiers(tx, h.T(), release.Ask{Customer: s.mia, Recipient: release.Recipient{Kind: release.Self, ID: s.mia}})
			var got []string
			for _, i := range list {
				got = append(got, fmt.Sprint(i.Kind, " ", i.Value, " ", i.Primary, " ", i.Verified(), " ", i.Masked))
			}
			want := []string{
				"email mia@example.com true true m•••@example.com", "email old@example.com false false o•••@example.com",
				"phone +4930901820 true false +49 ••• 20", "username mia true false m•••",
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			return err
		})
		if l := s.lines(); len(l) > 0 {
			t.Errorf("written down: %+v", l)
		}
	})
}

func TestNobodySeesAnErasedCustomer(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		s := set(t, h)
		h.Update(func(tx *db.Tx) error { _, err := customer.Destroy(tx, h.T(), s.mia); return err })
		d, err := s.disclose(release.Ask{Recipient: release.Recipient{Kind: release.Self}, Fields: []string{"email", "given_name", "updated_at"}})
		if err != nil && !errors.Is(err, customer.ErrErased) || d.Values["email"].Text != "" || d.Values["given_name"].Text != "" {
			t.Errorf("%v, %v", d.Values, err)
		}
	})
}

func TestMasksShowAnOutline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, value, want string }{
		{customer.Email, "mia@example.com", "m•••@example.com"}, {customer.Email, "m@example.com", "•••@example.com"}, {customer.Email, "broken", "•••"}, {customer.Email, "", "•••"},
		{customer.Phone, "+4930901820", "+49 ••• 20"}, {customer.Phone, "+12024561111", "+1 ••• 11"}, {customer.Phone, "12", "•••"},
		{customer.Username, "mia", "m•••"}, {"text", "Élise Müller", "É••• M•••"}, {"text", "a b c d", "••• ••• •••"}, {"text", "", ""},
	} {
		if got := release.Mask(c.kind, c.value); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.value, got, c.want)
		}
	}
}
