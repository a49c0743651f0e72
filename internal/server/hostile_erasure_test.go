package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// loaded keeps the house busy while something happens: the customer's address at
// the front door, their tokens at every endpoint, and another customer's forms.
func loaded(t *testing.T, h *servertest.House, told, secrets canaries, meanwhile func()) {
	t.Helper()
	web := h.Apps["web"]
	other := signedUp(t, h, "somebody.else@example.test")
	works := []func(i int){
		func(i int) {
			from(t, fmt.Sprintf("198.51.100.%d", i%250)).Get(h.URL+"/signin").Submit("identifier", told["address"])
		},
		func(int) { h.Refresh(web, secrets["second refresh token"]) },
		func(int) { h.Bearer("/oauth2/userinfo", secrets["access token"]) },
		func(int) { h.Introspect(web, secrets["refresh token"]) },
		func(i int) { other.Get(h.URL+"/account/profile").Submit("nickname", fmt.Sprint("Busy ", i)) },
	}
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for _, work := range works {
		busy.Add(1)
		go func() {
			defer busy.Done()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					work(i)
				}
			}
		}()
	}
	meanwhile()
	close(stop)
	busy.Wait()
	for i, work := range works { // once more, afterwards
		work(i)
	}
}

// tracesOf finds every row of the database that names a customer, by table.
func tracesOf(t *testing.T, h *servertest.House, who customer.ID) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range tables(t, h) {
		for _, row := range dumped(t, h, table) {
			for _, v := range row {
				raw, _ := v.([]byte)
				text, _ := v.(string)
				if bytes.Contains(raw, who[:]) || strings.Contains(text, who.String()) || bytes.Contains(raw, []byte(who.String())) {
					out[table]++
					break
				}
			}
		}
	}
	return out
}

// H223: an erasure in the middle of sign-ins, refreshes and writes leaves
// nothing of the customer in any table, file, token, search or queue, nothing
// comes in after it, no living key opens what is kept, and the chain holds
// before and after. What was promised instead is there: the pseudonym, the
// resting address, the suppression and a certificate that anybody can verify.
func TestH223_AnErasureUnderLoadLeavesNothing(t *testing.T) {
	o := servertest.Options{Settings: passwordAlone, Config: manyNetworks.Config}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		told, secrets, _ := life(t, h)
		who := idOf(t, h, told["address"])
		h.Update(func(tx *db.Tx) error {
			digest := customer.Digest(h.Tenant(), customer.Email, told["address"])
			return consent.Suppress(tx, h.Tenant(), digest, "", "", consent.Complained)
		})
		h.Settle()
		if r, err := h.Audit(ctx, h.Tenant()); err != nil || !r.Holds {
			t.Fatalf("before: %+v %v", r, err)
		}
		h.Clock.Advance(customer.CloseAfter - time.Hour)
		h.Settle()
		loaded(t, h, told, secrets, func() {
			h.Advance(2 * time.Hour)
			for range 20 { // a transaction that lost against others is tried again
				if stateOfID(h, who) == customer.Erased {
					return
				}
				h.Advance(10 * time.Second)
			}
			t.Error("the erasure did not come through")
		})
		h.Advance(time.Minute)
		link := newest(t, h, told["address"], privacy.ErasurePath).Link
		h.Advance(2 * time.Minute)
		h.Advance(2 * time.Minute)

		gone(t, h, told, secrets, who)
		for table, n := range tracesOf(t, h, who) {
			if privacy.Kept[table] == "" && privacy.KeptApart[table] == "" {
				t.Errorf("%s: %d rows name the erased customer", table, n)
			}
		}
		searchTables(t, h, told)
		searchTables(t, h, secrets)
		if err := h.DB.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		searchFiles(t, h, told)
		var words [][]byte
		for _, v := range told {
			words = append(words, []byte(v))
		}
		p, err := h.ProveErasure(ctx, h.Tenant(), who.String(), "", words)
		if err != nil || !p.Holds || p.Values < 5 || p.Keys == 0 || p.Sealed != 0 {
			t.Errorf("%+v %v", p, err)
		}
		if r, err := h.Audit(ctx, h.Tenant()); err != nil || !r.Holds {
			t.Errorf("after: %+v %v", r, err)
		}
		certified(t, h, told, who, link)
	}, o)
}

