package customer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func TestASubIsDrawnOncePerSector(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, li := h.Customer(), h.Customer()
		shop, store := h.App(true), h.App(true)
		third, fourth := h.App(false), h.App(false)
		shared := h.App(false, func(n *app.New) { n.Sector = third.Sector })
		public := h.App(false, func(n *app.New) { n.Settings.SubjectType = app.Public })
		subs := map[string]string{}
		h.Update(func(tx *db.Tx) error {
			for name, a := range map[string]*app.Application{"shop": shop, "store": store, "third": third, "fourth": fourth, "shared": shared, "public": public} {
				sub, err := customer.Subject(tx, h.T(), a, mia)
				if err != nil {
					return err
				}
				again, err := customer.Subject(tx, h.T(), a, mia)
				if err != nil || again != sub {
					t.Errorf("%s: %q, then %q, %v", name, sub, again, err)
				}
				subs[name] = sub
			}
			other, err := customer.Subject(tx, h.T(), shop, li)
			subs["other"] = other
			return err
		})
		if subs["shop"] != subs["store"] || subs["shop"] != subs["public"] || subs["third"] != subs["shared"] {
			t.Errorf("one sector, several subs: %v", subs)
		}
		if subs["third"] == subs["fourth"] || subs["third"] == subs["shop"] || subs["shop"] == subs["other"] || strings.Contains(subs["shop"], mia.String()) || len(subs["shop"]) < 20 {
			t.Errorf("subs tell too much: %v", subs)
		}
		h.View(func(tx *db.Tx) error {
			if id, ok, err := customer.ParseSubject(tx, h.T(), subs["third"]); id != mia || !ok || err != nil {
				t.Errorf("%v %v %v", id, ok, err)
			}
			if _, ok, _ := customer.ParseSubjectFor(tx, h.T(), shop, subs["third"]); ok {
				t.Error("a sub of another sector leads somewhere")
			}
			if _, ok, err := customer.FindSubject(tx, h.T(), shop, customer.ID{1}); ok || err != nil {
				t.Errorf("%v %v", ok, err)
			}
			return nil
		})
	})
}

func TestStatesFollowTheDrawing(t *testing.T) {
	t.Parallel()
	every := []customer.State{customer.Active, customer.Locked, customer.Recovery, customer.Closing}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		id := h.Customer()
		set := func(from []customer.State, to customer.State) (c customer.Customer, err error) {
			err = h.Try(func(tx *db.Tx) (err error) { c, err = customer.SetState(tx, h.T(), id, from, to, "test"); return err })
			return c, err
		}
		version := int64(1)
		for _, to := range []customer.State{customer.Locked, customer.Active, customer.Closing, customer.Active, customer.Recovery, customer.Locked, customer.Closing} {
			c, err := set(every, to)
			version++
			if err != nil || c.State != to || c.Version != version || c.CloseAt.IsZero() == (to == customer.Closing) {
				t.Fatalf("to %s: %+v, %v", to, c, err)
			}
		}
		if c, err := set(nil, customer.Closing); err != nil || c.Version != version {
			t.Errorf("being there already: %v", err)
		}
		if _, err := set([]customer.State{customer.Active}, customer.Recovery); !errors.Is(err, customer.ErrState) {
			t.Errorf("from a state that was not meant: %v", err)
		}
		if _, err := set(every, customer.Erased); !errors.Is(err, customer.ErrState) {
			t.Errorf("to erased without destroying: %v", err)
		}
		due := func() (n int) {
			h.View(func(tx *db.Tx) error { list, err := customer.Due(tx, 10); n = len(list); return err })
			return n
		}
		before := due()
		h.Wait(customer.CloseAfter)
		if before != 0 || due() != 1 {
			t.Errorf("due %d, then %d", before, due())
		}
	})
}

func TestH125_FlagsAndIdentifiersAreNoProfileFields(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		id := h.Customer()
		set := func(name, value, source string) error {
			return h.Try(func(tx *db.Tx) error { return customer.SetField(tx, h.T(), id, name, value, source) })
		}
		for _, name := range []string{"email", "email_verified", "phone", "phone_verified", "username", "updated_at"} {
			for _, source := range []string{"customer", "staff:operator", customer.SourceImport, customer.SourceHouse} {
				if err := set(name, "true", source); !errors.Is(err, catalog.ErrReadOnly) || fault.Of(err).Field != name {
					t.Errorf("%s by %s: %v", name, source, err)
				}
			}
		}
		for source, want := range map[string]bool{"customer": true, "staff:operator": true, "import": true, "staff:support": false, "application": false, "": false} {
			if err := set("birthdate", "2000-01-02", source); (err == nil) != want {
				t.Errorf("birthdate by %q: %v", source, err)
			}
		}
		if err := set("shoe_size", "42", "customer"); !errors.Is(err, catalog.ErrUnknownField) {
			t.Error(err)
		}
		if err := set("birthdate", "tomorrow", "customer"); !errors.Is(err, catalog.ErrBadValue) || fault.Of(err).Field != "birthdate" {
			t.Error(err)
		}
	})
}

