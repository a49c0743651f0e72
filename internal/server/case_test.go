package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// hostileWords are words that are markup, a formula, an order to a terminal, and
// written the other way round.
const hostileWords = `=HYPERLINK("https://evil.example")<script>alert(1)</script>` + "\n\x1b[2J\u202ebackwards {{.}} {reason}"

// ask makes a request in the portal and returns its reference.
func askCase(t *testing.T, h *servertest.House, b *servertest.Browser, form url.Values) (privacy.CaseID, *servertest.Page) {
	t.Helper()
	p := b.Post(h.URL+"/account/requests/new", form)
	var id privacy.CaseID
	if err := id.UnmarshalText([]byte(p.URL.Query().Get("case"))); err != nil {
		t.Fatalf("no request was made: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	return id, p
}

func TestARequestIsMadeFollowedAndAnswered(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		h.Configure(func(s *tenant.Settings) {
			s.Privacy.Officer = tenant.Officer{Name: "Dr. Lind", Mail: "dpo@fern.example"}
			s.Privacy.Authority = tenant.Authority{Name: "The Authority", URL: "https://authority.example"}
		})
		p := b.Get(h.URL + "/account/requests")
		for _, want := range []string{"You have made no requests", "Dr. Lind", "The Authority", "Correct my data", "Complain"} {
			if !strings.Contains(p.Text(), want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if p := b.Post(h.URL+"/account/requests/new", url.Values{"kind": {"rectification"}, "item": {"nickname"}, "words": {" "}}); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("a request without words: %d", p.Status)
		}
		id, p := askCase(t, h, b, url.Values{"kind": {"rectification"}, "item": {"nickname"}, "words": {hostileWords}})
		if strings.Contains(p.Body, "<script>alert") || !strings.Contains(p.Text(), "<script>alert(1)</script>") || !strings.Contains(p.Text(), "You get an answer by") {
			t.Errorf("%s", p.Body)
		}
		h.Settle()
		ref := id.String()
		mails := func(word string) (n int) {
			for _, m := range h.Inbox(ann) {
				if strings.Contains(m.Text, word) && strings.Contains(m.Text, ref) {
					n++
				}
			}
			return n
		}
		if mails("has the reference") != 1 {
			t.Error("the request was not confirmed")
		}
		if err := pauses(h, ref, "Which name?"); err != nil {
			t.Fatal(err)
		}
		if p := b.Get(h.URL + "/account/requests/one?case=" + ref); !strings.Contains(p.Text(), "Which name?") || !strings.Contains(p.Text(), "stands still") {
			t.Errorf("%s", p.Text())
		}
		b.Post(h.URL+"/account/requests/words", url.Values{"case": {ref}, "words": {"Annie"}})
		if err := decides(h, ref, privacy.Decision{Outcome: privacy.Partly, Value: "Annie", Reason: "Corrected."}); err != nil {
			t.Fatal(err)
		}
		if p := b.Get(h.URL + "/account/profile"); !strings.Contains(p.Body, `value="Annie"`) {
			t.Error("the field was not put right")
		}
		p = b.Get(h.URL + "/account/requests/one?case=" + ref)
		for _, want := range []string{"Met in part", "Corrected.", "Annie", "The Authority"} {
			if !strings.Contains(p.Text(), want) {
				t.Errorf("the page does not say %q\n%s", want, p.Text())
			}
		}
		h.Settle()
		if mails("Corrected.") != 1 || mails("Which name?") != 1 {
			t.Error("not every step was told by mail")
		}
		if p := b.Post(h.URL+"/account/requests/words", url.Values{"case": {ref}, "words": {"More"}}); p.Status == http.StatusOK {
			t.Errorf("words were added to an answered request: %d", p.Status)
		}
	})
}

// pauses and decides are what staff do, past the commands.
func pauses(h *servertest.House, ref string, words string) error {
	return inCase(h, ref, func(tx *db.Tx, c privacy.Case) error {
		_, err := privacy.Pause(tx, h.Tenant(), c, journal.Actor{Kind: "operator"}, words)
		return err
	})
}

func decides(h *servertest.House, ref string, d privacy.Decision) error {
	d.Actor = journal.Actor{Kind: "operator"}
	return inCase(h, ref, func(tx *db.Tx, c privacy.Case) error {
		_, err := privacy.DecideCase(tx, h.Tenant(), c, d)
		return err
	})
}

func inCase(h *servertest.House, ref string, do func(*db.Tx, privacy.Case) error) error {
	var id privacy.CaseID
	if err := id.UnmarshalText([]byte(ref)); err != nil {
		return err
	}
	return h.DB.Update(context.Background(), func(tx *db.Tx) error {
		c, err := privacy.GetCase(tx, h.Tenant(), id)
		if err != nil {
			return err
		}
		return do(tx, c)
	})
}

// H113, H114: what others have is not there, and nothing comes of trying.
func TestH113_RequestsOfOthersAreNotThere(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b, other := signedUp(t, h, ann), signedUp(t, h, "bea@example.test")
		id, _ := askCase(t, h, b, url.Values{"kind": {"complaint"}, "words": {"Hers alone"}})
		ref := url.Values{"case": {id.String()}, "words": {"x"}}
		for _, p := range []*servertest.Page{
			other.Get(h.URL + "/account/requests/one?case=" + id.String()), other.Get(h.URL + "/account/requests/withdraw?case=" + id.String()),
			other.Post(h.URL+"/account/requests/words", ref), other.Post(h.URL+"/account/requests/withdraw", ref),
			b.Get(h.URL + "/account/requests/one?case=cas_x"), b.Get(h.URL + "/account/requests/one"),
		} {
			if p.Status != http.StatusNotFound || strings.Contains(p.Text(), "Hers alone") {
				t.Errorf("%s: %d", p.URL, p.Status)
			}
		}
		if _, err := h.Base.ShowRequest(context.Background(), h.House.BuiltIn(), id.String(), "curious"); !errors.Is(err, privacy.ErrNoCase) {
			t.Errorf("another tenant sees it: %v", err)
		}
		p := b.Get(h.URL+"/account/requests/withdraw?case="+id.String()).Submit("case", id.String())
		if !strings.Contains(p.Text(), "Withdrawn") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
	})
}

