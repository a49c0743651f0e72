// Makes the Latin typeface smaller: the characters of Western European languages, and the weights
// that the tokens use, with the features that the styles switch on. `go run ./tools/vendor` runs it in a folder where subset-font is installed:
//     node subset.mjs IN.woff2 OUT.woff2
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
const subset = createRequire(process.cwd() + '/')('subset-font');
const range = (from, to) => String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, i) => from + i));
const text = range(0x20, 0x7e) + range(0xa0, 0xff) + '\u0131\u0152\u0153\u02c6\u02da\u02dc\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u2030\u202f\u2039\u203a\u20ac\u2122\u2212';
const [, , from, to] = process.argv;
writeFileSync(to, await subset(readFileSync(from), text, { targetFormat: 'woff2', keepFeatures: ['kern', 'ccmp', 'locl', 'mark', 'tnum'], variationAxes: { wght: { min: 400, max: 650 } } }));
