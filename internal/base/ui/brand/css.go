package brand

import (
	"fmt"
	"strings"
)

// Choice is what a tenant may choose. Color empty is the house's own palette.
type Choice struct {
	Color, Accent string
	Radius        string // "none", "small", "medium" or ""; "large"
	Font          string // "system", "house" or ""
}

var radii = map[string][3]string{
	"none": {"0", "0", "0"}, "small": {".1875rem", ".3125rem", ".5rem"}, "large": {".5rem", "1.375rem", "1.75rem"},
}

const systemFont = `ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif`

// CSS writes the choice as one rule in the brand layer, which can change tokens
// and nothing else. Without a choice it is empty.
func CSS(c Choice) (string, error) {
	var tokens []string
	if c.Color != "" {
		p, err := Derive(c.Color, c.Accent)
		if err != nil {
			return "", err
		}
		tokens = p.tokens()
	}
	if r, ok := radii[c.Radius]; ok {
		tokens = append(tokens, "--r1:"+r[0], "--r2:"+r[1], "--r3:"+r[2])
	} else if c.Radius != "" && c.Radius != "medium" {
		return "", ErrColor.At("radius")
	}
	if c.Font == "system" {
		tokens = append(tokens, "--sans:"+systemFont)
	}
	if len(tokens) == 0 {
		return "", nil
	}
	return "@layer brand{:root{" + strings.Join(tokens, ";") + "}}\n", nil
}

func (p Palette) tokens() []string {
	l, d := p.Light, p.Dark
	var tokens []string
	for _, t := range []struct {
		name        string
		light, dark Color
	}{
		{"brand", l.Brand, d.Brand}, {"brand-hover", l.Hover, d.Hover}, {"brand-ink", l.Ink, d.Ink},
		{"brand-soft", l.Soft, d.Soft}, {"on-brand", l.On, d.On}, {"brand-line", l.Line, d.Line},
		{"accent", l.Accent, d.Accent}, {"accent-soft", l.AccentSoft, d.AccentSoft},
	} {
		tokens = append(tokens, fmt.Sprintf("--%s:light-dark(%s,%s)", t.name, t.light, t.dark))
	}
	return tokens
}
