package session_test

import (
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/core/session"
)

// kinds says of each method which kinds of factor it is and whether a false page
// can relay it: the pairs below are judged by these words, not by the table that
// is tested.
var kinds = []struct {
	method            session.Method
	has, self, reader bool // possession; knowledge or user verification; the mailbox
	resistant         bool
	amr               string
}{
	{session.Password, false, true, false, false, "pwd"},
	{session.OTPEmail, false, false, true, false, "otp"},
	{session.LinkEmail, false, false, true, false, "otp"},
	{session.OTPSMS, true, false, false, false, "sms"},
	{session.LinkSMS, true, false, false, false, "sms"},
	{session.TOTP, true, false, false, false, "otp"},
	{session.Recovery, true, false, false, false, "otp"},
	{session.Upstream, false, false, true, false, "fed"},
	{session.Passkey, true, true, false, true, "hwk"},
	{session.PasskeySynced, true, true, false, true, "swk"},
	{session.PasskeyPresence, true, false, false, true, "hwk"},
	{session.PasskeySyncedPresence, true, false, false, true, "swk"},
}

func TestAssurance_OfEveryPairOfMethods(t *testing.T) {
	t.Parallel()
	for _, a := range kinds {
		for _, b := range kinds {
			has, self, reader := a.has || b.has, a.self || b.self, a.reader || b.reader
			want := session.Single
			switch {
			case has && self && (a.resistant || b.resistant):
				want = session.Resistant
			case has && (self || reader):
				want = session.Multi
			}
			got := session.Assure([]session.Proof{{Method: a.method}, {Method: b.method}})
			if got.ACR != want {
				t.Errorf("%s and %s are worth %s, want %s", a.method, b.method, got.ACR, want)
			}
			wantMFA := want != session.Single
			if slices.Contains(got.AMR, "mfa") != wantMFA || !slices.Contains(got.AMR, a.amr) || !slices.Contains(got.AMR, b.amr) {
				t.Errorf("%s and %s are told as %v", a.method, b.method, got.AMR)
			}
			verified := a.has && a.self || b.has && b.self
			if slices.Contains(got.AMR, "user") != verified {
				t.Errorf("%s and %s tell of user verification: %v", a.method, b.method, got.AMR)
			}
			if twice := session.Assure([]session.Proof{{Method: b.method}, {Method: a.method}}); twice.ACR != got.ACR {
				t.Errorf("%s and %s are worth another level in another order", a.method, b.method)
			}
		}
	}
}

// Words that nobody may be told by another table: what the pairs that matter are
// worth, one by one.
func TestAssurance_OfThePairsThatMatter(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		a, b session.Method
		acr  string
	}{
		{session.Password, session.OTPEmail, session.Single},
		{session.Password, session.Upstream, session.Single},
		{session.OTPEmail, session.Upstream, session.Single},
		{session.TOTP, session.Recovery, session.Single},
		{session.PasskeyPresence, session.PasskeyPresence, session.Single},
		{session.PasskeyPresence, session.TOTP, session.Single},
		{session.PasskeyPresence, session.PasskeySyncedPresence, session.Single},
		{session.Password, session.TOTP, session.Multi},
		{session.PasskeyPresence, session.OTPEmail, session.Multi},
		{session.PasskeyPresence, session.Password, session.Resistant},
		{session.PasskeySyncedPresence, session.Password, session.Resistant},
		{session.Passkey, session.Passkey, session.Resistant},
		{session.PasskeySynced, session.OTPEmail, session.Resistant},
	} {
		if got := session.Assure([]session.Proof{{Method: r.a}, {Method: r.b}}); got.ACR != r.acr {
			t.Errorf("%s and %s are worth %s, want %s", r.a, r.b, got.ACR, r.acr)
		}
	}
}

func TestPasskeyMethodsAreFourAndTheOnlyOnes(t *testing.T) {
	t.Parallel()
	made := map[session.Method]bool{}
	for _, verified := range []bool{false, true} {
		for _, synced := range []bool{false, true} {
			m := session.PasskeyMethod(verified, synced)
			got := session.Assure([]session.Proof{{Method: m}})
			word := map[bool]string{false: "hwk", true: "swk"}[synced]
			if (got.ACR == session.Resistant) != verified || !slices.Contains(got.AMR, word) {
				t.Errorf("verified %v, synced %v: %s is worth %+v", verified, synced, m, got)
			}
			made[m] = true
		}
	}
	for _, k := range kinds {
		if k.method.IsPasskey() != made[k.method] {
			t.Errorf("%s is a passkey: %v", k.method, k.method.IsPasskey())
		}
	}
	if len(made) != 4 {
		t.Errorf("%d methods", len(made))
	}
}