func TestTheDownloadAndTheClosingAreCasesThatEndByThemselves(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		c := idOf(t, h, ann)
		cases := func() (list []privacy.Case) {
			h.View(func(tx *db.Tx) (err error) { list, err = privacy.CasesOf(tx, h.Tenant(), c); return err })
			return list
		}
		b.Post(h.URL+"/account/privacy/download", url.Values{})
		list := cases()
		if len(list) != 1 || list[0].Kind != privacy.Access || list[0].Level == "" {
			t.Fatalf("%+v", list)
		}
		h.Settle()
		if list = cases(); len(list) != 1 || list[0].Outcome != privacy.Done {
			t.Fatalf("%+v", list)
		}
		b.Get(h.URL+"/account/close").Submit("typed_address", ann)
		if list = cases(); len(list) != 2 || list[0].Kind != privacy.Erasure || list[0].State != privacy.CaseOpen {
			t.Fatalf("%+v", list)
		}
		h.Advance(15 * 24 * time.Hour)
		h.Settle()
		if list = cases(); len(list) != 2 || list[0].Outcome != privacy.Done {
			t.Fatalf("%+v", list)
		}
	})
}

// A restricted customer's data is withheld by the gate, by the answer to a case.
func TestARestrictionByACaseHoldsDataBack(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b, home := signedUp(t, h, ann), h.Tenant()
		id, _ := askCase(t, h, b, url.Values{"kind": {"restriction"}})
		seen := func() (n int) {
			h.Update(func(tx *db.Tx) error {
				d, err := release.Disclose(tx, home, release.Ask{
					Customer: idOf(t, h, ann), Recipient: release.Recipient{Kind: release.Operator}, Purpose: "support", Fields: []string{"email"}, Reason: "a look",
				})
				n = len(d.Values)
				return err
			})
			return n
		}
		before := seen()
		if err := decides(h, id.String(), privacy.Decision{Outcome: privacy.Done, Reason: "Until it is settled."}); err != nil {
			t.Fatal(err)
		}
		if after := seen(); before != 1 || after != 0 {
			t.Errorf("staff saw %d fields before, and %d after", before, after)
		}
		if p := b.Get(h.URL + "/account/requests/new?kind=restriction"); !strings.Contains(p.Text(), "Use my data as before again") {
			t.Error("it cannot be lifted")
		}
	})
}

// keysOf is the tenant's published evidence keys.
func keysOf(t *testing.T, h *servertest.House) []byte {
	t.Helper()
	p := servertest.NewBrowser(t).Get(h.URL + tenant.EvidencePath)
	if p.Status != http.StatusOK {
		t.Fatalf("%d %s", p.Status, p.Body)
	}
	return []byte(p.Body)
}

