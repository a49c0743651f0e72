package brand

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// ErrColor is told for anything that is not #rrggbb.
var ErrColor = fault.New(fault.Invalid, "bad_color", "Write a colour as # and six hexadecimal digits: #015e4a.")

// Color is an opaque sRGB colour.
type Color struct{ R, G, B uint8 }

// Parse reads "#rrggbb", in either case, and nothing else.
func Parse(s string) (Color, error) {
	if len(s) != 7 || s[0] != '#' {
		return Color{}, ErrColor
	}
	b, err := hex.DecodeString(s[1:])
	if err != nil {
		return Color{}, ErrColor.Because(err)
	}
	return Color{b[0], b[1], b[2]}, nil
}

// String writes the colour as "#rrggbb".
func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func must(s string) Color {
	c, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return c
}

// Contrast is the ratio of WCAG 2.2 between two colours, from 1 to 21.
func Contrast(a, b Color) float64 {
	x, y := a.luminance(), b.luminance()
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

func (c Color) luminance() float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func encoded(x float64) float64 {
	if x <= 0.0031308 {
		return 12.92 * x
	}
	return 1.055*math.Pow(x, 1/2.4) - 0.055
}

// lch is a colour in OKLCH: lightness 0 to 1, chroma 0 to about 0.37, hue in
// degrees.
type lch struct{ l, c, h float64 }

func (c Color) lch() lch {
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	light := 0.2104542553*l + 0.7936177850*m - 0.0040720468*s
	x := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	y := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return lch{light, math.Hypot(x, y), math.Mod(math.Atan2(y, x)*180/math.Pi+360, 360)}
}

// rgb gives the linear channels, which lie outside 0 to 1 for colours that no
// screen shows.
func (p lch) rgb() [3]float64 {
	x, y := p.c*math.Cos(p.h*math.Pi/180), p.c*math.Sin(p.h*math.Pi/180)
	l := cube(p.l + 0.3963377774*x + 0.2158037573*y)
	m := cube(p.l - 0.1055613458*x - 0.0638541728*y)
	s := cube(p.l - 0.0894841775*x - 1.2914855480*y)
	return [3]float64{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
}

func cube(x float64) float64 { return x * x * x }

func (p lch) shown() bool {
	for _, v := range p.rgb() {
		if v < -0.0005 || v > 1.0005 {
			return false
		}
	}
	return true
}

// color gives the nearest colour that a screen shows with the same lightness and
// hue: chroma is taken back until it fits.
func (p lch) color() Color {
	p.l = min(max(p.l, 0), 1)
	if !p.shown() {
		low, high := 0.0, p.c
		for range 24 {
			if p.c = (low + high) / 2; p.shown() {
				low = p.c
			} else {
				high = p.c
			}
		}
		p.c = low
	}
	v := p.rgb()
	return Color{channel(v[0]), channel(v[1]), channel(v[2])}
}

func channel(x float64) uint8 {
	return uint8(math.Round(255 * min(max(encoded(min(max(x, 0), 1)), 0), 1)))
}
