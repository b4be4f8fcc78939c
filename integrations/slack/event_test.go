package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// TestEvents: what Slack sends, and what it comes to. The bodies have the form of
// Slack's reference of the Events API, shortened to what is read and what is not to be
// mixed up with it.
func TestEvents(t *testing.T) {
	c := idle(t, nil)
	event := func(inner string) string {
		return `{"token":"x","team_id":"T024BE7LD","api_app_id":"A1","event":` + inner + `,"type":"event_callback","event_id":"Ev1","event_time":1732800000}`
	}
	said := func(change func(*bot.Said)) bot.Event {
		e := bot.Said{Chat: "slack", Room: "ops", ID: "C024BE91L/1732800000.000100", User: "T024BE7LD/U1", Text: "status",
			At: time.UnixMicro(1732800000000100).UTC()}
		if change != nil {
			change(&e)
		}
		return e
	}
	gone := func(ts string, who bot.UserID) bot.Event {
		return bot.Withdrawn{Chat: "slack", Room: "ops", ID: bot.MessageID("C024BE91L/" + ts + "/deleted"), Target: bot.MessageID("C024BE91L/" + ts), User: who,
			At: time.UnixMicro(1732800009000000).UTC()}
	}
	for name, x := range map[string]struct {
		raw  string
		want bot.Event
	}{
		"a message": {event(`{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100","team":"T024BE7LD","channel_type":"channel"}`), said(nil)},
		"a reply": {event(`{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100","thread_ts":"1732700000.000100"}`),
			said(func(e *bot.Said) { e.Root = "C024BE91L/1732700000.000100" })},
		"the root of a thread": {event(`{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100","thread_ts":"1732800000.000100"}`), said(nil)},
		"a reply that the channel sees too": {event(`{"type":"message","subtype":"thread_broadcast","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100","thread_ts":"1732700000.000100"}`),
			said(func(e *bot.Said) { e.Root = "C024BE91L/1732700000.000100" })},
		"words with a file": {event(`{"type":"message","subtype":"file_share","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100","files":[{"id":"F1"}]}`), said(nil)},
		"a person of another workspace in a shared channel": {
			`{"team_id":"T9OTHER","authorizations":[{"team_id":"T024BE7LD"}],"event":{"type":"message","channel":"C024BE91L","user":"U1","user_team":"T9OTHER","team":"T9OTHER","text":"status","ts":"1732800000.000100"}}`,
			said(func(e *bot.Said) { e.User = "T9OTHER/U1" })},
		"our name at the front": {event(`{"type":"message","channel":"C024BE91L","user":"U1","text":"<@U0BOT> status","ts":"1732800000.000100"}`),
			said(func(e *bot.Said) { e.Addressed = true })},
		"the same by another way, which is not asked for": {event(`{"type":"app_mention","channel":"C024BE91L","user":"U1","text":"<@U0BOT> status","ts":"1732800000.000100"}`), nil},
		"ourselves":          {event(`{"type":"message","channel":"C024BE91L","user":"U0BOT","bot_id":"B0BOT","text":"status","ts":"1732800000.000100"}`), nil},
		"ourselves, by user": {event(`{"type":"message","channel":"C024BE91L","user":"U0BOT","text":"status","ts":"1732800000.000100"}`), nil},
		"another bot":        {event(`{"type":"message","channel":"C024BE91L","user":"U7","bot_id":"B7","text":"status","ts":"1732800000.000100"}`), nil},
		"a bot of old":       {event(`{"type":"message","subtype":"bot_message","channel":"C024BE91L","bot_id":"B7","text":"status","ts":"1732800000.000100"}`), nil},
		"an app for a user":  {event(`{"type":"message","channel":"C024BE91L","user":"U1","app_id":"A7","text":"status","ts":"1732800000.000100"}`), nil},
		"Slack itself":       {event(`{"type":"message","channel":"C024BE91L","user":"USLACKBOT","text":"status","ts":"1732800000.000100"}`), nil},
		"nobody":             {event(`{"type":"message","channel":"C024BE91L","text":"status","ts":"1732800000.000100"}`), nil},
		"an edit": {event(`{"type":"message","subtype":"message_changed","hidden":true,"channel":"C024BE91L","ts":"1732800009.000000","event_ts":"1732800009.000000",
			"message":{"type":"message","user":"U1","text":"rollback","ts":"1732800000.000100","edited":{"user":"U1","ts":"1732800009.000000"}}}`), nil},
		"a link unfurled": {event(`{"type":"message","subtype":"message_changed","channel":"C024BE91L","ts":"1732800009.000000",
			"message":{"type":"message","user":"U1","text":"status","ts":"1732800000.000100","attachments":[{"id":1}]}}`), nil},
		"somebody who joined": {event(`{"type":"message","subtype":"channel_join","channel":"C024BE91L","user":"U1","text":"<@U1> has joined","ts":"1732800000.000100"}`), nil},
		"a deletion":          {event(`{"type":"message","subtype":"message_deleted","channel":"C024BE91L","ts":"1732800009.000000","deleted_ts":"1732800000.000100","previous_message":{"user":"U1","text":"approve"}}`), gone("1732800000.000100", "T024BE7LD/U1")},
		"a root deleted from above its replies": {event(`{"type":"message","subtype":"message_changed","channel":"C024BE91L","ts":"1732800009.000000",
			"message":{"type":"message","subtype":"tombstone","user":"USLACKBOT","text":"This message was deleted.","ts":"1732800000.000100"}}`), gone("1732800000.000100", "")},
		"another channel":   {event(`{"type":"message","channel":"C0ELSE","user":"U1","text":"status","ts":"1732800000.000100"}`), nil},
		"another workspace": {`{"team_id":"T9OTHER","event":{"type":"message","channel":"C024BE91L","user":"U1","text":"status","ts":"1732800000.000100"}}`, nil},
	} {
		n := c.envelope("events_api", []byte(x.raw))
		var want []bot.Event
		if x.want != nil {
			want = []bot.Event{x.want}
		}
		if !reflect.DeepEqual(n.events, want) {
			t.Errorf("%s comes to %+v, want %+v", name, n.events, want)
		}
	}
}

