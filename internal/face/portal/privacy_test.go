package portal_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// kept is a password hash like none other.
const kept = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

// unzipped reads the files of an archive.
func unzipped(t *testing.T, file string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(file)), int64(len(file)))
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

// The archive holds every value that the customer gave, and no secret.
func TestTheArchiveHoldsEverythingAndNoSecret(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.at(b, "/account/profile").Submit("given_name", "Goldammer", "nickname", "<b>Wiedehopf</b>", "address-street_address", "Kranichweg 77")
		web := d.Apps["web"]
		d.Bearer("/oauth2/userinfo", d.Redeem(web, d.Authorize(b, web, mia, "scope", "openid email profile").Get("code")).AccessToken)
		c := d.who(mia).ID
		var setup credential.TOTPSetup
		d.Update(func(tx *db.Tx) (err error) {
			if err = credential.SetPassword(tx, d.Tenant(), c, kept); err != nil {
				return err
			}
			setup, err = credential.BeginTOTP(tx, d.Tenant(), c, "Kestrel phone")
			return err
		})
		session := b.Cookie(d.URL, "session")
		p := d.at(b, "/account/privacy")
		d.says(p, "Download my data", "Prepare my data", "Fern web", "Email address")
		p = d.post(b, "/account/privacy/download")
		d.is(p, 200, "/account/privacy")
		d.says(p, "We are preparing your data")
		d.Settle()
		d.Settle() // the mail that it drafted
		p = d.at(b, "/account/privacy")
		d.says(p, "Your data is ready", "You, as a download")
		told := 0
		for _, m := range d.Inbox(mia) {
			if strings.Contains(m.Text, "/account/privacy") {
				told++
			}
		}
		if told != 1 {
			d.t.Errorf("%d mails tell that it is ready", told)
		}
		token := d.link(c)
		got := d.get(b, "/account/privacy/archive?t="+token)
		if got.Status != 200 || got.Header.Get("Content-Type") != "application/zip" || got.Header.Get("Cache-Control") != "no-store" {
			d.t.Fatalf("%d %v", got.Status, got.Header)
		}
		files := unzipped(d.t, got.Body)
		for _, name := range []string{"data.json", "index.html"} {
			for _, want := range []string{mia, "Goldammer", "Kranichweg 77", "Fern web"} {
				if !strings.Contains(files[name], want) {
					d.t.Errorf("%s does not hold %q", name, want)
				}
			}
			secrets := []string{kept, setup.Secret, session, token}
			for _, row := range d.digests() {
				secrets = append(secrets, hex.EncodeToString(row), base64.RawURLEncoding.EncodeToString(row), base64.StdEncoding.EncodeToString(row))
			}
			for _, s := range secrets {
				if s != "" && strings.Contains(files[name], s) {
					d.t.Errorf("%s holds a secret: %.12s", name, s)
				}
			}
		}
		if !strings.Contains(files["data.json"], "access request") || !strings.Contains(files["index.html"], "For this copy of your data") {
			d.t.Error("the archive does not say why it was made")
		}
		if strings.Contains(files["index.html"], "<b>Wiedehopf") {
			d.t.Error("a value became markup")
		}
		var doc struct {
			Format string                      `json:"format"`
			Data   map[string][]map[string]any `json:"data"`
		}
		if err := json.Unmarshal([]byte(files["data.json"]), &doc); err != nil || doc.Format != "cardea-archive/1" {
			d.t.Fatal(err, doc.Format)
		}
		for _, section := range []string{"account", "profile", "identifiers", "sessions", "password", "applications", "disclosures", "events", "consents"} {
			if section != "consents" && len(doc.Data[section]) == 0 {
				d.t.Errorf("the section %s is empty", section)
			}
		}
		n := 0
		d.View(func(tx *db.Tx) error {
			list, err := release.Record(tx, d.Tenant(), c, 100)
			n = 0
			for _, e := range list {
				if e.RecipientKind == release.Export && e.Reason == "access request" {
					n++
				}
			}
			return err
		})
		if n != 1 {
			d.t.Errorf("the export is written down %d times", n)
		}
	})
}

// link makes a link to the customer's archive, as the page does.
func (d *desk) link(c customer.ID) (token string) {
	d.t.Helper()
	d.Update(func(tx *db.Tx) (err error) { token, err = privacy.LinkArchive(tx, d.Tenant(), c); return err })
	return token
}

