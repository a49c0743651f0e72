package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// searchFile has the tenant of a house search its fields so.
func searchFile(h *servertest.House, fields string) []byte {
	return []byte(fmt.Sprintf("version: 1\ntenants:\n  - slug: %s\n    fields: [%s]\n", h.Tenant().Slug, fields))
}

func searchAs(t *testing.T, h *servertest.House, fields string, how server.Applying) []server.Change {
	t.Helper()
	list, err := h.Apply(context.Background(), "cardea.yaml", searchFile(h, fields), how)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// shownOpen are the readable words that lie in the database, by field.
func shownOpen(t *testing.T, h *servertest.House) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, row := range dumped(t, h, "search_word") {
		field := fmt.Sprint(row["field"])
		out[field] = append(out[field], fmt.Sprint(row["word"]))
	}
	return out
}

func findsBy(t *testing.T, h *servertest.House, query string, l server.Looking) (out []string) {
	t.Helper()
	list, err := h.FindCustomers(context.Background(), h.Tenant(), query, l)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		out = append(out, p.ID)
	}
	return out
}

// A readable index is personal data in the clear: it holds words of the fields
// that the tenant declared and of no others, it is made and taken away by a job
// that plan foretells, it goes with the customer, and it is looked into through
// the gate.
func TestOnlyWordsOfFieldsThatAreSearchedOpenLieReadable(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		told := canaries{"family name": "Zaunkoeniginger", "nickname": "Wiedehopfner", "address": "bachstelze@canary.example", "given name": "Goldammerich"}
		b := signedUp(t, h, told["address"])
		b.Get(h.URL+"/account/profile").Submit("family_name", told["family name"], "nickname", told["nickname"], "given_name", told["given name"])
		who := idOf(t, h, told["address"]).String()
		look := server.Looking{Reason: "Order 4711"}
		if got := findsBy(t, h, "zaunk", look); len(got) > 0 {
			t.Errorf("a sealed field is found by a beginning: %v", got)
		}

		open := "{name: family_name, search: open}, {name: nickname, search: open, purposes: [account, privacy]}"
		plan := searchAs(t, h, open, server.Applying{DryRun: true})
		if len(plan) != 2 || plan[0].Search == nil || *plan[0].Search != (server.Search{Was: catalog.SearchSealed, Is: catalog.SearchOpen, Customers: 1}) {
			t.Fatalf("%+v", plan)
		}
		h.Settle()
		if got := shownOpen(t, h); len(got) > 0 {
			t.Fatalf("a plan wrote %v", got)
		}
		searchAs(t, h, open, server.Applying{})
		if list, err := h.SearchIndex(ctx, h.Tenant()); err != nil || !slices.ContainsFunc(list, func(i server.Indexed) bool { return i.Field == "family_name" && i.Rebuilding && i.Total == 1 }) {
			t.Errorf("%+v %v", list, err)
		}
		if got := findsBy(t, h, "zaunkoeniginger", look); !slices.Contains(got, who) {
			t.Errorf("not found by the whole word meanwhile: %v", got)
		}
		h.Advance(10 * time.Second)
		if got := shownOpen(t, h); len(got) != 2 || !slices.Equal(got["family_name"], []string{"zaunkoeniginger"}) || !slices.Equal(got["nickname"], []string{"wiedehopfner"}) {
			t.Errorf("readable are %v", got)
		}
		for _, table := range tables(t, h) {
			for _, row := range dumped(t, h, table) {
				for column, v := range row {
					raw, isRaw := v.([]byte)
					if text := fmt.Sprint(v); table != "search_word" && (len(told.in(text)) > 0 || isRaw && len(told.in(string(raw))) > 0) {
						t.Errorf("%s.%s holds what no field declared: %s", table, column, text)
					}
				}
			}
		}
		if again := searchAs(t, h, open, server.Applying{}); len(again) > 0 {
			t.Errorf("the second time: %+v", again)
		}

		for query, want := range map[string]bool{
			"zaunk": true, "ZAUNKÖ": true, "zaunkoeniginger": true, "z": false, "zaunk goldammerich": true, "zaunk nobody": false,
			"wiede": false, // the purpose "support" is none of the nickname's
			"golda": false, // sealed
			"bachs": false, // an identifier
		} {
			if got := slices.Contains(findsBy(t, h, query, look), who); got != want {
				t.Errorf("%q finds: %v", query, got)
			}
		}
		if got := findsBy(t, h, "wiede", server.Looking{Reason: "Request 12", Purpose: catalog.PurposePrivacy}); !slices.Contains(got, who) {
			t.Error("not found for a purpose that the field names")
		}
		if _, err := h.FindCustomers(ctx, h.Tenant(), "zaunk", server.Looking{}); err == nil {
			t.Error("found without a reason")
		}
		if _, err := h.ShowCustomer(ctx, h.Tenant(), "zaunk", look); err == nil {
			t.Error("a beginning names a customer to an act")
		}
		traced(t, h, who)

		if got := b.Get(h.URL + "/account/privacy"); !strings.Contains(got.Text(), "found by its beginning") {
			t.Errorf("the customer does not read how they were found: %s", got.Text())
		}
		b.Get(h.URL+"/account/profile").Submit("family_name", "Rotkehlchenmann")
		if got := shownOpen(t, h)["family_name"]; !slices.Equal(got, []string{"rotkehlchenmann"}) {
			t.Errorf("after a change: %v", got)
		}
		back := searchAs(t, h, "{name: family_name, search: sealed}", server.Applying{Prune: true})
		if !slices.ContainsFunc(back, func(c server.Change) bool {
			return c.Search != nil && c.Search.Was == catalog.SearchOpen && c.Search.Customers == 1
		}) {
			t.Errorf("%+v", back)
		}
		h.Advance(10 * time.Second)
		if got := shownOpen(t, h); len(got) > 0 {
			t.Errorf("still readable: %v", got)
		}
		h.Settle()
		searchTables(t, h, told)
		if err := h.DB.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		searchFiles(t, h, told)
		if got := findsBy(t, h, "rotkehlchenmann", look); !slices.Contains(got, who) {
			t.Error("not found by the whole word afterwards")
		}
	})
}

