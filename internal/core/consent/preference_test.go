package consent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// garden has three topics: one that is asked for twice, one that is sent unless
// somebody says no, and one by telephone.
func garden(h *coretest.House) {
	for i, d := range []consent.Topic{
		{ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Garden letter"}}, Channels: []consent.Channel{consent.ByEmail, consent.BySMS}, Frequencies: []string{"weekly", "monthly"}, DoubleOptIn: true},
		{ID: "care", Words: map[string]consent.TopicWords{"en": {Title: "Care tips"}}, Channels: []consent.Channel{consent.ByEmail, consent.BySMS}, Basis: consent.Interest},
		{ID: "offers", Words: map[string]consent.TopicWords{"en": {Title: "Offers"}}, Channels: []consent.Channel{consent.ByEmail, consent.BySMS, consent.ByPost}},
	} {
		h.Update(func(tx *db.Tx) error { return consent.PutTopic(tx, h.T(), d, i) })
	}
}

const canary = "canary.greenhouse@example.test"

func ask(h *coretest.House, q consent.Question) (a consent.Answer) {
	h.View(func(tx *db.Tx) (err error) { a, err = consent.Check(tx, h.T(), &app.Application{}, q); return err })
	a.Digest = [32]byte{}
	return a
}

func mailed(h *coretest.House, address, topic string) consent.Answer {
	return ask(h, consent.Question{Address: address, Topic: topic, Channel: consent.ByEmail})
}

func capture(h *coretest.House, address string, wishes ...consent.Wish) (links []consent.Link) {
	h.Update(func(tx *db.Tx) (err error) {
		links, err = consent.Capture(tx, h.T(), customer.Email, address, wishes, consent.Where{Locale: "en", Surface: "footer", Method: "form"})
		return err
	})
	return links
}

func join(tx *db.Tx, t *tenant.Tenant, address string) (customer.ID, error) {
	c, err := customer.Register(tx, t, customer.New{Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "signup"})
	if err != nil {
		return c.ID, err
	}
	return c.ID, consent.Merge(tx, t, c.ID, customer.Digest(t, customer.Email, address))
}

func through(h *coretest.House, url string, purpose consent.LinkPurpose) (consent.Link, error) {
	_, token, _ := strings.Cut(url, "?t=")
	return consent.ReadLink(h.T(), purpose, token, h.Clock.Now())
}

var byLink = consent.Where{Surface: "mail", Method: "one_click"}

func TestDoubleOptInIsPendingUntilItsHolderConfirmsItAndIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		links := capture(h, canary, consent.Wish{Topic: "letter", Channel: consent.ByEmail, On: true}, consent.Wish{Topic: "offers", Channel: consent.ByEmail, On: true})
		if len(links) != 1 || mailed(h, canary, "letter").Reason != consent.Waiting || !mailed(h, canary, "offers").Allowed {
			t.Fatalf("%+v", links)
		}
		if again := capture(h, canary, consent.Wish{Topic: "letter", Channel: consent.ByEmail, On: true}); len(again) > 0 {
			t.Error("what waits was asked for again")
		}
		l, err := through(h, links[0].URL(h.T()), consent.ToConfirm)
		if err != nil {
			t.Fatal(err)
		}
		errs := coretest.Together(50, func(int) error {
			return h.Try(func(tx *db.Tx) error { _, err := consent.Confirm(tx, h.T(), l, byLink); return err })
		})
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, consent.ErrConfirmed):
				t.Error(err)
			}
		}
		if a := mailed(h, canary, "letter"); won != 1 || !a.Allowed || a.Frequency != "weekly" {
			t.Errorf("%d confirmed, %+v", won, a)
		}
	})
}

