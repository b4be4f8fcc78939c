package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

const secret = "syt_c2VjcmV0_tOkEn+/=_1234"

// over is a chat over a homeserver that the test plays.
func over(t *testing.T, h http.HandlerFunc) (*Chat, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return overURL(t, server.URL, nil)
}

func overURL(t *testing.T, url string, rt http.RoundTripper) (*Chat, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c, err := New(Options{
		Chat: "matrix", Homeserver: url, User: botUser, Token: " " + secret + "\n", RoundTripper: rt,
		Rooms: map[bot.RoomID]string{"ops": ops}, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, &log
}

func sending() bot.Sending {
	return bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Body: []byte(`{"msgtype":"m.notice","body":"<x> & é"}`), Since: time.Now()}
}

func answers(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestSendOnTheWire(t *testing.T) {
	var got *http.Request
	var body map[string]any
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_ = json.NewDecoder(r.Body).Decode(&body)
		_, _ = io.WriteString(w, `{"event_id":"$e"}`)
	})
	s := sending()
	s.Key = "key_a/b c.1"
	receipt, err := c.Send(t.Context(), s)
	if err != nil || receipt.ID != "$e" {
		t.Fatal(receipt, err)
	}
	if want := "/_matrix/client/v3/rooms/%21ops:house.test/send/m.room.message/key_a%2Fb%20c.1"; got.Method != "PUT" || got.URL.EscapedPath() != want || got.URL.RawQuery != "" {
		t.Errorf("%s %s", got.Method, got.URL)
	}
	if body["body"] != "<x> & é" || got.Header.Get("Authorization") != "Bearer "+secret {
		t.Errorf("%v %v", body, got.Header)
	}
}

func TestSendRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		kind   bot.RefusalKind
		after  time.Duration
		upload bot.RefusalKind
	}{
		"limited":           {answers(429, "", `{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2500}`), bot.Busy, 2500 * time.Millisecond, bot.Busy},
		"limited, header":   {answers(429, "Retry-After: 7", `{"errcode":"M_LIMIT_EXCEEDED"}`), bot.Busy, 7 * time.Second, bot.Busy},
		"limited, HTML":     {answers(429, "Retry-After: 9", `<html>slow down</html>`), bot.Busy, 9 * time.Second, bot.Busy},
		"limited, for ever": {answers(429, "Retry-After: 1e99", `{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1e99}`), bot.Busy, maxAfter, bot.Busy},
		"bad JSON":          {answers(400, "", `{"errcode":"M_BAD_JSON"}`), bot.Rejected, 0, bot.Rejected},
		"too large":         {answers(413, "", `{"errcode":"M_TOO_LARGE"}`), bot.Rejected, 0, bot.Rejected},
		"forbidden":         {answers(403, "", `{"errcode":"M_FORBIDDEN","error":"not in the room"}`), bot.Forbidden, 0, bot.Rejected},
		"no token":          {answers(401, "", `{"errcode":"M_UNKNOWN_TOKEN"}`), bot.Forbidden, 0, bot.Forbidden},
		"no such room":      {answers(404, "", `{"errcode":"M_NOT_FOUND"}`), bot.Forbidden, 0, bot.Rejected},
		"moved":             {answers(307, "Location: http://127.0.0.1:1/elsewhere", ``), bot.Unreachable, 0, bot.Unreachable},
		"internal":          {answers(500, "", `{"errcode":"M_UNKNOWN"}`), bot.Unsure, 0, bot.Unreachable},
		"gateway":           {answers(502, "", `<html>Bad Gateway</html>`), bot.Unsure, 0, bot.Unreachable},
		"time-out":          {answers(408, "", ``), bot.Unsure, 0, bot.Unreachable},
		"not JSON":          {answers(200, "", `<html>`), bot.Unsure, 0, bot.Unreachable},
		"no id":             {answers(200, "", `{}`), bot.Unsure, 0, bot.Unreachable},
		"hung up":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, bot.Unsure, 0, bot.Unreachable},
		"endless":           {func(w http.ResponseWriter, _ *http.Request) { flood(w, 200) }, bot.Unsure, 0, bot.Unreachable},
		"endless error":     {func(w http.ResponseWriter, _ *http.Request) { flood(w, 400) }, bot.Rejected, 0, bot.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := over(t, test.answer)
			_, err := c.Send(t.Context(), sending())
			if r := wantRefusal(t, err, test.kind); r.After != test.after || r.Attachment {
				t.Errorf("After is %s, Attachment %v", r.After, r.Attachment)
			}
			s := sending()
			s.Attachment = []byte("png")
			_, err = c.Send(t.Context(), s)
			// Only a media repository that answered has refused the file alone.
			if r := wantRefusal(t, err, test.upload); r.Attachment != (name != "hung up") {
				t.Errorf("the upload's Attachment is %v", r.Attachment)
			}
		})
	}
}

