package brand

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg" // what a logo may come as
	"image/png"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// What a logo may be. Side is the longest side after scaling, at which a mark is
// still sharp on dense screens.
const (
	MaxUpload = 1 << 20
	MaxLogo   = 100 << 10
	side      = 512
	maxSide   = 4096
	minSide   = 16
)

// ErrLogo is told for everything that is not a picture we take.
var ErrLogo = fault.New(fault.Invalid, "bad_logo", "Choose a PNG or JPEG picture of at most 1 MB and 4096 × 4096 pixels. SVG is not accepted.")

// Logo decodes an uploaded PNG or JPEG and encodes it anew as a PNG of at most
// 512 × 512 pixels and 100 KiB, so that nothing but pixels is kept. Everything
// else, SVG among it, is the fault ErrLogo.
func Logo(upload []byte) ([]byte, error) {
	if len(upload) == 0 || len(upload) > MaxUpload {
		return nil, ErrLogo
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(upload))
	if err != nil {
		return nil, ErrLogo.Because(err)
	}
	// The size is read before the pixels: a small file can claim a huge picture.
	if kind != "png" && kind != "jpeg" || c.Width > maxSide || c.Height > maxSide || c.Width < minSide || c.Height < minSide {
		return nil, ErrLogo
	}
	m, _, err := image.Decode(bytes.NewReader(upload))
	if err != nil {
		return nil, ErrLogo.Because(err)
	}
	for longest := side; longest >= 64; longest /= 2 {
		var out bytes.Buffer
		e := png.Encoder{CompressionLevel: png.BestCompression}
		if err := e.Encode(&out, shrink(m, longest)); err != nil {
			return nil, err
		}
		if out.Len() <= MaxLogo {
			return out.Bytes(), nil
		}
	}
	return nil, ErrLogo
}

// shrink scales a picture down to a longest side by averaging, and never up. It
// always copies, so that colour tables and other chunks are left behind.
func shrink(m image.Image, longest int) *image.NRGBA {
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	if most := max(w, h); most > longest {
		w, h = max(1, w*longest/most), max(1, h*longest/most)
	}
	to := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			to.Set(x, y, average(m, image.Rect(
				b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h,
				b.Min.X+(x+1)*b.Dx()/w, b.Min.Y+(y+1)*b.Dy()/h)))
		}
	}
	return to
}

func average(m image.Image, r image.Rectangle) color.Color {
	var sum [4]uint64
	n := uint64(0)
	for y := r.Min.Y; y < max(r.Max.Y, r.Min.Y+1); y++ {
		for x := r.Min.X; x < max(r.Max.X, r.Min.X+1); x++ {
			cr, cg, cb, ca := m.At(x, y).RGBA()
			sum[0], sum[1], sum[2], sum[3] = sum[0]+uint64(cr), sum[1]+uint64(cg), sum[2]+uint64(cb), sum[3]+uint64(ca)
			n++
		}
	}
	return color.RGBA64{uint16(sum[0] / n), uint16(sum[1] / n), uint16(sum[2] / n), uint16(sum[3] / n)}
}
