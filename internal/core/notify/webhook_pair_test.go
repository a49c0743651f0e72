package notify_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// publicly verifies a call with a public key alone, as the specification of
// Standard Webhooks says and with nothing of the house.
func (h *heard) publicly(t *testing.T, key string) bool {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whpk_"))
	if err != nil || !strings.HasPrefix(key, "whpk_") || len(raw) != ed25519.PublicKeySize {
		t.Fatalf("%q: %v", key, err)
	}
	text := h.head["webhook-id"] + "." + h.head["webhook-timestamp"] + "." + h.body
	for _, one := range strings.Split(h.head["webhook-signature"], " ") {
		if sig, ok := strings.CutPrefix(one, "v1a,"); ok {
			if b, err := base64.StdEncoding.DecodeString(sig); err == nil && ed25519.Verify(raw, []byte(text), b) {
				return true
			}
		}
	}
	return false
}

func pairs(n *app.New) { n.Settings.Webhook.Signature = app.WebhookV1a }

// H208: what is signed by a key pair verifies with its public half and no other;
// two sign while they change over, and the public half signs nothing for the
// application.
func TestH208_AKeyPairSignsAndItsPublicHalfIsAllThatAnEndpointHas(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, other := w.hook("shop", true, pairs), w.hook("other", true, pairs)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		tell := func() heard {
			w.set(mia, "given_name", "Mia "+w.Clock.Now().String())
			for _, g := range w.told() {
				if strings.Contains(g.url, "shop") {
					return g
				}
			}
			t.Fatal("nothing was told")
			return heard{}
		}
		old := w.secrets[shop.ClientID()]
		g := tell()
		if !g.publicly(t, old) || g.publicly(t, w.secrets[other.ClientID()]) {
			t.Fatalf("%v", g.head)
		}
		for what, change := range map[string]func(*heard){
			"another body": func(g *heard) { g.body += " " },
			"another id":   func(g *heard) { g.head["webhook-id"] += "0" },
			"another time": func(g *heard) { g.head["webhook-timestamp"] += "0" },
			"as v1": func(g *heard) {
				g.head["webhook-signature"] = strings.ReplaceAll(g.head["webhook-signature"], "v1a,", "v1,")
			},
		} {
			one := g
			one.head = map[string]string{}
			for k, v := range g.head {
				one.head[k] = v
			}
			change(&one)
			if one.publicly(t, old) {
				t.Errorf("%s verifies", what)
			}
		}
		// Who has the public key makes no call of the application's with it.
		public, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(old, "whpk_"))
		forged := notify.Signed{
			ID: "msg_1", Timestamp: g.head["webhook-timestamp"], Body: []byte("{}"),
			Signature: notify.Sign(public, "msg_1", w.Clock.Now(), []byte("{}")),
		}
		var keys []app.WebhookKey
		w.View(func(tx *db.Tx) (err error) { keys, err = app.WebhookKeys(tx, w.T(), shop.ID); return err })
		if err := forged.Verify(keys, w.Clock.Now()); !errors.Is(err, notify.ErrBadSignature) || len(keys) != 1 || keys[0].Public() != old {
			t.Errorf("%v with %d keys", err, len(keys))
		}
		w.rotate(shop)
		fresh := w.secrets[shop.ClientID()]
		if g = tell(); !g.publicly(t, old) || !g.publicly(t, fresh) || old == fresh {
			t.Errorf("both sign while they change over: %v", g.head)
		}
		w.Wait(7*24*time.Hour + time.Minute)
		if g = tell(); g.publicly(t, old) || !g.publicly(t, fresh) {
			t.Errorf("the new one alone signs after a week: %v", g.head)
		}
	})
}

// An endpoint goes over from a secret to a key pair without a gap.
func TestASecretAndAKeyPairSignBesideOneAnotherWhileTheyChangeOver(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		old := key(t, w.secrets[shop.ClientID()])
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.Update(func(tx *db.Tx) error {
			a, err := app.Get(tx, w.T(), shop.ID)
			if err != nil {
				return err
			}
			hook := *a.Settings.Webhook
			hook.Signature = app.WebhookV1a
			a.Settings.Webhook = &hook
			_, err = app.Change(tx, w.T(), a)
			return err
		})
		if err := w.House.House.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.rotate(shop)
		w.set(mia, "given_name", "Mia")
		got := w.told()
		if len(got) != 1 || got[0].verify(w.Clock.Now(), old) != nil || !got[0].publicly(t, w.secrets[shop.ClientID()]) {
			t.Errorf("%+v", got)
		}
	})
}

// Keys that lie elsewhere are taken as the specification writes them, and one
// whose halves do not belong together is not.
func TestAPrivateKeyThatLiesElsewhereSigns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	pair := ed25519.NewKeyFromSeed([]byte("a seed that lies elsewhere, 32 b"))
	spoiled := append([]byte{}, pair...)
	spoiled[63] ^= 1
	hook := app.Webhook{URL: "https://shop.example/hook", Secret: tenant.SecretRef("file:" + file)}
	for text, good := range map[string]bool{
		"whsk_" + base64.StdEncoding.EncodeToString(pair):                              true,
		"whsk_" + base64.StdEncoding.EncodeToString(pair.Seed()):                       true,
		"whsk_" + base64.StdEncoding.EncodeToString(spoiled):                           false,
		"whsk_" + base64.StdEncoding.EncodeToString(pair[:40]):                         false,
		"whpk_" + base64.StdEncoding.EncodeToString(pair[32:]):                         false,
		"whsk_" + strings.Repeat("=", 10):                                              false,
		"whsec_" + base64.StdEncoding.EncodeToString([]byte("too short for a secret")): false,
	} {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := hook.OutsideKeys()
		if good != (err == nil) || !good && !errors.Is(err, app.ErrBadWebhook) {
			t.Errorf("%s: %v", text, err)
		}
		if good && keys[0].Public() != "whpk_"+base64.StdEncoding.EncodeToString(pair.Public().(ed25519.PublicKey)) {
			t.Errorf("%s is %s", text, keys[0].Public())
		}
	}
}

// An endpoint that is turned off is told to the tenant's staff, once, without a
// word of any customer; where nobody stands in the settings, to nobody.
func TestStaffAreToldOfAnEndpointThatWasTurnedOff(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		mails := func() (n int64) {
			w.View(func(tx *db.Tx) (err error) {
				n, _, err = db.Value[int64](tx, `SELECT count(*) FROM message WHERE template = 'webhook_off'`)
				return err
			})
			return n
		}
		w.fails(410)
		w.set(mia, "given_name", "Mia")
		w.told()
		if n := mails(); n != 0 {
			t.Fatalf("%d mails to nobody", n)
		}
		h.Settings(func(s *tenant.Settings) { s.StaffMail = "ops@fern.example" })
		w.Update(func(tx *db.Tx) error { return notify.Resume(tx, w.T(), shop.ID) })
		for range 3 {
			w.set(mia, "given_name", "Mia "+w.Clock.Now().String())
			w.told()
		}
		if n := mails(); n != 1 {
			t.Errorf("%d mails", n)
		}
	})
}