func flood(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"event_id":"`)
	line := bytes.Repeat([]byte("x"), 64<<10)
	for range 1000 {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

func TestSendBeforeAnyByte(t *testing.T) {
	s := sending()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tls := httptest.NewTLSServer(answers(200, "", `{"event_id":"$e"}`))
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer tls.Close()
	for name, url := range map[string]string{
		"refused": closed.URL, "no such name": "http://homeserver.invalid", "TLS": tls.URL,
	} {
		c, _ := overURL(t, url, nil)
		_, err := c.Send(t.Context(), s)
		if r := wantRefusal(t, err, bot.Unreachable); strings.Contains(r.Error(), secret) {
			t.Errorf("%s: %v", name, r)
		}
		file := s
		file.Attachment = []byte("png")
		_, err = c.Send(t.Context(), file)
		if r := wantRefusal(t, err, bot.Unreachable); r.Attachment {
			t.Errorf("%s: nobody answered, and the file is said to be refused", name)
		}
	}
	// A round tripper of a test's own tells less, and gets the benefit of doubt.
	c, _ := overURL(t, "http://x.invalid", roundTrip(func(*http.Request) (*http.Response, error) { return nil, errTest }))
	_, err := c.Send(t.Context(), s)
	wantRefusal(t, err, bot.Unsure)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSendEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	release := make(chan struct{})
	c, _ := over(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.Send(ctx, sending())
	wantRefusal(t, err, bot.Unsure)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not the context's error", err)
	}
	_, err = c.Send(ctx, sending()) // ended before it began
	wantRefusal(t, err, bot.Unreachable)
}

func TestSendRefusesNonsense(t *testing.T) {
	c, _ := over(t, answers(200, "", `{"event_id":"$e"}`))
	for kind, change := range map[bot.RefusalKind]func(*bot.Sending){
		bot.Forbidden: func(s *bot.Sending) { s.Room = "lab" },
		bot.Rejected:  func(s *bot.Sending) { s.Body = []byte("[]") },
		bot.RootGone:  func(s *bot.Sending) { s.Root = "$gone" },
	} {
		c.gone.add("$gone")
		s := sending()
		change(&s)
		_, err := c.Send(t.Context(), s)
		wantRefusal(t, err, kind)
	}
	s := sending()
	s.Key = ""
	_, err := c.Send(t.Context(), s)
	wantRefusal(t, err, bot.Rejected)
}

func TestUpload(t *testing.T) {
	var posted map[string]json.RawMessage
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case uploadPath:
			if r.Method != "POST" || string(body) != "png" || r.Header.Get("Content-Type") != "image/png" || r.URL.Query().Get("filename") != "a b.png" || r.Header.Get("Authorization") != "Bearer "+secret {
				t.Errorf("%s %s %q %v", r.Method, r.URL, body, r.Header)
			}
			_, _ = io.WriteString(w, `{"content_uri":"mxc://house.test/abc"}`)
		default:
			_ = json.Unmarshal(body, &posted)
			_, _ = io.WriteString(w, `{"event_id":"$e"}`)
		}
	})
	parts, err := c.Encode(bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendReply, Root: "$r", Message: bot.Message{Blocks: []bot.Block{bot.Picture{Name: "a b.png", PNG: []byte("png"), Alt: "x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	frozen := bytes.Clone(parts[0].Body)
	s := bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendReply, Root: "$r", Body: parts[0].Body, Attachment: parts[0].Attachment}
	if _, err := c.Send(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if string(posted["url"]) != `"mxc://house.test/abc"` || string(posted[keyName]) != `"key_1"` || string(posted["m.mentions"]) != `{}` {
		t.Errorf("%s", posted)
	}
	if !bytes.Equal(frozen, parts[0].Body) {
		t.Error("the frozen bytes were changed")
	}
}

// TestTokenStaysHidden plays homeservers that throw the token back in every
// way they can.
func TestTokenStaysHidden(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"in a Matrix error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			_ = json.NewEncoder(w).Encode(map[string]string{"errcode": "M_X " + r.Header.Get("Authorization"), "error": "bad " + r.Header.Get("Authorization")})
		},
		"in a page": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(502)
			fmt.Fprintf(w, "<p>%v</p>", r.Header)
		},
		"in bad JSON": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, secret) },
		"escaped": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "syt_c2VjcmV0_tOkEn%2B%2F%3D_1234")
		},
		"in a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/"+secret, http.StatusFound)
		},
		"revoked": answers(401, "", `{"errcode":"M_UNKNOWN_TOKEN","error":"`+secret+`"}`),
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			c, log := over(t, h)
			var said strings.Builder
			note := func(what string, err error) {
				if err == nil {
					t.Errorf("%s did not fail", what)
				}
				fmt.Fprintf(&said, "%s: %v %+v %#v\n", what, err, err, err)
			}
			_, err := c.Send(t.Context(), sending())
			note("send", err)
			s := sending()
			s.Attachment = []byte("x")
			_, err = c.Send(t.Context(), s)
			note("upload", err)
			for _, root := range []bot.MessageID{"", "$r"} {
				s.Root = root
				_, _, err = c.Find(t.Context(), s)
				note("find", err)
			}
			w := c.transport.(*wire)
			for what, call := range map[string]func() error{
				"sync":     func() error { _, err := w.Sync(t.Context(), SyncQuery{}); return err },
				"joined":   func() error { _, err := w.JoinedRooms(t.Context()); return err },
				"join":     func() error { return w.Join(t.Context(), ops) },
				"leave":    func() error { return w.Leave(t.Context(), ops) },
				"state":    func() error { _, err := w.State(t.Context(), ops, "m.room.create"); return err },
				"whoami":   func() error { _, err := w.WhoAmI(t.Context()); return err },
				"name":     func() error { _, err := w.DisplayName(t.Context(), botUser); return err },
				"versions": func() error { _, err := w.Versions(t.Context()); return err },
			} {
				err := call()
				if name == "in bad JSON" && (what == "join" || what == "leave") {
					continue // their answers are not read
				}
				note(what, err)
			}
			for _, r := range c.Check(t.Context()) {
				fmt.Fprintf(&said, "%+v\n", r)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := c.Run(ctx, newSink()); err != nil {
				note("run", err)
			}
			fmt.Fprintf(&said, "%+v %#v\n", c, c.transport)
			for _, form := range []string{secret, "tOkEn"} {
				if strings.Contains(said.String(), form) || strings.Contains(log.String(), form) {
					t.Errorf("the token shows in\n%s\n%s", said.String(), log.String())
				}
			}
			if !strings.Contains(log.String(), "does not say whose access token") && name != "revoked" {
				t.Errorf("nothing was logged: %s", log.String())
			}
		})
	}
}