func TestUndecodable(t *testing.T) {
	c := idle(t, nil)
	for _, x := range []struct{ kind, raw string }{
		{"events_api", `{"team_id":"T024BE7LD","event":[]}`},
		{"events_api", `nothing`},
		{"events_api", `{"team_id":"T024BE7LD","event":{"type":"message","user":"U1"}}`},
		{"events_api", `{"team_id":"T024BE7LD","event":{"type":"message","channel":"C024BE91L","user":"U1","ts":"soon"}}`},
		{"events_api", `{"team_id":"T024BE7LD","event":{"type":"message","subtype":"message_deleted","channel":"C024BE91L","ts":"1732800009.000000"}}`},
		{"interactive", `{"type":"block_actions"}`},
		{"interactive", `{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","callback_id":"question","private_metadata":"{"}}`},
		{"slash_commands", `{"command":"/ws"}`},
		{"slash_commands", `[]`},
	} {
		first, again := c.envelope(x.kind, []byte(x.raw)), c.envelope(x.kind, []byte(x.raw))
		if len(first.events) != 1 || len(again.events) != 1 {
			t.Errorf("%s comes to %+v", x.raw, first.events)
			continue
		}
		e, ok := first.events[0].(bot.Undecodable)
		if !ok || e.Reason == "" || string(e.Body) != x.raw || idOf(again.events[0]) != e.ID {
			t.Errorf("%s comes to %+v", x.raw, e)
		}
	}
}

// press is the form of what Slack sends of one.
func pressed(action string) string {
	return `{"type":"block_actions","team":{"id":"T024BE7LD"},"user":{"id":"U1","team_id":"T024BE7LD"},"channel":{"id":"C024BE91L"},
		"container":{"type":"message","message_ts":"1732800000.000100","channel_id":"C024BE91L"},"trigger_id":"1.2.3","actions":[` + action + `]}`
}

