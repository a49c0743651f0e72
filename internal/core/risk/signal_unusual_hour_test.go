package risk

import "testing"

func TestSignalUnusualHour(t *testing.T) {
	t.Parallel()
	hears(t, unusualHour, map[int][]Attempt{
		0:   {{}, {UnusualHour: true}, {History: 30}},
		100: {{History: 30, UnusualHour: true}},
	})
}
