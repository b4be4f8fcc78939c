package restic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/scrypt"

	"watchstander/bot/bottest/real"
)

// A key of restic's costs whoever makes one, and whoever opens the repository, half a
// second of scrypt, and tests open one dozens of times. So `restic init` runs once for
// each restic, its one key gives way to another of the same form and password that
// costs nothing, and each test gets a copy; all else is what restic wrote. CI, which
// has the time, makes each repository anew and keeps restic's own keys.
func (b *bench) create(t testing.TB, name string) {
	t.Helper()
	if os.Getenv(real.RequireEnv) != "" {
		b.restic(t, name, "init")
		return
	}
	// Of two repositories of one host none is the other's copy.
	which := fmt.Sprintf("%s-%d", b.version, len(b.config.Repositories))
	templates.mu.Lock()
	defer templates.mu.Unlock()
	if templates.dir == "" {
		var err error
		templates.dir, err = os.MkdirTemp("", "watchstander-restic-")
		must(t, err)
	}
	from := filepath.Join(templates.dir, which)
	if _, err := os.Stat(from); err != nil {
		b.restic(t, name, "init")
		replaceKey(t, b.place(name), "correct horse")
		must(t, os.CopyFS(from, os.DirFS(b.place(name))))
		return
	}
	must(t, os.CopyFS(b.place(name), os.DirFS(from)))
}

// templates are made as they are needed; TestMain removes them.
var templates struct {
	mu  sync.Mutex
	dir string
}

// keyFile is restic's file of a key (doc/design.rst, "Keys, Encryption and MAC").
type keyFile struct {
	Created  string `json:"created"`
	Username string `json:"username"`
	Hostname string `json:"hostname"`
	KDF      string `json:"kdf"`
	N        int    `json:"N"`
	R        int    `json:"r"`
	P        int    `json:"p"`
	Salt     []byte `json:"salt"`
	Data     []byte `json:"data"`
}

func replaceKey(t testing.TB, repository, password string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(repository, "keys", "*"))
	must(t, err)
	if len(names) != 1 {
		t.Fatalf("the repository has %d keys", len(names))
	}
	text, err := os.ReadFile(names[0])
	must(t, err)
	var k keyFile
	must(t, json.Unmarshal(text, &k))
	was, nonce, end := userKey(t, k, password), k.Data[:aes.BlockSize], len(k.Data)-aes.BlockSize
	if sealed := k.Data[aes.BlockSize:end]; !slices.Equal(tagOf(t, was, nonce, sealed), k.Data[end:]) {
		t.Fatal("the key is sealed in another way than is known here")
	}
	master := ctr(t, was, nonce, k.Data[aes.BlockSize:end])
	k.N, k.R, k.P = 2, 1, 1
	now := userKey(t, k, password)
	sealed := ctr(t, now, nonce, master)
	k.Data = slices.Concat(nonce, sealed, tagOf(t, now, nonce, sealed))
	text, err = json.Marshal(k)
	must(t, err)
	id := sha256.Sum256(text)
	must(t, os.WriteFile(filepath.Join(repository, "keys", hex.EncodeToString(id[:])), text, 0o600))
	must(t, os.Remove(names[0]))
}

// userKey is 32 bytes to encrypt with and twice 16 to authenticate with.
func userKey(t testing.TB, k keyFile, password string) []byte {
	t.Helper()
	key, err := scrypt.Key([]byte(password), k.Salt, k.N, k.R, k.P, 64)
	must(t, err)
	return key
}

func ctr(t testing.TB, key, nonce, text []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key[:32])
	must(t, err)
	out := make([]byte, len(text))
	cipher.NewCTR(block, nonce).XORKeyStream(out, text)
	return out
}

// tagOf is Poly1305-AES: the part r of the key with some bits cleared, and the nonce
// encrypted with the part k.
func tagOf(t testing.TB, key, nonce, text []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key[32:48])
	must(t, err)
	s := make([]byte, aes.BlockSize)
	block.Encrypt(s, nonce)
	r := slices.Clone(key[48:64])
	for _, i := range []int{3, 7, 11, 15} {
		r[i] &= 15
	}
	for _, i := range []int{4, 8, 12} {
		r[i] &= 252
	}
	little := func(b []byte) *big.Int {
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 130), big.NewInt(5))
	sum, factor := new(big.Int), little(r)
	for part := range slices.Chunk(text, 16) {
		sum.Add(sum, little(append(slices.Clone(part), 1)))
		sum.Mod(sum.Mul(sum, factor), prime)
	}
	sum.Add(sum, little(s))
	out := make([]byte, 16)
	low := new(big.Int).And(sum, new(big.Int).SetUint64(^uint64(0)))
	binary.LittleEndian.PutUint64(out, low.Uint64())
	binary.LittleEndian.PutUint64(out[8:], new(big.Int).And(new(big.Int).Rsh(sum, 64), new(big.Int).SetUint64(^uint64(0))).Uint64())
	return out
}

// The key that costs nothing opens what restic made, and only with the password.
func TestReplaceKey(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.restic(t, "b2", "init")
		b.write(t, filepath.Join(b.data, "a"), "hello")
		b.backup(t, "b2")
		replaceKey(t, b.place("b2"), "correct horse")
		if out := b.restic(t, "b2", "check", "--read-data"); !strings.Contains(out, "no errors were found") {
			t.Errorf("restic says %s", out)
		}
		b.write(t, b.password, "another\n")
		cmd := exec.Command(b.program, "snapshots")
		cmd.Env = []string{"RESTIC_REPOSITORY=" + b.place("b2"), "RESTIC_PASSWORD_FILE=" + b.password, "RESTIC_CACHE_DIR=" + filepath.Join(b.dir, "own-cache")}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "wrong password") {
			t.Errorf("%v: %s", err, out)
		}
	})
}
