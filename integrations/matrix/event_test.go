package matrix

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

var at = time.UnixMilli(1795462820000).UTC()

func TestDecode(t *testing.T) {
	c := newFake(t, &fakeTransport{})
	said := func(text string) bot.Said {
		return bot.Said{Chat: "matrix", Room: "ops", ID: "$1", User: alice, Text: text, At: at}
	}
	pressed := func(emoji string) bot.Pressed {
		return bot.Pressed{Chat: "matrix", Room: "ops", ID: "$1", Target: "$t", User: alice, Emoji: emoji, At: at}
	}
	withdrawn := bot.Withdrawn{Chat: "matrix", Room: "ops", ID: "$1", Target: "$t", User: alice, At: at}
	inThread := said("ack")
	inThread.Root = "$root"
	const undecodable = "undecodable"
	message := func(content string) string { return event("$1", "m.room.message", alice, content) }
	reaction := func(key string) string {
		return event("$1", "m.reaction", alice, `{"m.relates_to":{"rel_type":"m.annotation","event_id":"$t","key":"`+key+`"}}`)
	}
	for name, test := range map[string]struct {
		raw  string
		want any // a bot.Event, "undecodable", or nil
	}{
		"text":           {message(`{"msgtype":"m.text","body":" status ","formatted_body":"<b>rollback</b>"}`), said("status")},
		"thread":         {message(`{"msgtype":"m.text","body":"ack","m.relates_to":{"rel_type":"m.thread","event_id":"$root"}}`), inThread},
		"thread, reply":  {message(`{"msgtype":"m.text","body":"> <@bob:x> long\n> quote\n\nack","m.relates_to":{"rel_type":"m.thread","event_id":"$root","m.in_reply_to":{"event_id":"$2"}}}`), inThread},
		"plain reply":    {message(`{"msgtype":"m.text","body":"> <@bob:x> status\n\nack","m.relates_to":{"m.in_reply_to":{"event_id":"$2"}}}`), said("ack")},
		"typed quote":    {message(`{"msgtype":"m.text","body":"> <@bob:x> status\n\nack"}`), said("> <@bob:x> status\n\nack")},
		"notice":         {message(`{"msgtype":"m.notice","body":"status"}`), nil},
		"emote":          {message(`{"msgtype":"m.emote","body":"status"}`), nil},
		"image":          {message(`{"msgtype":"m.image","body":"status","url":"mxc://a/b"}`), nil},
		"own":            {event("$1", "m.room.message", botUser, `{"msgtype":"m.text","body":"status"}`), nil},
		"edit":           {message(`{"msgtype":"m.text","body":"* status","m.new_content":{"msgtype":"m.text","body":"rollback"},"m.relates_to":{"rel_type":"m.replace","event_id":"$0"}}`), nil},
		"half an edit":   {message(`{"msgtype":"m.text","body":"* status","m.new_content":{"msgtype":"m.text","body":"rollback"}}`), nil},
		"redacted":       {strings.TrimSuffix(message(`{}`), "}") + `,"unsigned":{"redacted_because":{}}}`, nil},
		"no msgtype":     {message(`{}`), nil},
		"another case":   {message(`{"MsgType":"m.text","Body":"status"}`), nil},
		"two bodies":     {message(`{"msgtype":"m.text","body":"status","Body":"rollback"}`), said("status")},
		"body a number":  {message(`{"msgtype":"m.text","body":7}`), undecodable},
		"no body":        {message(`{"msgtype":"m.text"}`), undecodable},
		"odd msgtype":    {message(`{"msgtype":["m.text"],"body":"x"}`), undecodable},
		"odd relation":   {message(`{"msgtype":"m.text","body":"x","m.relates_to":"m.replace"}`), undecodable},
		"odd rel_type":   {message(`{"msgtype":"m.text","body":"x","m.relates_to":{"rel_type":{"m.replace":1}}}`), undecodable},
		"rootless":       {message(`{"msgtype":"m.text","body":"x","m.relates_to":{"rel_type":"m.thread"}}`), undecodable},
		"null relation":  {message(`{"msgtype":"m.text","body":"x","m.relates_to":null}`), said("x")},
		"reaction":       {reaction("👍"), pressed("👍")},
		"selector":       {reaction("👍\uFE0F"), pressed("👍")},
		"skin":           {reaction("👍🏿"), pressed("👍")},
		"bare selector":  {reaction("\uFE0F"), undecodable},
		"no relation":    {event("$1", "m.reaction", alice, `{}`), undecodable},
		"redacted press": {strings.TrimSuffix(event("$1", "m.reaction", alice, `{}`), "}") + `,"unsigned":{"redacted_because":{"type":"m.room.redaction"}}}`, nil},
		"own reaction":   {event("$1", "m.reaction", botUser, `{"m.relates_to":{"rel_type":"m.annotation","event_id":"$t","key":"👍"}}`), nil},
		"redaction v11":  {event("$1", "m.room.redaction", alice, `{"redacts":"$t"}`), withdrawn},
		"redaction v10":  {strings.TrimSuffix(event("$1", "m.room.redaction", alice, `{}`), "}") + `,"redacts":"$t"}`, withdrawn},
		"redaction both": {strings.TrimSuffix(event("$1", "m.room.redaction", alice, `{"redacts":"$t"}`), "}") + `,"redacts":"$t"}`, withdrawn},
		"two targets":    {strings.TrimSuffix(event("$1", "m.room.redaction", alice, `{"redacts":"$other"}`), "}") + `,"redacts":"$t"}`, undecodable},
		"no target":      {event("$1", "m.room.redaction", alice, `{}`), undecodable},
		"encrypted":      {event("$1", "m.room.encrypted", alice, `{"algorithm":"m.megolm.v1.aes-sha2"}`), undecodable},
		"topic":          {event("$1", "m.room.topic", alice, `{"topic":"status"}`), nil},
		"no object":      {`"m.room.message"`, undecodable},
		"null":           {`null`, undecodable},
		"no id":          {event("", "m.room.message", alice, `{"msgtype":"m.text","body":"x"}`), undecodable},
		"no sender":      {event("$1", "m.room.message", "", `{"msgtype":"m.text","body":"x"}`), undecodable},
		"other sender":   {`{"event_id":"$1","type":"m.room.message","Sender":"` + alice + `","origin_server_ts":1,"content":{"msgtype":"m.text","body":"x"}}`, undecodable},
		"no content":     {`{"event_id":"$1","type":"m.room.message","sender":"` + alice + `","origin_server_ts":1}`, undecodable},
		"no time":        {`{"event_id":"$1","type":"m.room.message","sender":"` + alice + `","content":{}}`, undecodable},
		"year 50000":     {strings.Replace(message(`{"msgtype":"m.text","body":"x"}`), "1795462820000", "1515639028000000", 1), undecodable},
		"before 1970":    {strings.Replace(message(`{"msgtype":"m.text","body":"x"}`), "1795462820000", "-5", 1), undecodable},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.decode("ops", json.RawMessage(test.raw))
			if test.want == undecodable {
				u, ok := got.(bot.Undecodable)
				if !ok || u.Reason == "" || u.ID == "" || u.At.IsZero() || len(u.Body) == 0 {
					t.Errorf("%+v, want undecodable", got)
				}
				return
			}
			if got != test.want {
				t.Errorf("%+v\nwant %+v", got, test.want)
			}
		})
	}
	if got := c.decode("ops", json.RawMessage(`{"x":"`+strings.Repeat("é", 9000)+`"}`)).(bot.Undecodable); len(got.Body) > maxBody {
		t.Errorf("kept %d bytes", len(got.Body))
	}
	a, b := c.decode("ops", json.RawMessage(`{"x":1}`)).(bot.Undecodable), c.decode("ops", json.RawMessage(`{"x":1}`)).(bot.Undecodable)
	if a.ID != b.ID {
		t.Error("one thing has two ids")
	}
}