func TestPress(t *testing.T) {
	c := idle(t, nil)
	want := bot.Pressed{Chat: "slack", Room: "ops", ID: "C024BE91L/1732800000.000100/U1/press0/1732800005.500000", Target: "C024BE91L/1732800000.000100",
		User: "T024BE7LD/U1", Action: "ack", At: time.UnixMicro(1732800005500000).UTC()}
	n := c.envelope("interactive", []byte(pressed(`{"action_id":"press0","value":"ack","action_ts":"1732800005.500000"}`)))
	if len(n.events) != 1 || n.events[0] != bot.Event(want) {
		t.Errorf("a press is %+v", n.events)
	}
	n = c.envelope("interactive", []byte(pressed(`{"action_id":"pick1","selected_option":{"value":"silence 4h"},"action_ts":"1732800005.500000"}`)))
	if len(n.events) != 1 || n.events[0].(bot.Pressed).Action != "silence 4h" {
		t.Errorf("a choice is %+v", n.events)
	}
	for _, raw := range []string{
		pressed(`{"action_id":"link2","action_ts":"1732800005.500000"}`),
		strings.ReplaceAll(pressed(`{"action_id":"press0","value":"ack","action_ts":"1732800005.500000"}`), "C024BE91L", "C0ELSE"),
		`{"type":"view_closed","user":{"id":"U1"}}`,
	} {
		if n := c.envelope("interactive", []byte(raw)); len(n.events) > 0 || n.ask != nil {
			t.Errorf("%s comes to %+v", raw, n)
		}
	}
}

// A form's answers go behind the command, each after its word.
func TestQuestion(t *testing.T) {
	c := idle(t, nil)
	a := bot.Action{Name: "silence", Form: &bot.Form{About: "Silences {alertname=\"Disk\"}.", Questions: []bot.Question{
		{Label: "For how long?"}, {Word: "because", Label: "Why?", Optional: true, Long: true}}}}
	plain, fits := formValue(a)
	value, err := json.Marshal(plain)
	if err != nil || !fits {
		t.Fatalf("it does not fit, or: %v", err)
	}
	n := c.envelope("interactive", []byte(pressed(`{"action_id":"ask1","value":`+string(value)+`,"action_ts":"1732800005.500000"}`)))
	if len(n.events) > 0 || n.ask == nil || n.ask.trigger != "1.2.3" || n.ask.Form.About != a.Form.About {
		t.Fatalf("it comes to %+v", n)
	}
	private, err := json.Marshal(string(marshal(n.ask)))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(private), "1.2.3") {
		t.Errorf("the trigger travels on: %s", private)
	}
	for values, want := range map[string]string{
		`"answer0":{"answer0":{"type":"plain_text_input","value":"2h"}},"answer1":{"answer1":{"value":"the disk\n is changed"}}`: "silence 2h because the disk is changed",
		`"answer0":{"answer0":{"value":" until 18:00 "}},"answer1":{"answer1":{"value":null}}`:                                   "silence until 18:00",
		``: "silence",
	} {
		n = c.envelope("interactive", fmt.Appendf(nil, `{"type":"view_submission","team":{"id":"T024BE7LD"},"user":{"id":"U2","team_id":"T024BE7LD"},
			"view":{"id":"V1","callback_id":"question","private_metadata":%s,"state":{"values":{%s}}}}`, private, values))
		want := bot.Pressed{Chat: "slack", Room: "ops", ID: "C024BE91L/1732800000.000100/V1", Target: "C024BE91L/1732800000.000100",
			User: "T024BE7LD/U2", Action: want, At: noon}
		if len(n.events) != 1 || n.events[0] != bot.Event(want) {
			t.Errorf("the answer is %+v, want %+v", n.events, want)
		}
	}
	if n := c.envelope("interactive", []byte(pressed(`{"action_id":"ask1","value":"deny","action_ts":"1732800005.500000"}`))); len(n.events) != 1 || n.ask != nil {
		t.Errorf("a form that is none comes to %+v", n)
	}
	long, fits := formValue(bot.Action{Name: "silence", Form: &bot.Form{About: strings.Repeat("x", maxValue), Questions: a.Form.Questions}})
	if f, ok := readForm(long); !ok || !fits || len(long) > maxValue || !strings.Contains(f.About, "too long to be shown") {
		t.Errorf("a long one is %s", long)
	}
	if e := button(bot.Action{Name: "silence", Form: &bot.Form{Questions: []bot.Question{{Label: strings.Repeat("x", maxValue)}}}}, "1"); e != nil {
		t.Errorf("whose questions do not fit, has a button: %+v", e)
	}
}

