package secret

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func fixedRing(t *testing.T, text string) *Keyring {
	t.Helper()
	k, err := KeyringFromText(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTextOfAKeyringIsTheKeyring(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k := openRing(t, path)
	text, _ := os.ReadFile(path)
	id, wrapped := k.Wrap([]byte("x"), nil)
	for _, spelled := range []string{string(text), strings.ReplaceAll(string(text), "\n", " "), strings.ReplaceAll(string(text), "\n", ""), strings.ReplaceAll(string(text), "\n", "\r\n")} {
		f := fixedRing(t, spelled)
		if got, err := f.Unwrap(id, wrapped, nil); err != nil || string(got) != "x" || f.Check() != k.Check() || f.Epoch() != 1 {
			t.Fatalf("%v, epoch %d", err, f.Epoch())
		}
	}
	for name, bad := range damages(text) {
		if _, err := KeyringFromText(string(bad)); !errors.Is(err, ErrKeyringDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFixedKeyringSaysWhatToDoInstead(t *testing.T) {
	t.Parallel()
	k := fixedRing(t, NewKeyringText(dawn))
	if _, err := k.Rotate(dawn); !errors.Is(err, ErrKeyringFixed) {
		t.Errorf("rotate: %v", err)
	}
	if err := k.Destroy(k.WrappingKeys()[0].ID); !errors.Is(err, ErrKeyCurrent) {
		t.Errorf("destroy: %v", err)
	}
	if k.Remembers() {
		t.Error("remembers without a ledger")
	}
	if err := k.NoteErased(Erased{At: dawn}); !errors.Is(err, ErrNoLedger) || len(k.Erased()) != 0 {
		t.Errorf("erased: %v", err)
	}
	if err := k.SetEpoch(2); !errors.Is(err, ErrNoLedger) || k.Epoch() != 1 {
		t.Errorf("epoch: %v", err)
	}
}

// Every node must know a key before any node wraps with it.
func TestTextRotatesInTwoStepsSoThatAllNodesCanRead(t *testing.T) {
	t.Parallel()
	old := fixedRing(t, NewKeyringText(dawn))
	was, wrapped := old.Wrap([]byte("x"), nil)
	text, current := old.NextText(dawn.Add(30 * day))
	step1 := fixedRing(t, text)
	if id, _ := step1.Wrap(nil, nil); current || id != was || len(step1.WrappingKeys()) != 2 {
		t.Fatalf("the first step wraps under %s, current %v", id, current)
	}
	text, current = step1.NextText(dawn.Add(31 * day))
	step2 := fixedRing(t, text)
	id, fresh := step2.Wrap([]byte("y"), nil)
	if !current || id == was {
		t.Fatalf("the second step wraps under %s, current %v", id, current)
	}
	if got, err := step1.Unwrap(id, fresh, nil); err != nil || string(got) != "y" {
		t.Fatalf("a node of the first step cannot read: %v", err)
	}
	if got, err := step2.Unwrap(was, wrapped, nil); err != nil || string(got) != "x" {
		t.Fatalf("the retired key does not read: %v", err)
	}
	if keys := step2.WrappingKeys(); !keys[0].DestroyAfter.Equal(dawn.Add(61 * day)) {
		t.Fatalf("%+v", keys)
	}
	if len(old.WrappingKeys()) != 1 {
		t.Fatal("asking for the next text changed the keyring")
	}
	text, err := step2.TextWithout(was)
	must(t, err)
	if _, err := fixedRing(t, text).Unwrap(was, wrapped, nil); !errors.Is(err, ErrKeyDestroyed) {
		t.Fatalf("after destruction: %v", err)
	}
	if _, err := step2.TextWithout(id); !errors.Is(err, ErrKeyCurrent) {
		t.Fatalf("without the current key: %v", err)
	}
}

func TestLedgerRemembersForAFixedKeyring(t *testing.T) {
	t.Parallel()
	text, path := NewKeyringText(dawn), filepath.Join(t.TempDir(), "ledger")
	k := fixedRing(t, text)
	must(t, k.Remember(path))
	must(t, k.Remember(path))
	if !k.Remembers() {
		t.Fatal("does not remember")
	}
	must(t, k.SetEpoch(5))
	must(t, k.NoteErased(Erased{Customer: [16]byte{1}, At: dawn}))
	written, _ := os.ReadFile(path)
	if bytes.Contains(written, []byte(`"key"`)) || bytes.Contains(written, []byte(`wrapping`)) {
		t.Fatalf("the ledger holds keys: %s", written)
	}
	again := fixedRing(t, text)
	must(t, again.Remember(path))
	if again.Epoch() != 5 || len(again.Erased()) != 1 || again.Check() != k.Check() {
		t.Fatalf("epoch %d, erased %v", again.Epoch(), again.Erased())
	}
	must(t, again.Reload())
	other := fixedRing(t, NewKeyringText(dawn))
	if err := other.Remember(path); !errors.Is(err, ErrKeyringDamaged) {
		t.Fatalf("another house's ledger: %v", err)
	}
	if _, err := KeyringFromText(string(written)); !errors.Is(err, ErrKeyringDamaged) {
		t.Fatalf("a ledger as a keyring: %v", err)
	}
	keyring := ringPath(t)
	openRing(t, keyring)
	if err := fixedRing(t, text).Remember(keyring); !errors.Is(err, ErrKeyringDamaged) {
		t.Fatalf("a keyring as a ledger: %v", err)
	}
}

func TestLedgerForgetsWithTheText(t *testing.T) {
	t.Parallel()
	k := fixedRing(t, NewKeyringText(dawn))
	was := k.WrappingKeys()[0].ID
	text, _ := k.NextText(dawn.Add(10 * day))
	text, _ = fixedRing(t, text).NextText(dawn.Add(11 * day))
	text, err := fixedRing(t, text).TextWithout(was)
	must(t, err)
	k = fixedRing(t, text)
	must(t, k.Remember(filepath.Join(t.TempDir(), "ledger")))
	must(t, k.NoteErased(Erased{Customer: [16]byte{1}, At: dawn}, Erased{Customer: [16]byte{2}, At: dawn.Add(20 * day)}))
	must(t, k.ForgetErased())
	if got := k.Erased(); len(got) != 1 || got[0].Customer != [16]byte{2} {
		t.Fatalf("left: %v", got)
	}
}

func FuzzKeyring(f *testing.F) {
	root := &Key{5}
	st := emptyState(root)
	st.wrapping = []*wrapping{{WrappingKey{ID: "wk_1", CreatedAt: dawn, DestroyAfter: dawn.Add(day)}, &Key{1}}, {WrappingKey{ID: "wk_2", CreatedAt: dawn}, &Key{2}}}
	st.standby = &wrapping{WrappingKey{ID: "wk_3", CreatedAt: dawn}, &Key{3}}
	st.gone = []string{"wk_0"}
	st.noteErased(Erased{[16]byte{1}, [16]byte{2}, dawn})
	st.noteCheckpoint(Checkpoint{[16]byte{1}, 3, [32]byte{4}})
	f.Add(st.text())
	f.Add(newLedger(root).text())
	f.Add([]byte(`{"type":"keyring","version":1}{"type":"epoch","number":-1}`))
	f.Add([]byte(`{"type":"wrapping","id":"a","key":"AAAA","created":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, root := range []*Key{nil, root} {
			st, err := parseState(text, root)
			if err == nil && !bytes.Equal(bare(st.text()), bare(text)) {
				t.Fatalf("%q reads as %q", text, st.text())
			}
		}
	})
}

func BenchmarkUnwrap(b *testing.B) {
	k, _, err := OpenKeyring(filepath.Join(b.TempDir(), "k"), time.Unix(0, 0))
	if err != nil {
		b.Fatal(err)
	}
	ad := Random(32)
	id, wrapped := k.Wrap(Random(32), ad)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Unwrap(id, wrapped, ad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrap(b *testing.B) {
	k, _, err := OpenKeyring(filepath.Join(b.TempDir(), "k"), time.Unix(0, 0))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.Wrap(make([]byte, 32), nil)
	}
}
