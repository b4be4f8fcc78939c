package alertmanager

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"strings"
)

// Credential is one way in which a sender can prove that it may use an
// endpoint; [Bearer], [Basic] and [HMAC] make one. Printing it shows its kind
// and nothing else. The zero Credential proves nothing and is refused by
// [NewHandler].
type Credential struct {
	kind   credentialKind
	sums   [2][sha256.Size]byte // of the token, or of user and password
	header string               // HMAC: the header that carries the signature
	key    []byte               // HMAC
	fault  error                // why NewHandler must refuse it
}

type credentialKind string

const (
	kindBearer credentialKind = "bearer"
	kindBasic  credentialKind = "basic"
	kindHMAC   credentialKind = "hmac"
)

// Bearer is the token of "Authorization: Bearer …".
func Bearer(token string) Credential {
	return Credential{
		kind:  kindBearer,
		sums:  [2][sha256.Size]byte{sha256.Sum256([]byte(token))},
		fault: secretFault("the bearer token", token),
	}
}

// Basic is the user and password of "Authorization: Basic …".
func Basic(user, password string) Credential {
	return Credential{
		kind:  kindBasic,
		sums:  [2][sha256.Size]byte{sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))},
		fault: errors.Join(secretFault("the user", user), secretFault("the password", password)),
	}
}

// HMAC is the secret of a signature over the body as it is sent: HMAC-SHA256,
// in hexadecimal, with or without "sha256=" before it, in the named header.
// Alertmanager itself cannot sign; a proxy between it and us can.
func HMAC(header, secret string) Credential {
	c := Credential{
		kind:   kindHMAC,
		header: http.CanonicalHeaderKey(header),
		key:    []byte(secret),
		fault:  secretFault("the HMAC secret", secret),
	}
	if header == "" || strings.ContainsAny(header, " \t\r\n:") {
		c.fault = errors.Join(c.fault, errors.New("the HMAC header has no usable name"))
	}
	return c
}

// secretFault finds what would silently never match, or match too much.
func secretFault(what, secret string) error {
	switch {
	case secret == "":
		return fmt.Errorf("%s is empty", what)
	case strings.ContainsAny(secret, "\r\n"):
		return fmt.Errorf("%s holds a line break: trim what was read from its file", what)
	}
	return nil
}

func (c Credential) String() string {
	if c.kind == "" {
		return "(no credential)"
	}
	return "(" + string(c.kind) + " credential)"
}

// GoString keeps %#v from showing the fields.
func (c Credential) GoString() string { return c.String() }

// LogValue keeps loggers from showing the fields.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// challenge is the WWW-Authenticate value that tells a sender what to use.
func (c Credential) challenge() string {
	switch c.kind {
	case kindBasic:
		return `Basic realm="watchstander", charset="UTF-8"`
	case kindHMAC:
		return `HMAC-SHA256 realm="watchstander"`
	}
	return `Bearer realm="watchstander"`
}

// lock is what a sender must open: any one of the credentials will do. An empty
// lock never opens.
type lock []Credential

// faults tells what is wrong with an endpoint's credentials.
func (l lock) faults(endpoint string) []error {
	var faults []error
	for i, c := range l {
		if c.kind == "" {
			faults = append(faults, fmt.Errorf("webhook endpoint %q: credential %d is empty", endpoint, i+1))
		} else if c.fault != nil {
			faults = append(faults, fmt.Errorf("webhook endpoint %q: credential %d: %w", endpoint, i+1, c.fault))
		}
	}
	return faults
}

// byHeader tells whether the Authorization header opens the lock. Every
// credential is compared, whatever the ones before it said, and only hashes of
// equal length are, so that the time taken tells nothing about them.
func (l lock) byHeader(h http.Header) bool {
	values := h["Authorization"]
	if len(values) != 1 { // two would leave open which of them counts
		return false
	}
	token, isBearer := bearerToken(values[0])
	user, password, isBasic := (&http.Request{Header: http.Header{"Authorization": values}}).BasicAuth()
	tokenSum := sha256.Sum256([]byte(token))
	userSum, passwordSum := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))

	opened := 0
	for _, c := range l {
		switch {
		case c.kind == kindBearer && isBearer:
			opened |= subtle.ConstantTimeCompare(tokenSum[:], c.sums[0][:])
		case c.kind == kindBasic && isBasic:
			opened |= subtle.ConstantTimeCompare(userSum[:], c.sums[0][:]) &
				subtle.ConstantTimeCompare(passwordSum[:], c.sums[1][:])
		}
	}
	return opened == 1
}

func bearerToken(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return strings.TrimLeft(token, " "), true
}

// signature is one signature that a request brought, and the sum of what has
// been read of its body.
type signature struct {
	claimed []byte
	sum     hash.Hash
}

// signatures starts one sum for each HMAC credential whose header the request
// has, exactly once and in a readable form.
func (l lock) signatures(h http.Header) []signature {
	var out []signature
	for _, c := range l {
		if c.kind != kindHMAC {
			continue
		}
		values := h[c.header]
		if len(values) != 1 {
			continue
		}
		text := strings.TrimSpace(values[0])
		if len(text) > 7 && strings.EqualFold(text[:7], "sha256=") {
			text = text[7:]
		}
		claimed, err := hex.DecodeString(text)
		if err != nil || len(claimed) != sha256.Size {
			continue
		}
		out = append(out, signature{claimed: claimed, sum: hmac.New(sha256.New, c.key)})
	}
	return out
}

// valid tells whether the whole body, now read, is what was signed.
func (s signature) valid() bool {
	return hmac.Equal(s.sum.Sum(nil), s.claimed)
}
