package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
)

// raw calls a method with a form, as no library would.
func (b *bench) raw(method string, form url.Values) (out map[string]any, status int, after string) {
	b.Helper()
	form = cloneForm(form)
	if !form.Has("token") {
		form.Set("token", b.BotToken())
	}
	resp, err := b.http.PostForm(b.URL()+method, form)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return out, resp.StatusCode, resp.Header.Get("Retry-After")
}

func cloneForm(v url.Values) url.Values {
	out := url.Values{}
	for k, x := range v {
		out[k] = x
	}
	return out
}

func TestBlocksAreCheckedAsSlackDoes(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	button := func(more string) string {
		return `{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"ok"}` + more + `}]}`
	}
	option := func(value string) string {
		return `{"text":{"type":"plain_text","text":"o"},"value":"` + value + `"}`
	}
	menu := func(options string) string {
		return `{"type":"actions","elements":[{"type":"static_select","action_id":"m","options":[` + options + `]}]}`
	}
	rich := func(inner string) string {
		return `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + inner + `]}]}`
	}
	for _, c := range []struct{ name, blocks, want string }{
		{"a section", `{"type":"section","text":{"type":"mrkdwn","text":"x"}}`, ""},
		{"a section at its limit", `{"type":"section","text":{"type":"mrkdwn","text":"` + long(3000) + `"}}`, ""},
		{"a section too long", `{"type":"section","text":{"type":"mrkdwn","text":"` + long(3001) + `"}}`, "/blocks/0/text/text"},
		{"a section without words", `{"type":"section"}`, "/blocks/0"},
		{"eleven fields", `{"type":"section","fields":[` + strings.Repeat(`{"type":"plain_text","text":"x"},`, 10) + `{"type":"plain_text","text":"x"}]}`, "/blocks/0/fields"},
		{"an unknown block", `{"type":"marquee"}`, "/blocks/0/type"},
		{"an unknown field", `{"type":"divider","colour":"red"}`, "/blocks/0"},
		{"a header at its limit", `{"type":"header","text":{"type":"plain_text","text":"` + long(150) + `"}}`, ""},
		{"a header too long", `{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}`, "/blocks/0/text/text"},
		{"a header in mrkdwn", `{"type":"header","text":{"type":"mrkdwn","text":"x"}}`, "/blocks/0/text/type"},
		{"eleven words of context", `{"type":"context","elements":[` + strings.Repeat(`{"type":"plain_text","text":"x"},`, 10) + `{"type":"plain_text","text":"x"}]}`, "/blocks/0/elements"},
		{"a button", button(`,"action_id":"a","value":"` + long(2000) + `"`), ""},
		{"a button's value too long", button(`,"action_id":"a","value":"` + long(2001) + `"`), "/blocks/0/elements/0/value"},
		{"an action id too long", button(`,"action_id":"` + long(256) + `"`), "/blocks/0/elements/0/action_id"},
		{"the same action id twice", button(`,"action_id":"a"`) + "," + button(`,"action_id":"a"`), "/blocks/1/elements/0/action_id"},
		{"a style of its own", button(`,"style":"default"`), "/blocks/0/elements/0/style"},
		{"a link that runs", button(`,"url":"javascript:alert(1)"`), "/blocks/0/elements/0/url"},
		{"a question without no", button(`,"confirm":{"title":{"type":"plain_text","text":"t"},"text":{"type":"plain_text","text":"t"},"confirm":{"type":"plain_text","text":"y"}}`), "/blocks/0/elements/0/confirm"},
		{"an option at its limit", menu(option(long(150))), ""},
		{"an option's value too long", menu(option(long(151))), "/blocks/0/elements/0/options/0/value"},
		{"a menu of nothing", menu(""), "/blocks/0/elements/0/options"},
		{"101 options", menu(strings.Repeat(option("v")+",", 100) + option("v")), "/blocks/0/elements/0/options"},
		{"a picture without words", `{"type":"image","image_url":"https://example.org/x.png"}`, "/blocks/0"},
		{"a picture from nowhere", `{"type":"image","alt_text":"x","slack_file":{"id":"F0FAKE99999"}}`, "invalid slack file"},
		{"a picture's id of no form", `{"type":"image","alt_text":"x","slack_file":{"id":"x"}}`, "regex"},
		{"rich text", rich(`{"type":"text","text":"x","style":{"bold":true}},{"type":"link","url":"https://example.org"}`), ""},
		{"rich text of nothing", rich(""), "/blocks/0/elements/0/elements"},
		{"rich text with an empty word", rich(`{"type":"text","text":""}`), "/blocks/0/elements/0/elements/0/text"},
		{"rich text without elements", `{"type":"rich_text","elements":[]}`, "/blocks/0/elements"},
		{"a list of nothing", `{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[]}]}`, "/blocks/0/elements/0/elements"},
		{"a style that is none", rich(`{"type":"text","text":"x","style":{"blink":true}}`), "/blocks/0/elements/0/elements/0/style"},
		{"an input in a message", `{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}`, "/blocks/0/type"},
		{"51 blocks", strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}`, "/blocks"},
		{"blocks that are too much together", strings.Repeat(`{"type":"section","text":{"type":"mrkdwn","text":"`+long(2700)+`"}},`, 4) + `{"type":"divider"}`, "msg_blocks_too_long"},
		{"no JSON", `{`, "invalid_blocks_format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Options{}, func(b *bench) {
				out, status, _ := b.raw("chat.postMessage", url.Values{"channel": {b.ops}, "text": {"t"}, "blocks": {"[" + c.blocks + "]"}})
				said := fmt.Sprint(out["error"], out["errors"], out["response_metadata"])
				if ok := out["ok"] == true; status != http.StatusOK || ok != (c.want == "") || !strings.Contains(said, c.want) {
					b.Errorf("%d %v, want %q", status, out, c.want)
				}
				if n := len(b.Rendered(b.ops)); (n == 1) != (c.want == "") {
					b.Errorf("%d messages stand in the channel", n)
				}
			})
		})
	}
}

func TestWhatElseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, method string
		form         url.Values
		want         string
	}{
		{"no words", "chat.postMessage", url.Values{"channel": {"C0OPS"}}, "no_text"},
		{"an unknown argument", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "colour": {"red"}}, "invalid_arguments"},
		{"a missing argument", "chat.update", url.Values{"channel": {"C0OPS"}, "text": {"x"}}, "invalid_arguments"},
		{"an unknown method", "chat.shout", nil, "unknown_method"},
		{"a name of a channel", "chat.postMessage", url.Values{"channel": {"#ops"}, "text": {"x"}}, "channel_not_found"},
		{"too long a text", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {strings.Repeat("x", 40001)}}, "msg_too_long"},
		{"metadata without a payload", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "metadata": {`{"event_type":"a"}`}}, "invalid_metadata_format"},
		{"metadata of no form", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "metadata": {`{"event_type":"a b","event_payload":{}}`}}, "invalid_metadata_format"},
		{"metadata too large", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "metadata": {`{"event_type":"a","event_payload":{"k":"` + strings.Repeat("x", 16000) + `"}}`}}, "metadata_too_large"},
		{"a legacy attachment", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "attachments": {`[{"text":"x"}]`}}, "invalid_attachments"},
		{"legacy fields beside blocks", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "attachments": {`[{"footer":"x","blocks":[{"type":"divider"}]}]`}}, "invalid_attachments"},
		{"21 attachments", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "attachments": {`[` + strings.Repeat(`{"blocks":[{"type":"divider"}]},`, 20) + `{"blocks":[{"type":"divider"}]}]`}}, "too_many_attachments"},
		{"a thread of no form", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "thread_ts": {"now"}}, "invalid_arguments"},
		{"the app's token for a post", "chat.postMessage", url.Values{"channel": {"C0OPS"}, "text": {"x"}, "token": {"xapp-" + "fake-app-token"}}, "not_allowed_token_type"},
		{"another token", "auth.test", url.Values{"token": {"xoxb-" + "other"}}, "invalid_auth"},
		{"no token", "auth.test", url.Values{"token": {""}}, "not_authed"},
		{"the bot's token for a socket", "apps.connections.open", nil, "not_authed"},
		{"an update of nothing", "chat.update", url.Values{"channel": {"C0OPS"}, "ts": {"1.000000"}, "text": {"x"}}, "message_not_found"},
		{"a limit too large", "conversations.history", url.Values{"channel": {"C0OPS"}, "limit": {"1000"}}, "invalid_limit"},
		{"a cursor of one's own", "conversations.history", url.Values{"channel": {"C0OPS"}, "cursor": {"x"}}, "invalid_cursor"},
		{"a thread that is none", "conversations.replies", url.Values{"channel": {"C0OPS"}, "ts": {"1.000000"}}, "thread_not_found"},
		{"a trigger of one's own", "views.open", url.Values{"trigger_id": {"1.2.x"}, "view": {`{}`}}, "invalid_trigger_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Options{}, func(b *bench) {
				if out, status, _ := b.raw(c.method, c.form); status != http.StatusOK || out["ok"] != false || out["error"] != c.want {
					b.Errorf("%d %v, want %q", status, out, c.want)
				}
			})
		})
	}
}

