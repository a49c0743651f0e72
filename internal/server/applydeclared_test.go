package server

import (
	"strings"
	"testing"
)

func TestApplyRefusesAnApplicationForAPurposeThatIsNotThere(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		p := newPapers(t, setUp(t, c))
		for uses, wrong := range map[string]string{"[account, fit, support]": "", "[account, fitt]": "fitt", "[ads]": "ads"} {
			text := strings.Replace(purposeFile, "kind: web,", "kind: web, purposes: "+uses+",", 1)
			_, err := p.apply(text, Applying{DryRun: true})
			if wrong == "" && err != nil || wrong != "" && (err == nil || !strings.Contains(err.Error(), `There is no purpose "`+wrong)) {
				t.Errorf("%s: %v", uses, err)
			}
		}
	})
}
