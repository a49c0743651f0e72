package brand

// Theme is the brand's part of the colours of one theme. The names are those of
// the tokens.
type Theme struct {
	Brand, Hover, Ink, Soft, On, Line Color
	Accent, AccentSoft                Color
	// NeedsBorder: the fill alone is hard to tell from the page (under 3 to 1,
	// WCAG 2.2, 1.4.11), so Line, which is visible, has to go round it.
	NeedsBorder bool
}

// Palette is a brand's colours in both themes.
type Palette struct{ Light, Dark Theme }

// ground is what the brand's colours stand on; the same values are in tokens.css,
// and a test compares them.
type ground struct {
	canvas, surface Color
	dark            bool
}

var (
	lightGround = ground{must("#fbfaf7"), must("#ffffff"), false}
	darkGround  = ground{must("#0c110f"), must("#141a18"), true}
	paper       = must("#fefdfb")
	apricot     = must("#f1af57")
)

// readable is the contrast that text needs, with a little left over so that
// rounding never takes it below 4.5.
const (
	readable = 4.6
	visible  = 3.0
)

// Derive makes the palette of a brand from its one colour and, if it has one, a
// second for accents ("" chooses). Any colour works: where it cannot carry text
// or be seen on the page as it is, its lightness gives way, never its hue.
func Derive(color, accent string) (Palette, error) {
	c, err := Parse(color)
	if err != nil {
		return Palette{}, err
	}
	spark := chosenAccent(c)
	if accent != "" {
		if spark, err = Parse(accent); err != nil {
			return Palette{}, err
		}
	}
	return Palette{Light: theme(c, spark, lightGround), Dark: theme(c, spark, darkGround)}, nil
}

// chosenAccent is the house's apricot, or the opposite hue for brands that are
// near to apricot themselves.
func chosenAccent(c Color) Color {
	p := c.lch()
	if p.c < 0.04 {
		return apricot
	}
	a := apricot.lch()
	apart := p.h - a.h
	for apart < -180 {
		apart += 360
	}
	if apart > 40 || apart < -40 {
		return apricot
	}
	return lch{0.72, 0.12, p.h + 180}.color()
}

func theme(c, spark Color, g ground) Theme {
	p, a := c.lch(), spark.lch()
	t := Theme{}
	if g.dark {
		// A fill on a dark page is a light one: it is the house's own habit,
		// and a dark fill would not be seen.
		p.l = max(p.l, 0.76)
		p.c = min(p.c, 0.16)
		t.Soft = lch{0.29, min(p.c*0.4, 0.045), p.h}.color()
		t.Accent, t.AccentSoft = lch{max(a.l, 0.8), a.c, a.h}.color(), lch{0.3, min(a.c*0.4, 0.045), a.h}.color()
	} else {
		t.Soft = lch{0.955, min(p.c*0.25, 0.03), p.h}.color()
		t.Accent, t.AccentSoft = a.color(), lch{0.957, min(a.c*0.25, 0.035), a.h}.color()
	}
	t.Brand, t.On = fill(p)
	t.Hover = hover(t.Brand.lch(), t.On)
	t.Ink = ink(p, g, t.Soft)
	t.NeedsBorder = Contrast(t.Brand, g.canvas) < visible || Contrast(t.Brand, g.surface) < visible
	t.Line = t.Brand
	if t.NeedsBorder {
		t.Line = t.Ink
	}
	return t
}

// dim is the dark text for light fills, with a cast of the fill's hue.
func dim(p lch) Color { return lch{0.19, min(p.c*0.2, 0.03), p.h}.color() }

// fill finds the fill nearest to the colour on which one of our two text
// colours can be read, light text first.
func fill(p lch) (fill, on Color) {
	for step := 0.0; ; step += 0.01 {
		for _, l := range []float64{p.l - step, p.l + step} {
			q := p
			q.l = min(max(l, 0), 1)
			for _, on := range []Color{paper, dim(p)} {
				if c := q.color(); Contrast(c, on) >= readable {
					return c, on
				}
			}
		}
	}
}

// hover moves the fill away from its text, or towards it as far as the text
// stays readable.
func hover(p lch, on Color) Color {
	step := -0.06
	if on != paper {
		step = 0.05
	}
	q := p
	q.l += step
	if c := q.color(); c != p.color() {
		return c
	}
	q.l = p.l - step
	if c := q.color(); Contrast(c, on) >= readable {
		return c
	}
	return p.color()
}

// ink is the brand's colour for links and text: readable on the page, on cards
// and on the soft fill.
func ink(p lch, g ground, soft Color) Color {
	step := -0.01
	if g.dark {
		step = 0.01
	}
	for {
		c := p.color()
		if Contrast(c, g.canvas) >= readable && Contrast(c, g.surface) >= readable && Contrast(c, soft) >= readable {
			return c
		}
		p.l += step
	}
}