func TestWhatAnAddressDecidedBecomesTheAccountsOnceWithItsHistory(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		links := capture(h, canary, consent.Wish{Topic: "letter", Channel: consent.ByEmail, On: true, Frequency: "monthly"},
			consent.Wish{Topic: "offers", Channel: consent.ByEmail, On: true}, consent.Wish{Topic: "care", Channel: consent.ByEmail})
		h.Wait(time.Hour)
		mia := h.Customer()
		digest := customer.Digest(h.T(), customer.Email, canary)
		for _, err := range coretest.Together(50, func(int) error {
			return h.Try(func(tx *db.Tx) error { return consent.Merge(tx, h.T(), mia, digest) })
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		h.View(func(tx *db.Tx) error {
			list, err := consent.Preferences(tx, h.T(), mia)
			if len(list) != 3 || list[0].State != consent.Off || list[1].State != consent.Pending || list[1].Frequency != "monthly" || list[2].State != consent.On {
				t.Errorf("%+v", list)
			}
			trail, lost := consent.Trail(tx, h.T(), mia)
			if len(trail) != 4 || trail[0].CustomerID != mia || trail[3].CustomerID == mia || trail[3].Surface != "footer" || !trail[3].MadeAt.Before(trail[0].MadeAt) {
				t.Errorf("%d of 4 decisions: %+v", len(trail), trail)
			}
			return errors.Join(err, lost)
		})
		h.Update(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, h.T(), mia, customer.NewIdentifier{Kind: customer.Email, Value: canary, Verified: true})
		})
		h.Update(func(tx *db.Tx) error { _, err := consent.Confirm(tx, h.T(), links[0], byLink); return err })
		if a := mailed(h, canary, "letter"); !a.Allowed {
			t.Errorf("the link of before leads nowhere: %+v", a)
		}
	})
}

func TestALinkIsGoodForItsPurposeTenantTimeAndHolderAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		var l consent.Link
		var mia customer.ID
		h.Update(func(tx *db.Tx) (err error) {
			if mia, err = join(tx, h.T(), canary); err != nil {
				return err
			}
			l, err = consent.LinkFor(tx, h.T(), consent.ToManage, customer.Digest(h.T(), customer.Email, canary), "letter", consent.ByEmail)
			return err
		})
		url := l.URL(h.T())
		_, token, _ := strings.Cut(url, "?t=")
		if got, err := through(h, url, consent.ToManage); err != nil || got != l {
			t.Fatalf("%+v, %v", got, err)
		}
		other := h.Tenant("moss", "https://id.moss.example")
		refused := func(what string, err error) {
			if !errors.Is(err, consent.ErrLink) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, purpose := range []consent.LinkPurpose{consent.ToUnsubscribe, consent.ToConfirm} {
			_, err := through(h, url, purpose)
			refused("another purpose", err)
		}
		_, err := consent.ReadLink(other, consent.ToManage, token, h.Clock.Now())
		refused("another tenant", err)
		for i := range token {
			touched := []byte(token)
			touched[i] = map[bool]byte{true: 'B', false: 'A'}[token[i] == 'A']
			_, err := consent.ReadLink(h.T(), consent.ToManage, string(touched), h.Clock.Now())
			refused("touched", err)
			_, err = consent.ReadLink(h.T(), consent.ToManage, token[:i], h.Clock.Now())
			refused("cut", err)
		}
		_, err = consent.ReadLink(h.T(), consent.ToManage, token[:9]+"\n"+token[9:], h.Clock.Now())
		refused("broken line", err)
		_, err = consent.ReadLink(h.T(), consent.ToManage, token, l.Expires)
		refused("too old", err)
		sms := []consent.Wish{{Topic: "letter", Channel: consent.BySMS, On: true}}
		if err := h.Try(func(tx *db.Tx) error { return consent.PreferByLink(tx, h.T(), l, sms, byLink) }); !errors.Is(err, consent.ErrNoTopic) {
			t.Errorf("a mail's link chose for a telephone: %v", err)
		}
		h.Update(func(tx *db.Tx) error {
			if err := consent.DestroyPreferences(tx, h.T(), mia); err != nil {
				return err
			}
			_, err := customer.Destroy(tx, h.T(), mia)
			return err
		})
		h.Update(func(tx *db.Tx) error { _, err := join(tx, h.T(), canary); return err })
		refused("somebody else has the address", h.Try(func(tx *db.Tx) error {
			return consent.PreferByLink(tx, h.T(), l, []consent.Wish{{Topic: "letter", Channel: consent.ByEmail, On: true}}, byLink)
		}))
	})
}

