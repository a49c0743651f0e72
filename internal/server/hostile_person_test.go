package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// One link, one code: fifty presses at once open one session.
func TestH098_FiftyPressesAtOnceOpenOneSession(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		for i, what := range []string{"link", "code"} {
			h.Clock.Advance(time.Hour)
			before := len(sessionsOf(t, h, ann))
			b := servertest.NewBrowser(t)
			page := named(h, b, ann, "continue")
			m := newest(t, h, ann, "/signin/link")
			press := probe{Method: "POST", Cookies: cookiesOf(b, h)}
			press.Target, press.Form = "/signin/link", url.Values{"t": {token(m)}, "action": {"continue"}}
			if what == "code" {
				press.Target, press.Form = page.URL.Path+"/code", url.Values{"code": {m.Code}, "action": {"continue"}}
			}
			got := make([]reply, 50)
			together(len(got), func(i int) { got[i] = press.send(t, h) })
			opened := 0
			for _, r := range got {
				if r.Status >= 500 && r.Status != http.StatusServiceUnavailable || r.Status == 0 {
					t.Errorf("%s: %v", what, r)
				}
				if strings.Contains(strings.Join(r.Header.Values("Set-Cookie"), "\n"), "session=") {
					opened++
				}
			}
			if n := len(sessionsOf(t, h, ann)) - before; n != 1 || opened != 1 {
				t.Errorf("%d: %s opened %d sessions, %d answers carry one", i, what, n, opened)
			}
		}
	})
}

// Every purpose has its own life, and none lives by another's.
func TestH100_EveryLinkEndsAtItsOwnTime(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		lives := func(what, link string, life time.Duration) {
			t.Helper()
			h.Clock.Advance(life - 5*time.Second)
			if got := servertest.NewBrowser(t).Get(link); got.Status == http.StatusGone {
				t.Errorf("%s is dead before its time", what)
			}
			h.Clock.Advance(10 * time.Second)
			if got := servertest.NewBrowser(t).Get(link); got.Status != http.StatusGone {
				t.Errorf("%s lives on: %d %s", what, got.Status, got.Text())
			}
		}
		b.Get(h.URL+"/account/addresses/add?kind=email").Submit("email", bob)
		lives("an address link", newest(t, h, bob, "/signin/link").Link, 10*time.Minute)
		h.Clock.Advance(time.Hour)
		b = signedUp(t, h, ann)
		p := b.Get(h.URL+"/account/addresses/add?kind=email").Submit("email", bob)
		at(t, p.Submit("code", newest(t, h, bob, "/signin/link").Code), "/account/addresses")
		lives("the way back of an address", newest(t, h, ann, "/undo").Link, 72*time.Hour)
		named(h, servertest.NewBrowser(t), ann, "continue")
		lives("a sign-in link", newest(t, h, ann, "/signin/link").Link, 10*time.Minute)
		servertest.NewBrowser(t).Get(h.URL+"/signin?recover=1").Submit("identifier", ann)
		lives("a recovery link", newest(t, h, ann, "/signin/link").Link, 15*time.Minute)
	})
}

// An address change that somebody prepared does not take an address from who
// has come to own it, nor their account.
func TestH116_APreparedChangeTakesNothingFromTheOwner(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		thief := signedUp(t, h, mallet)
		prepared := thief.Get(h.URL+"/account/addresses/add?kind=email").Submit("email", bob)
		bait := newest(t, h, bob, "/signin/link")
		h.Clock.Advance(40 * time.Second)
		owner := signedUp(t, h, bob)
		before := guardedRows(t, h)
		p := owner.Get(bait.Link)
		if p.Has("continue") {
			p.Submit("action", "continue")
		}
		if owner.Post(h.URL+"/signin/link", url.Values{"t": {token(bait)}}); !inside(h, owner) {
			t.Error("the bait signed the owner out")
		}
		if !strings.Contains(owner.Get(h.URL+"/account/addresses").Body, bob) {
			t.Error("the bait moved the owner's account")
		}
		prepared.Submit("code", bait.Code) // the owner was talked into telling it
		if after := guardedRows(t, h); after != before {
			t.Errorf("rows were written:\n%s", differing(before, after))
		}
		if strings.Contains(thief.Get(h.URL+"/account/addresses").Body, bob) {
			t.Error("the thief has the address")
		}
	})
}

