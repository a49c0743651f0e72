package tenant

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// SecretRef says where a secret of the operator's lies: "env:NAME" or
// "file:/path". The secret itself is never stored in the database.
type SecretRef string

// ErrBadSecretRef is told when a reference names no place.
var ErrBadSecretRef = fault.New(fault.Invalid, "bad_secret_ref", `Say where the secret lies, as "env:NAME" or "file:/path"; never write the secret itself here.`)

const maxSecretFile = 64 << 10

// Check fails with ErrBadSecretRef At the member for what names no place. Empty
// is fine.
func (r SecretRef) Check(member string) error { return r.check(member) }

func (r SecretRef) check(member string) error {
	if r == "" {
		return nil
	}
	if name, ok := strings.CutPrefix(string(r), "env:"); ok && name != "" && !strings.ContainsAny(name, "= \x00") {
		return nil
	}
	if path, ok := strings.CutPrefix(string(r), "file:"); ok && strings.HasPrefix(path, "/") && !strings.Contains(path, "\x00") {
		return nil
	}
	return ErrBadSecretRef.At(member)
}

// Resolve reads the secret where it lies now, without a trailing line break. It
// reads a file: never call it inside a transaction. An empty reference is an
// empty secret; one that leads nowhere is an error for the operator.
func (r SecretRef) Resolve() (string, error) {
	if r == "" {
		return "", nil
	}
	if name, ok := strings.CutPrefix(string(r), "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("tenant: the environment variable %s is not set", name)
		}
		return v, nil
	}
	path, ok := strings.CutPrefix(string(r), "file:")
	if !ok {
		return "", ErrBadSecretRef
	}
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxSecretFile {
		err = errors.New("tenant: the file of a secret is too large")
	}
	return strings.TrimRight(string(b), "\r\n"), err
}
