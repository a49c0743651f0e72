package credential

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"rsc.io/qr"
)

const aURI = "otpauth://totp/Fern%20%26%20Field:mia%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fern%20%26%20Field&algorithm=SHA1&digits=6&period=30"

// drawn reads the picture back: which modules are dark, margin included.
func drawn(t *testing.T, svg string) (dark map[[2]int]bool, side int) {
	t.Helper()
	var doc struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		ViewBox string   `xml:"viewBox,attr"`
		Rect    struct {
			Width  int    `xml:"width,attr"`
			Height int    `xml:"height,attr"`
			Fill   string `xml:"fill,attr"`
		} `xml:"rect"`
		Path []struct {
			D    string `xml:"d,attr"`
			Fill string `xml:"fill,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &doc); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d %d", &side, &side); err != nil {
		t.Fatal(err)
	}
	if doc.Rect.Width != side || doc.Rect.Height != side || doc.Rect.Fill != "#fff" || len(doc.Path) != 1 || doc.Path[0].Fill != "#000" {
		t.Fatalf("the picture is not black on white: %+v", doc)
	}
	dark = map[[2]int]bool{}
	for _, run := range strings.SplitAfter(doc.Path[0].D, "z") {
		var x, y, long, back int
		if run == "" {
			continue
		}
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%dz", &x, &y, &long, &back); err != nil || back != long {
			t.Fatalf("%q: %v", run, err)
		}
		for i := range long {
			dark[[2]int{x + i, y}] = true
		}
	}
	return dark, side
}

func TestQRIsTheCodeWithItsMargin(t *testing.T) {
	t.Parallel()
	for _, text := range []string{aURI, strings.Repeat("otpauth", 100)} {
		svg, err := QR(text)
		if err != nil {
			t.Fatal(err)
		}
		dark, side := drawn(t, svg)
		code, err := qr.Encode(text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		if side != code.Size+8 {
			t.Fatalf("the picture is %d wide, the code %d", side, code.Size)
		}
		for x := range side {
			for y := range side {
				if dark[[2]int{x, y}] != code.Black(x-4, y-4) {
					t.Fatalf("module %d,%d is wrong", x, y)
				}
			}
		}
	}
}

// The three eyes stand where cameras look for them, so the picture is neither
// turned nor mirrored.
func TestISO18004_6_3_3_EyesStandInThreeCorners(t *testing.T) {
	t.Parallel()
	svg, err := QR(aURI)
	if err != nil {
		t.Fatal(err)
	}
	dark, side := drawn(t, svg)
	eye := func(x, y int) bool {
		for dx := range 7 {
			for dy := range 7 {
				ring := max(max(dx, 6-dx), max(dy, 6-dy)) - 3 // 0 in the middle, 3 at the rim
				if dark[[2]int{x + dx, y + dy}] != (ring != 2) {
					return false
				}
			}
		}
		return true
	}
	far := side - 4 - 7
	if !eye(4, 4) || !eye(far, 4) || !eye(4, far) || eye(far, far) {
		t.Error("the eyes are not in three corners")
	}
}

func TestQRBringsNothingIntoThePageButAPicture(t *testing.T) {
	t.Parallel()
	svg, err := QR(`"><script>alert(1)</script><a href="`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Trim(svg, `<>/"=:.#-0123456789 abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`) != "" {
		t.Errorf("%q", svg)
	}
	for _, bad := range []string{"script", "style", "href", "alert", "url("} {
		if strings.Contains(svg, bad) {
			t.Errorf("the picture holds %s", bad)
		}
	}
	if _, err := QR(strings.Repeat("x", 4000)); err == nil {
		t.Error("a text of 4,000 characters fits")
	}
}

func BenchmarkQR(b *testing.B) {
	for b.Loop() {
		if _, err := QR(aURI); err != nil {
			b.Fatal(err)
		}
	}
}
