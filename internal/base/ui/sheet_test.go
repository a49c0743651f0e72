package ui

import (
	"strings"
	"testing"
)

func TestH166_NoCellOfASheetIsAFormula(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Mia": "Mia", "": "", "a-b": "a-b", "2026-11-23": "2026-11-23", "=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		" =1": " '=1", `"=1`: `"'=1`, "\t=1": "'\t'=1", "a;=1": "a;'=1", "a; +1": "a; '+1", "a\n@b": "a\n'@b", "a,=1": "a,'=1", "＝1": "'＝1",
	} {
		if got := plainCell(in); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
	var out strings.Builder
	s := NewSheet(&out, "who", "what")
	s.Row("Shop", "=cmd|' /C calc'!A0, and more")
	if err := s.End(); err != nil || out.String() != "who,what\r\nShop,\"'=cmd|' /C calc'!A0, and more\"\r\n" {
		t.Errorf("%q %v", out.String(), err)
	}
}