func TestRightsAreChecked(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		b.Archive(b.ops, true)
		if _, err := b.post(slack.MsgOptionText("x", false)); code(err) != "is_archived" {
			b.Errorf("archived: %v", err)
		}
		b.Archive(b.ops, false)
		b.Kick(b.ops)
		if _, err := b.post(slack.MsgOptionText("x", false)); code(err) != "not_in_channel" {
			b.Errorf("kicked: %v", err)
		}
		private := b.AddChannel(Channel{Kind: Private, Without: true})
		if _, _, err := b.api.PostMessageContext(b.ctx, private, slack.MsgOptionText("x", false)); code(err) != "channel_not_found" {
			b.Errorf("a private channel: %v", err)
		}
		b.Join(b.ops)
		b.DropScope("channels:history")
		b.DropScope("chat:write")
		_, err := b.post(slack.MsgOptionText("x", false))
		if e, ok := err.(slack.SlackErrorResponse); !ok || e.Err != "missing_scope" || e.Needed != "chat:write" || !strings.Contains(e.Provided, "users:read") {
			b.Errorf("without the scope: %+v", err)
		}
		if _, err := b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops}); code(err) != "missing_scope" {
			b.Errorf("history without its scope: %v", err)
		}
		b.RevokeBotToken("token_revoked")
		if _, err := b.api.AuthTestContext(b.ctx); code(err) != "token_revoked" {
			b.Errorf("revoked: %v", err)
		}
		if got, _, _ := b.api.StartSocketModeContext(b.ctx); got == nil {
			b.Error("the app's token was revoked too")
		}
		b.RevokeAppToken("invalid_auth")
		if _, _, err := b.api.StartSocketModeContext(b.ctx); code(err) != "invalid_auth" {
			b.Errorf("the app's token: %v", err)
		}
	})
}

func TestPaceIsKeptByTheSecondAndByTheMinute(t *testing.T) {
	inBubble(t, Options{Limits: Limits{PostBurst: 3, PostsPerMinute: 20}}, func(b *bench) {
		for range 3 {
			b.mustPost(slack.MsgOptionText("x", false))
		}
		out, status, after := b.raw("chat.postMessage", url.Values{"channel": {b.ops}, "text": {"x"}})
		if status != http.StatusTooManyRequests || after != "1" || out["error"] != "ratelimited" || len(b.Rendered(b.ops)) != 3 {
			b.Errorf("the fourth: %d, after %q, %v", status, after, out)
		}
		other := b.AddChannel(Channel{})
		if _, _, err := b.api.PostMessageContext(b.ctx, other, slack.MsgOptionText("x", false)); err != nil {
			b.Errorf("another channel waits too: %v", err)
		}
		for range 16 {
			time.Sleep(time.Second)
			b.mustPost(slack.MsgOptionText("x", false))
		}
		time.Sleep(time.Second)
		if _, err := b.post(slack.MsgOptionText("x", false)); code(err) != "message_limit_exceeded" {
			b.Errorf("the workspace's limit: %v", err)
		}
		if n := b.MostPerSecond(b.ops, 4); n != 1 {
			b.Errorf("%d a second after the burst", n)
		}
		ts := b.Rendered(b.ops)[0].TS
		time.Sleep(time.Minute)
		start := time.Now()
		for i := range 51 {
			_, _, _, err := b.api.UpdateMessageContext(b.ctx, b.ops, ts, slack.MsgOptionText(fmt.Sprint(i), false))
			if (err == nil) != (i < 50) {
				b.Errorf("update %d: %v", i, err)
			}
		}
		time.Sleep(time.Until(start.Add(time.Minute)))
		if _, _, _, err := b.api.UpdateMessageContext(b.ctx, b.ops, ts, slack.MsgOptionText("x", false)); err != nil {
			b.Errorf("a minute later: %v", err)
		}
	})
}

