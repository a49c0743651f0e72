package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"
)

func plainHMAC(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

func BenchmarkSeal(b *testing.B) {
	k, plain, ad := NewKey(), make([]byte, 64), make([]byte, 48)
	b.ReportAllocs()
	for b.Loop() {
		k.Seal(plain, ad)
	}
}

func BenchmarkOpen(b *testing.B) {
	k, ad := NewKey(), make([]byte, 48)
	sealed := k.Seal(make([]byte, 64), ad)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(sealed, ad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHMAC(b *testing.B) {
	key, a, c := Random(32), Random(16), Random(24)
	b.ReportAllocs()
	for b.Loop() {
		HMAC(key, a, c)
	}
}

func BenchmarkDerive(b *testing.B) {
	key, id := Random(32), Random(16)
	b.ReportAllocs()
	for b.Loop() {
		Derive(key, "tenant/index", id)
	}
}
