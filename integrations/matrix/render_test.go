package matrix

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"watchstander/bot"
	"watchstander/bot/clean"
)

var sample = bot.Message{
	Tone:  bot.ToneCritical,
	Title: bot.Line(bot.T("DiskFull on "), bot.M("vulcan")),
	Blocks: []bot.Block{
		bot.Para{Text: bot.Line(bot.T("fires since "), bot.B("12 min"), bot.T("\nacked by alice "), bot.F("(2 min ago)"))},
		bot.Fields{Fields: []bot.Field{
			{Name: "instance", Value: bot.Line(bot.M("vulcan:9100"))},
			{Name: "was", Value: bot.Line(bot.Span{Text: "warning", Style: bot.Struck})},
		}},
		bot.List{Items: []bot.Text{bot.Line(bot.T("switch to generation 41")), bot.Line(bot.L("graph", "https://prom.example/graph?g0.expr=a<b&x=1"))}},
		bot.Pre{Body: "Filesystem  Use%\n/dev/sda1    97%\n"},
		bot.Picture{Name: "x.png", PNG: []byte("png"), Alt: "97 % used"},
	},
	Actions: []bot.Action{{Name: "ack", Emoji: "✅", Label: "Ack"}, {Name: "silence 1h", Emoji: "🔕", Label: "Silence 1 h"}, {Name: "unack"}},
	Note:    bot.Line(bot.T("thr_1")),
}