func stateOfID(h *servertest.House, who customer.ID) (s customer.State) {
	h.View(func(tx *db.Tx) error {
		c, err := customer.Get(tx, h.Tenant(), who)
		s = c.State
		return err
	})
	return s
}

// gone checks that nothing answers any more to what the customer had.
func gone(t *testing.T, h *servertest.House, told, secrets canaries, who customer.ID) {
	t.Helper()
	h.View(func(tx *db.Tx) error {
		c, err := customer.Get(tx, h.Tenant(), who)
		if err != nil || c.State != customer.Erased || !c.LastSeenAt.IsZero() {
			t.Errorf("%+v %v", c, err)
		}
		for _, word := range []string{told["address"], told["new address"], told["family name"], told["given name"]} {
			if found, err := customer.Search(tx, h.Tenant(), word, 5); err != nil || slices.Contains(found, who) {
				t.Errorf("search finds %q: %v %v", word, found, err)
			}
		}
		digest := customer.Digest(h.Tenant(), customer.Email, told["address"])
		for _, sql := range []string{
			`SELECT count(*) FROM identifier_rest WHERE tenant_id = $1 AND digest = $2`,
			`SELECT count(*) FROM suppression WHERE tenant_id = $1`,
		} {
			args := []any{h.Tenant().ID, digest}
			n, _, err := db.Value[int64](tx, sql, args[:strings.Count(sql, "$")]...)
			if err != nil || n == 0 {
				t.Errorf("%s: %d %v", sql, n, err)
			}
		}
		waiting, _, err := db.Value[int64](tx, `SELECT count(*) FROM job WHERE kind = 'message'`)
		if err != nil || waiting != 0 {
			t.Errorf("%d messages wait: %v", waiting, err)
		}
		return nil
	})
	web := h.Apps["web"]
	if got := h.Refresh(web, secrets["second refresh token"]); got.AccessToken != "" {
		t.Error("a refresh token still works")
	}
	if status, body := h.Bearer("/oauth2/userinfo", secrets["access token"]); status != http.StatusUnauthorized {
		t.Errorf("userinfo answers %d %s", status, body)
	}
	if got := h.Introspect(web, secrets["access token"]); got["active"] != false {
		t.Errorf("introspection: %v", got)
	}
}

// certified checks the public page and the certificates, with the published keys
// alone.
func certified(t *testing.T, h *servertest.House, told canaries, who customer.ID, link string) {
	t.Helper()
	anybody := servertest.NewBrowser(t)
	p := anybody.Get(link)
	if p.Status != http.StatusOK || !strings.Contains(p.Text(), "Your data was erased") {
		t.Fatalf("%d %s", p.Status, p.Text())
	}
	if found := told.in(p.Body); len(found) > 0 || strings.Contains(p.Body, who.String()) {
		t.Errorf("the page tells %v", found)
	}
	file := anybody.Get(p.Link("Certificate of the erasure"))
	keys := anybody.Get(h.URL + "/.well-known/cardea-evidence.json")
	c, err := server.VerifyCertificateWith([]byte(keys.Body), file.Body)
	if err != nil || c.Statement != privacy.StatesErased || c.Issuer != h.URL || c.Journal.Seq == 0 || len(c.Emptied) < 10 || len(c.Kept) < 5 || len(c.Keys) == 0 {
		t.Fatalf("%+v %v\n%s", c, err, file.Body)
	}
	if c.AskedAt.After(c.ErasedAt.Add(-customer.CloseAfter+time.Minute)) || !c.FinalAt.After(c.ErasedAt) || strings.Contains(fmt.Sprintf("%+v", c), who.String()) {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{link[:len(link)-3] + "AAA", h.URL + privacy.ErasurePath, h.URL + privacy.ErasurePath + "?c=x"} {
		if p := anybody.Get(bad); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", bad, p.Status)
		}
	}
	if _, err := server.VerifyCertificateWith([]byte(keys.Body), strings.Replace(file.Body, ".ey", ".fy", 1)); err == nil {
		t.Error("an altered certificate verifies")
	}
	if _, err := server.VerifyReceiptWith([]byte(keys.Body), file.Body); err == nil {
		t.Error("a certificate passes for a receipt")
	}
}