// traced holds the record against who was found by a beginning, and for what.
func traced(t *testing.T, h *servertest.House, who string) {
	t.Helper()
	id, err := customer.ParseID(who)
	if err != nil {
		t.Fatal(err)
	}
	h.View(func(tx *db.Tx) error {
		list, err := release.Record(tx, h.Tenant(), id, 100)
		for _, want := range []release.Entry{
			{Purpose: catalog.PurposeSupport, Names: "family_name:matched", Reason: "Order 4711"},
			{Purpose: catalog.PurposePrivacy, Names: "nickname:matched", Reason: "Request 12"},
		} {
			if !slices.ContainsFunc(list, func(e release.Entry) bool {
				return e.RecipientKind == release.Operator && e.Purpose == want.Purpose && e.Names == want.Names && e.Reason == want.Reason
			}) {
				t.Errorf("the record lacks %s for %s: %+v", want.Names, want.Purpose, list)
			}
		}
		return err
	})
}

// H223: readable words go with their customer; that older backups hold them is
// said in the certificate, and found in a copy.
func TestH223_ReadableWordsGoWithTheirCustomer(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		b := signedUp(t, h, ann)
		who := idOf(t, h, ann)
		searchAs(t, h, "{name: family_name, search: open}", server.Applying{})
		h.Advance(10 * time.Second)
		b.Get(h.URL+"/account/profile").Submit("family_name", "Zaunkoeniginger")
		if got := shownOpen(t, h)["family_name"]; len(got) != 1 {
			t.Fatalf("%v", got)
		}
		at(t, b.Get(h.URL+"/account/close").Submit("typed_address", ann), "/account/closed")
		h.Advance(customer.CloseAfter + time.Minute)
		h.Advance(time.Minute)
		if got := shownOpen(t, h); len(got) > 0 {
			t.Errorf("left: %v", got)
		}
		p, err := h.ProveErasure(ctx, h.Tenant(), who.String(), "", nil)
		if err != nil || !p.Holds || p.Readable != 0 {
			t.Errorf("%+v %v", p, err)
		}
		h.View(func(tx *db.Tx) error {
			fields, err := customer.EverOpen(tx, h.Tenant())
			if !slices.Equal(fields, []string{"family_name"}) {
				t.Errorf("ever open: %v", fields)
			}
			return err
		})
	})
}

// What must not rest readable is refused, with its line.
func TestWhatMayNotBeSearchedOpenIsRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, field := range []string{
			"{name: email, search: open}", `{name: phone, search: "off"}`, "{name: username, search: false}", "{name: gender, search: open}",
			"{name: birthdate, search: open}", "{name: locale, search: open}", "{name: email_verified, search: sealed}",
			"{name: illness, type: text, class: special, search: open}", "{name: visits, type: text, class: behavioural, search: open}",
			"{name: illness, type: text, class: sensitive, search: open}", "{name: size, type: text, class: profile, search: maybe}",
		} {
			if _, err := h.Apply(context.Background(), "cardea.yaml", searchFile(h, field), server.Applying{}); err == nil || !strings.Contains(err.Error(), "cardea.yaml:") && !strings.Contains(err.Error(), "[4:") {
				t.Errorf("%s: %v", field, err)
			}
		}
		searchAs(t, h, "{name: illness, type: text, class: special, search: true}, {name: nickname, search: false}", server.Applying{})
		text, err := h.Export(context.Background(), h.Tenant())
		if err != nil || !strings.Contains(string(text), "search: sealed") || !strings.Contains(string(text), "search: \"off\"") && !strings.Contains(string(text), "search: off") {
			t.Errorf("%v\n%s", err, text)
		}
		if list, err := h.Apply(context.Background(), "cardea.yaml", text, server.Applying{}); err != nil || len(list) > 0 {
			t.Errorf("the export changes %+v, %v", list, err)
		}
	})
}