func decodePart(t testing.TB, p bot.Part) content {
	t.Helper()
	var n content
	if err := json.Unmarshal(p.Body, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func encode(t testing.TB, o bot.Outgoing) []content {
	t.Helper()
	parts, err := newFake(t, &fakeTransport{}).Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	var all []content
	for _, p := range parts {
		all = append(all, decodePart(t, p))
	}
	return all
}

func TestLook(t *testing.T) {
	n := encode(t, bot.Outgoing{Key: "key_1", Kind: bot.SendRoot, Message: sample})[0]
	wantBody := `🔴 DiskFull on vulcan
fires since 12 min
acked by alice (2 min ago)

instance: vulcan:9100
was: warning

• switch to generation 41
• graph <https://prom.example/graph?g0.expr=a%3Cb&x=1>

Filesystem  Use%
/dev/sda1    97%

🖼 97 % used

React: ✅ Ack · 🔕 Silence 1 h
Write in the thread: unack
thr_1`
	if n.Body != wantBody {
		t.Errorf("body:\n%s", n.Body)
	}
	wantHTML := `<p>🔴 <strong><span data-mx-color="#d93025">DiskFull on <code>vulcan</code></span></strong></p>` +
		`<p>fires since <strong>12 min</strong><br>acked by alice <span data-mx-color="#8a8a8a">(2 min ago)</span></p>` +
		`<p><strong>instance:</strong> <code>vulcan:9100</code><br><strong>was:</strong> <del>warning</del></p>` +
		`<ul><li>switch to generation 41</li><li><a href="https://prom.example/graph?g0.expr=a%3Cb&amp;x=1">graph</a></li></ul>` +
		"<pre><code>Filesystem  Use%\n/dev/sda1    97%</code></pre>" +
		`<p><span data-mx-color="#8a8a8a">🖼 97 % used</span></p>` +
		`<p><span data-mx-color="#8a8a8a">React: ✅ Ack · 🔕 Silence 1 h<br>Write in the thread: unack</span><br><span data-mx-color="#8a8a8a">thr_1</span></p>`
	if n.Formatted != wantHTML {
		t.Errorf("html:\n%s", n.Formatted)
	}
	if n.Type != "m.notice" || n.Format != htmlFormat || n.Key != "key_1" || n.Relation != nil {
		t.Errorf("%+v", n)
	}
}

func TestShortReplyHasNoParagraph(t *testing.T) {
	n := encode(t, bot.Outgoing{Kind: bot.SendReply, Root: "$r", Message: bot.Message{Blocks: []bot.Block{bot.Para{Text: bot.Line(bot.T("acked by alice"))}}}})[0]
	if n.Formatted != "acked by alice" || n.Body != "acked by alice" {
		t.Errorf("%+v", n)
	}
}

func TestHostileTextShowsAsItself(t *testing.T) {
	for in, want := range map[string]string{
		"@room":                     "@" + joiner + "room",
		"hi @alice:house.test!":     "hi @" + joiner + "alice:house.test!",
		"root@host getty@tty1":      "root@host getty@tty1",
		"a @ b":                     "a @ b",
		"https://matrix.to/#/!r:s":  "https://matrix." + joiner + "to/#/!r:s",
		"https://MATRIX.TO/#/@a:b":  "https://MATRIX." + joiner + "TO/#/@" + joiner + "a:b",
		"matrix:u/alice:house.test": "matrix:" + joiner + "u/alice:house.test",
		"matrix: the homeserver":    "matrix: the homeserver",
		"what follows is another @": "what follows is another @" + joiner,
		"root@":                     "root@" + joiner,
		"a link to matrix.":         "a link to matrix." + joiner,
		"a link to matrix.T":        "a link to matrix." + joiner + "T",
	} {
		if got := tame(in); got != want {
			t.Errorf("tame(%q) = %q, want %q", in, got, want)
		}
	}
}

// What clean.Isolate puts around a line.
const fsi, pdi = "\u2068", "\u2069"

func TestLinks(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/x?y=1&z=2#f":                  "https://a.example/x?y=1&z=2#f",
		"http://10.0.0.1:9090/graph":                     "http://10.0.0.1:9090/graph",
		`https://a.example/?e="x"> y`:                    "https://a.example/?e=%22x%22%3E%20y",
		"https://a.example/@room":                        "https://a.example/%40room",
		"https://[::1]:9090/":                            "https://[::1]:9090/",
		"javascript:alert(1)":                            "",
		"data:text/html,x":                               "",
		"ftp://a.example":                                "",
		"//a.example":                                    "",
		"https:a.example":                                "",
		"https://good.example@evil.example":              "",
		"https://matrix.to/#/@a:b":                       "",
		"https://Matrix.To./#/@a:b":                      "",
		"https://a.example/\u202Egpj":                    "",
		"https://a.example/\nb":                          "",
		"https://":                                       "",
		"https://a.example/" + strings.Repeat("x", 9000): "",
	} {
		got, ok := safeLink(raw)
		if got != want || ok != (want != "") {
			t.Errorf("%.80q: %.80q %v", raw, got, ok)
		}
	}
	got := plainText(platform.Clean(bot.Line(bot.L("runbook", "file:///etc/passwd"), bot.T("; "), bot.L("", "https://a.example"))))
	if got != "runbook file:///etc/passwd; https://a.example" {
		t.Errorf("%q", got)
	}
}

// allowed are the tags that we use, all of them on Matrix' list.
var allowed = map[atom.Atom]bool{
	atom.P: true, atom.Br: true, atom.Strong: true, atom.Code: true, atom.Pre: true, atom.Ul: true,
	atom.Li: true, atom.A: true, atom.Del: true, atom.Span: true,
}

// readHTML gives the text that a client shows, and fails on anything that
// Matrix does not allow.
func readHTML(t testing.TB, body string) string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(body), &html.Node{Type: html.ElementNode, DataAtom: atom.Body, Data: "body"})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
			text.WriteString(n.Data)
		case html.ElementNode:
			if !allowed[n.DataAtom] {
				t.Fatalf("a <%s> in %q", n.Data, body)
			}
			for _, a := range n.Attr {
				switch {
				case n.DataAtom == atom.Span && a.Key == "data-mx-color" && len(a.Val) == 7 && a.Val[0] == '#':
				case n.DataAtom == atom.A && a.Key == "href":
					if u, err := url.Parse(a.Val); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.EqualFold(u.Hostname(), "matrix.to") {
						t.Fatalf("a link to %q", a.Val)
					}
				default:
					t.Fatalf("attribute %s=%q on <%s>", a.Key, a.Val, n.Data)
				}
			}
			if n.DataAtom == atom.Br {
				text.WriteString("\n")
			}
		default:
			t.Fatalf("a node of type %d in %q", n.Type, body)
		}
		for child := range n.ChildNodes() {
			walk(child)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	return text.String()
}

// squeezed is a text without blanks and our own signs without width, so that
// texts compare whatever the layout.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\n', '\t', '\u00A0', []rune(joiner)[0], []rune(fsi)[0], []rune(pdi)[0]:
			return -1
		}
		return r
	}, s)
}

// hostile are texts that have broken other programs.
var hostile = []string{
	"room @", "room@",
	"", "plain", "<b>x</b><script>alert(1)</script>", "@room @alice:house.test", "[x](https://matrix.to/#/@a:b)",
	"a\u202Eb\u2066c", "אבג @room", "\x00\xff\r\n", "</code></pre><img src=x onerror=y>", "&lt;&amp;&#64;room", "a  b\tc\n\n\nd",
}

// FuzzEncode: whatever stands in a label, in every place of a message, the
// posts hold nothing but allowed HTML, ping nobody, fit, and show the text.
func FuzzEncode(f *testing.F) {
	for _, s := range hostile {
		for where := range 7 {
			f.Add(s, "https://a.example/?q="+s, where)
		}
	}
	f.Fuzz(func(t *testing.T, s, address string, where int) { checkEncode(t, s, address, where) })
}

