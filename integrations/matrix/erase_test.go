package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
)

// erasing is what the tests here ask for.
var erasing = bot.Erasing{Key: "eff_1", Room: "ops", Message: "$code"}

// TestErase: what the homeserver answers, and what comes of it. calls are those
// that were made.
func TestErase(t *testing.T) {
	stands := func(string) (json.RawMessage, error) { return json.RawMessage(text1("$code", "approve 123456")), nil }
	answers := func(err error) func(string, string) error { return func(string, string) error { return err } }
	low := map[string]string{ops + " m.room.power_levels": `{"users":{"@alice:house.test":100}}`}
	for _, c := range []struct {
		name   string
		f      *fakeTransport
		want   bot.RefusalKind // "" for done
		people string
		calls  []string
	}{
		{name: "done", f: &fakeTransport{event: stands, redact: answers(nil)}, calls: []string{"event $code", "redact $code under eff_1"}},
		{name: "done before", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return json.RawMessage(`{"event_id":"$code","type":"m.room.message","sender":"@alice:house.test","origin_server_ts":1795462820000,"content":{},"unsigned":{"redacted_because":{"type":"m.room.redaction"}}}`), nil
		}}, calls: []string{"event $code"}},
		{name: "done before, told shortly", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return json.RawMessage(event("$code", "m.room.message", alice, `{}`)), nil
		}}, calls: []string{"event $code"}},
		{name: "no power", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Status: 403, Code: "M_FORBIDDEN", Reached: true}), state: low},
			want: bot.Forbidden, people: "deleting other people's messages takes power level 50 in this room, and I have 0."},
		{name: "no power, and the room's own level", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Status: 403, Code: "M_FORBIDDEN", Reached: true}),
			state: map[string]string{ops + " m.room.power_levels": `{"users_default":10,"redact":75,"events":{"m.room.redaction":80}}`}},
			want: bot.Forbidden, people: "deleting other people's messages takes power level 80 in this room, and I have 10."},
		{name: "power, and refused all the same", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Status: 403, Code: "M_FORBIDDEN", Reached: true}),
			state: map[string]string{ops + " m.room.power_levels": `{"users":{"@watchstander:house.test":50}}`}},
			want: bot.Forbidden, people: "the homeserver does not let me delete other people's messages in this room."},
		{name: "what cannot be seen is redacted all the same", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return nil, &CallError{Call: "event", Status: 404, Code: "M_NOT_FOUND", Reached: true}
		}, redact: answers(nil)}, calls: []string{"event $code", "redact $code under eff_1"}},
		{name: "no such message", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return nil, &CallError{Call: "event", Status: 404, Code: "M_NOT_FOUND", Reached: true}
		}, redact: answers(&CallError{Call: "redact", Status: 400, Code: "M_NOT_FOUND", Reached: true})},
			want: bot.Rejected, people: "the homeserver does not take it for a message of this room."},
		{name: "busy at once", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return nil, &CallError{Call: "event", Status: 429, Code: "M_LIMIT_EXCEEDED", After: 7 * time.Second, Reached: true}
		}}, want: bot.Busy, calls: []string{"event $code"}},
		{name: "busy", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Status: 429, Code: "M_LIMIT_EXCEEDED", After: 7 * time.Second, Reached: true})}, want: bot.Busy},
		{name: "nobody knows", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Reached: true, Text: "EOF"})}, want: bot.Unsure},
		{name: "no answer to the question", f: &fakeTransport{event: func(string) (json.RawMessage, error) {
			return nil, &CallError{Call: "event", Reached: true, Text: "EOF"}
		}}, want: bot.Unreachable, calls: []string{"event $code"}},
		{name: "the token is no longer good, which is mended", f: &fakeTransport{event: stands, redact: answers(&CallError{Call: "redact", Status: 401, Code: "M_UNKNOWN_TOKEN", Reached: true})},
			want: bot.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := newFake(t, c.f).Erase(t.Context(), erasing)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
			} else {
				r := wantRefusal(t, err, c.want)
				if c.want == bot.Busy && r.After != 7*time.Second {
					t.Errorf("it is to wait %s", r.After)
				}
			}
			if c.people != "" && bot.ForPeople(err) != c.people {
				t.Errorf("people are told %q", bot.ForPeople(err))
			}
			if c.calls != nil && !slices.Equal(c.f.calls, c.calls) {
				t.Errorf("asked: %q", c.f.calls)
			}
		})
	}
	other := erasing
	other.Room = "elsewhere"
	wantRefusal(t, newFake(t, &fakeTransport{}).Erase(t.Context(), other), bot.Forbidden)
}

