package real

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/crypto/poly1305" //nolint:staticcheck // restic's own format has it
	"golang.org/x/crypto/scrypt"
)

// MakeRepository makes a restic repository in a directory that is not there yet,
// whose key costs nothing to open. Restic makes each of its runs spend half a second
// on a password, which is its purpose; of stories that are played hundreds of times
// it would be most of the work. All else of the repository is restic's own.
func MakeRepository(program, dir, password string) error {
	cmd := exec.Command(program, "init", "--no-cache")
	cmd.Env = []string{"RESTIC_REPOSITORY=" + dir, "RESTIC_PASSWORD=" + password}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("restic init: %w: %s", err, out)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil || len(keys) != 1 {
		return fmt.Errorf("%s has %d keys, and must have one", dir, len(keys))
	}
	old, err := os.ReadFile(keys[0])
	if err != nil {
		return err
	}
	cheap, err := cheapened(old, password)
	if err != nil {
		return err
	}
	if err := os.Remove(keys[0]); err != nil {
		return err
	}
	sum := sha256.Sum256(cheap)
	return os.WriteFile(filepath.Join(dir, "keys", hex.EncodeToString(sum[:])), cheap, 0o400)
}

// resticKey is a file of a repository's keys (restic's design document, "Keys,
// Encryption and MAC").
type resticKey struct {
	Created  string `json:"created"`
	Username string `json:"username"`
	Hostname string `json:"hostname"`
	KDF      string `json:"kdf"`
	N        int    `json:"N"`
	R        int    `json:"r"`
	P        int    `json:"p"`
	Salt     []byte `json:"salt"`
	// Data is the repository's own key: a nonce, the encrypted text, its MAC.
	Data []byte `json:"data"`
}

// cheapened is the same key under the same password, derived with the least work.
func cheapened(file []byte, password string) ([]byte, error) {
	var k resticKey
	if err := json.Unmarshal(file, &k); err != nil {
		return nil, err
	}
	was, err := k.derive(password)
	if err != nil {
		return nil, err
	}
	if len(k.Data) < aes.BlockSize+poly1305.TagSize {
		return nil, errors.New("the key is too short")
	}
	nonce, sealed := k.Data[:aes.BlockSize], k.Data[aes.BlockSize:]
	text, mac := sealed[:len(sealed)-poly1305.TagSize], sealed[len(sealed)-poly1305.TagSize:]
	if string(was.mac(nonce, text)) != string(mac) {
		return nil, errors.New("the password does not open the key")
	}
	master := was.crypt(nonce, text)

	k.N, k.R, k.P = 2, 1, 1
	k.Salt = make([]byte, 64)
	fresh := make([]byte, aes.BlockSize)
	for _, b := range [][]byte{k.Salt, fresh} {
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
	}
	now, err := k.derive(password)
	if err != nil {
		return nil, err
	}
	text = now.crypt(fresh, master)
	k.Data = append(append(fresh, text...), now.mac(fresh, text)...)
	return json.Marshal(k)
}

// derived are the keys that a password comes to.
type derived struct{ encrypt, k, r []byte }

func (k resticKey) derive(password string) (derived, error) {
	if k.KDF != "scrypt" {
		return derived{}, fmt.Errorf("the key is derived by %q", k.KDF)
	}
	b, err := scrypt.Key([]byte(password), k.Salt, k.N, k.R, k.P, 64)
	if err != nil {
		return derived{}, err
	}
	return derived{b[:32], b[32:48], b[48:]}, nil
}

// crypt encrypts or decrypts: AES-256 in counter mode.
func (d derived) crypt(nonce, text []byte) []byte {
	block, err := aes.NewCipher(d.encrypt)
	if err != nil {
		panic(err) // only of keys of another length
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, nonce).XORKeyStream(out, text)
	return out
}

// mac is Poly1305-AES.
func (d derived) mac(nonce, text []byte) []byte {
	block, err := aes.NewCipher(d.k)
	if err != nil {
		panic(err)
	}
	var key [32]byte
	copy(key[:16], d.r)
	block.Encrypt(key[16:], nonce)
	var out [16]byte
	poly1305.Sum(&out, text, &key)
	return out[:]
}