// Two addresses in one field, and addresses that two readers read differently,
// are none: nobody is written to.
func TestH127_H128_WhatIsNotOneAddressIsNone(t *testing.T) {
	long := strings.Repeat("a", 250) + "@example.com"
	bad := []string{
		"a@example.com,b@example.com", "a@example.com;b@example.com", "a@example.com b@example.com", "a@example.com\nb@example.com",
		"a@example.com\r\nBcc: b@example.com", `["a@example.com","b@example.com"]`, "a@evil.example@example.com", `"a@b.com> SIZE=1"@example.com`,
		"<a@example.com>", "Ann <a@example.com>", "a@example.com.", "a@[192.0.2.1]", "a@192.0.2.1", "a(comment)@example.com", "a@example.com(comment)",
		"a@exam ple.com", "a..b@example.com", ".a@example.com", "a.@example.com", "a@-example.com", "a@example..com", "a@", "@example.com", "a",
		"a@localhost", "a%40evil.example@example.com,", long, "a\t@example.com", "a@example.com%0ab@example.com", "a@exa\u200bmple.com", "=1+1@example.com|x@",
		"a@example.com\u2028b@example.com", "mailto:a@example.com", "a@example.com?bcc=b@example.com", "a:b@example.com/c", "a@ex\\ample.com",
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		b := enters(t, h, ann)
		sent := len(h.Inbox(""))
		for _, address := range bad {
			door := probe{Method: "POST", Target: "/signin/" + b.flow + "/identify", Cookies: b.cookies, Form: url.Values{"identifier": {address}, "action": {"continue"}}}
			desk := probe{Method: "POST", Target: "/account/addresses/add", Cookies: b.cookies, Form: url.Values{"kind": {"email"}, "email": {address}}}
			for _, p := range []probe{door, desk} {
				if got := p.send(t, h); got.Status != http.StatusUnprocessableEntity && got.Status != http.StatusBadRequest {
					t.Errorf("%s with %q: %v", p.Target, address, got)
				}
			}
		}
		twice := "identifier=a%40example.com&identifier=b%40example.com&action=continue"
		if got := b.submits("POST", "/signin/"+b.flow+"/identify", twice); got.Status != http.StatusBadRequest {
			t.Errorf("two fields: %v", got)
		}
		if got := b.submits("POST", "/account/addresses/add", "kind=email&email=a%40example.com&email=b%40example.com"); got.Status != http.StatusBadRequest {
			t.Errorf("two fields: %v", got)
		}
		if n := len(h.Inbox("")); n != sent {
			t.Errorf("%d messages went out: %+v", n-sent, h.Inbox("")[0])
		}
	})
}

// Who is erased is forgotten: what they held opens nothing, and who takes the
// address next inherits nothing.
func TestH130_H223_WhoComesNextInheritsNothing(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		s := rob(t, h)
		old := idOf(t, h, ann)
		sub := h.Introspect(h.Apps["web"], s.access)["sub"]
		h.Update(func(tx *db.Tx) error {
			_, err := account.Acts{}.Close(tx, h.Tenant(), old)
			return err
		})
		h.Advance(15 * 24 * time.Hour)
		h.Clock.Advance(time.Minute)
		if exists(h, ann) {
			t.Fatal("the account stands after its time")
		}
		for _, left := range rowsOf(t, h, old) {
			t.Errorf("%s", left)
		}
		b := signedUp(t, h, ann)
		if idOf(t, h, ann) == old {
			t.Error("the same id")
		}
		fresh := h.Redeem(h.Apps["web"], b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")).Location().Query().Get("code"))
		if now := h.Introspect(h.Apps["web"], fresh.AccessToken)["sub"]; now == sub || now == nil || sub == nil {
			t.Errorf("the applications know the newcomer as %v, the former one as %v", now, sub)
		}
		for _, path := range []string{"/account/profile", "/account/addresses", "/account/security"} {
			if page := b.Get(h.URL + path).Body; strings.Contains(page, bob) {
				t.Errorf("%s shows what was the former's", path)
			}
		}
		if got := h.Refresh(h.Apps["web"], s.refresh); got.Error != "invalid_grant" {
			t.Errorf("the old refresh token: %+v", got)
		}
		if status, _ := h.Bearer("/oauth2/userinfo", s.access); status != http.StatusUnauthorized {
			t.Errorf("the old access token: %d", status)
		}
		if got := h.Redeem(h.Apps["web"], s.authorize); got.Status == http.StatusOK {
			t.Errorf("the old code: %+v", got)
		}
		for _, path := range []string{"/account", "/undo?t=" + s.undo, "/signin/link?t=" + s.link, "/signin/" + s.flow} {
			if got := (probe{Target: path, Cookies: s.cookies}).send(t, h); got.Status == http.StatusOK || got.holds(ann, bob) != "" {
				t.Errorf("%s with what the former one held: %v", path, got)
			}
		}
		chooser := probe{Target: "/signin", Cookies: s.cookies}.send(t, h).Header.Get("Location")
		if got := (probe{Target: chooser, Cookies: s.cookies}).send(t, h); got.holds(ann, bob) != "" {
			t.Errorf("the old browser still offers the account: %v", got)
		}
	})
}

