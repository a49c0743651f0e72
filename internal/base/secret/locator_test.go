package secret

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestLocatorReadsWhatItMints(t *testing.T) {
	t.Parallel()
	l := NewLocator(NewKey())
	for range 100 {
		id := [16]byte(Random(16))
		tok, digest := l.Mint(id)
		gotID, gotDigest, ok := l.Read(tok)
		if !ok || gotID != id || gotDigest != digest || digest != Digest([]byte(tok)) || len(tok) != 64 {
			t.Fatalf("%q reads as %x %v", tok, gotID, ok)
		}
	}
}

func TestMintWithIsRepeatable(t *testing.T) {
	t.Parallel()
	l, id, part := NewLocator(NewKey()), [16]byte(Random(16)), [32]byte(Random(32))
	a, da := l.MintWith(id, part)
	b, db := l.MintWith(id, part)
	if a != b || da != db {
		t.Fatal("the same part gives two tokens")
	}
}

// Applications that know a customer by pairwise subjects must not be able to
// tell from their tokens that it is one customer.
func TestTokensOfOneIDHaveNothingInCommon(t *testing.T) {
	t.Parallel()
	l, id := NewLocator(NewKey()), [16]byte(Random(16))
	heads := map[string]bool{}
	for range 100 {
		tok, _ := l.Mint(id)
		heads[tok[:6]] = true
	}
	if len(heads) < 99 {
		t.Fatalf("100 tokens begin in only %d ways", len(heads))
	}
}

func TestLocatorOfAnotherKeyLeadsNowhere(t *testing.T) {
	t.Parallel()
	id := [16]byte(Random(16))
	tok, _ := NewLocator(NewKey()).Mint(id)
	if got, _, ok := NewLocator(NewKey()).Read(tok); !ok || got == id {
		t.Fatalf("another key reads the id %x, %v", got, ok)
	}
}

// Every change of a token is refused by its form, or gives another digest, so
// that no row can be found by it; and no change lets one steer to another id.
func TestH046_NoChangedTokenIsGenuine(t *testing.T) {
	t.Parallel()
	l, id := NewLocator(NewKey()), [16]byte(Random(16))
	for range 20 {
		tok, digest := l.Mint(id)
		for _, bad := range mutations(tok) {
			if bad == tok {
				continue
			}
			if gotID, got, ok := l.Read(bad); ok && got == digest {
				t.Fatalf("%q passes for %q (%x)", bad, tok, gotID)
			}
		}
	}
}

func TestH046_OtherSpellingsAreRefusedByForm(t *testing.T) {
	t.Parallel()
	l := NewLocator(NewKey())
	tok, _ := l.Mint([16]byte{})
	raw, _ := base64.RawURLEncoding.DecodeString(tok)
	for i := range raw {
		raw[i] = 0xfb // makes - and _ where the other alphabet has + and /
	}
	twin := base64.StdEncoding.EncodeToString(raw)
	bad := []string{"", twin, tok + "=", tok + "==", tok + "A", tok[:63], tok[1:], " " + tok, tok + "\n", tok[:63] + "\n", tok[:62] + "\r\n", "\n" + tok[1:], tok[:30] + "\n" + tok[31:], tok[:63] + "=", strings.Repeat(".", 64), strings.Repeat("A", 1<<20), tok[:60] + "====", tok[:62] + "é"}
	for i := range tok {
		bad = append(bad, tok[:i])
	}
	for _, s := range bad {
		if _, _, ok := l.Read(s); ok {
			t.Errorf("%.80q is accepted", s)
		}
	}
}

// mutations are the classes of H046: cuts, flips of every byte, appended
// bytes, the other alphabet, padding, case.
func mutations(tok string) []string {
	out := []string{tok + "=", tok + "A", strings.ToUpper(tok), strings.ToLower(tok), strings.NewReplacer("-", "+", "_", "/").Replace(tok)}
	for i := range tok {
		out = append(out, tok[:i])
		for _, flip := range []byte{1, 2, 4, 8, 0x20, 0x80} {
			b := []byte(tok)
			b[i] ^= flip
			out = append(out, string(b))
		}
	}
	raw, _ := base64.RawURLEncoding.DecodeString(tok)
	for i := range raw {
		b := append([]byte(nil), raw...)
		b[i] ^= byte(1 << (i % 8))
		out = append(out, base64.RawURLEncoding.EncodeToString(b))
	}
	return out
}

func FuzzLocatorRead(f *testing.F) {
	l := NewLocator(&Key{1})
	tok, _ := l.MintWith([16]byte{2}, [32]byte{3})
	for _, s := range append(mutations(tok)[:20], tok, "", strings.Repeat("_", 64)) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, digest, ok := l.Read(s)
		if !ok {
			return
		}
		// What reads has one spelling: minting it again gives the same text.
		raw, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatalf("%q reads but does not decode", s)
		}
		again, same := l.MintWith(id, [32]byte(raw[16:]))
		if again != s || same != digest {
			t.Fatalf("%q reads as %q", s, again)
		}
	})
}

func BenchmarkLocatorMint(b *testing.B) {
	l := NewLocator(NewKey())
	b.ReportAllocs()
	for b.Loop() {
		l.Mint([16]byte{1})
	}
}

func BenchmarkLocatorRead(b *testing.B) {
	l := NewLocator(NewKey())
	tok, _ := l.Mint([16]byte{1})
	b.ReportAllocs()
	for b.Loop() {
		l.Read(tok)
	}
}
