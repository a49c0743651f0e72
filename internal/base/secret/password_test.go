package secret

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

func TestHashVerifiesItsPasswordAlone(t *testing.T) {
	t.Parallel()
	h, ctx := NewHasher(Cheap, Gate{}), t.Context()
	stored, err := h.Hash(ctx, "correct horse battery staple")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q, %v", stored, err)
	}
	cases := map[string]bool{
		"correct horse battery staple": true, "correct horse battery stapl": false, "correct horse battery staple ": false,
		" correct horse battery staple": false, "Correct horse battery staple": false, "": false, "correct horse battery staple\x00": false,
	}
	for password, want := range cases {
		ok, rehash, err := h.Verify(ctx, password, stored)
		if ok != want || rehash || err != nil {
			t.Errorf("%q: %v %v %v", password, ok, rehash, err)
		}
	}
	if again, _ := h.Hash(ctx, "correct horse battery staple"); again == stored {
		t.Error("two hashes share a salt")
	}
}

func TestProductionCostIsTheDefault(t *testing.T) {
	t.Parallel()
	stored, err := NewHasher(Params{}, Gate{}).Hash(t.Context(), "x")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", stored, err)
	}
}

// From the test suite of the reference implementation (P-H-C/phc-winner-argon2).
func TestRFC9106_KnownAnswer(t *testing.T) {
	t.Parallel()
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := NewHasher(Cheap, Gate{})
	if ok, rehash, err := h.Verify(t.Context(), "password", stored); !ok || !rehash || err != nil {
		t.Fatalf("%v %v %v", ok, rehash, err)
	}
}

func TestOtherCostVerifiesAndAsksForRehash(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	old := NewHasher(Params{MemoryKiB: 128, Time: 3, Threads: 2}, Gate{})
	stored, err := old.Hash(ctx, "tide pool")
	if err != nil {
		t.Fatal(err)
	}
	h := NewHasher(Cheap, Gate{})
	if ok, rehash, err := h.Verify(ctx, "tide pool", stored); !ok || !rehash || err != nil {
		t.Fatalf("right password: %v %v %v", ok, rehash, err)
	}
	if ok, rehash, err := h.Verify(ctx, "tide poll", stored); ok || rehash || err != nil {
		t.Fatalf("wrong password: %v %v %v", ok, rehash, err)
	}
	fresh, _ := h.Hash(ctx, "tide pool")
	if ok, rehash, _ := h.Verify(ctx, "tide pool", fresh); !ok || rehash {
		t.Fatal("a fresh hash asks for another")
	}
}

func TestH080_LongAndOddPasswords(t *testing.T) {
	t.Parallel()
	h, ctx := NewHasher(Cheap, Gate{}), t.Context()
	for _, password := range []string{strings.Repeat("a", 64), strings.Repeat("b", 256), strings.Repeat("é", 512), "a\x00b", " lead and trail ", "🦔🦔🦔"} {
		stored, err := h.Hash(ctx, password)
		if err != nil {
			t.Fatalf("%.20q: %v", password, err)
		}
		for _, near := range []string{password[:len(password)-1], password + "x", strings.TrimSpace(password) + "\x00"} {
			if ok, _, err := h.Verify(ctx, near, stored); ok && near != password {
				t.Errorf("%.20q passes for %.20q (%v)", near, password, err)
			}
		}
		if ok, _, _ := h.Verify(ctx, password, stored); !ok {
			t.Errorf("%.20q is refused", password)
		}
	}
	// Bytes beyond the 72nd count.
	stored, _ := h.Hash(ctx, strings.Repeat("a", 100))
	if ok, _, _ := h.Verify(ctx, strings.Repeat("a", 72)+strings.Repeat("b", 28), stored); ok {
		t.Error("a password is cut at 72 bytes")
	}
	big := strings.Repeat("a", MaxPassword+1)
	if _, err := h.Hash(ctx, big); !errors.Is(err, ErrLong) {
		t.Errorf("hash of %d bytes: %v", len(big), err)
	}
	for _, phc := range []string{"", stored} {
		if _, _, err := h.Verify(ctx, big, phc); !errors.Is(err, ErrLong) {
			t.Errorf("verify of %d bytes against %q: %v", len(big), phc, err)
		}
	}
}

// Unknown, passwordless and unreadable accounts pass through the same work,
// at today's cost, and never get in.
func TestH077_DummyWorkForWhoHasNoPassword(t *testing.T) {
	t.Parallel()
	h := NewHasher(Cheap, Gate{Parallel: 1, Queue: 1, Wait: time.Millisecond})
	for _, stored := range []string{"", "$argon2id$garbage", blank(Cheap).String()} {
		ok, rehash, err := h.Verify(t.Context(), "", stored)
		if ok || rehash || (err != nil) != (stored == "$argon2id$garbage") {
			t.Errorf("%q: %v %v %v", stored, ok, rehash, err)
		}
		// That the work is done shows in that it needs a permit.
		h.gate.permits <- struct{}{}
		if _, _, err := h.Verify(t.Context(), "", stored); !errors.Is(err, ErrBusy) {
			t.Errorf("%q is answered without a permit: %v", stored, err)
		}
		h.gate.leave()
	}
}

