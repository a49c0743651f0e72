package secret

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

var dawn = time.Date(2026, 3, 1, 6, 0, 0, 123456000, time.UTC)

const day = 24 * time.Hour

func openRing(t *testing.T, path string) *Keyring {
	t.Helper()
	k, _, err := OpenKeyring(path, dawn)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ringPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "keys", "cardea.keyring")
}

func TestFirstStartMakesAKeyringForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k, created, err := OpenKeyring(path, dawn)
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	keys := k.WrappingKeys()
	if len(keys) != 1 || !keys[0].CreatedAt.Equal(dawn) || !keys[0].DestroyAfter.IsZero() || k.Epoch() != 1 {
		t.Fatalf("%+v, epoch %d", keys, k.Epoch())
	}
	again, created, err := OpenKeyring(path, dawn.Add(time.Hour))
	if err != nil || created || again.Check() != k.Check() || again.WrappingKeys()[0] != keys[0] {
		t.Fatalf("opened again: %v %v", created, err)
	}
	other := openRing(t, ringPath(t))
	if other.Check() == k.Check() {
		t.Fatal("two keyrings share their check value")
	}
}

func TestKeyringThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	openRing(t, path)
	for _, mode := range []os.FileMode{0o604, 0o640, 0o660, 0o644, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, _, err := OpenKeyring(path, dawn); !errors.Is(err, ErrKeyringOpen) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	os.Chmod(path, 0o400)
	if _, _, err := OpenKeyring(path, dawn); err != nil {
		t.Errorf("mode 0400: %v", err)
	}
}

func TestDamagedKeyringIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k := openRing(t, path)
	if _, err := k.Rotate(dawn.Add(day)); err != nil {
		t.Fatal(err)
	}
	good, _ := os.ReadFile(path)
	for name, bad := range damages(good) {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := OpenKeyring(path, dawn)
		if !errors.Is(err, ErrKeyringDamaged) && len(bad) > 0 {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil || strings.Contains(err.Error(), string(good[40:60])) {
			t.Errorf("%s: accepted, or its bytes shown: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, bad) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// damages are ways in which a keyring's text is not the one that was written.
func damages(good []byte) map[string][]byte {
	text := string(good)
	lines := strings.SplitAfter(text, "\n")
	out := map[string][]byte{
		"empty":         {},
		"other version": []byte(strings.Replace(text, `"version":1`, `"version":2`, 1)),
		"unknown field": []byte(strings.Replace(text, `{"type":"epoch",`, `{"type":"epoch","x":1,`, 1)),
		"doubled field": []byte(strings.Replace(text, `"number":1`, `"number":1,"number":1`, 1)),
		"other case":    []byte(strings.Replace(text, `"number"`, `"Number"`, 1)),
		"other zone":    []byte(strings.Replace(text, `456Z`, `456+00:00`, 1)),
		"epoch set":     []byte(strings.Replace(text, `"number":1`, `"number":2`, 1)),
		"appended":      append(slices.Clone(good), `{"type":"epoch","number":1}`...),
		"rest":          append(slices.Clone(good), 'x'),
		"binary":        bytes.Repeat([]byte{0xff, 0}, 100),
	}
	for i := range lines[:len(lines)-1] {
		out["without line "+lines[i][:12]+string(rune('0'+i))] = []byte(strings.Join(slices.Delete(slices.Clone(lines), i, i+1), ""))
		out["double line "+lines[i][:12]+string(rune('0'+i))] = []byte(strings.Join(slices.Insert(slices.Clone(lines), i, lines[i]), ""))
		out["cut before line "+string(rune('0'+i))] = []byte(strings.Join(lines[:i], ""))
	}
	swapped := slices.Clone(lines)
	swapped[2], swapped[3] = swapped[3], swapped[2]
	out["swapped wrapping keys"] = []byte(strings.Join(swapped, ""))
	for i := 0; i < len(good); i += 7 {
		bent := slices.Clone(good)
		bent[i] ^= 4
		out["bent byte "+string(rune('a'+i%26))+string(rune('a'+i/26%26))] = bent
	}
	return out
}

func TestWrappedKeysOutliveRotationButNotDestruction(t *testing.T) {
	t.Parallel()
	k := openRing(t, ringPath(t))
	data, ad := Random(32), []byte("tenant/customer")
	first, wrapped := k.Wrap(data, ad)
	if bytes.Contains(wrapped, data) {
		t.Fatal("not wrapped")
	}
	opens := func(id string, wrapped, ad []byte) error {
		got, err := k.Unwrap(id, wrapped, ad)
		if err == nil && !bytes.Equal(got, data) {
			t.Fatal("unwraps to something else")
		}
		return err
	}
	second, err := k.Rotate(dawn.Add(30 * day))
	if err != nil || second == first {
		t.Fatalf("rotate: %q %v", second, err)
	}
	if err := opens(first, wrapped, ad); err != nil {
		t.Fatalf("after rotation: %v", err)
	}
	if opens(first, wrapped, []byte("tenant/other")) == nil || opens(second, wrapped, ad) == nil {
		t.Fatal("opens in another context or under another key")
	}
	id, _ := k.Wrap(data, ad)
	keys := k.WrappingKeys()
	if id != second || len(keys) != 2 || keys[0].ID != first || !keys[0].DestroyAfter.Equal(dawn.Add(60*day)) || !keys[1].DestroyAfter.IsZero() {
		t.Fatalf("wraps under %s of %+v", id, keys)
	}
	if err := k.Destroy(second); !errors.Is(err, ErrKeyCurrent) {
		t.Fatalf("destroying the current key: %v", err)
	}
	if err := k.Destroy("wk_000000000000"); !errors.Is(err, ErrKeyUnknown) {
		t.Fatalf("destroying an unknown key: %v", err)
	}
	if err := k.Destroy(first); err != nil {
		t.Fatal(err)
	}
	if err := opens(first, wrapped, ad); !errors.Is(err, ErrKeyDestroyed) || !fault.Is(err, fault.Gone) {
		t.Fatalf("after destruction: %v", err)
	}
	if err := k.Destroy(first); !errors.Is(err, ErrKeyDestroyed) {
		t.Fatalf("destroying twice: %v", err)
	}
	if _, err := k.Unwrap("wk_ffffffffffff", wrapped, ad); !errors.Is(err, ErrKeyUnknown) {
		t.Fatalf("an unknown key: %v", err)
	}
}

func TestDestroyedKeyLeavesTheDisk(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k := openRing(t, path)
	first := k.WrappingKeys()[0].ID
	if _, err := k.Rotate(dawn.Add(day)); err != nil {
		t.Fatal(err)
	}
	linked := path + ".hold"
	if err := os.Link(path, linked); err != nil {
		t.Fatal(err)
	}
	if err := k.Destroy(first); err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(linked)
	if len(old) == 0 || len(bytes.Trim(old, "\x00")) != 0 {
		t.Fatalf("the replaced file still holds %q", old)
	}
	now, _ := os.ReadFile(path)
	if bytes.Count(now, []byte(first)) != 1 || !bytes.Contains(now, []byte(`{"type":"destroyed","id":"`+first+`"}`)) {
		t.Fatalf("the keyring reads %s", now)
	}
	if again := openRing(t, path); again.Check() != k.Check() {
		t.Fatal("the keyring does not open again")
	}
}

func TestRootKeysArePerPurposeAndOutliveRotation(t *testing.T) {
	t.Parallel()
	k := openRing(t, ringPath(t))
	a := *k.Root("tenant", []byte("1"))
	if a == *k.Root("tenant", []byte("2")) || a == *k.Root("tenants", []byte("1")) || a == Key(k.Check()) {
		t.Fatal("purposes share a key")
	}
	if _, err := k.Rotate(dawn); err != nil {
		t.Fatal(err)
	}
	if a != *k.Root("tenant", []byte("1")) {
		t.Fatal("rotation changes what is derived")
	}
}

func TestMemoryOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k := openRing(t, path)
	tenant := [16]byte{7}
	ada, bob := Erased{tenant, [16]byte{1}, dawn.Add(time.Hour)}, Erased{tenant, [16]byte{2}, dawn}
	must(t, k.NoteErased(ada, bob))
	must(t, k.NoteErased())
	must(t, k.SetEpoch(4))
	must(t, k.NoteCheckpoint(Checkpoint{tenant, 9, [32]byte{9}}))
	must(t, k.NoteCheckpoint(Checkpoint{tenant, 8, [32]byte{8}}))
	must(t, k.NoteCheckpoint(Checkpoint{[16]byte{3}, 0, [32]byte{3}}))
	if err := k.SetEpoch(3); !errors.Is(err, ErrEpochBack) {
		t.Fatalf("an epoch set back: %v", err)
	}
	for _, k := range []*Keyring{k, openRing(t, path)} {
		c, ok := k.Checkpoint(tenant)
		if k.Epoch() != 4 || !slices.Equal(k.Erased(), []Erased{bob, ada}) || !ok || c.Number != 9 || c.Digest != [32]byte{9} || len(k.Checkpoints()) != 2 {
			t.Fatalf("epoch %d, erased %v, checkpoints %v", k.Epoch(), k.Erased(), k.Checkpoints())
		}
	}
}

// An erasure is remembered as long as a key lives that a backup from before it
// needs, and no longer.
func TestErasedAreForgottenWithTheLastKeyThatCouldRevive(t *testing.T) {
	t.Parallel()
	k := openRing(t, ringPath(t))
	first := k.WrappingKeys()[0].ID
	early, late := Erased{Customer: [16]byte{1}, At: dawn.Add(day)}, Erased{Customer: [16]byte{2}, At: dawn.Add(31 * day)}
	must(t, k.NoteErased(early))
	if _, err := k.Rotate(dawn.Add(30 * day)); err != nil {
		t.Fatal(err)
	}
	must(t, k.NoteErased(late))
	must(t, k.ForgetErased())
	if got := k.Erased(); len(got) != 2 {
		t.Fatalf("forgotten too early: %v", got)
	}
	must(t, k.Destroy(first))
	if got := k.Erased(); !slices.Equal(got, []Erased{late}) {
		t.Fatalf("left: %v", got)
	}
}

func TestTwoProcessesShareOneKeyring(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	a, b := openRing(t, path), openRing(t, path)
	first := a.WrappingKeys()[0].ID
	id, err := a.Rotate(dawn.Add(day))
	must(t, err)
	_, wrapped := a.Wrap([]byte("x"), nil)
	if got, err := b.Unwrap(id, wrapped, nil); err != nil || string(got) != "x" {
		t.Fatalf("the other process does not learn the new key: %v", err)
	}
	must(t, b.NoteErased(Erased{Customer: [16]byte{1}, At: dawn.Add(2 * day)}))
	must(t, a.SetEpoch(2))
	third, err := b.Rotate(dawn.Add(3 * day))
	must(t, err)
	if got, _ := a.Wrap(nil, nil); got != third {
		t.Fatalf("wraps under %s, not under the other process's %s", got, third)
	}
	must(t, b.Destroy(first))
	must(t, a.Reload())
	if a.Epoch() != 2 || b.Epoch() != 2 || len(a.Erased()) != 1 || len(a.WrappingKeys()) != 2 {
		t.Fatalf("a change was lost: %d %d %v %v", a.Epoch(), b.Epoch(), a.Erased(), a.WrappingKeys())
	}
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			k, _, err := OpenKeyring(path, dawn) // all of them at a first start
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 4 {
				if err := k.NoteErased(Erased{Tenant: [16]byte{byte(i)}, Customer: [16]byte{byte(j)}, At: dawn}); err != nil {
					t.Error(err)
				}
				id, wrapped := k.Wrap([]byte("x"), nil)
				if _, err := k.Unwrap(id, wrapped, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(openRing(t, path).Erased()); n != 32 {
		t.Fatalf("%d of 32 erasures kept", n)
	}
}

func TestLeftoverOfACrashDoesNotMatter(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	k := openRing(t, path)
	must(t, os.WriteFile(path+".new", []byte("half a key"), 0o644))
	must(t, k.SetEpoch(2))
	if openRing(t, path).Epoch() != 2 {
		t.Fatal("the change did not last")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".new*"); len(left) != 0 {
		t.Fatalf("left over: %v", left)
	}
}

func TestKeyringBehindALinkStaysBehindIt(t *testing.T) {
	t.Parallel()
	path := ringPath(t)
	openRing(t, path)
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(path, link))
	must(t, openRing(t, link).SetEpoch(2))
	if openRing(t, path).Epoch() != 2 {
		t.Fatal("the change went beside the file")
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Fatal("the link was replaced")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