func TestUnsubscribingWorksTwiceForEverybodyAndSurvivesErasure(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		var mia customer.ID
		h.Update(func(tx *db.Tx) (err error) { mia, err = join(tx, h.T(), canary); return err })
		on := []consent.Wish{{Topic: "offers", Channel: consent.ByEmail, On: true}, {Topic: "care", Channel: consent.ByEmail}}
		prefer := func() {
			h.Update(func(tx *db.Tx) error {
				return consent.Prefer(tx, h.T(), mia, on, consent.Where{Surface: "portal", Method: "form"})
			})
		}
		prefer()
		digest := customer.Digest(h.T(), customer.Email, canary)
		for _, address := range []string{canary, "nobody@example.test"} {
			for range 2 {
				h.Update(func(tx *db.Tx) error {
					l, err := consent.LinkFor(tx, h.T(), consent.ToUnsubscribe, customer.Digest(h.T(), customer.Email, address), "offers", consent.ByEmail)
					if err != nil {
						return err
					}
					return consent.Unsubscribe(tx, h.T(), l, byLink)
				})
			}
			if a := mailed(h, address, "offers"); a.Allowed || a.Reason != consent.IsSuppressed {
				t.Errorf("%s: %+v", address, a)
			}
		}
		if waits := capture(h, canary, on[0]); len(waits) != 1 {
			t.Error("a form turned on what its holder had ended")
		}
		prefer()
		if a := mailed(h, canary, "offers"); !a.Allowed {
			t.Errorf("the holder changed their mind: %+v", a)
		}
		h.Update(func(tx *db.Tx) error { return consent.DestroyPreferences(tx, h.T(), mia) })
		h.View(func(tx *db.Tx) error {
			left, err := consent.Preferences(tx, h.T(), mia)
			against, lost := consent.Suppressions(tx, h.T(), digest)
			if len(left) > 0 || len(against) != 1 || against[0].Topic != "care" || against[0].Reason != consent.OptedOut {
				t.Errorf("%+v, %+v", left, against)
			}
			return errors.Join(err, lost)
		})
		if a := mailed(h, canary, "care"); a.Allowed {
			t.Error("an erased customer who had said no is written to")
		}
	})
}

func TestKnownAndUnknownAddressesAnswerAlikeWhereNothingWasDecided(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		mia, a := h.Customer(), h.App(true)
		h.Update(func(tx *db.Tx) (err error) { mia, err = join(tx, h.T(), canary); return err })
		for topic, allowed := range map[string]bool{"letter": false, "care": true} {
			known, stranger := mailed(h, canary, topic), mailed(h, "nobody@example.test", topic)
			if known != stranger || known.Allowed != allowed || known.Reason != consent.Undecided {
				t.Errorf("%s: %+v and %+v", topic, known, stranger)
			}
		}
		var sub string
		h.Update(func(tx *db.Tx) (err error) { sub, err = customer.Subject(tx, h.T(), a, mia); return err })
		h.Update(func(tx *db.Tx) error {
			return consent.Prefer(tx, h.T(), mia, []consent.Wish{{Topic: "offers", Channel: consent.ByPost, On: true}}, byLink)
		})
		byPost := consent.Question{Subject: sub, Topic: "offers", Channel: consent.ByPost}
		for who, want := range map[*app.Application]string{a: "", h.App(false): consent.Undecided} {
			h.View(func(tx *db.Tx) error {
				got, err := consent.Check(tx, h.T(), who, byPost)
				if got.Reason != want {
					t.Errorf("sector %s: %+v", who.Sector, got)
				}
				return err
			})
		}
		for _, q := range []consent.Question{
			{Address: canary, Topic: "none", Channel: consent.ByEmail}, {Address: canary, Topic: "letter", Channel: consent.ByPost},
			{Address: "@", Topic: "letter", Channel: consent.ByEmail}, {Topic: "letter", Channel: consent.ByEmail},
			{Address: canary, Subject: sub, Topic: "letter", Channel: consent.ByEmail},
		} {
			if got := ask(h, q); got.Allowed || got.Reason != consent.Unknown {
				t.Errorf("%+v: %+v", q, got)
			}
		}
	})
}

