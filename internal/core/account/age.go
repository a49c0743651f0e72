package account

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The faults of the question for the age.
var (
	ErrBirthdate = fault.New(fault.Invalid, "bad_birthdate", "Write your date of birth with day, month and year.")
	ErrCountry   = fault.New(fault.Invalid, "bad_country", "Choose the country that you live in.")
)

// Told is what a newcomer says of their age.
type Told struct {
	Country   string // where they live, unless the tenant has decided
	Birthdate string // 2006-01-02
	OfAge     bool   // of a statement: "I am at least so old"
}

// Elsewhere is what a newcomer chooses whose country is not in the list.
const Elsewhere = "ZZ" // ISO 3166-1 leaves it to its users

const longestLife = 130 // years

// TellAge keeps that the newcomer is old enough. If they are not, the journey
// keeps that alone, under a new key, and leads nowhere any more: no account and
// no address stays. It fails with ErrStep where the step is another one, which
// it is for ever for who was too young. Faults: bad_birthdate, bad_country.
func TellAge(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, in Told) error {
	if err := reached(tx, t, f, e, signin.Age); err != nil {
		return err
	}
	if was, err := WasYoung(tx, t, f, e); was || err != nil {
		return err
	}
	rule := t.Settings.Registration.Age
	country := rule.Country
	if country == "" {
		if country = in.Country; country != Elsewhere && !tenant.ValidCountry(country) {
			return ErrCountry.At("country")
		}
	}
	told := signin.OfAge{Country: country, Years: t.AgeIn(country), Method: rule.Ask}
	old := in.OfAge
	if rule.Ask == tenant.AskBirthdate {
		born, err := time.Parse(time.DateOnly, strings.TrimSpace(in.Birthdate))
		years := t.Years(born, tx.Now)
		if err != nil || years < 0 || years > longestLife || born.After(tx.Now.Add(24*time.Hour)) {
			return ErrBirthdate.At("birthdate")
		}
		kept, err := Requires(tx, t, "birthdate")
		if err != nil {
			return err
		}
		if old = years >= told.Years; old && kept {
			told.Birthdate = born.Format(time.DateOnly)
		}
	}
	if !old {
		return turnAway(tx, t, f, e)
	}
	f.OfAge = &told
	return signin.Save(tx, t, f)
}

// turnAway ends the journey of somebody too young, and has the browser and the
// address meet the same answer for a day.
func turnAway(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	kind, address := namedBy(f)
	if err := risk.MarkYoung(tx, t, e.Device, kind, address); err != nil {
		return err
	}
	f.TooYoung()
	return signin.Forget(tx, t, f)
}

// WasYoung turns a newcomer away before they are asked for their age, if this
// browser or this address said within the last day that they are too young, and
// tells whether it did. It looks at nobody else: who has an account is not asked
// for their age, and who has not proven the address does not come this far.
func WasYoung(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (bool, error) {
	kind, address := namedBy(f)
	was, err := risk.Young(tx, t, e.Device, kind, address)
	if err != nil || !was {
		return false, err
	}
	f.TooYoung()
	return true, signin.Forget(tx, t, f)
}

func namedBy(f *signin.Flow) (kind, address string) {
	if i := f.Identifier; i != nil {
		return i.Kind, i.Value
	}
	return "", ""
}

// Requires reports whether the catalogue requires a field of every customer.
func Requires(tx *db.Tx, t *tenant.Tenant, name string) (bool, error) {
	c, err := catalog.For(tx, t)
	if err != nil {
		return false, err
	}
	field, ok := c.Field(name)
	return ok && field.Required, nil
}

// settleAge writes that the newcomer was of age on this day, and the date of
// birth if it is wanted.
func settleAge(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	told := f.OfAge
	if told == nil {
		return nil
	}
	err := consent.Record(tx, t, consent.Decision{
		Customer: f.World.Account.ID, Purpose: consent.OfAge, Item: told.Country + "/" + strconv.Itoa(told.Years), Given: true,
		Locale: f.Locale, Surface: consent.AtSignUp, Method: told.Method,
	})
	if err != nil || told.Birthdate == "" {
		return err
	}
	err = customer.SetField(tx, t, f.World.Account.ID, "birthdate", told.Birthdate, catalog.Customer)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) {
		return nil
	}
	return err
}
