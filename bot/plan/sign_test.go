package plan

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"watchstander/bot"
)

func packed(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: slipType, Bytes: b.Bytes()}))
}

// keys are one of each kind that may sign, made anew.
func keys(t testing.TB) map[string]ssh.Signer {
	t.Helper()
	out := map[string]ssh.Signer{}
	add := func(name string, k crypto.Signer, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = ssh.NewSignerFromSigner(k); err != nil {
			t.Fatal(err)
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	add("ed25519", ed, err)
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		add(c.Params().Name, k, err)
	}
	k, err := rsa.GenerateKey(rand.Reader, MinRSA)
	add("rsa", k, err)
	out["sk-ed25519"] = newSecurityKey(t, 1)
	out["sk-ecdsa"] = newSecurityECDSA(t, 1|4)
	return out
}

func ed25519Key(t testing.TB) ssh.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// softKey is a FIDO security key in software: what it signs, and with which
// flags, is in PROTOCOL.u2f of OpenSSH.
type softKey struct {
	public ssh.PublicKey
	flags  byte
	sign   func(message []byte) []byte
}

func newSecurityKey(t testing.TB, flags byte) softKey {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Name        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, pub, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return softKey{p, flags, func(m []byte) []byte { return ed25519.Sign(key, m) }}
}

func newSecurityECDSA(t testing.TB, flags byte) softKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Name, Curve string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", point, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return softKey{p, flags, func(m []byte) []byte {
		h := sha256.Sum256(m)
		r, s, err := ecdsa.Sign(rand.Reader, key, h[:])
		if err != nil {
			t.Fatal(err)
		}
		return ssh.Marshal(struct{ R, S *big.Int }{r, s})
	}}
}

func (k softKey) PublicKey() ssh.PublicKey { return k.public }

func (k softKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := []byte{k.flags, 0, 0, 0, 7} // and a counter
	return &ssh.Signature{Format: k.public.Type(), Blob: k.sign(bytes.Join([][]byte{application[:], rest, message[:]}, nil)), Rest: rest}, nil
}