func TestHistoryComesInPages(t *testing.T) {
	inBubble(t, Options{Limits: Limits{Off: true}}, func(b *bench) {
		var all []string
		root := b.mustPost(slack.MsgOptionText("root", false))
		for range 24 {
			time.Sleep(time.Second)
			all = append(all, b.mustPost(slack.MsgOptionText("m", false)))
			b.mustPost(slack.MsgOptionText("r", false), slack.MsgOptionTS(root))
		}
		var seen []string
		for cursor, pages := "", 0; ; pages++ {
			h, err := b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops, Limit: 10, Cursor: cursor, Oldest: all[3]})
			if err != nil {
				b.Fatal(err)
			}
			for _, m := range h.Messages {
				seen = append([]string{m.Timestamp}, seen...)
			}
			if cursor = h.ResponseMetaData.NextCursor; cursor == "" {
				if pages != 1 || h.HasMore {
					b.Errorf("%d pages", pages+1)
				}
				break
			}
		}
		if strings.Join(seen, " ") != strings.Join(all[4:], " ") {
			b.Errorf("seen %v\nwant %v", seen, all[4:])
		}
		replies := 0
		for cursor := ""; ; {
			page, _, next, err := b.api.GetConversationRepliesContext(b.ctx, &slack.GetConversationRepliesParameters{ChannelID: b.ops, Timestamp: root, Limit: 10, Cursor: cursor})
			if err != nil || page[0].Timestamp != root || len(page) > 10 {
				b.Fatalf("%v %v", err, page)
			}
			replies += len(page) - 1
			if cursor = next; cursor == "" {
				break
			}
		}
		if replies != 24 {
			b.Errorf("%d replies", replies)
		}
	})
}

func TestEditsKeepWhatTheyDoNotName(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		divider := slack.MsgOptionBlocks(slack.NewDividerBlock())
		bar := slack.MsgOptionAttachments(slack.Attachment{Color: "#ff0000", Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewDividerBlock()}}})
		ts := b.mustPost(slack.MsgOptionText("one", false), divider, bar)
		edit := func(o ...slack.MsgOption) Shown {
			if _, _, _, err := b.api.UpdateMessageContext(b.ctx, b.ops, ts, o...); err != nil {
				b.Fatal(err)
			}
			s, _ := b.Message(Ref{b.ops, ts})
			return s
		}
		if s := edit(slack.MsgOptionText("two", false)); s.Text != "two\n────" || len(s.Colours) != 1 || !s.Edited {
			b.Errorf("a text alone takes the blocks away and keeps the attachments: %+v", s)
		}
		if out, _, _ := b.raw("chat.update", url.Values{"channel": {b.ops}, "ts": {ts}, "text": {"three"}, "attachments": {"[]"}}); out["ok"] != true {
			b.Errorf("%v", out)
		}
		if s := edit(slack.MsgOptionText("four", false), divider); s.Text != "────" || s.Colours != nil || s.Notification != "four" {
			b.Errorf("an empty list takes the attachments away: %+v", s)
		}
		if len(b.Faults()) != 0 {
			b.Errorf("faults: %v", b.Faults())
		}
		edit(slack.MsgOptionText("five", false), slack.MsgOptionDisableMarkdown())
		if len(b.Faults()) != 1 {
			b.Errorf("an argument without effect is no fault: %v", b.Faults())
		}
	})
}