// PV-05: an erasure that falls due while a legal hold stands waits, says so
// without saying why, and happens when the last hold is released or ends.
func TestALegalHoldStopsAnErasureAndSaysSo(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		b := signedUp(t, h, ann)
		who := idOf(t, h, ann)
		const why = "Aktenzeichen 7 O 4711/26"
		hold, err := h.PlaceHold(ctx, h.Tenant(), ann, why, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		ends := h.Clock.Now().Add(40 * 24 * time.Hour)
		if _, err := h.PlaceHold(ctx, h.Tenant(), ann, "tax", ends); err != nil {
			t.Fatal(err)
		}
		for what, order := range map[string]func() error{
			"no reason": func() error { _, err := h.PlaceHold(ctx, h.Tenant(), ann, " ", time.Time{}); return err },
			"over":      func() error { _, err := h.PlaceHold(ctx, h.Tenant(), ann, "x", h.Clock.Now()); return err },
			"which one": func() error { _, err := h.ReleaseHold(ctx, h.Tenant(), ann, "", "x"); return err },
		} {
			if order() == nil {
				t.Error(what)
			}
		}
		at(t, b.Get(h.URL+"/account/close").Submit("typed_address", ann), "/account/closed")
		h.Advance(customer.CloseAfter + time.Minute)
		h.Advance(10 * 24 * time.Hour)
		if s := stateOf(t, h, ann); s != customer.Closing {
			t.Fatalf("the customer is %s while a hold stands", s)
		}
		waits := 0
		for _, m := range h.Inbox(ann) {
			if strings.Contains(m.Text, "obliges us to keep") {
				waits++
			}
			if strings.Contains(m.Text, "4711") {
				t.Error("the message tells why")
			}
		}
		if waits != 1 {
			t.Errorf("told %d times that the erasure waits", waits)
		}
		list, err := h.Holds(ctx, h.Tenant(), "looked through")
		if err != nil || len(list) != 2 || list[0].Reason != why || list[0].Waits.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
		if _, err := h.ReleaseHold(ctx, h.Tenant(), who.String(), hold.ID, "case closed"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReleaseHold(ctx, h.Tenant(), who.String(), hold.ID, "again"); err == nil {
			t.Error("released twice")
		}
		h.Advance(time.Minute)
		if s := stateOf(t, h, ann); s != customer.Closing {
			t.Fatalf("the customer is %s while another hold stands", s)
		}
		h.Advance(ends.Sub(h.Clock.Now()) + time.Minute)
		h.Advance(time.Minute)
		if s := stateOfID(h, who); s != customer.Erased {
			t.Errorf("the customer is %s after the last hold", s)
		}
		if _, err := h.PlaceHold(ctx, h.Tenant(), who.String(), "late", time.Time{}); err == nil {
			t.Error("an erased customer is held")
		}
	})
}

// A hold that is released lets an erasure that waited for it happen at once.
func TestAReleasedHoldLetsTheErasureHappenAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		b := signedUp(t, h, ann)
		who := idOf(t, h, ann)
		if _, err := h.PlaceHold(ctx, h.Tenant(), ann, "audit", time.Time{}); err != nil {
			t.Fatal(err)
		}
		at(t, b.Get(h.URL+"/account/close").Submit("typed_address", ann), "/account/closed")
		h.Advance(customer.CloseAfter + time.Hour)
		if _, err := h.ReleaseHold(ctx, h.Tenant(), who.String(), "", "audit over"); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Second)
		if s := stateOfID(h, who); s != customer.Erased {
			t.Errorf("the customer is %s", s)
		}
	})
}
