package account

import (
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// Chosen is what a customer made of the page of the step Choices.
type Chosen struct {
	Shown  []signin.Choice // what the page showed
	Given  []signin.Choice // of these
	Denied bool            // the one thing that was asked was denied in so many words
	Locale string          // of the page
	Method string          // "checkbox", "button"
}

// Choose keeps what was consented to: in the ledger if there is an account, else
// with the journey, to be written with the account. What was shown and not
// chosen is no decision, but for one question that was denied; it rests. It
// fails with ErrStep if something else is to be shown by now.
func (a Acts) Choose(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, in Chosen) error {
	if err := reached(tx, t, f, e, signin.Choices); err != nil {
		return err
	}
	if !slices.Equal(in.Shown, f.World.Choices) || in.Denied && len(in.Shown) != 1 {
		return ErrStep
	}
	f.Locale, f.ChosenBy = in.Locale, in.Method
	given := slices.DeleteFunc(slices.Clone(in.Shown), func(c signin.Choice) bool { return !slices.Contains(in.Given, c) })
	if f.World.Account.ID.IsZero() {
		if f.Chosen = given; in.Denied {
			f.Chosen = []signin.Choice{in.Shown[0]}
			f.Chosen[0].Denied = true
		}
	} else if err := a.choose(tx, t, f, given, in); err != nil {
		return err
	}
	f.Skip(signin.Choices)
	return signin.Save(tx, t, f)
}

// choose writes the choices of a customer to the ledger.
func (a Acts) choose(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, given []signin.Choice, in Chosen) error {
	c := f.World.Account.ID
	for _, one := range in.Shown {
		item := consent.PurposeItem(one.Purpose)
		switch {
		case slices.Contains(given, one):
			if err := decide(tx, t, f, one, consent.Given, in.Locale, in.Method); err != nil {
				return err
			}
		case in.Denied:
			if err := decide(tx, t, f, one, consent.Withdrawn, in.Locale, in.Method); err != nil {
				return err
			}
		default:
			if err := consent.LeaveOut(tx, t, c, t.AskingRest(), item); err != nil {
				return err
			}
			continue
		}
		if err := consent.Answered(tx, t, c, item); err != nil {
			return err
		}
	}
	return nil
}

// decide writes one decision on a purpose, with the evidence of the request.
func decide(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c signin.Choice, decision, locale, method string) error {
	surface := consent.AtSignIn
	if f.Registered || f.World.Account.ID.IsZero() {
		surface = consent.AtSignUp
	}
	_, err := consent.Decide(tx, t, consent.Choice{
		Customer: f.World.Account.ID, Purpose: c.Purpose, Decision: decision, Version: c.Version, Locale: locale,
		Surface: surface, Method: method, Network: f.From.Network, Agent: f.From.Agent,
	})
	return err
}

// settle writes what the newcomer chose and told before there was an account.
// A purpose that changed since it was shown is not consented to: what was read
// is not what holds now. A topic that needs it waits for its confirmation.
func settle(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if err := settleAge(tx, t, f); err != nil {
		return err
	}
	var wishes []consent.Wish
	for _, one := range f.Chosen {
		if one.Topic != "" {
			wishes = append(wishes, consent.Wish{Topic: one.Topic, Channel: consent.Channel(one.Channel), On: !one.Denied})
			continue
		}
		decision, method := consent.Given, f.ChosenBy
		if one.Denied {
			decision = consent.Withdrawn
		}
		err := decide(tx, t, f, one, decision, f.Locale, method)
		if err != nil && !consent.ErrChangedPurpose.Is(err) && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	err := CapturePreferences(tx, t, f.Identifier.Kind, f.Identifier.Value, wishes,
		consent.Where{Locale: f.Locale, Surface: consent.AtSignUp, Method: f.ChosenBy})
	if consent.ErrNoTopic.Is(err) {
		return nil
	}
	return err
}

// heed keeps what the browser of a customer asks for by Global Privacy Control.
func heed(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if !f.From.Signal {
		return nil
	}
	_, err := consent.Heed(tx, t, consent.Choice{Customer: c, Locale: f.Locale, Network: f.From.Network, Agent: f.From.Agent})
	return err
}