func TestASealedValueOpensNowhereElse(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, li := h.Customer(), h.Customer()
		h.Update(func(tx *db.Tx) error {
			sealed, err := customer.Seal(tx, h.T(), mia, "session/place", []byte("Berlin"))
			if err != nil {
				return err
			}
			plain, err := customer.Unseal(tx, h.T(), mia, customer.Item{Field: "session/place", Sealed: sealed})
			if err != nil || string(plain[0]) != "Berlin" || bytes.Contains(sealed, []byte("Berlin")) {
				t.Errorf("%q, %v", plain, err)
			}
			for name, it := range map[string]customer.Item{
				"field": {Field: "session/other", Sealed: sealed}, "version": {Field: "session/place", Version: 1, Sealed: sealed},
				"bytes": {Field: "session/place", Sealed: append(slices.Clone(sealed), 0)},
			} {
				if _, err := customer.Unseal(tx, h.T(), mia, it); err == nil {
					t.Errorf("opens as another %s", name)
				}
			}
			if _, err := customer.Unseal(tx, h.T(), li, customer.Item{Field: "session/place", Sealed: sealed}); err == nil {
				t.Error("opens for another customer")
			}
			return nil
		})
	})
}

func TestAFlowsKeyBecomesTheCustomers(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		flow := [16]byte{9}
		key := customer.NewFlowKey(h.T(), flow)
		sealed, err := key.Seal(h.T(), flow, "address", []byte("mia@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := key.Open(h.T(), [16]byte{8}, "address", sealed); err == nil {
			t.Error("opens for another flow")
		}
		id := customer.NewID(h.Clock.Now())
		h.Update(func(tx *db.Tx) error {
			_, err := customer.Register(tx, h.T(), customer.New{ID: id, Key: &key, Flow: flow, Identifiers: []customer.NewIdentifier{email("mia@example.com")}})
			return err
		})
		if plain, err := key.Open(h.T(), flow, "address", sealed); err != nil || string(plain) != "mia@example.com" {
			t.Errorf("%q %v", plain, err)
		}
		other := customer.NewFlowKey(h.T(), [16]byte{7})
		err = h.Try(func(tx *db.Tx) error {
			_, err := customer.Register(tx, h.T(), customer.New{Key: &other, Flow: flow})
			return err
		})
		if err == nil {
			t.Error("a key of another flow is adopted")
		}
	})
}

func TestStaffFindCustomersByWhatTheyKnow(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, err := register(h, email("mia@mail.example"), customer.NewIdentifier{Kind: customer.Phone, Value: "+4930901820"})
		if err != nil {
			t.Fatal(err)
		}
		h.Wait(time.Millisecond) // so that their order is known
		li, err := register(h, email("li@mail.example"))
		if err != nil {
			t.Fatal(err)
		}
		set := func(id customer.ID, name, value string) {
			h.Update(func(tx *db.Tx) error { return customer.SetField(tx, h.T(), id, name, value, "customer") })
		}
		set(mia.ID, "given_name", "Mía Sophie")
		set(mia.ID, "family_name", "Müller")
		set(mia.ID, "gender", "secretgender")
		set(li.ID, "family_name", "Müller")
		both := []customer.ID{mia.ID, li.ID}
		search := func(q string) (ids []customer.ID) {
			h.View(func(tx *db.Tx) (err error) { ids, err = customer.Search(tx, h.T(), q, 10); return err })
			return ids
		}
		for q, want := range map[string][]customer.ID{
			"mia@mail.example": {mia.ID}, "MIA@mail.example": {mia.ID}, "@mail.example": both, "1820": {mia.ID}, "+49 30 901820": {mia.ID},
			"müller": both, "MULLER": both, "mia müller": {mia.ID}, "sophie": {mia.ID}, mia.ID.String(): {mia.ID},
			"muller muller": both, "mul": nil, "li müller": nil, "secretgender": nil, "": nil, "%": nil, "@": nil, "x@mail.example": nil, "9999": nil,
			"' OR 1=1": nil,
		} {
			if got := search(q); !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", q, got, want)
			}
		}
		set(mia.ID, "family_name", "Schmidt")
		if got := search("müller"); !slices.Equal(got, []customer.ID{li.ID}) {
			t.Errorf("found by a former name: %v", got)
		}
		set(mia.ID, "family_name", "")
		if got := search("schmidt"); len(got) > 0 {
			t.Errorf("found by a name that was cleared: %v", got)
		}
	})
}