func TestMention(t *testing.T) {
	c := newFake(t, &fakeTransport{})
	name := "Night Watch"
	c.display.Store(&name)
	for _, test := range []struct {
		text      string
		mentioned bool
		want      string
		addressed bool
	}{
		{"@watchstander: status", false, "status", true},
		{"@watchstander status", false, "status", true},
		{"@Watchstander, status", false, "status", true},
		{"@watchstander:house.test: status", false, "status", true},
		{"@watchstander:house.test status now", false, "status now", true},
		{"watchstander: status", false, "status", true},
		{"Night Watch: status", false, "status", true},
		{"@Night Watch status", false, "status", true},
		{"Night Watch status", true, "status", true},
		{"[Night Watch](https://matrix.to/#/@watchstander:house.test): status", false, "status", true},
		{"[x](https://matrix.to/#/%40watchstander%3Ahouse.test) status", false, "status", true},
		{"@watchstander", false, "", true},
		{"status", true, "status", true},
		{"status", false, "status", false},
		{"watchstander status", false, "watchstander status", false},
		{"Night Watch status", false, "Night Watch status", false},
		{"@watchstander2: status", false, "@watchstander2: status", false},
		{"@watchstander:other.test status", false, "@watchstander:other.test status", false},
		{"@watchstander:house.test.evil: status", false, "@watchstander:house.test.evil: status", false},
		{"@watchstanders status", false, "@watchstanders status", false},
		{"[x](https://matrix.to/#/@alice:house.test): status", false, "[x](https://matrix.to/#/@alice:house.test): status", false},
		{"@alice: @watchstander: status", false, "@alice: @watchstander: status", false},
		{"@watchstander: @watchstander: status", false, "@watchstander: status", true},
	} {
		got, addressed := c.withoutMention(test.text, test.mentioned)
		if got != test.want || addressed != test.addressed {
			t.Errorf("%q (%v): %q %v, want %q %v", test.text, test.mentioned, got, addressed, test.want, test.addressed)
		}
	}
	raw := event("$1", "m.room.message", alice, `{"msgtype":"m.text","body":"status","m.mentions":{"user_ids":["`+botUser+`"]}}`)
	if e := c.decode("ops", json.RawMessage(raw)).(bot.Said); !e.Addressed || e.Text != "status" {
		t.Errorf("%+v", e)
	}
}

func TestFallback(t *testing.T) {
	for body, want := range map[string]string{
		"> <@a:b> x\n\ny":            "y",
		"> <@a:b> x\n> z\n\ny\n> q":  "y\n> q",
		"> * <@a:b> waves\n\ny":      "y",
		"> <@a:b> x":                 "",
		"> a quote of my own\n\ny":   "> a quote of my own\n\ny",
		"y":                          "y",
		"> <@a:b> x\n>\n> z\n\n\n y": "\n y",
	} {
		if got := withoutFallback(body); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}