func TestSlash(t *testing.T) {
	c := idle(t, nil)
	raw := `{"team_id":"T024BE7LD","channel_id":"C024BE91L","user_id":"U1","command":"/ws","text":"status","trigger_id":"1.2.3"}`
	n := c.envelope("slash_commands", []byte(raw))
	want := bot.Said{Chat: "slack", Room: "ops", ID: "C024BE91L/slash/U1/1.2.3", User: "T024BE7LD/U1", Text: "status", At: noon, Addressed: true}
	if len(n.events) != 1 || n.events[0] != bot.Event(want) {
		t.Fatalf("it comes to %+v, want %+v", n.events, want)
	}
	if n := c.envelope("slash_commands", []byte(strings.Replace(raw, `"status"`, `" "`, 1))); n.events[0].(bot.Said).Text != "help" {
		t.Errorf("nothing is read as %+v", n.events)
	}
	parts, err := c.Encode(bot.Outgoing{Key: "k", Kind: bot.SendReply, Room: "ops", ReplyTo: want.ID, Message: bot.Message{Title: bot.Line(bot.T("all is well"))}})
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	var body content
	if err := json.Unmarshal(parts[0].Body, &body); err != nil || body.Only != "U1" || body.Under != "" {
		t.Errorf("the answer is for %q below %q (%v)", body.Only, body.Under, err)
	}
	if err := c.Erase(t.Context(), bot.Erasing{Key: "e", Room: "ops", Message: want.ID}); !errors.Is(err, bot.ErrNeverStood) {
		t.Errorf("what stands nowhere was deleted: %v", err)
	}
	if err := c.Erase(t.Context(), bot.Erasing{Key: "e", Room: "ops", Message: "C024BE91L/1732800000.000100"}); err == nil || errors.Is(err, bot.ErrNeverStood) {
		t.Errorf("what stands in the channel: %v", err)
	}
}

// A command in a channel that is not ours is answered at once, and comes to nothing.
func TestSlashElsewhere(t *testing.T) {
	n := idle(t, nil).envelope("slash_commands", []byte(`{"team_id":"T024BE7LD","channel_id":"C0ELSE","user_id":"U1","command":"/ws","text":"status","trigger_id":"1.2.3"}`))
	if len(n.events) > 0 || n.reply == "" {
		t.Errorf("it comes to %+v", n)
	}
}

func TestPlace(t *testing.T) {
	p := parsePlace(`{"C1":{"at":"1732800000.000100"},"C2":{"at":"soon"}}`)
	if p.String() != `{"C1":{"at":"1732800000.000100"}}` {
		t.Errorf("it is %s", p)
	}
	p.reach("C1", "1732799999.000100", true, true)
	p.reach("C1", "1732700000.000100", true, true) // too old to come again
	p.reach("C2", "1732800000.000000", true, true)
	p.reach("C2", "1732800700.000000", false, true)
	p.reach("C2", "1732800700.000001", true, true)
	p.reach("C2", "1732800700.000001", true, true)
	p.reach("C2", "x", true, true)
	if p.String() != `{"C1":{"at":"1732800000.000100","heard":["1732799999.000100"]},"C2":{"at":"1732800700.000001","heard":["1732800700.000001"]}}` {
		t.Errorf("it is %s", p)
	}
	for range 3 * mostHeard {
		us, _ := micros(p["C1"].At)
		p.reach("C1", stampOf(time.UnixMicro(us+1)), true, true)
	}
	if n := len(p["C1"].Heard); n != mostHeard {
		t.Errorf("%d are kept", n)
	}
	for _, bad := range []string{"", "x", "[]", `{"C1":1}`} {
		if got := parsePlace(bad); len(got) > 0 {
			t.Errorf("%q is %s", bad, got)
		}
	}
}
