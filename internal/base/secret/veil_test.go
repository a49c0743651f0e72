package secret_test

import (
	"bytes"
	"testing"

	"github.com/cardea-id/cardea/internal/base/secret"
)

func TestAVeiledIDIsStableHiddenAndTheKeysOwn(t *testing.T) {
	t.Parallel()
	key, other := secret.NewKey(), secret.NewKey()
	id := [16]byte{1, 2, 3, 15: 9}
	veiled := key.Veil(id)
	if veiled != key.Veil(id) || veiled == id || bytes.Contains(veiled[:], []byte{1, 2, 3}) {
		t.Errorf("%x veils to %x and %x", id, veiled, key.Veil(id))
	}
	if key.Unveil(veiled) != id {
		t.Errorf("it unveils to %x", key.Unveil(veiled))
	}
	if other.Veil(id) == veiled || other.Unveil(veiled) == id {
		t.Error("another key veils alike")
	}
}
