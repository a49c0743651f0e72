package brand

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The colours that ui.md 3.3 names, and the corners of the space.
var tried = map[string]string{
	"yellow": "#FFD400", "red": "#e11d2a", "navy": "#0b1f4b", "green": "#1a7f37", "pink": "#ff4fa0", "black": "#000000", "grey": "#808080", "mint": "#9ff0cf",
	"white": "#ffffff", "blue": "#0000ff", "lime": "#00ff00", "cyan": "#00ffff", "orange": "#f1af57", "spruce": "#015e4a", "middle": "#767676", "mud": "#777a00",
}

func TestEveryColourGivesReadablePairsInBothThemes(t *testing.T) {
	t.Parallel()
	for name, hex := range tried {
		p, err := Derive(hex, "")
		if err != nil {
			t.Fatal(err)
		}
		for which, c := range map[string]struct {
			Theme
			g ground
		}{"light": {p.Light, lightGround}, "dark": {p.Dark, darkGround}} {
			for pair, ratio := range map[string]float64{
				"text on fill": Contrast(c.On, c.Brand), "text on hover": Contrast(c.On, c.Hover),
				"link on canvas": Contrast(c.Ink, c.g.canvas), "link on card": Contrast(c.Ink, c.g.surface), "link on soft": Contrast(c.Ink, c.Soft),
			} {
				if ratio < 4.5 {
					t.Errorf("%s %s: %s has %.2f", name, which, pair, ratio)
				}
			}
			if edge := Contrast(c.Line, c.g.surface); edge < 3 {
				t.Errorf("%s %s: the edge of a button has %.2f", name, which, edge)
			}
		}
	}
}

func TestPaleFillsNeedABorderAndStrongOnesDoNot(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"yellow": true, "mint": true, "white": true, "navy": false, "red": false, "black": false, "spruce": false} {
		p, err := Derive(tried[name], "")
		if err != nil {
			t.Fatal(err)
		}
		if p.Light.NeedsBorder != want {
			t.Errorf("%s: needs border %v, want %v", name, p.Light.NeedsBorder, want)
		}
	}
}

func TestHueAndAUsableColourStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"navy", "red", "green", "yellow", "spruce", "black"} {
		c := must(strings.ToLower(tried[name]))
		p, err := Derive(tried[name], "")
		if err != nil {
			t.Fatal(err)
		}
		if p.Light.Brand != c {
			t.Errorf("%s became %s", name, p.Light.Brand)
		}
		if c.lch().c < 0.05 {
			continue
		}
		if apart := math.Abs(c.lch().h - p.Dark.Brand.lch().h); apart > 6 && apart < 354 {
			t.Errorf("%s: the hue moved by %.0f degrees in dark", name, apart)
		}
	}
}

func TestH160_BrandsWriteTokensAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []Choice{
		{Color: "red"}, {Color: "#fff"}, {Color: "#ffd400;}body{display:none"}, {Color: "#ffd40g"}, {Color: "#FFD400", Accent: "url(x)"}, {Radius: "9px}*{}"},
	} {
		if css, err := CSS(c); err == nil {
			t.Errorf("%+v gave %q", c, css)
		}
	}
	css, err := CSS(Choice{Color: "#FFD400", Radius: "large", Font: "system"})
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^@layer brand\{:root\{(--[a-z0-9-]+:[^{}<>@]+;?)+\}\}\n$`).MatchString(css) {
		t.Errorf("got %s", css)
	}
	if css, err := CSS(Choice{Font: "evil", Radius: "medium"}); err != nil || css != "" {
		t.Errorf("no choice gave %q, %v", css, err)
	}
}

func TestGroundsAreThoseOfTheTokens(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../assets/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	css := string(raw)
	for token, want := range map[string][2]string{"canvas": {"#fbfaf7", "#0c110f"}, "surface": {"#fff", "#141a18"}} {
		if !strings.Contains(css, "--"+token+":light-dark("+want[0]+","+want[1]+")") {
			t.Errorf("tokens.css has another %s", token)
		}
	}
}

func picture(w, h int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			m.Set(x, y, color.NRGBA{uint8(x), uint8(y), 90, 255})
		}
	}
	return m
}

func TestLogosAreMadeAnew(t *testing.T) {
	t.Parallel()
	var in bytes.Buffer
	if err := png.Encode(&in, picture(1200, 300)); err != nil {
		t.Fatal(err)
	}
	// What hides behind the last chunk of a picture must not be served.
	out, err := Logo(append(in.Bytes(), "<script>alert(1)</script>"...))
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(out))
	if err != nil || m.Bounds().Dx() != 512 || m.Bounds().Dy() != 128 {
		t.Errorf("got %v, %v", m.Bounds(), err)
	}
	if bytes.Contains(out, []byte("<script>")) || len(out) > MaxLogo {
		t.Error("the upload came through")
	}
	in.Reset()
	if err := jpeg.Encode(&in, picture(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	if out, err = Logo(in.Bytes()); err != nil || !bytes.HasPrefix(out, []byte("\x89PNG")) {
		t.Errorf("a JPEG: %v", err)
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	var huge bytes.Buffer
	if err := png.Encode(&huge, image.NewGray(image.Rect(0, 0, 5000, 20))); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "nothing": nil, "gif": []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
		"html": []byte("<html>"), "huge": huge.Bytes(), "cut": huge.Bytes()[:40], "long": make([]byte, MaxUpload+1),
	} {
		if _, err := Logo(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
