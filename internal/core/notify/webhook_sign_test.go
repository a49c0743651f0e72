package notify_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// H208: what is told is signed with id, time and body by a secret of the
// endpoint alone; a change of any of them, or another time, is found out; while
// secrets change over both sign.
func TestH208_WhatAnEndpointIsToldIsSignedAndSecretsChangeOverInPeace(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, other := w.hook("shop", true), w.hook("other", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		old := key(t, w.secrets[shop.ClientID()])
		tell := func() heard {
			w.set(mia, "given_name", "Mia "+w.Clock.Now().String())
			got := w.told()
			return got[slices.IndexFunc(got, func(g heard) bool { return strings.Contains(g.url, "shop") })]
		}
		g, now := tell(), w.Clock.Now()
		if err := g.verify(now, old); err != nil || len(strings.Fields(g.head[notify.HeaderWebhookSignature])) != 1 {
			t.Fatal(err, g.head)
		}
		bad := map[string]error{
			"another key":   g.verify(now, key(t, w.secrets[other.ClientID()])),
			"no key":        g.verify(now),
			"an empty key":  g.verify(now, []byte{}),
			"six minutes":   g.verify(now.Add(6*time.Minute), old),
			"from tomorrow": g.verify(now.Add(-6*time.Minute), old),
		}
		for what, change := range map[string]func(*heard){
			"another body": func(g *heard) { g.body = strings.Replace(g.body, "Mia", "Eve", 1) },
			"another id":   func(g *heard) { g.head[notify.HeaderWebhookID] += "0" },
			"another time": func(g *heard) { g.head[notify.HeaderWebhookTimestamp] = strconv.FormatInt(now.Unix()+1, 10) },
			"no signature": func(g *heard) { g.head[notify.HeaderWebhookSignature] = "" },
			"another version": func(g *heard) {
				g.head[notify.HeaderWebhookSignature] = "v2" + g.head[notify.HeaderWebhookSignature][2:]
			},
			"half of one":       func(g *heard) { g.head[notify.HeaderWebhookSignature] = g.head[notify.HeaderWebhookSignature][:20] },
			"a dot moved to id": func(g *heard) { g.head[notify.HeaderWebhookID] += ".1" },
		} {
			one := g
			one.head = map[string]string{}
			for k, v := range g.head {
				one.head[k] = v
			}
			change(&one)
			bad[what] = one.verify(now, old)
		}
		for what, err := range bad {
			if !errors.Is(err, notify.ErrBadSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.rotate(shop)
		fresh := key(t, w.secrets[shop.ClientID()])
		if g = tell(); g.verify(w.Clock.Now(), old) != nil || g.verify(w.Clock.Now(), fresh) != nil {
			t.Errorf("both sign while they change over: %v", g.head)
		}
		w.Wait(7*24*time.Hour + time.Minute)
		if g = tell(); g.verify(w.Clock.Now(), old) == nil || g.verify(w.Clock.Now(), fresh) != nil {
			t.Errorf("the new one alone signs after a week: %v", g.head)
		}
	})
}

func TestSecretsThatLieElsewhereSignAndNothingGoesOutWithoutOne(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		file := filepath.Join(t.TempDir(), "secret")
		shop := w.App(true, func(n *app.New) {
			n.Settings.Webhook = &app.Webhook{URL: "https://shop.example/hook", Secret: tenant.SecretRef("file:" + file)}
		})
		bare := w.App(true, func(n *app.New) { n.Settings.Webhook = &app.Webhook{URL: "https://bare.example/hook"} })
		if err := w.House.House.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		mia := w.Customer()
		w.knows(shop, mia)
		if got := w.told(); got != nil {
			t.Fatalf("sent without a secret: %v", got)
		}
		if err := w.Try(func(tx *db.Tx) error { _, err := app.RotateWebhookSecret(tx, w.T(), shop.ID); return err }); !errors.Is(err, app.ErrOutside) {
			t.Error(err)
		}
		w.Update(func(tx *db.Tx) error {
			if _, err := app.RotateWebhookSecret(tx, w.T(), bare.ID); err != nil {
				return err
			}
			return notify.Hasten(tx, w.T(), bare.ID)
		})
		if got := w.told(); len(got) != 1 || got[0].url != "https://bare.example/hook" {
			t.Errorf("what waited for a secret goes when there is one: %v", got)
		}
		one, two := []byte("a secret that lies elsewhere, 1."), []byte("a secret that lies elsewhere, 2.")
		text := "whsec_" + base64.StdEncoding.EncodeToString(two) + "\nwhsec_" + base64.StdEncoding.EncodeToString(one) + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Wait(2 * time.Minute)
		got := w.told()
		if len(got) != 1 || got[0].verify(w.Clock.Now(), one) != nil || got[0].verify(w.Clock.Now(), two) != nil {
			t.Errorf("%v", got)
		}
	})
}