// digests are the digests of secrets as they rest.
func (d *desk) digests() (out [][]byte) {
	d.t.Helper()
	d.View(func(tx *db.Tx) error {
		out = nil
		for _, from := range []string{`SELECT digest FROM session LIMIT 1`, `SELECT digest FROM refresh_token LIMIT 1`, `SELECT link_digest FROM archive LIMIT 1`} {
			v, ok, err := db.Value[[]byte](tx, from)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, v)
			}
		}
		return nil
	})
	return out
}

// A link hands the archive out once, to its customer alone, within five minutes.
func TestALinkHandsTheArchiveOutOnce(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.is(d.post(b, "/account/privacy/download"), 200, "/account/privacy")
		d.Settle()
		c := d.who(mia).ID
		other := d.visitor("sam@example.test")
		token := d.link(c)
		if p := d.get(other, "/account/privacy/archive?t="+token); p.Status != 410 {
			d.t.Errorf("another customer gets %d", p.Status)
		}
		if p := d.get(servertest.NewBrowser(d.t), "/account/privacy/archive?t="+token); !strings.HasPrefix(p.URL.Path, "/signin") {
			d.t.Errorf("a stranger comes to %d %s", p.Status, p.URL)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		got := map[string]int{}
		for range 50 {
			wg.Go(func() {
				err := d.DB.Update(d.t.Context(), func(tx *db.Tx) error {
					_, _, err := privacy.TakeArchive(tx, d.Tenant(), c, token)
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				if f := fault.Of(err); f != nil {
					got[f.Code]++
				} else {
					got["taken"]++
				}
			})
		}
		wg.Wait()
		if got["taken"] != 1 || got["taken"]+got["archive_link_used"] != 50 {
			d.t.Errorf("50 at once: %v", got)
		}
		late := d.link(c)
		d.Advance(privacy.LinkFor + time.Second)
		if p := d.get(b, "/account/privacy/archive?t="+late); p.Status != 410 {
			d.t.Errorf("a link that is too old gives %d", p.Status)
		}
	})
}

// Nobody takes the data away with an old proof, and nothing of an archive stays
// after its week.
func TestAnArchiveNeedsAFreshProofAndIsGoneAfterAWeek(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.Advance(20 * time.Minute)
		if after := d.post(b, "/account/privacy/download"); !strings.HasPrefix(after.URL.Path, "/signin/") {
			d.t.Fatalf("an old proof leads to %d %s", after.Status, after.URL)
		}
		b = d.visitor(mia)
		d.is(d.post(b, "/account/privacy/download"), 200, "/account/privacy")
		d.Settle()
		d.Advance(20 * time.Minute)
		if after := d.post(b, "/account/privacy/link"); !strings.HasPrefix(after.URL.Path, "/signin/") {
			d.t.Errorf("an old proof gets a link: %d %s", after.Status, after.URL)
		}
		d.Advance(privacy.ArchiveFor)
		d.Update(func(tx *db.Tx) error {
			if _, err := privacy.SweepArchives(tx, 100); err != nil {
				return err
			}
			n, _, err := db.Value[int64](tx, `SELECT count(*) FROM archive`)
			if n != 0 {
				d.t.Errorf("%d archives stay", n)
			}
			return err
		})
	})
}

// "What we know about you" shows each value with where it is from, what it is
// used for and who was given it, and nothing that is hostile in it is alive.
func TestWhatIsKnownIsToldWithItsOriginAndItsUse(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		if page := d.at(b, "/account/data").Text(); strings.Contains(page, "Given to") {
			t.Errorf("before anything was given: %s", page)
		}
		d.at(b, "/account/profile").Submit("given_name", "Goldammer", "nickname", "<b>Wiedehopf</b>", "birthdate", "1990-04-27")
		web := d.Apps["web"]
		d.Bearer("/oauth2/userinfo", d.Redeem(web, d.Authorize(b, web, mia, "scope", "openid email profile").Get("code")).AccessToken)
		d.Update(func(tx *db.Tx) error {
			return customer.SetField(tx, d.Tenant(), d.who(mia).ID, "family_name", "Pirol", "staff:support")
		})
		page := d.at(b, "/account/data")
		for _, want := range []string{"Goldammer", "27 April 1990", "From you", "Written by our staff", "Used for", "Your account", "Needed for what you asked us to do", "Kept", "As long as your account", "Given to", "Correct"} {
			if !strings.Contains(page.Text(), want) {
				t.Errorf("%q is not told: %s", want, page.Text())
			}
		}
		if strings.Contains(page.Body, "<b>Wiedehopf") {
			t.Error("a value is alive")
		}
	})
}
