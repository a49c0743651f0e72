// Package brand makes a tenant's look from very little: one colour in, a whole
// palette for light and dark out, of which every pair that carries text has a
// contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3); a picture in, a clean PNG out.
//
//	"#ffd400" ─ Derive ─▶ Palette{Light, Dark} ─ CSS ─▶ @layer brand{:root{--brand:…}}
//
// Nothing that a tenant writes reaches a page as it is: colours are parsed and
// written anew, choices come from lists, pictures are decoded and encoded.
// Colours are mixed in OKLCH (Björn Ottosson, "A perceptual color space for
// image processing"), where equal steps of lightness look equal.
package brand
