package credential

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the white margin around a QR code, in modules (ISO/IEC 18004,
// section 6.3.8).
const quiet = 4

// QR draws the URI as a QR code in SVG: black on white whatever the page's
// colours, since cameras expect it, without script, style or outside reference,
// so it may stand in the page. It fails only for a text that is too long.
func QR(uri string) (string, error) {
	code, err := qr.Encode(uri, qr.M)
	if err != nil {
		return "", err
	}
	side := code.Size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`, side, side, side, side, modules(code)), nil
}

// modules draws every run of dark modules of a row as one rectangle.
func modules(code *qr.Code) string {
	var d strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			begin := x
			for code.Black(x, y) {
				x++
			}
			if x > begin {
				fmt.Fprintf(&d, "M%d %dh%dv1h-%dz", begin+quiet, y+quiet, x-begin, x-begin)
			}
		}
	}
	return d.String()
}