func TestAPauseAndQuietHoursEndWhenTheySay(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		var mia customer.ID
		h.Update(func(tx *db.Tx) (err error) { mia, err = join(tx, h.T(), canary); return err })
		rule := func(r consent.Rule) error {
			return h.Try(func(tx *db.Tx) error { return consent.SetRule(tx, h.T(), mia, r) })
		}
		until := h.Clock.Now().Add(48 * time.Hour).UTC().Truncate(time.Microsecond)
		if err := rule(consent.Rule{PausedUntil: until}); err != nil {
			t.Fatal(err)
		}
		if a := mailed(h, canary, "care"); a.Allowed || a.Reason != consent.Paused || !a.Until.Equal(until) {
			t.Errorf("%+v", a)
		}
		h.Wait(48 * time.Hour)
		if a := mailed(h, canary, "care"); !a.Allowed {
			t.Errorf("after the pause: %+v", a)
		}
		zone, err := time.LoadLocation("Asia/Kathmandu")
		if err != nil {
			t.Fatal(err)
		}
		local := h.Clock.Now().In(zone)
		minute := int64(local.Hour()*60 + local.Minute())
		if err := rule(consent.Rule{QuietFrom: (minute + 1439) % 1440, QuietUntil: (minute + 30) % 1440, Zone: "Asia/Kathmandu"}); err != nil {
			t.Fatal(err)
		}
		text := consent.Question{Address: canary, Topic: "care", Channel: consent.BySMS}
		if a := ask(h, text); a.Reason != consent.QuietHours || a.Until.Sub(h.Clock.Now()) > 30*time.Minute || !a.Until.After(h.Clock.Now()) {
			t.Errorf("%+v", a)
		}
		if a := mailed(h, canary, "care"); !a.Allowed {
			t.Errorf("a mail wakes nobody: %+v", a)
		}
		h.Wait(31 * time.Minute)
		if a := ask(h, text); !a.Allowed {
			t.Errorf("after the quiet hours: %+v", a)
		}
		for _, bad := range []consent.Rule{{PausedUntil: h.Clock.Now().AddDate(2, 0, 0)}, {QuietFrom: 1, QuietUntil: 1440, Zone: "UTC"}, {QuietFrom: 1, QuietUntil: 2, Zone: "Mars"}} {
			if err := rule(bad); !errors.Is(err, consent.ErrBadRule) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

func TestWhatIsNotConfirmedInTimeGoesAndANoOfBeforeStands(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		yes, no := consent.Wish{Topic: "letter", Channel: consent.ByEmail, On: true}, consent.Wish{Topic: "letter", Channel: consent.ByEmail}
		capture(h, canary, yes)
		capture(h, "second@example.test", no)
		h.Wait(time.Second)
		capture(h, "second@example.test", yes)
		h.Wait(8 * 24 * time.Hour)
		h.Update(func(tx *db.Tx) error {
			if n, err := consent.SweepPending(tx, 10); n != 2 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			return nil
		})
		if a, b := mailed(h, canary, "letter"), mailed(h, "second@example.test", "letter"); a.Reason != consent.Undecided || b.Reason != consent.SaidNo {
			t.Errorf("%+v, %+v", a, b)
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int64](tx, `SELECT count(*) FROM lite_customer WHERE tenant_id = $1`, h.T().ID)
			if n != 1 {
				t.Errorf("%d lite customers", n)
			}
			return err
		})
	})
}

func TestTopicsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, dbtest.Engines()[0], false)
	good := consent.Topic{ID: "letter", Words: map[string]consent.TopicWords{"en": {Title: "Letter"}}, Channels: []consent.Channel{consent.ByEmail}}
	for member, change := range map[string]func(*consent.Topic){
		"id": func(d *consent.Topic) { d.ID = "a/b" }, "words": func(d *consent.Topic) { d.Words = nil },
		"channels":    func(d *consent.Topic) { d.Channels = []consent.Channel{"fax"} },
		"frequencies": func(d *consent.Topic) { d.Frequencies = []string{"weekly", "weekly"} },
		"basis":       func(d *consent.Topic) { d.Basis = "because" },
		"double_opt_in": func(d *consent.Topic) {
			d.Basis, d.DoubleOptIn = consent.Contract, true
		},
	} {
		d := good
		change(&d)
		if err := h.Try(func(tx *db.Tx) error { return consent.PutTopic(tx, h.T(), d, 0) }); !errors.Is(err, consent.ErrBadTopic) {
			t.Errorf("%s: %v", member, err)
		}
	}
}