func TestSignatures(t *testing.T) {
	s := stated(t)
	other := ed25519Key(t).PublicKey()
	for name, key := range keys(t) {
		text, err := Sign(s, key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := VerifySignature(s, text, []ssh.PublicKey{other, key.PublicKey()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := VerifySignature(s, "\n  "+strings.ReplaceAll(text, "\n", "\r\n")+"\n", []ssh.PublicKey{key.PublicKey()}); err != nil {
			t.Errorf("%s: as it was copied: %v", name, err)
		}
		for _, allowed := range [][]ssh.PublicKey{nil, {other}} {
			forbidden(t, name+", of others", VerifySignature(s, text, allowed))
		}
		for what, forged := range falsified(t) {
			if err := VerifySignature(forged, text, []ssh.PublicKey{key.PublicKey()}); err == nil {
				t.Errorf("%s: it signs %s", name, what)
			}
		}
	}
}

func forbidden(t *testing.T, what string, err error) {
	t.Helper()
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeForbidden {
		t.Errorf("%s: %v", what, err)
	}
}

// A security key that nobody touched signs all the same: the flag alone tells.
func TestASecurityKeyMustBeTouched(t *testing.T) {
	s := stated(t)
	b, err := StatementBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range []byte{0, 4, 0xFE} {
		for _, key := range []softKey{newSecurityKey(t, flags), newSecurityECDSA(t, flags)} {
			if text, err := Sign(s, key); err == nil {
				t.Errorf("signed: %s", text)
			}
			sig, err := sshsig.Sign(bytes.NewReader(b), key, sshsig.HashSHA512, Namespace)
			if err != nil {
				t.Fatal(err)
			}
			allowed := []ssh.PublicKey{key.public}
			err = VerifySignature(s, string(sshsig.Armor(sig)), allowed)
			if want := "The signature does not count: the security key was not touched."; bot.ForPeople(err) != want {
				t.Errorf("flags %x: %v", flags, err)
			}
			// The flag put right afterwards is not what was signed.
			sig.Signature.Rest[0] |= 1
			forbidden(t, "a raised flag", VerifySignature(s, string(sshsig.Armor(sig)), allowed))
			sig.Signature.Rest = append(sig.Signature.Rest, 0)
			forbidden(t, "more flags", VerifySignature(s, string(sshsig.Armor(sig)), allowed))
			sig.Signature.Rest = nil
			forbidden(t, "no flags", VerifySignature(s, string(sshsig.Armor(sig)), allowed))
		}
	}
}

func TestOtherSignaturesDoNotCount(t *testing.T) {
	s := stated(t)
	b, err := StatementBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519Key(t)
	long, err := rsa.GenerateKey(rand.Reader, MinRSA)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := ssh.NewSignerFromSigner(long)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []ssh.PublicKey{key.PublicKey(), rsaKey.PublicKey()}
	sign := func(hash sshsig.HashAlgorithm, namespace string) *sshsig.Signature {
		sig, err := sshsig.Sign(bytes.NewReader(b), key, hash, namespace)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	armor := func(sig *sshsig.Signature) string { return string(sshsig.Armor(sig)) }
	good := armor(sign(sshsig.HashSHA512, Namespace))
	if err := VerifySignature(s, good, allowed); err != nil {
		t.Fatal(err)
	}
	forbidden(t, "another namespace", VerifySignature(s, armor(sign(sshsig.HashSHA512, "file")), allowed))
	forbidden(t, "a beginning of the namespace", VerifySignature(s, armor(sign(sshsig.HashSHA512, Namespace[:9])), allowed))
	forbidden(t, "another hash", VerifySignature(s, armor(sign(sshsig.HashSHA256, Namespace)), allowed))
	renamed := sign(sshsig.HashSHA512, "file")
	renamed.Namespace = Namespace
	forbidden(t, "a namespace put on", VerifySignature(s, armor(renamed), allowed))
	taken := sign(sshsig.HashSHA512, Namespace)
	taken.PublicKey = rsaKey.PublicKey()
	if err := VerifySignature(s, armor(taken), allowed); err == nil {
		t.Error("another's key is taken")
	}
	weak := rsaWith(rsaKey, ssh.KeyAlgoRSASHA256)
	sig, err := sshsig.Sign(bytes.NewReader(b), weak, sshsig.HashSHA512, Namespace)
	if err != nil {
		t.Fatal(err)
	}
	forbidden(t, "RSA with SHA-256", VerifySignature(s, armor(sig), allowed))
	if _, err := Sign(s, weak); err == nil {
		t.Error("signed with RSA and SHA-256")
	}

	block, _ := pem.Decode([]byte(good))
	wrapped := func(b []byte) string { return string(pem.EncodeToMemory(&pem.Block{Type: sshsig.PEMType, Bytes: b})) }
	for name, text := range map[string]string{
		"nothing":        "",
		"text before":    "please take\n" + good,
		"text behind":    good + "x",
		"two":            good + good,
		"a header":       strings.Replace(good, "\n", "\nComment: x\n\n", 1),
		"another armor":  strings.ReplaceAll(good, "SSH SIGNATURE", "SSH SIGNATURE2"),
		"another kind":   strings.ReplaceAll(good, "SSH SIGNATURE", "PUBLIC KEY"),
		"a part":         good[:len(good)/2],
		"a byte more":    wrapped(append(bytes.Clone(block.Bytes), 0)),
		"a byte less":    wrapped(block.Bytes[:len(block.Bytes)-1]),
		"something kept": wrapped(bytes.Replace(block.Bytes, []byte("\x00\x00\x00\x00\x00\x00\x00\x06sha512"), []byte("\x00\x00\x00\x01x\x00\x00\x00\x06sha512"), 1)),
		"too long":       good + strings.Repeat("\n", maxSignature),
	} {
		if text == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := VerifySignature(s, text, allowed); !invalidError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// No changed byte of it is good.
	for i := range block.Bytes {
		b := bytes.Clone(block.Bytes)
		b[i] ^= 1
		if VerifySignature(s, wrapped(b), allowed) == nil {
			t.Errorf("byte %d does not count", i)
		}
	}
}

// rsaSigner signs with an algorithm that nobody asked for.
type rsaSigner struct {
	ssh.AlgorithmSigner
	algorithm string
}

func rsaWith(s ssh.Signer, algorithm string) rsaSigner {
	return rsaSigner{s.(ssh.AlgorithmSigner), algorithm}
}

func (s rsaSigner) SignWithAlgorithm(r io.Reader, data []byte, _ string) (*ssh.Signature, error) {
	return s.AlgorithmSigner.SignWithAlgorithm(r, data, s.algorithm)
}

func TestKeysThatMayNotSign(t *testing.T) {
	for name, key := range keys(t) {
		if err := KeyFault(key.PublicKey()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := ssh.NewSignerFromSigner(short)
	if err != nil {
		t.Fatal(err)
	}
	authority, key := ed25519Key(t), ed25519Key(t)
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	certified, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := stated(t)
	b, err := StatementBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]ssh.Signer{"a short RSA key": rsaKey, "a certificate": certified} {
		forbidden(t, name, KeyFault(k.PublicKey()))
		if _, err := Sign(s, k); err == nil {
			t.Errorf("%s signs", name)
		}
		sig, err := sshsig.Sign(bytes.NewReader(b), k, sshsig.HashSHA512, Namespace)
		if err != nil {
			t.Fatal(err)
		}
		// Even where somebody allowed it, or its authority.
		for _, allowed := range []ssh.PublicKey{k.PublicKey(), authority.PublicKey(), key.PublicKey()} {
			if VerifySignature(s, string(sshsig.Armor(sig)), []ssh.PublicKey{allowed}) == nil {
				t.Errorf("%s is taken", name)
			}
		}
	}
}

func FuzzDecodeSlip(f *testing.F) {
	text, err := EncodeSlip(stated(f), sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(packed(f, "{}\n{}"))
	f.Fuzz(func(t *testing.T, text string) {
		slip, err := DecodeSlip(text)
		if err != nil {
			return
		}
		if err := Check(slip.Statement, slip.Plan); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := EncodeSlip(slip.Statement, slip.Plan); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzVerifySignature(f *testing.F) {
	s := stated(f)
	mine, theirs := ed25519Key(f), ed25519Key(f)
	text, err := Sign(s, theirs)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	text, err = Sign(s, newSecurityKey(f, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		if VerifySignature(s, text, []ssh.PublicKey{mine.PublicKey()}) == nil {
			t.Errorf("a key that signed nothing signed %q", text)
		}
	})
}
