package matrix

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// wantReadings compares what was found, line by line: state, what, value, note.
func wantReadings(t *testing.T, c *Chat, want ...string) {
	t.Helper()
	var got []string
	for _, r := range c.Check(t.Context()) {
		if r.Value == "" {
			t.Errorf("%s has no value", r.What)
		}
		got = append(got, string(r.State)+" | "+r.What+" | "+r.Value+" | "+r.Note)
	}
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	}
}

// TestCheckUnreachable: nothing answers, so that it is wrong, and all that was
// not asked for that is named.
func TestCheckUnreachable(t *testing.T) {
	c, _ := overURL(t, "http://x.invalid", roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("dial tcp 127.0.0.1:8008: connect: connection refused")
	}))
	wantReadings(t, c,
		"not ok | matrix homeserver | no answer | dial tcp 127.0.0.1:8008: connect: connection refused; look whether it runs, and whether its address in the configuration is that of the client API",
		"unknown | matrix account | not asked | the homeserver gave no answer",
		`unknown | matrix room "ops" | not asked | the homeserver gave no answer`,
		`unknown | matrix room "ops": encryption and power | not asked | the homeserver gave no answer`)
}

func TestCheckTokenRefused(t *testing.T) {
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == versionsPath {
			answers(200, "", `{"versions":["v1.11"]}`)(w, r)
			return
		}
		answers(401, "", `{"errcode":"M_UNKNOWN_TOKEN","error":"no such token"}`)(w, r)
	})
	wantReadings(t, c,
		"ok | matrix homeserver | answers, speaks up to v1.11 | ",
		"not ok | matrix account | refused | the access token is not accepted: log in anew and put the new token into its file",
		`unknown | matrix room "ops" | not asked | the account could not be used`,
		`unknown | matrix room "ops": encryption and power | not asked | the account could not be used`)
}

func TestCheckNotEntered(t *testing.T) {
	wantReadings(t, newFake(t, &fakeTransport{joined: []string{}}),
		"ok | matrix homeserver | answers, speaks up to v1.11 | ",
		"ok | matrix account | "+botUser+" | ",
		`not ok | matrix room "ops" | not entered | invite `+botUser+` to `+ops+`; the invitation is accepted while the bot runs`,
		`unknown | matrix room "ops": encryption and power | not asked | only who is in the room can see them`)
}

func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		err         error
		value, note string
	}{
		{&CallError{Call: "versions", Ended: context.DeadlineExceeded, Text: "context deadline exceeded"}, "no answer", "none came in time"},
		{&CallError{Call: "versions", Status: 502, Text: "bad gateway"}, "no usable answer", "502 Bad Gateway: bad gateway"},
		{&CallError{Call: "whoami", Status: 403, Code: "M_FORBIDDEN", Text: "no"}, "refused", "403 Forbidden: M_FORBIDDEN: no"},
		{errors.New("why"), "no answer", "why"},
	} {
		if value, note := trouble(c.err); value != c.value || note != c.note {
			t.Errorf("%v: got %q, %q", c.err, value, note)
		}
	}
}