// H130, H223: nothing of an erased customer remains to be found, opened or
// inherited.
func TestH223_ErasingLeavesAPseudonym(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, err := register(h, email("mia@example.com"), username("mia"))
		if err != nil {
			t.Fatal(err)
		}
		shop := h.App(true)
		var sealed customer.Sealed
		var sub, undo string
		h.Update(func(tx *db.Tx) (err error) {
			if err = customer.SetField(tx, h.T(), mia.ID, "name", "Mia Li", "customer"); err != nil {
				return err
			}
			if sub, err = customer.Subject(tx, h.T(), shop, mia.ID); err != nil {
				return err
			}
			if undo, err = customer.KeepUndo(tx, h.T(), mia.ID, digest(h, customer.Email, "mia@example.com")); err != nil {
				return err
			}
			sealed, err = customer.Seal(tx, h.T(), mia.ID, "x", []byte("y"))
			return err
		})
		var gone customer.Erasure
		destroy := func() {
			h.Update(func(tx *db.Tx) (err error) { gone, err = customer.Destroy(tx, h.T(), mia.ID); return err })
		}
		destroy()
		first := gone
		destroy()
		if gone != first || !gone.FinalAt.After(h.Clock.Now().Add(secret.DefaultKeep)) {
			t.Errorf("%+v, then %+v", first, gone)
		}
		h.View(func(tx *db.Tx) error {
			c, err := customer.Get(tx, h.T(), mia.ID)
			if err != nil || c.State != customer.Erased {
				t.Errorf("%+v %v", c, err)
			}
			if _, err := customer.Unseal(tx, h.T(), mia.ID, customer.Item{Field: "x", Sealed: sealed}); !errors.Is(err, customer.ErrErased) {
				t.Errorf("opens: %v", err)
			}
			if _, ok, _ := customer.ParseSubject(tx, h.T(), sub); ok {
				t.Error("found by sub")
			}
			if ids, _ := customer.Search(tx, h.T(), "mia", 10); len(ids) > 0 {
				t.Error("found by name")
			}
			if list, err := customer.Erasures(tx); err != nil || len(list) != 1 || list[0].Customer != mia.ID {
				t.Errorf("%v %v", list, err)
			}
			return nil
		})
		if !who(t, h, customer.Email, "mia@example.com").IsZero() {
			t.Error("found by address")
		}
		err = h.Try(func(tx *db.Tx) error { _, err := customer.Undo(tx, h.T(), undo); return err })
		if !errors.Is(err, customer.ErrUndo) {
			t.Errorf("undone: %v", err)
		}
		again, err := register(h, email("mia@example.com"), username("mia"))
		if err != nil {
			t.Fatal(err)
		}
		h.Update(func(tx *db.Tx) error {
			if now, err := customer.Subject(tx, h.T(), shop, again.ID); err != nil || now == sub {
				t.Errorf("the next Mia inherits the sub: %v", err)
			}
			return nil
		})
	})
}

func TestAfterRewrappingTheOldKeyMayGo(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, "sqlite", true)
	ring, _, err := secret.OpenKeyring(filepath.Join(t.TempDir(), "keyring"), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	h.Ring, h.House = ring, tenant.NewHouse(h.D, ring)
	var made tenant.ID
	h.Update(func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(`DELETE FROM tenant`); err != nil { // of another keyring
			return err
		}
		made, err = tenant.Create(tx, ring, tenant.New{Slug: "x", Name: "X", Origin: "https://x.example"})
		return err
	})
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	here, _ := h.House.ByID(made)
	var ids []customer.ID
	for range 5 {
		h.Update(func(tx *db.Tx) error {
			c, err := customer.Register(tx, here, customer.New{})
			ids = append(ids, c.ID)
			return err
		})
	}
	var sealed customer.Sealed
	last := ids[len(ids)-1]
	h.Update(func(tx *db.Tx) (err error) { sealed, err = customer.Seal(tx, here, last, "x", []byte("y")); return err })
	old := ring.WrappingKeys()[0].ID
	if _, err := ring.Rotate(h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	var steps []int
	for {
		var n int
		h.Update(func(tx *db.Tx) (err error) { n, err = customer.Rewrap(tx, ring, 2); return err })
		if steps = append(steps, n); n == 0 {
			break
		}
	}
	if !slices.Equal(steps, []int{2, 2, 1, 0}) {
		t.Errorf("moved %v", steps)
	}
	if err := ring.Destroy(old); err != nil {
		t.Fatal(err)
	}
	h.View(func(tx *db.Tx) error {
		plain, err := customer.Unseal(tx, here, last, customer.Item{Field: "x", Sealed: sealed})
		if err != nil || string(plain[0]) != "y" {
			t.Errorf("%q %v", plain, err)
		}
		return nil
	})
}

func TestNothingPersonalRestsInTheClear(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, "sqlite", false)
	if _, err := register(h, email("findme@needle.example"), username("needlename")); err != nil {
		t.Fatal(err)
	}
	id := who(t, h, customer.Email, "findme@needle.example")
	h.Update(func(tx *db.Tx) error {
		if _, err := customer.KeepUndo(tx, h.T(), id, digest(h, customer.Email, "findme@needle.example")); err != nil {
			return err
		}
		return customer.SetField(tx, h.T(), id, "name", "Needle Haystack", "customer")
	})
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := h.D.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, needle := range []string{"findme", "needle", "Needle", "Haystack", "haystack"} {
		if bytes.Contains(file, []byte(needle)) {
			t.Errorf("%q stands in the database file", needle)
		}
	}
	if !bytes.Contains(file, []byte("customer.profile_changed")) {
		t.Error("the journal is not in the file, so the search proves little")
	}
}
