package login

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
)

// mostReasons are as many as somebody wants to read before a form.
const mostReasons = 2

// why says in plain words what is unusual about this sign-in, the heaviest first;
// "" if nothing is made of it. It is told only after a first proof.
func (v *visit) why(s ui.Shell) string {
	told := v.told(s)
	if v.flow.Verdict == "" || len(told) == 0 {
		return ""
	}
	return s.T("login.why", "reasons", strings.Join(told, " "))
}

func (v *visit) told(s ui.Shell) (out []string) {
	words := map[string]string{
		"blocked_network": s.T("login.why.blocked_network"), "impossible_travel": s.T("login.why.impossible_travel"),
		"automation": s.T("login.why.automation"), "attack": s.T("login.why.attack"),
		"breached_password": s.T("login.why.breached_password"), "many_accounts": s.T("login.why.many_accounts"),
		"bad_network": s.T("login.why.bad_network"), "many_tries": s.T("login.why.many_tries"),
		"new_country": s.T("login.why.new_country"), "new_device": s.T("login.why.new_device"),
		"new_network": s.T("login.why.new_network"), "unusual_hour": s.T("login.why.unusual_hour"),
	}
	for _, code := range v.flow.Reasons {
		if words[code] != "" && len(out) < mostReasons {
			out = append(out, words[code])
		}
	}
	return out
}

// reasons is why as the paragraphs of a message: one or none.
func (v *visit) reasons(s ui.Shell) []string {
	if told := v.why(s); told != "" {
		return []string{told}
	}
	return nil
}
