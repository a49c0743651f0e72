package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// Text that is no text is a bad request in every field of every form, whatever
// the engine below would say of it.
func TestH169_BytesThatAreNoTextAreABadRequestEverywhere(t *testing.T) {
	spoilt := []string{"%00", "a%00b", "%C0%80", "%ED%A0%80", "%FF", "%80", "%F5%80%80%80", "%E2%28%A1", "%zz"}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		for i, r := range routes(t, h) {
			if bodiless(r) {
				continue
			}
			for j, target := range targets(r, in.flow) {
				for k := (i + j) % 5; k < len(names); k += 5 {
					raw := names[k] + "=" + spoilt[(i+j+k)%len(spoilt)]
					got := in.submits(r.Method, target, raw)
					proven := !asksFirst(r) || got.Status != http.StatusUnauthorized
					if got.Status != http.StatusBadRequest && proven {
						t.Fatalf("%s with %s: %v", target, raw, got)
					}
				}
			}
		}
	})
}

// submits sends raw fields as the query of a page or the body of a form.
func (in *insider) submits(method, target, raw string) reply {
	in.t.Helper()
	if method == http.MethodGet {
		return probe{Target: target + "?" + raw, Cookies: in.cookies}.send(in.t, in.h)
	}
	return probe{Method: method, Target: target, Body: raw, Cookies: in.cookies, Header: http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {in.h.URL},
	}}.send(in.t, in.h)
}

// odd is what forms are not made for.
var odd = []string{
	"", " ", "0", "-1", "1e999", "null", "../../etc/passwd", "//evil.example", "https://evil.example/", `/\evil.example`, "/%2f/evil.example",
	"javascript:alert(1)", "/account\r\nSet-Cookie: a=b", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "' OR 1=1 --",
	"{{.}}", "${7*7}", "é💥", "a\u202eb", "\ufeff", strings.Repeat("x", 5000), "flo_", "cus_00000000000000000000000000", "ses_zzzzzzzzzzzzzzzzzzzzzzzzzz",
	"A.B.C", "a@b", "a@b@c", "+99999999999999999999", "9999-99-99", "\t", "%", "%%", "1,2", "[]", "on",
}

// Whatever is typed into whichever field of whichever form: no failure of ours,
// no way to another site, no markup that was not ours.
func TestH169_H170_NothingThatIsTypedBreaksAPageOrLeavesTheSite(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		for i, r := range routes(t, h) {
			if strings.HasPrefix(r.Path, "/dev/clock") {
				continue
			}
			for j, target := range targets(r, in.flow) {
				for k := (i + j) % 4; k < len(odd); k += 4 {
					form := url.Values{}
					for n, name := range names {
						form.Set(name, odd[(i+j+k+n)%len(odd)])
					}
					in.harmless(r, target, form)
					one := names[(i+j+k)%len(names)]
					in.harmless(r, target, url.Values{one: {odd[k]}})
				}
				if !in.alive() {
					in.again()
				}
				h.Clock.Advance(1e10) // the meters of flows run empty
			}
		}
	})
}

func (in *insider) harmless(r web.Route, target string, form url.Values) {
	in.t.Helper()
	got := in.submits(r.Method, target, form.Encode())
	if got.Status == 0 || got.Status >= 500 {
		in.t.Errorf("%s %s with %.300q: %v", r.Method, target, form, got)
	}
	if to := got.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`)) {
		in.t.Errorf("%s %s leads to %s with %.300q", r.Method, target, to, form)
	}
	if strings.Contains(strings.Join(got.Header.Values("Set-Cookie"), "\n"), "a=b") {
		in.t.Errorf("%s %s sets a cookie with %.300q", r.Method, target, form)
	}
	for _, wrong := range alive(got.Body) {
		in.t.Errorf("%s %s writes %s with %.300q", r.Method, target, wrong, form)
	}
}

// Members that no form offers are not read by any: not the state, not the flags
// of addresses, not roles, not whose row it is.
func TestH125_H170_NoFormWritesWhatItDoesNotOffer(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		signedUp(t, h, bob)
		in := enters(t, h, ann)
		before := guardedRows(t, h)
		extra := url.Values{}
		for _, c := range columns(t, h) {
			extra.Set(c, "1")
		}
		for name, value := range map[string]string{
			"email": mallet, "email_verified": "true", "verified_at": "1", "phone_number": "+33612345678", "phone_number_verified": "true",
			"state": "active", "role": "operator", "roles": "operator", "customer_id": idOf(t, h, bob).String(), "sub": idOf(t, h, bob).String(),
			"tenant_id": h.Tenant().ID.String(), "acr": "urn:cardea:acr:phishing-resistant", "primary": "true", "is_primary": "true",
		} {
			extra.Set(name, value)
		}
		for _, name := range []string{"name", "locale", "zoneinfo", "account"} {
			extra.Del(name) // those are offered
		}
		for _, r := range routes(t, h) {
			if r.Method != http.MethodPost || r.Path == "/dev/clock" {
				continue
			}
			for _, target := range targets(r, in.flow) {
				form := url.Values{}
				for name, value := range extra {
					if r.Path != "/account/addresses/add" || name != "email" {
						form[name] = value
					}
				}
				if got := in.submits("POST", target, form.Encode()); got.Status == 0 || got.Status >= 500 {
					t.Errorf("%s: %v", target, got)
				}
				if !in.alive() {
					in.again()
				}
			}
		}
		if after := guardedRows(t, h); after != before {
			t.Error("a row was written:")
			for _, line := range strings.Split(after, "\n") {
				if !strings.Contains(before, line) {
					t.Error(line)
				}
			}
		}
	})
}

// guardedRows is what no form of the doors above may write.
func guardedRows(t *testing.T, h *servertest.House) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"customer_identifier", "identifier", "role_assignment", "password", "consent", "customer_field", "application", "tenant_origin"} {
		for _, row := range dumped(t, h, name) {
			fmt.Fprintf(&b, "%s: %v\n", name, row)
		}
	}
	for _, row := range dumped(t, h, "customer") {
		fmt.Fprintf(&b, "customer: %v %v\n", row["id"], row["state"])
	}
	return b.String()
}

// columns are the names of every column of every table.
func columns(t *testing.T, h *servertest.House) (out []string) {
	t.Helper()
	for _, table := range []string{"customer", "customer_identifier", "session", "app_grant", "flow", "password", "application", "tenant", "role_assignment"} {
		for _, row := range dumped(t, h, table) {
			for c := range row {
				if !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}
