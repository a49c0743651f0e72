package login

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// recoveries shows the pages of alarms, of waiting recoveries and of the choice
// of an address.
func recoveries(s *ui.Sample) []ui.Specimen {
	one := func(state string, p Message) ui.Specimen {
		return ui.Specimen{Name: "login/message", State: state, Page: p}
	}
	waits := func(ready time.Duration) credential.Wait {
		return credential.Wait{ID: credential.WaitID{1}, ReadyAt: s.Now().Add(ready)}
	}
	lost := func(l account.Lost) Message { return specimen(s, mia).losing(l) }
	span := 72 * time.Hour
	return []ui.Specimen{
		one("alarm", alarmPage(s.Shell(), "token", "new_device", s.Now().Add(13*24*time.Hour))),
		one("alarm_other", alarmPage(s.Shell(), "token", "", s.Now().Add(time.Hour))),
		one("alarmed", alarmedPage(s.Shell(), account.Raised{Cause: "new_device"})),
		one("alarmed_long", alarmedPage(s.Shell(), account.Raised{Back: []string{"address", "passkey", "app", "codes"}, Stays: true})),
		one("alarm_over", alarmOver(s.Shell())),
		one("stop", stopPage(s.Shell(), "token", s.Now().Add(70*time.Hour))),
		one("stopped", stoppedPage(s.Shell())), one("stop_over", stopOver(s.Shell())),
		one("lost_closed", lost(account.Lost{})), one("lost_prove", lost(account.Lost{Open: true, For: span})),
		one("lost_start", lost(account.Lost{Open: true, Proven: true, For: span})),
		one("lost_waiting", lost(account.Lost{Open: true, Proven: true, Wait: waits(span)})),
		one("lost_again", lost(account.Lost{Open: true, Proven: true, Again: true, Wait: waits(-time.Minute)})),
		one("lost_ready", lost(account.Lost{Open: true, Proven: true, Ready: true, Wait: waits(-time.Hour)})),
		one("way", specimen(s, mia).choosingWay([]account.Choice{
			{Kind: customer.Email, Masked: "m•••@example.test", Chosen: true}, {Kind: customer.Phone, Masked: "+44 ••• 123"},
		})),
	}
}