func TestH082_GateRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	h := NewHasher(Cheap, Gate{Parallel: 2, Queue: 3, Wait: time.Hour})
	for range 2 {
		h.gate.permits <- struct{}{} // two hashes that take their time
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() {
			if _, err := h.Hash(ctx, "x"); !fault.Is(err, fault.Unavailable) || errors.Is(err, ErrBusy) {
				t.Errorf("a cancelled wait answers %v", err)
			}
		})
	}
	for _, w := h.Load(); w < 3; _, w = h.Load() {
		time.Sleep(time.Millisecond)
	}
	_, err := h.Hash(t.Context(), "x")
	if f := fault.Of(err); !errors.Is(err, ErrBusy) || f.Retry < time.Second {
		t.Fatalf("the fourth in the queue: %v", err)
	}
	// The waiting requests go away; that frees the queue and no permit.
	cancel()
	waiting.Wait()
	if running, queued := h.Load(); running != 2 || queued != 0 {
		t.Fatalf("running %d, waiting %d after the requests went away", running, queued)
	}
	h.gate.leave()
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Fatalf("a free permit is not given: %v", err)
	}
}

// A request that ends while its hash runs frees its permit only with the hash.
func TestH082_PermitBelongsToTheWork(t *testing.T) {
	t.Parallel()
	h := NewHasher(Cheap, Gate{Parallel: 1, Queue: 1, Wait: time.Millisecond})
	begun, finish := make(chan bool), make(chan bool)
	h.derive = func(password string, p phc) []byte {
		begun <- true
		<-finish
		return argonID(password, p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := h.Hash(ctx, "x")
		done <- err
	}()
	<-begun
	cancel()
	if _, err := h.Hash(t.Context(), "y"); !errors.Is(err, ErrBusy) {
		t.Fatalf("a second hash while the first runs: %v", err)
	}
	finish <- true
	if err := <-done; err != nil {
		t.Fatalf("the work was not finished: %v", err)
	}
	if running, _ := h.Load(); running != 0 {
		t.Fatal("the permit was not given back")
	}
}

func TestGateNeverExceedsItsPermits(t *testing.T) {
	t.Parallel()
	h := NewHasher(Cheap, Gate{Parallel: 3, Queue: 1000, Wait: time.Minute})
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			if _, err := h.Hash(t.Context(), "x"); err != nil {
				t.Error(err)
			}
			if running, _ := h.Load(); running > 3 {
				t.Errorf("%d hashes at once", running)
			}
		})
	}
	callers.Wait()
	if running, waiting := h.Load(); running != 0 || waiting != 0 {
		t.Fatalf("left over: %d running, %d waiting", running, waiting)
	}
}

func TestCancelledCallerDoesNoWork(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewHasher(Cheap, Gate{}).Hash(ctx, "x"); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestPHCIsReadStrictly(t *testing.T) {
	t.Parallel()
	good := blank(Params{MemoryKiB: 64, Time: 2, Threads: 1}).String()
	if _, err := parsePHC(good); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	bad := []string{
		"$", strings.Repeat("$", 600), good + "$", good + "=", " " + good, good + "\n", change("argon2id", "argon2i"), change("v=19", "v=16"), change("$v=19", ""),
		change("m=64", "m=064"), change("m=64", "m=+64"), change("m=64", "m=-1"), change("m=64", "m=7"), change("m=64", "m=4294967360"),
		change("m=64", "m=1048576"), change("t=2", "t=0"), change("t=2", "t=33"), change("p=1", "p=0"), change("p=1", "p=257"), change("p=1", "p=9"),
		change("m=64,t=2", "t=2,m=64"), change("p=1", "p=1,keyid=x"), change("m=64", "m=6 4"), change("AAAA", "AA\nAA"), change("AAAA", "A*AA"), change("AAAA", "====AAAA"),
	}
	for _, s := range bad {
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%.100q is accepted", s)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(blank(Standard).String())
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b/dWRWJTmaaJObG")
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err == nil && (h.String() != s || !h.sane()) {
			t.Fatalf("%q reads as %q", s, h)
		}
	})
}

func BenchmarkHashStandard(b *testing.B) {
	h := NewHasher(Standard, Gate{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery staple"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashCheap(b *testing.B) {
	h := NewHasher(Cheap, Gate{})
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery staple"); err != nil {
			b.Fatal(err)
		}
	}
}
