package login

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/risk"
)

// A signal without words would leave a customer in front of a closed door that
// says nothing; and nothing is told before there is a verdict.
func TestEverySignalIsToldInPlainWords(t *testing.T) {
	t.Parallel()
	engine, err := ui.New(ui.Options{Clock: time.Now}, Part())
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range []words.Locale{"en", "ar"} {
		v := specimen(engine.Sample(locale, nil))
		for _, code := range risk.Signals() {
			v.flow.Verdict, v.flow.Reasons = string(risk.StepUp), []string{code}
			if told := v.why(v.shell()); told == "" || strings.Contains(told, "login.why") {
				t.Errorf("%s in %s is told as %q", code, locale, told)
			}
		}
		v.flow.Reasons = risk.Signals()
		if n := len(v.told(v.shell())); n != mostReasons {
			t.Errorf("%d reasons at once", n)
		}
		if v.flow.Verdict = ""; v.why(v.shell()) != "" {
			t.Error("reasons without a verdict")
		}
	}
}