// rowsOf finds rows that hold a customer's id where none should.
func rowsOf(t *testing.T, h *servertest.House, id customer.ID) (out []string) {
	t.Helper()
	kept := []string{"event", "unchained", "disclosure", "tally", "job", "dead_job"} // the record of what was done keeps the pseudonym
	for table := range privacy.Kept {
		if table != "customer" { // of which the tombstone alone stays
			kept = append(kept, table)
		}
	}
	for _, table := range tables(t, h) {
		if slices.Contains(kept, table) {
			continue
		}
		for _, row := range dumped(t, h, table) {
			if table == "customer" && fmt.Sprint(row["state"]) == string(customer.Erased) {
				continue // the tombstone: an id that is never given again
			}
			for column, v := range row {
				if raw, ok := v.([]byte); ok && string(raw) == string(id.Bytes()) || fmt.Sprint(v) == id.String() {
					out = append(out, fmt.Sprintf("%s.%s still names the customer", table, column))
				}
			}
		}
	}
	return out
}

// Whoever is locked stays out by every way, and no way unlocks.
func TestH131_TheLockedStayOutByEveryWay(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		s := rob(t, h)
		givePassword(t, h, ann, secure)
		id := idOf(t, h, ann)
		h.Update(func(tx *db.Tx) error { return account.Acts{}.Lock(tx, h.Tenant(), id, account.Staff{Reason: "test"}) })
		h.Clock.Advance(5 * time.Hour)
		locked := func(way string, b *servertest.Browser) {
			t.Helper()
			if b != nil && inside(h, b) {
				t.Errorf("%s lets in", way)
			}
			h.View(func(tx *db.Tx) error {
				c, err := customer.Get(tx, h.Tenant(), id)
				if c.State != customer.Locked {
					t.Errorf("%s makes the account %s", way, c.State)
				}
				return err
			})
			if n := len(sessionsOf(t, h, ann)); n != 0 {
				t.Errorf("%s leaves %d sessions", way, n)
			}
		}
		held := probe{Target: "/account", Cookies: s.cookies}.send(t, h)
		if held.Status == http.StatusOK {
			t.Error("the session goes on")
		}
		locked("the old session", nil)
		b := servertest.NewBrowser(t)
		h.Finish(named(h, b, ann, "continue").Submit("code", newest(t, h, ann, "/signin/link").Code))
		locked("a code", b)
		h.Clock.Advance(5 * time.Hour)
		b = servertest.NewBrowser(t)
		named(h, b, ann, "continue")
		b.Get(newest(t, h, ann, "/signin/link").Link).Submit("action", "continue")
		locked("a link", b)
		b = servertest.NewBrowser(t)
		named(h, b, ann, "password").Submit("password", secure)
		locked("a password", b)
		h.Clock.Advance(5 * time.Hour)
		b = servertest.NewBrowser(t)
		p := b.Get(h.URL+"/signin?recover=1").Submit("identifier", ann)
		p = p.Submit("code", newest(t, h, ann, "/signin/link").Code)
		if p.Has("new_password") {
			t.Error("recovery of a locked account offers a new password")
		}
		locked("recovery", b)
		b.Post(h.URL+"/undo", url.Values{"t": {s.undo}, "action": {"continue"}})
		locked("the way back of an address", b)
		if got := h.Refresh(h.Apps["web"], s.refresh); got.Error != "invalid_grant" {
			t.Errorf("a refresh token: %+v", got)
		}
		if got := h.Redeem(h.Apps["web"], s.authorize); got.Status == http.StatusOK {
			t.Errorf("a code: %+v", got)
		}
		if status, _ := h.Bearer("/oauth2/userinfo", s.access); status == http.StatusOK {
			t.Error("an access token opens userinfo")
		}
		if h.Introspect(h.Apps["web"], s.access)["active"] == true {
			t.Error("an access token is active")
		}
	}, servertest.Options{Settings: passwordAlone})
}

