package alertmanager_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func TestWebhookCredentials(t *testing.T) {
	good := body(alertJSON)
	bearer := alertmanager.Bearer("t0ken")
	basic := alertmanager.Basic("alert", "pässword")
	signed := alertmanager.HMAC("X-Signature", "s3cret")
	basicHeader := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	sum := sign("s3cret", good)
	for _, tt := range []struct {
		name        string
		credentials []alertmanager.Credential
		header      []string
		want        int
	}{
		{"none configured, none shown", nil, nil, 401},
		{"none configured, an empty one shown", nil, []string{"Authorization", "Bearer "}, 401},
		{"bearer", []alertmanager.Credential{bearer}, []string{"Authorization", "Bearer t0ken"}, 200},
		{"bearer, in any case", []alertmanager.Credential{bearer}, []string{"Authorization", "bearer t0ken"}, 200},
		{"no header", []alertmanager.Credential{bearer}, nil, 401},
		{"another token", []alertmanager.Credential{bearer}, []string{"Authorization", "Bearer t0ken2"}, 401},
		{"a token's beginning", []alertmanager.Credential{bearer}, []string{"Authorization", "Bearer t0ke"}, 401},
		{"an empty token", []alertmanager.Credential{bearer}, []string{"Authorization", "Bearer "}, 401},
		{"a token without its scheme", []alertmanager.Credential{bearer}, []string{"Authorization", "t0ken"}, 401},
		{"two headers", []alertmanager.Credential{bearer}, []string{"Authorization", "Bearer t0ken", "Authorization", "Bearer t0ken"}, 401},
		{"basic", []alertmanager.Credential{basic}, []string{"Authorization", basicHeader("alert", "pässword")}, 200},
		{"basic, another user", []alertmanager.Credential{basic}, []string{"Authorization", basicHeader("alerts", "pässword")}, 401},
		{"basic, another password", []alertmanager.Credential{basic}, []string{"Authorization", basicHeader("alert", "password")}, 401},
		{"basic, swapped", []alertmanager.Credential{basic}, []string{"Authorization", basicHeader("pässword", "alert")}, 401},
		{"basic, not base64", []alertmanager.Credential{basic}, []string{"Authorization", "Basic !"}, 401},
		{"bearer where basic is wanted", []alertmanager.Credential{basic}, []string{"Authorization", "Bearer alert"}, 401},
		{"any of several", []alertmanager.Credential{bearer, basic, signed}, []string{"Authorization", basicHeader("alert", "pässword")}, 200},
		{"signed", []alertmanager.Credential{signed}, []string{"X-Signature", sum}, 200},
		{"signed, with its prefix and in capitals", []alertmanager.Credential{signed}, []string{"x-signature", "SHA256=" + strings.ToUpper(sum)}, 200},
		{"signed, one of several", []alertmanager.Credential{bearer, signed}, []string{"X-Signature", sum}, 200},
		{"signed after a rotation", []alertmanager.Credential{alertmanager.HMAC("X-Signature", "new"), signed}, []string{"X-Signature", sum}, 200},
		{"signed with another secret", []alertmanager.Credential{signed}, []string{"X-Signature", sign("other", good)}, 401},
		{"signed for another body", []alertmanager.Credential{signed}, []string{"X-Signature", sign("s3cret", good+" ")}, 401},
		{"signed, cut", []alertmanager.Credential{signed}, []string{"X-Signature", sum[:62]}, 401},
		{"signed, not hexadecimal", []alertmanager.Credential{signed}, []string{"X-Signature", "zz" + sum[2:]}, 401},
		{"signed, empty", []alertmanager.Credential{signed}, []string{"X-Signature", ""}, 401},
		{"signed twice", []alertmanager.Credential{signed}, []string{"X-Signature", sum, "X-Signature", sum}, 401},
		{"a secret is no token", []alertmanager.Credential{signed}, []string{"Authorization", "Bearer s3cret"}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t, func(o *alertmanager.HandlerOptions) { o.Credentials = tt.credentials })
			w := e.post(good, tt.header...)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			stored := 0
			for _, x := range e.inbox.events {
				switch x := x.(type) {
				case bot.Delivery:
					stored++
				case bot.Refused:
					if w.Code != 401 || x.Status != 401 || x.Reason == "" || len(tt.header) == 0 {
						t.Errorf("told is %+v", x)
					}
					for _, secret := range []string{"t0ken", "pässword", "s3cret", sum} {
						if strings.Contains(x.Reason, secret) {
							t.Errorf("the room would read %q", x.Reason)
						}
					}
				}
			}
			if w.Code == 200 && stored != 1 || w.Code != 200 && stored != 0 {
				t.Errorf("%d deliveries stored", stored)
			}
			if w.Code == 401 && (w.Body.String() != "Valid credentials are required.\n" || w.Header().Get("WWW-Authenticate") == "") {
				t.Errorf("answer %q, %v", w.Body, w.Header())
			}
			for _, secret := range []string{"t0ken", "pässword", "s3cret", sum} {
				if strings.Contains(e.log.String(), secret) {
					t.Errorf("the log holds a secret: %s", e.log)
				}
			}
		})
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	for _, c := range []any{
		alertmanager.Bearer("hunter2"), alertmanager.Basic("hunter2", "hunter2"), alertmanager.HMAC("X", "hunter2"),
		alertmanager.Auth{Bearer: "hunter2"}, alertmanager.Options{Auth: alertmanager.Auth{User: "u", Password: "hunter2"}},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "c", c)
		if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, log.String()); strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprint([]byte("hunter2"))) {
			t.Errorf("%T shows its secret: %s", c, s)
		}
	}
}

// New credentials open the endpoint, and the old ones do no longer; faulty ones
// change nothing.
func TestAdmit(t *testing.T) {
	e := newEndpoint(t, nil)
	opens := func(token string) bool { return e.post(body(alertJSON), "Authorization", "Bearer "+token).Code == 200 }
	for _, faulty := range [][]alertmanager.Credential{nil, {{}}, {alertmanager.Bearer("a\nb")}} {
		if err := e.Admit(faulty...); err == nil || !opens(token) {
			t.Errorf("%v: %v", faulty, err)
		}
	}
	const next = "another-token-0123456789"
	if err := e.Admit(alertmanager.Bearer(next)); err != nil {
		t.Fatal(err)
	}
	if opens(token) || !opens(next) {
		t.Error("the old token counts")
	}
}
