package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/integrations/slack/slackfake"
)

// faults are what Slack, or a reader, would hold against a post. They are looked for in
// the post's JSON, as Slack gets it, by rules of Slack's own reference.
func faults(p bot.Part) (all []string) {
	fault := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	var n struct {
		Text        string           `json:"text"`
		Blocks      []map[string]any `json:"blocks"`
		Attachments []struct {
			Color  string           `json:"color"`
			Blocks []map[string]any `json:"blocks"`
		} `json:"attachments"`
		Metadata struct {
			Type    string            `json:"event_type"`
			Payload map[string]string `json:"event_payload"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(p.Body, &n); err != nil {
		fault("it is no JSON: %v", err)
		return all
	}
	if n.Metadata.Type == "" || n.Metadata.Payload[metadataKey] == "" {
		fault("it has no key")
	}
	if strings.ContainsAny(n.Text, "<>") {
		fault("the text has an open bracket: %q", n.Text)
	}
	if utf8.RuneCountInString(n.Text) > 40_000 {
		fault("the text has %d characters", utf8.RuneCountInString(n.Text))
	}
	if n.Text == "" && len(n.Blocks) == 0 {
		fault("it is empty")
	}
	blocks := n.Blocks
	for _, a := range n.Attachments {
		if len(a.Blocks) == 0 || !strings.HasPrefix(a.Color, "#") {
			fault("an attachment has %d blocks and the colour %q", len(a.Blocks), a.Color)
		}
		blocks = append(blocks, a.Blocks...)
	}
	size := 0
	ids := map[any]bool{}
	for _, b := range blocks {
		size += len(marshal(b))
		if kind := b["type"]; kind != "rich_text" && kind != "context" && kind != "actions" && kind != "image" && kind != "section" {
			fault("a block is a %v", kind)
		}
		walk(b, func(o map[string]any) {
			kind, _ := o["type"].(string)
			text, _ := o["text"].(string)
			switch kind {
			case "text", "link":
				if o["text"] != nil && text == "" {
					fault("an element is empty")
				}
				if u, _ := o["url"].(string); kind == "link" && !strings.HasPrefix(u, "http") {
					fault("a link leads to %q", u)
				}
			case "user", "usergroup", "broadcast", "channel", "mrkdwn", "header":
				fault("there is a %s", kind)
			case "section":
				if o := o["text"].(map[string]any); o["type"] != "plain_text" {
					fault("a section of %v", o["type"])
				}
			case "plain_text":
				if text == "" || utf8.RuneCountInString(text) > 3000 {
					fault("a text of %d characters", utf8.RuneCountInString(text))
				}
			case "button":
				if label := o["text"].(map[string]any)["text"].(string); utf8.RuneCountInString(label) > 75 {
					fault("a button of %d characters", utf8.RuneCountInString(label))
				}
			case "rich_text_section", "rich_text_preformatted", "rich_text_list", "rich_text":
				if list, _ := o["elements"].([]any); len(list) == 0 {
					fault("a %s is empty", kind)
				}
			}
			if id := o["action_id"]; id != nil {
				if ids[id] {
					fault("there are two %v", id)
				}
				ids[id] = true
			}
		})
	}
	if size > 12_000 || len(blocks) > 50 {
		fault("%d blocks of %d bytes", len(blocks), size)
	}
	return append(all, inspected(p)...)
}

// inspected is what the strict fake holds against a post, and whom it would ring.
func inspected(p bot.Part) (all []string) {
	var n content
	if err := json.Unmarshal(p.Body, &n); err != nil || n.File != nil {
		return nil // a file's post is not whole yet
	}
	args := url.Values{"channel": {"C024BE91L"}, "text": {n.Text}, "link_names": {"false"}, "mrkdwn": {"false"}, "unfurl_links": {"false"}, "unfurl_media": {"false"},
		"blocks": {string(marshal(n.Blocks))}, "metadata": {string(marshal(n.Metadata))}}
	if len(n.Attachments) > 0 {
		args.Set("attachments", string(marshal(n.Attachments)))
	}
	x := slackfake.Inspect(args)
	if x.Error != "" {
		all = append(all, fmt.Sprintf("Slack says %s: %v", x.Error, x.Messages))
	}
	all = append(all, x.Faults...)
	for _, ping := range x.Pings {
		all = append(all, fmt.Sprintf("it rings %+v", ping))
	}
	return all
}

func walk(v any, see func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		see(v)
		for _, x := range v {
			walk(x, see)
		}
	case []any:
		for _, x := range v {
			walk(x, see)
		}
	}
}

// words are all that a post says.
func words(p bot.Part) string {
	var n any
	_ = json.Unmarshal(p.Body, &n)
	var b strings.Builder
	var read func(any)
	read = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok && v["type"] != nil {
				b.WriteString(s)
			}
			for _, key := range []string{"blocks", "attachments", "elements", "text"} {
				read(v[key])
			}
		case []any:
			for _, x := range v {
				read(x)
			}
		}
	}
	read(n)
	return b.String()
}

// everywhere puts a text wherever one can stand.
func everywhere(s string) bot.Message {
	t := bot.Line(bot.T(s), bot.B(s), bot.M(s), bot.F(s), bot.Span{Text: s, Style: bot.Struck}, bot.L(s, "https://runbooks.example/?q="+s), bot.L("x", s))
	return bot.Message{Tone: bot.ToneCritical, Title: t, Note: bot.Line(bot.T(s)),
		Blocks: []bot.Block{bot.Para{Text: t}, bot.Fields{Fields: []bot.Field{{Name: s, Value: t}}}, bot.List{Items: []bot.Text{t, t}}, bot.Pre{Body: s},
			bot.Picture{Name: s, PNG: []byte("png"), Alt: s}, bot.File{Name: s, Data: []byte("data")}},
		Actions: []bot.Action{{Name: "ack", Label: s}, {Name: "silence 1h", Label: s, Choices: []bot.Choice{{Name: "silence 1h", Label: s}}}, {Name: "deny", Label: s, Form: &bot.Form{About: s, Questions: []bot.Question{{Word: "because", Label: s, Hint: s}}}, Danger: true}, {Label: s, URL: s}, {Label: "Runbook", URL: "https://runbooks.example/" + s}},
	}
}

func encode(t testing.TB, c *Chat, kind bot.SendKind, m bot.Message, bare bool) []bot.Part {
	t.Helper()
	o := bot.Outgoing{Key: "key_1", Room: "ops", Kind: kind, Message: m, Bare: bare}
	if kind == bot.SendEdit {
		o.Root = "C024BE91L/1732800000.000100"
	}
	parts, err := c.Encode(o)
	if err != nil && !errors.Is(err, bot.ErrTooLong) {
		t.Fatal(err)
	}
	return parts
}

// What others wrote is read as they wrote it, and comes to life nowhere.
func TestHostileWords(t *testing.T) {
	c := idle(t, nil)
	for _, s := range []string{"<!channel>", "<!here|here>", "<@U024BE7LH>", "<#C1|ops>", "<!subteam^S1>", "@here", "*bold* _it_ ~st~ `c`", "&lt;!channel&gt;", "<https://evil.example|click>", "|", "> quote", ":fire:", "\u202eabc", "a\x00b", "שלום"} {
		for _, bare := range []bool{false, true} {
			for _, kind := range []bot.SendKind{bot.SendRoot, bot.SendReply} {
				for i, p := range encode(t, c, kind, everywhere(s), bare) {
					for _, f := range faults(p) {
						t.Errorf("%q, %s, part %d, bare %v: %s", s, kind, i, bare, f)
					}
					if i > 0 || bare {
						continue
					}
					if want := clean.Text(s); strings.Count(words(p), want) < 20 {
						t.Errorf("%q, %s: it shows %d times:\n%s", s, kind, strings.Count(words(p), want), words(p))
					}
				}
			}
		}
	}
}

// Ten thousand labels' values full of tricks.
func TestManyHostileWords(t *testing.T) {
	c := idle(t, nil)
	tricks := []string{"<!channel>", "<@U1>", "*", "_", "~", "`", "```", "|", "<", ">", "&", "&lt;", "<b>", "</script>", "\u202e", "\u2066", "א", "ش", "\n", "\t", " ", "http://a.example/<x>", ":smile:", "\x07", "\xff", "a", "0", "🔥", "{}", "\\", "\""}
	random := rand.New(rand.NewPCG(1, 2))
	many := 10_000
	if testing.Short() {
		many = 500
	}
	for i := range many {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(tricks[random.IntN(len(tricks))])
		}
		kind := []bot.SendKind{bot.SendRoot, bot.SendReply, bot.SendEdit}[i%3]
		for n, p := range encode(t, c, kind, everywhere(b.String()), i%7 == 0) {
			if f := faults(p); len(f) > 0 {
				t.Fatalf("%q, %s, part %d: %v\n%s", b.String(), kind, n, f, p.Body)
			}
		}
	}
}

// Nothing is cut: what does not fit one post goes on in the next, and a root that does
// not fit is for the caller to shorten.
func TestLongWords(t *testing.T) {
	c := idle(t, nil)
	for name, line := range map[string]string{"letters": "abcdefghij ", "brackets": "<<<>>>&&& ", "quotes": `"\"\ `, "wide": "日本語 ", "signs": "\u0001"} {
		long := strings.Repeat(line, 4000)
		m := bot.Message{Tone: bot.ToneInfo, Title: bot.Line(bot.T("logs")), Blocks: []bot.Block{bot.Pre{Body: long}, bot.Para{Text: bot.Line(bot.B(long))}, bot.List{Items: []bot.Text{bot.Line(bot.M(long))}}}, Note: bot.Line(bot.T(long))}
		for _, bare := range []bool{false, true} {
			var all strings.Builder
			for i, p := range encode(t, c, bot.SendReply, m, bare) {
				for _, f := range faults(p) {
					t.Errorf("%s, part %d: %s", name, i, f)
				}
				all.WriteString(words(p))
			}
			squeezed := strings.NewReplacer(" ", "", "\n", "", "•", "").Replace(all.String())
			want := strings.ReplaceAll(clean.Text(long), " ", "")
			if strings.Count(squeezed, want) < 4 {
				t.Errorf("%s, bare %v: of four long texts %d are whole", name, bare, strings.Count(squeezed, want))
			}
		}
		if _, err := c.Encode(bot.Outgoing{Key: "k", Room: "ops", Kind: bot.SendRoot, Message: m}); !errors.Is(err, bot.ErrTooLong) {
			t.Errorf("%s: a root that is too long gives %v", name, err)
		}
	}
}

func TestShort(t *testing.T) {
	for s, want := range map[string]string{"": "", "abc": "abc", "abcd": "abcd", "abcde": "abc…", "日本語日本語": "日本語…"} {
		if got := short(s, 4); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("DiskFull <!channel>", uint8(0), true)
	f.Add(strings.Repeat("x", 3000), uint8(1), false)
	c := idle(f, nil)
	f.Fuzz(func(t *testing.T, s string, kind uint8, bare bool) {
		k := []bot.SendKind{bot.SendRoot, bot.SendReply, bot.SendEdit}[kind%3]
		first, again := encode(t, c, k, everywhere(s), bare), encode(t, c, k, everywhere(s), bare)
		for i, p := range first {
			if f := faults(p); len(f) > 0 {
				t.Errorf("part %d: %v", i, f)
			}
			if string(p.Body) != string(again[i].Body) {
				t.Errorf("part %d is written in two ways", i)
			}
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	f.Add("events_api", `{"team_id":"T024BE7LD","event":{"type":"message","channel":"C024BE91L","user":"U1","text":"<@U0BOT> status","ts":"1732800000.000100"}}`)
	f.Add("interactive", pressed(`{"action_id":"press0","value":"ack","action_ts":"1732800005.500000"}`))
	f.Add("slash_commands", `{"team_id":"T024BE7LD","channel_id":"C024BE91L","user_id":"U1","command":"/ws","text":"status","trigger_id":"1.2.3"}`)
	c := idle(f, nil)
	f.Fuzz(func(t *testing.T, kind, raw string) {
		for _, e := range c.envelope(kind, []byte(raw)).events {
			if u, ok := e.(bot.Undecodable); ok && (strings.Contains(u.Reason, "reading it failed") || len(u.Body) > maxBody) {
				t.Errorf("%s", u.Reason)
			}
			if idOf(e) == "" {
				t.Errorf("%+v has no id", e)
			}
		}
	})
}

// What only the asker needs to know goes to them alone: in the thread where they wrote, in
// the channel where they pressed. What has a picture goes to all, since it could not go
// otherwise, and so does what Slack refused, since they are not in the channel. A press is
// no message that something could stand below.
func TestAside(t *testing.T) {
	c := idle(t, nil)
	root, asked := bot.MessageID("C024BE91L/1732800000.000100"), bot.MessageID("C024BE91L/1732800005.000100")
	aside := bot.Message{Title: bot.Line(bot.T("You have acked this already.")), Aside: true}
	press := bot.MessageID("C024BE91L/1732800000.000100/U1/press0/1732800005.500000")
	picture := aside
	picture.Blocks = []bot.Block{bot.Picture{Name: "p.png", PNG: []byte("png"), Alt: "p"}}
	for name, x := range map[string]struct {
		o           bot.Outgoing
		only, under string
	}{
		"in a thread":             {bot.Outgoing{Root: root, ReplyTo: asked, Asker: "T024BE7LD/U1", Message: aside}, "U1", "1732800000.000100"},
		"a press":                 {bot.Outgoing{Root: root, Asker: "T024BE7LD/U1", Message: aside}, "U1", ""},
		"in the channel":          {bot.Outgoing{ReplyTo: asked, Asker: "T024BE7LD/U1", Message: aside}, "U1", ""},
		"long after":              {bot.Outgoing{ReplyTo: asked, Message: aside}, "", "1732800005.000100"},
		"with a picture":          {bot.Outgoing{ReplyTo: asked, Asker: "T024BE7LD/U1", Message: picture}, "", "1732800005.000100"},
		"for everybody":           {bot.Outgoing{ReplyTo: asked, Asker: "T024BE7LD/U1", Message: bot.Message{Title: aside.Title}}, "", "1732800005.000100"},
		"who is not there":        {bot.Outgoing{Bare: true, ReplyTo: asked, Asker: "T024BE7LD/U1", Message: aside}, "", "1732800005.000100"},
		"a press, who is not":     {bot.Outgoing{Bare: true, Root: root, Asker: "T024BE7LD/U1", Message: aside}, "", ""},
		"a press on what is gone": {bot.Outgoing{ReplyTo: press, Message: aside}, "", ""},
		"a form for what is gone": {bot.Outgoing{ReplyTo: root + "/V1", Message: aside}, "", ""},
		"for everybody, a press":  {bot.Outgoing{Root: root, Asker: "T024BE7LD/U1", Message: bot.Message{Title: aside.Title}}, "", ""},
	} {
		x.o.Key, x.o.Room, x.o.Kind = "key_1", "ops", bot.SendReply
		parts, err := c.Encode(x.o)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			var n content
			if err := json.Unmarshal(p.Body, &n); err != nil || n.Only != x.only || n.Under != x.under {
				t.Errorf("%s, part %d: it is for %q below %q, want %q, %q (%v)", name, i, n.Only, n.Under, x.only, x.under, err)
			}
		}
	}
}