// The link of somebody's message, opened where somebody else is signed in,
// switches nobody's account, and signs nobody in where it was not asked for.
func TestH133_ALinkOpenedElsewhereChangesNobodysSession(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, bob)
		victim := signedUp(t, h, ann)
		h.Clock.Advance(time.Minute)
		attacker := servertest.NewBrowser(t)
		named(h, attacker, bob, "continue")
		m := newest(t, h, bob, "/signin/link")
		before := victim.Cookie(h.URL, "session")
		p := victim.Get(m.Link)
		if p.Has("continue") {
			p.Submit("action", "continue")
		}
		got := probe{Method: "POST", Target: "/signin/link", Cookies: cookiesOf(victim, h), Form: url.Values{"t": {token(m)}, "action": {"continue"}}}.send(t, h)
		if strings.Contains(strings.Join(got.Header.Values("Set-Cookie"), "\n"), "session=") || victim.Cookie(h.URL, "session") != before {
			t.Errorf("the session was switched: %v", got)
		}
		if page := victim.Get(h.URL + "/account/addresses"); !strings.Contains(page.Body, ann) || strings.Contains(page.Body, bob) {
			t.Error("another account is open")
		}
		head := probe{Method: "HEAD", Target: "/signin/link?t=" + token(m), Cookies: cookiesOf(attacker, h)}.send(t, h)
		if head.Status != http.StatusOK || inside(h, attacker) {
			t.Errorf("a mail program's look used the link: %v", head)
		}
		if p := attacker.Get(m.Link).Submit("action", "continue"); !inside(h, attacker) {
			t.Errorf("the link does not work where it was asked for: %d %s", p.Status, p.Text())
		}
		if n := len(sessionsOf(t, h, bob)); n != 2 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A new message ends the one before it, code and link.
func TestH134_ANewMessageEndsTheOneBefore(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		p := named(h, b, ann, "continue")
		first := newest(t, h, ann, "/signin/link")
		h.Clock.Advance(time.Minute)
		p.Submit("action", "resend")
		second := newest(t, h, ann, "/signin/link")
		if first.Code == second.Code || first.Link == second.Link || len(token(second)) < 43 {
			t.Fatalf("%q %q, %q %q", first.Code, second.Code, first.Link, second.Link)
		}
		if p := b.Get(first.Link); p.Status != http.StatusGone {
			t.Errorf("the old link: %d", p.Status)
		}
		if p.Submit("code", first.Code); exists(h, ann) {
			t.Error("the old code opens")
		}
		if h.Finish(p.Submit("code", second.Code)); !exists(h, ann) || !inside(h, b) {
			t.Error("the new code does not open")
		}
	})
}

// However many ask from wherever, an address gets three messages an hour, and
// who asks hears the same whether anybody is there.
func TestH137_FortyNetworksCannotFloodAnAddress(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		h.Advance(20 * time.Hour)
		heard := map[string][]int{}
		for _, address := range []string{ann, bob} {
			before := len(h.Inbox(address))
			for i := range 40 {
				b := from(t, fmt.Sprintf("198.51.%d.7", i))
				p := b.Get(h.URL+[]string{"/signin", "/signin?recover=1"}[i%2]).Submit("identifier", address)
				heard[address] = append(heard[address], p.Status)
			}
			if n := len(h.Inbox(address)) - before; n != 3 {
				t.Errorf("%s got %d messages", address, n)
			}
		}
		if !slices.Equal(heard[ann], heard[bob]) {
			t.Errorf("who asks hears %v and %v", heard[ann], heard[bob])
		}
	}, manyNetworks)
}