// TestEncodeMuch is the same with texts that are too long for the fuzzer to
// play with.
func TestEncodeMuch(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("\"<&@\u202E", 900), strings.Repeat("x\n", 3000) + "y", strings.Repeat("\u0301", 3000) + "a",
		strings.Repeat("\U000E0041", 1500) + "b", strings.Repeat("\n", 9000) + "c", strings.Repeat("@room ", 2000) + "d",
		strings.Repeat("א", 5000) + "e", "f" + strings.Repeat("\\", 15000),
	} {
		for where := range 7 {
			checkEncode(t, s, "https://a.example/?q=1", where)
		}
	}
}

func checkEncode(t *testing.T, s, address string, where int) {
	c := newFake(t, &fakeTransport{})
	m := bot.Message{Tone: bot.ToneWarning, Title: bot.Line(bot.T("title"))}
	line := bot.Line(bot.T(s), bot.B(s), bot.M(s), bot.F(s), bot.Span{Text: s, Style: bot.Struck}, bot.L(s, address))
	times := 6
	switch where % 7 {
	case 0:
		m.Blocks = []bot.Block{bot.Para{Text: line}}
	case 1:
		m.Blocks = []bot.Block{bot.Fields{Fields: []bot.Field{{Name: s, Value: line}}}}
		times = 7
	case 2:
		m.Blocks = []bot.Block{bot.List{Items: []bot.Text{line, line}}}
		times = 12
	case 3:
		m.Blocks = []bot.Block{bot.Pre{Body: s}}
		times = 1
	case 4:
		m.Title, times = line, 6
	case 5:
		m.Note = line
	default:
		m.Actions, times = []bot.Action{{Name: s, Emoji: "✅", Label: s}}, 1
		if s == "" {
			times = 0
		}
	}
	want := squeezed(clean.Text(s))
	for _, o := range []bot.Outgoing{
		{Key: "key_1", Kind: bot.SendRoot, Message: m},
		{Key: "key_1", Kind: bot.SendEdit, Root: "$r", Message: m},
		{Key: "key_1", Kind: bot.SendReply, Root: "$r", Message: m},
		{Key: "key_1", Kind: bot.SendReply, ReplyTo: "$r", Message: m, Bare: true},
	} {
		parts, err := c.Encode(o)
		if errors.Is(err, bot.ErrTooLong) && o.Kind != bot.SendReply {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var htmlText, plain strings.Builder
		for i, p := range parts {
			if len(p.Body) > maxContent {
				t.Fatalf("a part of %d bytes", len(p.Body))
			}
			n := decodePart(t, p)
			if n.Key != o.Key.Part(i) || n.Body == "" || !strings.Contains(string(p.Body), `"m.mentions":{}`) {
				t.Fatalf("part %d: %s", i, p.Body)
			}
			if n.New != nil {
				if n.New.Key != n.Key {
					t.Fatalf("keys %q and %q", n.Key, n.New.Key)
				}
				n = *n.New
			}
			if o.Bare != (n.Formatted == "") {
				t.Fatalf("bare %v, HTML %q", o.Bare, n.Formatted)
			}
			for _, text := range []string{n.Body, n.Formatted} {
				if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x202E }) {
					t.Fatalf("%q holds what it must not", text)
				}
				if strings.Contains(text, "@room") && !strings.Contains(s+address, "@room") {
					t.Fatalf("%q pings", text)
				}
			}
			if words := strings.FieldsFunc(n.Body, func(r rune) bool { return r == ' ' || r == '\n' }); slices.Contains(words, "@room") {
				t.Fatalf("%q pings the room", n.Body)
			}
			if strings.Count(n.Body, fsi) != strings.Count(n.Body, pdi) {
				t.Fatalf("isolates without an end in %q", n.Body)
			}
			htmlText.WriteString(readHTML(t, n.Formatted))
			plain.WriteString(n.Body)
		}
		if want == "" || !nonOverlapping(want) {
			continue
		}
		shown := squeezed(plain.String())
		if address != "" { // an address behind its text is no showing of the text
			shown = strings.ReplaceAll(shown, "<"+address+">", "")
		}
		if got := strings.Count(shown, want); got < times {
			t.Fatalf("%s: the plain text shows %.300q %d times instead of %d: %.600q", o.Kind, want, got, times, plain.String())
		}
		if got := strings.Count(squeezed(htmlText.String()), want); !o.Bare && got < times {
			t.Fatalf("%s: the HTML shows %.300q %d times instead of %d", o.Kind, want, got, times)
		}
	}
}

// nonOverlapping tells whether strings.Count surely counts a text as often as
// it was written: no end of it is also its beginning.
func nonOverlapping(s string) bool {
	border := make([]int, len(s)) // of each beginning, as in Knuth, Morris and Pratt
	for i, k := 1, 0; i < len(s); i++ {
		for k > 0 && s[i] != s[k] {
			k = border[k-1]
		}
		if s[i] == s[k] {
			k++
		}
		border[i] = k
	}
	return len(s) > 0 && border[len(s)-1] == 0
}
