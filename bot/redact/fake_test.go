package redact

import (
	"crypto/ed25519"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// The secrets of these tests are made when they run, so that nothing in the
// repository looks like a credential. The source is seeded: a failure can be
// repeated.

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnum   = letters + "0123456789"
	b64set  = alnum + "+/"
	urlset  = alnum + "-_"
	hexset  = "0123456789abcdef"
	b32set  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	nixset  = "0123456789abcdfghijklmnpqrsvwxyz"
	bechset = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
)

type faker struct{ *rand.Rand }

func newFaker(seed uint64) faker { return faker{rand.New(rand.NewPCG(seed, 26))} }

// of makes n characters of a set; the first are a digit and letters of both
// cases where the set has them, so that no draw is a word by chance.
func (f faker) of(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[f.IntN(len(set))]
	}
	for i, c := range "q7Z4" {
		if i < n && strings.ContainsRune(set, c) {
			b[n-1-i] = byte(c)
		}
	}
	return string(b)
}

func (f faker) uuid() string {
	h := f.of(hexset, 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// password makes one as people think them up.
func (f faker) password() string {
	return []string{"Sommer", "Winter", "Herbst", "Affe"}[f.IntN(4)] + f.of("0123456789", 4) + "!"
}

func (f faker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.Uint32())
	}
	return b
}

// key makes n bytes in base64.
func (f faker) key(n int) string { return base64.StdEncoding.EncodeToString(f.bytes(n)) }

// pem makes a private key's block; the words are put together here so that no
// scanner takes this file for a key.
func (f faker) pem(label string, lines int) string {
	var b strings.Builder
	b.WriteString("-----" + "BEGIN " + label + "-----\n")
	for range lines {
		b.WriteString(f.of(b64set, 64) + "\n")
	}
	b.WriteString(f.of(b64set, 30) + "==\n-----" + "END " + label + "-----")
	return b.String()
}

var testPrefixes = []string{"thr_", "req_", "key_", "sil_", "jrn_"}

func newTest(t testing.TB, o Options) *Redactor {
	t.Helper()
	if o.IDPrefixes == nil {
		o.IDPrefixes = testPrefixes
	}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stable redacts and checks what must hold for every text: a second look
// changes nothing and finds nothing.
func stable(t testing.TB, r *Redactor, in string) (string, []Finding) {
	t.Helper()
	out, found := r.redact(in)
	again, more := r.redact(out)
	if again != out || len(more) > 0 {
		t.Errorf("not idempotent\n   in %q\n once %q\ntwice %q %v", in, out, again, more)
	}
	return out, found
}

// leaks returns a part of the secret that is still in the text.
func leaks(text, secret string) string {
	n := min(len(secret), 6)
	for i := 0; i+n <= len(secret); i++ {
		if part := secret[i : i+n]; strings.Contains(text, part) && strings.Trim(part, " \n-=") != "" {
			return part
		}
	}
	return ""
}

// signingKey is the secret key of a Nix cache with the given seed.
func signingKey(seed []byte) string {
	return base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed))
}
