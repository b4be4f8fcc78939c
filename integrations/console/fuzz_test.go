package console

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"watchstander/bot"
)

// ownSGR is the one kind of escape sequence that we write.
var ownSGR = regexp.MustCompile("\x1b\\[[0-9;]+m")

// wantSafe holds what is shown against the promise of clean.go.
func wantSafe(t testing.TB, shown string) {
	t.Helper()
	if !utf8.ValidString(shown) {
		t.Errorf("not UTF-8: %q", shown)
	}
	for _, r := range withoutLooks(shown) {
		switch {
		case r == '\n':
		case unicode.IsControl(r), // C0, DEL, C1
			r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			t.Fatalf("%U reaches the terminal in %q", r, shown)
		}
	}
	if n, m := strings.Count(shown, "\x1b[0m"), len(ownSGR.FindAllString(shown, -1)); m != 2*n {
		t.Errorf("%d looks begin and %d end in %q", m-n, n, shown)
	}
}

// FuzzText: whatever a label holds, in every place that a message has.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m\x9b2J\u202e", "a\tb\r\nc\u2028d", strings.Repeat("x", 200), "漢字 🔥👩‍👩‍👧 e\u0301", "https://example.org/\x1b", "x." + strings.Repeat("y", 79)} {
		f.Add(s, 40, true)
		f.Add(s, 0, false)
	}
	f.Fuzz(func(t *testing.T, s string, width int, colour bool) {
		if width != 0 {
			width = 8 + (width&0x7F+128)%128
		}
		p := &painter{width: width, colour: colour, zone: time.UTC, name: func(bot.UserID) string { return s }}
		w := place{thread: 7, changed: time.Unix(0, 0)}
		m := diskFull().Map(func(string) string { return s })
		m.Blocks = append(m.Blocks, bot.Pre{Body: s}, bot.Picture{Name: s, Alt: s, PNG: []byte{1}}, bot.File{Name: s, Data: []byte{1}},
			bot.List{Items: []bot.Text{bot.Line(bot.L(s, s), bot.L("x", "https://"+s), bot.L(s, "https://h/"+s))}})
		before := status()
		wantSafe(t, p.root(w, m)+p.reply(w, m)+p.answer(w, m)+p.edit(w, nil, m)+p.edit(w, &before, m)+p.headline(w, m)+
			p.said(said{User: bot.UserID(s), Text: s, Thread: 3})+p.note("%s", s)+p.warn("%s", s))
		if strings.ContainsAny(fileName(s), "/\x00") || strings.HasPrefix(fileName(s), ".") || fileName(s) == "" {
			t.Errorf("%q becomes the file name %q", s, fileName(s))
		}
	})
}

// FuzzServer: whatever a server sends, the client shows nothing unsafe and does
// not fall over.
func FuzzServer(f *testing.F) {
	for _, m := range []bot.Message{diskFull(), hostile(), wide(), status(), picture()} {
		for _, kind := range []bot.SendKind{bot.SendRoot, bot.SendEdit, bot.SendReply} {
			fr := frame{envelope: envelope{Key: "key_1", Kind: kind, Root: "key_1"}, Message: m}
			f.Add(line(toClient{Post: &post{Thread: 3, Frame: line(fr)}}))
		}
	}
	f.Add([]byte(`{"said":{"user":"\u001b","text":"\u009b\n"}}` + "\n" + `{"refused":{"n":1,"why":"\u001b"}}` + "\n" + `{"done":{"n":0,"left":9}}`))
	f.Add([]byte(`{"re":5,"post":{"t":-1,"frame":{"kind":"root","message":{"blocks":[{}]}}}}` + "\n" + `{"taken":{"n":1}}` + "\n" + `{"bye":"\u202e"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		s := &session{out: &out, waiting: map[int]*pending{1: {say: say{N: 1, Text: "x\x1b"}}}, asked: map[int]*inquiry{5: {kind: doList}}, unsure: map[string]int{},
			roots: map[bot.MessageID]*bot.Message{}, next: make(chan struct{}, 1), paint: &painter{zone: time.UTC, colour: true, width: 60}}
		s.keeps.note(0, bot.Message{})
		r := newLines(bytes.NewReader(append(data, 0x0A)), len(data)+2)
		for {
			b, err := r.next()
			if err != nil {
				break
			}
			var w told
			if json.Unmarshal(b, &w.line) != nil {
				continue
			}
			if err := s.hears(w); err != nil {
				out.WriteString(bot.ForPeople(err) + "\n")
			}
		}
		wantSafe(t, out.String())
	})
}

// FuzzClient: whatever a client sends, the server answers in whole lines and
// takes nothing but proper words under the kernel's name.
func FuzzClient(f *testing.F) {
	hi := `{"watchstander":1,"session":"12345678","past":5}` + "\n"
	f.Add([]byte(hi + `{"say":{"n":1,"text":"status"}}` + "\n"))
	f.Add([]byte(hi + `{"say":{"n":1,"t":1,"text":"ack"}}` + "\n" + `{"show":{"n":2,"t":1}}` + "\n" + `{"history":{"n":3,"last":-1}}` + "\n" + `{"threads":{"n":4,"all":true}}` + "\n"))
	f.Add([]byte(hi + `{"say":{"n":1,"user":"uid:0","text":"a\nb\u001b"}}` + "\n" + `{"say":{"n":-9,"t":-4}}` + "\nnonsense\n"))
	f.Add([]byte(`{"watchstander":2}` + "\n"))
	f.Add([]byte(strings.Repeat("x", 100)))
	c, err := New(Options{ID: "console", Room: "console"})
	if err != nil {
		f.Fatal(err)
	}
	parts, _ := c.Encode(bot.Outgoing{Key: "key_1", Room: "console", Kind: bot.SendRoot, Message: diskFull()})
	if _, err := c.Send(f.Context(), bot.Sending{Key: "key_1", Room: "console", Kind: bot.SendRoot, Body: parts[0].Body}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sk := newSink()
		ours, theirs := net.Pipe()
		cl := newClient(c, attaching{theirs, "uid:77"}, sk)
		done := make(chan struct{})
		go func() { defer close(done); cl.serve(t.Context()) }()
		read := make(chan []byte)
		go func() { b, _ := io.ReadAll(ours); read <- b }()
		_ = ours.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = ours.Write(data)
		// Ends a last line that has no end, so that nobody waits for it.
		_, _ = ours.Write([]byte("\nnonsense\n"))
		b := <-read
		ours.Close()
		<-done
		for l := range bytes.Lines(b) {
			if !json.Valid(l) || l[len(l)-1] != '\n' {
				t.Errorf("the server wrote %q", l)
			}
		}
		for _, e := range sk.said {
			if e.User != "uid:77" || e.Private || e.Room != "console" || e.Root != "" && e.Root != "key_1" || len(e.Text) > maxText || strings.ContainsAny(withoutSignature(e.Text), "\n\x1b\x00") {
				t.Errorf("the sink got %+v", e)
			}
		}
	})
}