// TestEveryCallEnds plays a homeserver that takes every request and never
// answers.
func TestEveryCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := overURL(t, "http://x.invalid", roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		took := func(want time.Duration, call func() error) {
			t.Helper()
			began := time.Now()
			err := call()
			if got := time.Since(began); got != want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("took %s instead of %s: %v", got, want, err)
			}
		}
		s := sending()
		took(callTime, func() error { _, err := c.Send(t.Context(), s); wantRefusal(t, err, bot.Unsure); return err })
		took(callTime, func() error { _, _, err := c.Find(t.Context(), s); return err })
		took(joinTime, func() error { return c.transport.Join(t.Context(), ops) })
		took(syncWait+syncSlack, func() error {
			_, err := c.transport.Sync(t.Context(), SyncQuery{Wait: syncWait})
			return err
		})
		s.Attachment = []byte("x")
		took(uploadTime, func() error { _, err := c.Send(t.Context(), s); wantRefusal(t, err, bot.Unreachable); return err })
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var conns atomic.Int64
	server := httptest.NewUnstartedServer(answers(200, "", `{"event_id":"$e"}`+"\n"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, _ := overURL(t, server.URL, nil)
	for range 5 {
		if _, err := c.Send(t.Context(), sending()); err != nil {
			t.Fatal(err)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
	c.Close()
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Options{Homeserver: "https://user:pass-in-url@house.test", User: "watchstander", Token: "two words", Rooms: map[bot.RoomID]string{"ops": "#ops:house.test", "a": "!x", "b": "!x"}})
	if err == nil || strings.Contains(err.Error(), "pass-in-url") || strings.Contains(err.Error(), "two words") {
		t.Fatal(err)
	}
	for _, want := range []string{"no name", "not a full Matrix user id", "not a room id", "same Matrix room", "more than a host", "access token"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told in\n%v", want, err)
		}
	}
	for _, address := range []string{"", "house.test", "ftp://house.test", "https://", "https://house.test?x"} {
		if checkAddress(address) == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
