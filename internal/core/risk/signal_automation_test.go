package risk

import "testing"

func TestSignalAutomation(t *testing.T) {
	t.Parallel()
	hears(t, automation, map[int][]Attempt{
		0:   {{}, {Automation: []string{"unheard of"}}},
		50:  {{Automation: []string{Hasty}}, {Automation: []string{Bare}}, {Automation: []string{Hasty, Hasty}}},
		75:  {{Automation: []string{Robot}}},
		100: {{Automation: []string{Headless}}, {Automation: []string{Lured}}, {Automation: []string{Hasty, Bare, Robot}}},
	})
}
