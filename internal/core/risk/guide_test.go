package risk

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

func TestTheGuideTellsEverySignalAndThreshold(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/guides/risk.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, s := range signals {
		if !strings.Contains(string(text), fmt.Sprintf("\n| `%s` | %d | ", s.name, s.weight)) {
			t.Errorf("docs/guides/risk.md does not tell of %s with its weight %d", s.name, s.weight)
		}
	}
	for line := range strings.Lines(string(text)) {
		if parts := strings.Split(line, "|"); len(parts) == 5 && strings.HasPrefix(line, "| `") {
			rows++
		}
	}
	if rows != len(signals)+len(levels) {
		t.Errorf("docs/guides/risk.md tells of %d signals and verdicts, there are %d", rows, len(signals)+len(levels))
	}
	p := NewPolicy(tenant.Risk{})
	for level, from := range map[Level]int{StepUp: p.StepUp, Delay: p.Delay, Deny: p.Deny} {
		if !strings.Contains(string(text), fmt.Sprintf("| `%s` | %d | ", level, from)) {
			t.Errorf("docs/guides/risk.md does not tell that %s begins at %d", level, from)
		}
	}
	for word := range reputes {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/guides/risk.md does not tell of the word %s", word)
		}
	}
}