// TestRealErase: however the line breaks and the bot restarts, there is one
// redaction, in the account's name; and what the bot lacks is said.
func TestRealErase(t *testing.T) {
	h := newHouse(t)
	h.enter(t)
	letErase(t, h.alice, h.bot, h.room, 50)
	c := h.chat(t, "")
	redactions := func(id string) (n int) {
		for _, e := range h.alice.Messages(t, h.room) {
			if e.Type == typeRedaction && (e.Field("redacts") == id || fmt.Sprint(e.Content["redacts"]) == id) {
				n++
			}
		}
		return n
	}
	gone := func(id string) {
		t.Helper()
		real.Eventually(t, soon, "it is redacted", func() error {
			for _, m := range real.See(h.alice.Messages(t, h.room)) {
				if m.ID == id && !m.Redacted {
					return fmt.Errorf("it shows as %+v", m)
				}
			}
			return nil
		})
	}
	say := func() bot.Erasing {
		id := h.alice.Say(t, h.room, "approve pln_K7QF2M 123456")
		return bot.Erasing{Key: bot.EffectKey("eff_" + strings.Trim(id, "$")), Room: "ops", Message: bot.MessageID(id)}
	}

	t.Run("the answer is lost, and the bot restarts", func(t *testing.T) {
		e := say()
		held := h.proxy.HoldReply(1, real.OfKind(real.KindRedact))
		done := make(chan error, 1)
		go func() { done <- c.Erase(t.Context(), e) }()
		held.Wait(t, soon)
		held.Cut()
		wantRefusal(t, <-done, bot.Unsure)
		if err := h.chat(t, "").Erase(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		e.Key = "eff_another" // a homeserver that has forgotten the transaction
		gone(string(e.Message))
		if err := c.Erase(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if n := redactions(string(e.Message)); n != 1 {
			t.Errorf("there are %d redactions", n)
		}
	})
	t.Run("the homeserver restarts", func(t *testing.T) {
		e := say()
		if err := c.Erase(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		gone(string(e.Message))
		h.hs.Stop(t)
		wantRefusal(t, c.Erase(t.Context(), e), bot.Unreachable)
		h.hs.Start(t)
		real.Eventually(t, soon, "it answers again", func() error { return c.Erase(t.Context(), e) })
		if n := redactions(string(e.Message)); n != 1 {
			t.Errorf("there are %d redactions", n)
		}
	})
	t.Run("429", func(t *testing.T) {
		e := say()
		h.proxy.Limit(0.5, 1)
		defer h.proxy.Limit(0, 0)
		real.Eventually(t, soon, "it is busy", func() error {
			err := c.Erase(t.Context(), e)
			if err == nil {
				e = say()
				return errors.New("it went through")
			}
			if r := wantRefusal(t, err, bot.Busy); r.After <= 0 || r.After > 3*time.Second {
				t.Errorf("After is %s", r.After)
			}
			return nil
		})
	})
	t.Run("no power", func(t *testing.T) {
		letErase(t, h.alice, h.bot, h.room, 49)
		e := say()
		err := c.Erase(t.Context(), e)
		wantRefusal(t, err, bot.Forbidden)
		if got := bot.ForPeople(err); got != "deleting other people's messages takes power level 50 in this room, and I have 49." {
			t.Errorf("people are told %q", got)
		}
		if n := redactions(string(e.Message)); n != 0 {
			t.Errorf("there are %d redactions", n)
		}
	})
}

// TestCheckCodes: the power to delete is asked for where codes may come.
func TestCheckCodes(t *testing.T) {
	const what = `matrix room "ops": deleting codes`
	levels := func(s string) map[string]string {
		return map[string]string{ops + " m.room.power_levels": s, ops + " m.room.create": `{"m.federate":false}`}
	}
	for _, c := range []struct {
		codes  Codes
		levels string
		state  bot.ReadingState
		note   string
	}{
		{CodesNever, `{}`, "", ""},
		{CodesWanted, `{"users":{"@watchstander:house.test":50}}`, bot.OK, ""},
		{CodesWanted, `{}`, bot.NotOK, "the bot's power level is 0, and deleting other people's messages takes 50"},
		{CodesWanted, `{"redact":0}`, bot.OK, ""},
		{CodesWanted, `{"redact":0,"events_default":20}`, bot.NotOK, "takes 20"},
		{CodesPerhaps, `{}`, bot.Unknown, "is in the agent's file, which was not read"},
	} {
		chat := newFake(t, &fakeTransport{state: levels(c.levels)}, func(o *Options) { o.Codes = c.codes })
		var got bot.Reading
		for _, r := range chat.Check(t.Context()) {
			if r.What == what {
				got = r
			}
		}
		if got.State != c.state || !strings.Contains(got.Note, c.note) {
			t.Errorf("%s, %s: %+v", c.codes, c.levels, got)
		}
	}
}
