package plan

import (
	"bytes"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"watchstander/bot"
)

// Namespace is what our signatures are for, and no others: a signature that was
// made for anything else does not count here, nor ours elsewhere.
const Namespace = "statement-1@watchstander"

// MinRSA is the shortest RSA key that may sign, in bits.
const MinRSA = 3072

// maxSignature is the longest armored signature, in bytes; one of an RSA key of
// 16384 bits has some 6,000.
const maxSignature = 16 << 10

// Sign signs the statement with a key of a person, which an ssh-agent or a
// security key may hold. The outcome is armored text, as `ssh-keygen -Y sign`
// writes it.
func Sign(s bot.Statement, signer ssh.Signer) (string, error) {
	b, err := StatementBytes(s)
	if err != nil {
		return "", err
	}
	if err := KeyFault(signer.PublicKey()); err != nil {
		return "", err
	}
	sig, err := sshsig.Sign(bytes.NewReader(b), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return "", bot.Errorf(bot.CodeUnavailable, "The key did not sign.").Because(err)
	}
	text := string(sshsig.Armor(sig))
	// An ssh-agent can answer with what we would not take; better it is told now.
	if err := VerifySignature(s, text, []ssh.PublicKey{signer.PublicKey()}); err != nil {
		return "", err
	}
	return text, nil
}

// VerifySignature tells whether one of the keys signed this very statement. Who
// counts as allowed is the caller's to say: the keys of one person. Signatures
// can be altered and stay good, so what must count once is told by the
// statement's nonce, never by the signature.
func VerifySignature(s bot.Statement, armored string, allowed []ssh.PublicKey) error {
	b, err := StatementBytes(s)
	if err != nil {
		return err
	}
	sig, err := unarmor(armored)
	if err != nil {
		return err
	}
	if sig.Namespace != Namespace {
		return refused("it was made for %.60q", sig.Namespace)
	}
	if sig.HashAlgorithm != sshsig.HashSHA512 {
		return refused("it is over %s, and must be over %s", sig.HashAlgorithm, sshsig.HashSHA512)
	}
	key, err := allowedKey(sig.PublicKey, allowed)
	if err != nil {
		return err
	}
	if err := KeyFault(key); err != nil {
		return err
	}
	if key.Type() == ssh.KeyAlgoRSA && sig.Signature.Format != ssh.KeyAlgoRSASHA512 {
		return refused("an RSA key must sign with %s", ssh.KeyAlgoRSASHA512)
	}
	if securityKey(key) && !touched(sig.Signature) {
		return refused("the security key was not touched")
	}
	if err := sshsig.Verify(bytes.NewReader(b), sig, key, sshsig.HashSHA512, Namespace); err != nil {
		return refused("it is not of this statement").Because(err)
	}
	return nil
}

func refused(format string, args ...any) *bot.Error {
	return bot.Errorf(bot.CodeForbidden, "The signature does not count: %s.", fmt.Sprintf(format, args...))
}

// allowedKey is the key among those allowed that a signature names, with nothing
// switched off that its type asks for.
func allowedKey(named ssh.PublicKey, allowed []ssh.PublicKey) (ssh.PublicKey, error) {
	blob := named.Marshal()
	for _, k := range allowed {
		if bytes.Equal(k.Marshal(), blob) {
			return ssh.ParsePublicKey(blob)
		}
	}
	return nil, refused("its key %s is not one of the approver's", ssh.FingerprintSHA256(named))
}

// KeyFault says why a key may not sign, nil when it may: Ed25519, ECDSA, RSA of
// MinRSA bits, and the first two on security keys. Certificates may not: they
// would let their authority name approvers.
func KeyFault(k ssh.PublicKey) error {
	wrong := bot.Errorf(bot.CodeForbidden, "A key of the type %.60s may not sign; use Ed25519, ECDSA or RSA.", k.Type())
	k, err := ssh.ParsePublicKey(k.Marshal()) // an ssh-agent's keys know their bytes alone
	if err != nil {
		return wrong.Because(err)
	}
	switch k.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		c, ok := k.(ssh.CryptoPublicKey)
		if !ok {
			return wrong
		}
		pub, ok := c.CryptoPublicKey().(*rsa.PublicKey)
		if !ok {
			return wrong
		}
		if n := pub.N.BitLen(); n < MinRSA {
			return bot.Errorf(bot.CodeForbidden, "An RSA key of %d bits may not sign; it needs %d.", n, MinRSA)
		}
		return nil
	}
	return wrong
}

func securityKey(k ssh.PublicKey) bool {
	return k.Type() == ssh.KeyAlgoSKED25519 || k.Type() == ssh.KeyAlgoSKECDSA256
}

// touched tells whether a security key says that somebody was there. That the
// key signed this flag is told by the verification; golang.org/x/crypto looks at
// it too, from 0.53 on.
func touched(s *ssh.Signature) bool {
	return len(s.Rest) == 5 && s.Rest[0]&1 == 1 // flags, and a counter of four bytes
}

// unarmor reads exactly one armored signature, and of each only one form.
func unarmor(text string) (*sshsig.Signature, error) {
	if len(text) > maxSignature {
		return nil, invalid("This is too long for a signature.")
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n"
	bad := invalid("This is no SSH signature; give it whole, from -----BEGIN %s----- to -----END %s-----.", sshsig.PEMType, sshsig.PEMType)
	if !strings.HasPrefix(text, "-----BEGIN "+sshsig.PEMType+"-----\n") {
		return nil, bad
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != sshsig.PEMType || len(block.Headers) > 0 || len(rest) > 0 {
		return nil, bad
	}
	sig, err := sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, bad.Because(err)
	}
	if !bytes.Equal(sig.Marshal(), block.Bytes) {
		return nil, bad
	}
	return sig, nil
}