// What a password may hold, and what it must not cost: nothing is cut, nothing
// is folded but the spelling of the same letters.
func TestH080_PasswordsAreKeptAsTheyAre(t *testing.T) {
	n72 := "vogel hecke zaun garten " + strings.Repeat("xy", 24) // 72 bytes
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		set := func(password string) reply {
			h.Clock.Advance(time.Second)
			return probe{Method: "POST", Target: "/account/password", Cookies: in.cookies, Form: url.Values{"new_password": {password}}}.send(t, h)
		}
		opens := func(password string) bool {
			h.Clock.Advance(time.Hour)
			b := servertest.NewBrowser(t)
			return named(h, b, ann, "password").Submit("password", password).URL.Path == "/account"
		}
		kept := func(password string, not ...string) {
			t.Helper()
			in.again()
			if got := set(password); got.Status != http.StatusSeeOther {
				t.Errorf("%.40q (%d bytes) is refused: %v", password, len(password), got)
				return
			}
			if !opens(password) {
				t.Errorf("%.40q (%d bytes) does not open", password, len(password))
			}
			for _, p := range not {
				if opens(p) {
					t.Errorf("%.40q opens in place of %.40q", p, password)
				}
			}
		}
		kept(n72+"EINS", n72, n72+"ZWEI", n72+"EIN")
		kept(strings.Repeat("vogelhecke zaungarten ", 12)[:256], strings.Repeat("vogelhecke zaungarten ", 12)[:255])
		kept("  spaces before and after  ", "spaces before and after", "  spaces before and after")
		kept("Caf\u00e9 am gr\u00fcnen Zaun 7", "Cafe am grunen Zaun 7", "caf\u00e9 am gr\u00fcnen zaun 7")
		if !opens("Cafe\u0301 am gru\u0308nen Zaun 7") {
			t.Error("the same letters in the other spelling do not open")
		}
		kept(strings.Repeat("\U0001F426\U0001F33F", 8) + " birdsong")
		in.again()
		for what, password := range map[string]string{
			"257 characters": strings.Repeat("vogelhecke zaungarten ", 12)[:257], "over 1024 bytes": strings.Repeat("\U0001F426", 300),
			"own address": ann, "too short": "vogel zaun 7",
		} {
			if got := set(password); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %v", what, got)
			}
		}
		if got := in.submits("POST", "/account/password", "new_password=vogel+hecke%00+zaun+garten+7"); got.Status != http.StatusBadRequest {
			t.Errorf("NUL: %v", got)
		}
		if got := set(strings.Repeat("v", 1<<20)); got.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("a megabyte: %v", got)
		}
	}, servertest.Options{Settings: passwordAlone})
}

// A new house has nobody in it, the first operator's link works once, and a
// restart makes no other.
func TestH083_ANewHouseHasNoWayInButOneLinkOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		staff := h.House.BuiltIn()
		host := strings.TrimPrefix(staff.Origin, "http://")
		if n := len(dumped(t, h, "customer")) + len(dumped(t, h, "role_assignment")); n != 0 {
			t.Fatalf("%d people are there from the beginning", n)
		}
		link, err := h.BootstrapLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		press := func(token, address string) reply {
			return probe{Method: "POST", Target: "/bootstrap", Host: host, Form: url.Values{"t": {token}, "identifier": {address}, "new_password": {secure}}}.send(t, h)
		}
		if got := press(other(u.Query().Get("t")), mallet); got.Status != http.StatusGone {
			t.Errorf("a made-up link: %v", got)
		}
		wrongDoor := probe{Method: "POST", Target: "/bootstrap", Form: url.Values{"t": {u.Query().Get("t")}, "identifier": {mallet}, "new_password": {secure}}}
		if got := wrongDoor.send(t, h); got.Status != http.StatusNotFound {
			t.Errorf("at another tenant: %v", got)
		}
		got := make([]reply, 20)
		together(len(got), func(i int) { got[i] = press(u.Query().Get("t"), fmt.Sprintf("operator%d@example.com", i)) })
		if n := count(got); n[http.StatusSeeOther] != 1 {
			t.Errorf("twenty presses: %v", n)
		}
		if n := len(dumped(t, h, "role_assignment")); n != 1 {
			t.Errorf("%d operators", n)
		}
		port := reopened(t, h)
		again := probe{Method: "POST", Target: "/bootstrap", Host: host, Port: port, Form: url.Values{"t": {u.Query().Get("t")}, "identifier": {mallet}, "new_password": {secure}}}
		if got := again.send(t, h); got.Status != http.StatusGone {
			t.Errorf("after a restart: %v", got)
		}
		if link, err := h.BootstrapLink(t.Context()); err != nil || link != "" {
			t.Errorf("a restart makes another link: %q %v", link, err)
		}
	})
}
