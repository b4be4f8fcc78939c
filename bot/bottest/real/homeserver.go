package real

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// HomeserverOptions may be left empty.
type HomeserverOptions struct {
	ServerName string    // the part of ids after the colon; "house.test" when empty
	RateLimit  RateLimit // zero: none
}

// RateLimit is Dendrite's own: a device may have Burst requests within
// Cooloff. It covers logins, joins, invites and the like, but not the sending
// of messages; [Proxy.Limit] does that.
type RateLimit struct {
	Burst   int
	Cooloff time.Duration
}

// Homeserver is a Dendrite with its data in SQLite, without federation. Stop
// or Kill it and Start it again: address, data and access tokens stay.
type Homeserver struct {
	*Process
	URL        string // "http://127.0.0.1:port"
	ServerName string
	Dir        string // its configuration and data
	secret     string // for registering users
}

// StartHomeserver starts a homeserver without users.
func StartHomeserver(t testing.TB, o HomeserverOptions) *Homeserver {
	t.Helper()
	program := Require(t, "dendrite")
	if o.ServerName == "" {
		o.ServerName = "house.test"
	}
	addr := FreeAddr(t)
	h := &Homeserver{
		URL:        "http://" + addr,
		ServerName: o.ServerName,
		Dir:        t.TempDir(),
		secret:     rand.Text(),
	}
	config := filepath.Join(h.Dir, "dendrite.yaml")
	writeFile(t, config, h.config(o.RateLimit))
	writeFile(t, filepath.Join(h.Dir, keyFile), signingKey(t))
	h.Process = StartProcess(t, Command{
		Name: "dendrite",
		Path: program,
		Args: []string{"--config", config, "--http-bind-address", addr},
		Dir:  h.Dir,
		Ready: func(ctx context.Context) error {
			// The health page is there before the client API's routes are.
			if err := answers(h.URL + "/_matrix/client/versions")(ctx); err != nil {
				return err
			}
			return answers(h.URL + "/_dendrite/monitor/health")(ctx)
		},
	})
	return h
}

// signingKey makes the key with which the homeserver signs its events.
func signingKey(t testing.TB) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatalf("no signing key for the homeserver: %v", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{
		Type:    "MATRIX PRIVATE KEY",
		Headers: map[string]string{"Key-ID": "ed25519:test"},
		Bytes:   key.Seed(),
	}))
}

// NewUser registers a user without admin rights and logs them in.
func (h *Homeserver) NewUser(t testing.TB, name string) *User {
	t.Helper()
	const path = "/_synapse/admin/v1/register"
	var nonce struct {
		Nonce string `json:"nonce"`
	}
	if err := doJSON(t.Context(), http.MethodGet, h.URL+path, nil, nil, &nonce); err != nil {
		t.Fatalf("registering %s: no nonce: %v", name, err)
	}
	password := rand.Text()
	mac := hmac.New(sha1.New, []byte(h.secret)) // what the registration API asks for
	mac.Write([]byte(strings.Join([]string{nonce.Nonce, name, password, "notadmin"}, "\x00")))
	user := &User{URL: h.URL, Password: password}
	err := doJSON(t.Context(), http.MethodPost, h.URL+path, nil, map[string]any{
		"nonce":    nonce.Nonce,
		"username": name,
		"password": password,
		"admin":    false,
		"mac":      hex.EncodeToString(mac.Sum(nil)),
	}, user)
	if err != nil {
		t.Fatalf("registering %s: %v", name, err)
	}
	return user
}

// Login logs a user in once more: another device, another access token.
func (h *Homeserver) Login(t testing.TB, id, password string) *User {
	t.Helper()
	user := &User{URL: h.URL, Password: password}
	err := doJSON(t.Context(), http.MethodPost, h.URL+"/_matrix/client/v3/login", nil, map[string]any{
		"type":       "m.login.password",
		"identifier": map[string]string{"type": "m.id.user", "user": id},
		"password":   password,
	}, user)
	if err != nil {
		t.Fatalf("%s cannot log in: %v", id, err)
	}
	return user
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