// H160, H166, H221: the bundle verifies offline, names what does not fit, and
// what somebody wrote stays words in it.
func TestTheBundleProvesTheCaseAndNamesWhatDoesNotFit(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b, ctx, home := signedUp(t, h, ann), context.Background(), h.Tenant()
		id, _ := askCase(t, h, b, url.Values{"kind": {"complaint"}, "words": {hostileWords}})
		if err := decides(h, id.String(), privacy.Decision{Outcome: privacy.Done, Reason: "@SUM(1) sorry;=1+1\n\"=2+2"}); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		file, err := h.Base.BundleRequest(ctx, home, id.String(), "for the authority")
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(t, h)
		got, issuer, n, err := server.VerifyBundleWith(keys, file)
		if err != nil || got != id.String() || issuer != home.Issuer() || n < 7 {
			t.Fatalf("%s %s %d %v", got, issuer, n, err)
		}
		files := unpacked(t, file)
		if html := files["case.html"]; strings.Contains(html, "<script>alert") || !strings.Contains(html, "&lt;script&gt;") {
			t.Error("words became markup")
		}
		if table := files["history.csv"]; !strings.Contains(table, `'=HYPERLINK`) || !strings.Contains(table, `'@SUM(1) sorry;'=1+1`) || !strings.Contains(table, `""'=2+2`) {
			t.Errorf("a cell begins a formula: %s", table)
		}
		var events []struct {
			Event string
			Seq   int64
			Link  string
		}
		if err := json.Unmarshal([]byte(files["events.json"]), &events); err != nil {
			t.Fatal(err)
		}
		linked := map[string]bool{}
		for _, e := range events {
			linked[e.Event] = e.Seq > 0 && e.Link != ""
		}
		if !linked["privacy.case_opened"] || !linked["privacy.case_decided"] {
			t.Errorf("%+v", events)
		}
		for name := range files {
			for what, change := range map[string]func(map[string]string){
				"changed": func(f map[string]string) { f[name] += "x" },
				"missing": func(f map[string]string) { delete(f, name) },
			} {
				other := unpacked(t, file)
				change(other)
				_, _, _, err := server.VerifyBundleWith(keys, zippedAgain(t, other))
				if err == nil || !strings.Contains(err.Error()+adviceOf(err), name) && !strings.HasPrefix(name, "manifest") {
					t.Errorf("%s is %s: %v", name, what, err)
				}
			}
		}
		files["more.txt"] = "added"
		if _, _, _, err := server.VerifyBundleWith(keys, zippedAgain(t, files)); err == nil || !strings.Contains(adviceOf(err), "more.txt") {
			t.Errorf("a file was added: %v", err)
		}
		if _, _, _, err := server.VerifyBundleWith([]byte(`{"keys":[]}`), file); err == nil {
			t.Error("it verifies with no key")
		}
		if _, err := h.Base.BundleRequest(ctx, home, id.String(), " "); err == nil {
			t.Error("a bundle was made for no reason")
		}
		if lines := reasonsOf(h, idOf(t, h, ann)); !strings.Contains(lines, "for the authority") {
			t.Errorf("that it was read is not on record: %s", lines)
		}
	})
}

func adviceOf(err error) string {
	var a *server.Advice
	if errors.As(err, &a) {
		return a.Text
	}
	return ""
}

func reasonsOf(h *servertest.House, c customer.ID) (out string) {
	h.View(func(tx *db.Tx) error {
		list, err := release.Record(tx, h.Tenant(), c, 50)
		out = ""
		for _, e := range list {
			out += e.Reason + "\n"
		}
		return err
	})
	return out
}

func unpacked(t *testing.T, file []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

func zippedAgain(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Checklist 58: from every page of the account, withdrawing a consent is one
// link and one button away, and neither stands behind anything that opens.
func TestAConsentIsWithdrawnInTwoClicksFromEveryPage(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		letterTo(t, h, h.Apps["web"])
		chooses(t, h, b, "given")
		id, _ := askCase(t, h, b, url.Values{"kind": {"access"}})
		pages := 0
		for _, r := range routes(t, h) {
			if r.Method != http.MethodGet || !strings.HasPrefix(r.Path, "/account") || strings.ContainsAny(r.Path, "{") {
				continue
			}
			p := b.Get(h.URL + r.Path + "?case=" + id.String())
			if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/account") || !strings.Contains(p.Body, "<nav") || p.Header.Get("Content-Disposition") != "" {
				continue // a file, an error page, a way back to signing in
			}
			if pages++; p.Follow("My consents").URL.Path != "/account/consents" {
				t.Errorf("%s does not lead to the consents", r.Path)
			}
		}
		if pages < 15 {
			t.Fatalf("only %d pages", pages)
		}
		p := b.Get(h.URL + "/account/consents")
		before, _, found := strings.Cut(p.Body, `value="withdrawn"`)
		if !found || strings.Count(before, "<details") != strings.Count(before, "</details>") {
			t.Error("the button does not stand openly on the page")
		}
		chooses(t, h, b, "withdrawn")
	})
}
