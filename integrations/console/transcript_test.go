package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// offline is a Chat without anybody attached.
func offline(t *testing.T, log string) *server {
	t.Helper()
	c, err := New(Options{ID: "console", Room: "console", Log: log, Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &server{Chat: c, t: t}
}

func (s *server) find(key string) (bot.Receipt, bool) {
	s.t.Helper()
	r, ok, err := s.Find(s.t.Context(), bot.Sending{Key: bot.SendKey(key), Room: "console"})
	if err != nil {
		s.t.Fatal(err)
	}
	return r, ok
}

func wantRefusal(t *testing.T, err error, kind bot.RefusalKind) {
	t.Helper()
	if r, ok := errors.AsType[*bot.Refusal](err); !ok || r.Kind != kind {
		t.Errorf("the error is %v, want a refusal of kind %q", err, kind)
	}
}

func TestTranscriptOutlivesTheProcess(t *testing.T) {
	log := filepath.Join(folder(t), "deep", "log.jsonl")
	s := offline(t, log)
	a := s.root("a", diskFull())
	b := s.root("b", longList())
	s.reply("a1", a, acked())
	s.edit("a2", a, diskResolved())
	first, _ := s.find("a1")
	if info, err := os.Stat(log); err != nil || info.Mode() != 0o600 {
		t.Errorf("the transcript: %v, %v", info.Mode(), err)
	}
	if _, err := New(Options{ID: "x", Room: "x", Log: log}); err == nil {
		t.Error("two processes may write one transcript")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.try(bot.Outgoing{Key: "late", Kind: bot.SendRoot}); err == nil {
		t.Error("a closed transcript takes posts")
	}

	s = offline(t, log)
	for _, key := range []string{"a", "b", "a1", "a2"} {
		if r, ok := s.find(key); !ok || r.ID != bot.MessageID(key) {
			t.Errorf("%s is not found: %+v", key, r)
		}
	}
	if again, _ := s.find("a1"); again != first {
		t.Errorf("another receipt: %+v, before %+v", again, first)
	}
	if _, ok := s.find("c"); ok {
		t.Error("what was never sent is found")
	}
	if s.transcript.number(a) != 1 || s.transcript.number(b) != 2 || s.transcript.byRoot[a].signs.Tone != bot.ToneOK || s.transcript.byRoot[a].changed.IsZero() {
		t.Errorf("the threads are %+v", s.transcript.byRoot)
	}
	if s.transcript.number(s.root("c", plain("c"))) != 3 {
		t.Error("a number is given twice")
	}
}

func TestHalfALineIsDropped(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := offline(t, log)
	s.root("a", diskFull())
	s.root("b", diskFull())
	s.Close()
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut < len(whole); cut += 97 {
		if err := os.WriteFile(log, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := offline(t, log)
		if _, ok := s.find("a"); !ok {
			t.Fatalf("cut at %d, the first post is lost", cut)
		}
		if _, ok := s.find("b"); ok {
			t.Fatalf("cut at %d, half a post is found", cut)
		}
		s.root("b", diskFull())
		s.Close()
		s = offline(t, log)
		if r, ok := s.find("b"); !ok || s.transcript.number(r.ID) != 2 {
			t.Fatalf("cut at %d, the post after the half one is lost", cut)
		}
		s.Close()
	}
	// A line in the middle that makes no sense takes no other with it.
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines[1] = append([]byte("{\x00garbage"), lines[1]...)
	if err := os.WriteFile(log, bytes.Join(lines, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	s = offline(t, log)
	if _, ok := s.find("b"); !ok {
		t.Error("the line behind garbage is lost")
	}
	if info, _ := os.Stat(log); info.Mode() != 0o600 {
		t.Errorf("the mode stays %v", info.Mode())
	}
	s.Close()
	if err := os.WriteFile(log, []byte(`{"watchstander":2,"next":1}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := New(Options{ID: "x", Room: "x", Log: log}); err == nil {
		c.Close()
		t.Error("a newer version's transcript is written to")
	}
}

// A bot is killed while it posts. Whatever it had a receipt for must be there.
func TestKilledWhilePosting(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "CONSOLE_TEST_ROLE=flood", "CONSOLE_TEST_LOG="+log)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var keys []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			keys = append(keys, lines.Text())
			if len(keys) == 20*(round+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		s := offline(t, log)
		for _, k := range keys {
			if _, ok := s.find(k); !ok {
				t.Errorf("round %d: %s had a receipt and is lost", round, k)
			}
		}
		if len(keys) < 20 {
			t.Errorf("only %d receipts came", len(keys))
		}
		s.Close()
	}
}

func TestCompaction(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := offline(t, log)
	const limit = 256 << 10
	s.transcript.limit = limit
	old := s.root("old", diskFull())
	s.edit("old-edit", old, diskResolved())
	pic := s.root("pic", picture())
	for i := range 600 {
		s.root(fmt.Sprint("r", i), longList())
		if i%10 == 0 {
			s.reply(fmt.Sprint("old-", i), old, acked())
		}
	}
	check := func() {
		t.Helper()
		if info, err := os.Stat(log); err != nil || info.Size() > limit || info.Size() != s.transcript.size || info.Mode() != 0o600 {
			t.Errorf("the file has %d bytes (%v), the index says %d, the limit is %d, %v", info.Size(), info.Mode(), s.transcript.size, limit, err)
		}
		th := s.transcript.byRoot[old]
		if th == nil || th.number != 1 || th.signs.Tone != bot.ToneOK || th.env.Kind != bot.SendRoot || th.changed.IsZero() {
			t.Errorf("the oldest thread, of which people still speak, is %+v", th)
		}
		if r, ok := s.find("r599"); !ok || s.transcript.number(r.ID) != 602 {
			t.Errorf("the newest post is found: %v", ok)
		}
		if _, ok := s.find("old"); !ok {
			t.Error("a kept root is not found by its key")
		}
		if s.transcript.next != 603 {
			t.Errorf("the next number is %d", s.transcript.next)
		}
		if th := s.transcript.byRoot[pic]; th != nil && bytes.Contains(th.message, []byte("iVBOR")) {
			t.Error("an old picture's bytes are kept")
		}
	}
	check()
	if _, err := s.try(bot.Outgoing{Key: "gone", Kind: bot.SendEdit, Root: "r0", Message: diskFull()}); err == nil {
		t.Error("an edit of a forgotten root is taken")
	} else {
		wantRefusal(t, err, bot.RootGone)
	}
	s.Close()
	s = offline(t, log)
	check()
	if entries, err := os.ReadDir(filepath.Dir(log)); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

// The disk is full, as the alert says that nobody could see otherwise.
func TestFullDisk(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := serve(t, Options{Log: log})
	a := s.root("a", diskFull())
	r := s.attach(0)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	s.mu.Lock()
	good := s.transcript.file
	s.transcript.file, s.transcript.path = full, "/nonexistent/log"
	s.mu.Unlock()
	for range 3 {
		_, err = s.try(bot.Outgoing{Key: "b", Kind: bot.SendRoot, Message: plain("b")})
		wantRefusal(t, err, bot.Unreachable)
	}
	if p := r.nextPost(); p.Thread != 2 {
		t.Errorf("what the disk did not take is shown as %+v", p)
	}
	if _, ok := s.find("b"); ok {
		t.Error("what the disk did not take is found")
	}
	s.mu.Lock()
	s.transcript.path = log
	s.mu.Unlock()
	good.Close() // its lock goes with it, as with the old file of a compaction
	if id := s.root("b", plain("b")); id != "b" {
		t.Errorf("the receipt names %q", id)
	}
	s.reply("b1", "b", acked())
	s.reply("a1", a, acked())
	// Shown once, though it was sent four times.
	if p := r.nextPost(); !strings.Contains(string(p.Frame), "b1") {
		t.Errorf("the next post is %s", p.Frame)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := offline(t, log)
	if _, ok := again.find("a1"); !ok || again.transcript.number("b") != 2 {
		t.Error("what was sent after the disk had room again is lost")
	}
}

func TestEncode(t *testing.T) {
	s := offline(t, "")
	out := bot.Outgoing{Key: "key_1", Room: "console", Kind: bot.SendRoot, Root: "ignored", Message: hostile()}
	one, err := s.Encode(out)
	two, _ := s.Encode(out)
	if err != nil || len(one) != 1 || !bytes.Equal(one[0].Body, two[0].Body) || bytes.ContainsAny(one[0].Body, "\n\x1b") {
		t.Errorf("Encode: %q, %v", one, err)
	}
	big := bot.Message{Blocks: []bot.Block{bot.Pre{Body: strings.Repeat("x", maxFrame)}}}
	if _, err := s.Encode(bot.Outgoing{Key: "k", Kind: bot.SendRoot, Message: big}); !errors.Is(err, bot.ErrTooLong) {
		t.Errorf("a root of a megabyte: %v", err)
	}
	pic := bot.Message{Blocks: []bot.Block{bot.Picture{Name: "x.png", Alt: "what it shows", PNG: make([]byte, maxFrame)}}}
	parts, err := s.Encode(bot.Outgoing{Key: "k", Kind: bot.SendReply, Message: pic})
	if err != nil || len(parts) != 1 || len(parts[0].Body) > 1000 || !bytes.Contains(parts[0].Body, []byte("what it shows")) {
		t.Errorf("a reply with a picture of a megabyte: %d parts, %v", len(parts), err)
	}
	if len(pic.Blocks[0].(bot.Picture).PNG) == 0 {
		t.Error("Encode changed its argument")
	}
	parts, err = s.Encode(bot.Outgoing{Key: "k", Kind: bot.SendRoot, Message: hostile(), Bare: true})
	if err != nil || bytes.Contains(parts[0].Body, []byte(`"url"`)) || bytes.Contains(parts[0].Body, []byte(`picture`)) || bytes.Contains(parts[0].Body, []byte(`"Style"`)) {
		t.Errorf("bare: %s, %v", parts[0].Body, err)
	}
}

func TestSendRefusals(t *testing.T) {
	s := offline(t, "")
	root := s.root("root", diskFull())
	parts, _ := s.Encode(bot.Outgoing{Key: "k", Room: "console", Kind: bot.SendReply, Root: root, Message: acked()})
	for name, c := range map[string]struct {
		s    bot.Sending
		kind bot.RefusalKind
	}{
		"another room":    {bot.Sending{Key: "k", Room: "ops", Kind: bot.SendReply, Root: root, Body: parts[0].Body}, bot.Forbidden},
		"another key":     {bot.Sending{Key: "other", Room: "console", Kind: bot.SendReply, Body: parts[0].Body}, bot.Rejected},
		"no JSON":         {bot.Sending{Key: "k", Room: "console", Kind: bot.SendReply, Body: []byte("{")}, bot.Rejected},
		"another kind":    {bot.Sending{Key: "k", Room: "console", Kind: bot.SendRoot, Body: parts[0].Body}, bot.Rejected},
		"nothing at all":  {bot.Sending{Room: "console"}, bot.Rejected},
		"an unknown root": {sending(t, s, bot.Outgoing{Key: "k", Kind: bot.SendReply, Root: "gone"}), bot.RootGone},
		"an edit of none": {sending(t, s, bot.Outgoing{Key: "k", Kind: bot.SendEdit}), bot.RootGone},
		"an odd kind":     {sending(t, s, bot.Outgoing{Key: "k", Kind: "song"}), bot.Rejected},
	} {
		_, err := s.Send(context.Background(), c.s)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		t.Run(name, func(t *testing.T) { wantRefusal(t, err, c.kind) })
	}
	one, err := s.try(bot.Outgoing{Key: "k", Kind: bot.SendReply, Root: root, Message: acked()})
	two, err2 := s.try(bot.Outgoing{Key: "k", Kind: bot.SendReply, Root: root, Message: acked()})
	if err != nil || err2 != nil || one != two || len(s.transcript.records) != 2 {
		t.Errorf("sent twice: %+v, %+v, %v, %v", one, two, err, err2)
	}
}

func sending(t *testing.T, s *server, o bot.Outgoing) bot.Sending {
	t.Helper()
	o.Room = "console"
	parts, err := s.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	return bot.Sending{Key: o.Key, Room: o.Room, Kind: o.Kind, Root: o.Root, Body: parts[0].Body, Since: time.Now()}
}

func TestOpen(t *testing.T) {
	now, old := time.Now(), time.Now().Add(-2*infoTime)
	for _, c := range []struct {
		th   thread
		want bool
	}{
		{thread{signs: signs{Tone: bot.ToneCritical}, at: old}, true},
		{thread{signs: signs{Tone: bot.ToneMuted}, at: old}, true},
		{thread{signs: signs{Tone: bot.ToneOK}, at: now}, false},
		{thread{signs: signs{Tone: bot.ToneInfo}, at: now}, true},
		{thread{signs: signs{Tone: bot.ToneInfo}, at: old}, false},
		{thread{signs: signs{Tone: bot.ToneInfo}, at: old, changed: now}, true},
		{thread{signs: signs{Tone: bot.ToneCritical, Over: true}, at: now}, false}, // a plan that failed
		{thread{signs: signs{Tone: bot.ToneMuted, Over: true}, at: now}, false},    // one that was denied
	} {
		if c.th.open() != c.want {
			t.Errorf("%+v: open is %v", c.th, !c.want)
		}
	}
}

// What the client is told of the past: the newest state of roots, no edits.
func TestPast(t *testing.T) {
	s := serve(t, Options{})
	over := s.root("over", diskFull())
	s.edit("over2", over, diskResolved())
	open := s.root("open", diskFull())
	s.edit("open2", open, hostile())
	for i := range 30 {
		s.reply(fmt.Sprint("re", i), open, acked())
	}
	last := s.root("last", diskFull())
	s.edit("last2", last, diskResolved())
	r := s.attach(5)
	var got []string
	for _, w := range r.past {
		if w.Re == nil || *w.Re != 0 {
			t.Errorf("a line of the past has number %v", w.Re)
		}
		f, err := frameOf(*w.Post)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s t%d %s", f.Kind, f.Key, w.Post.Thread, f.Message.Tone))
	}
	want := []string{"root open t2 warning", "reply re26 t2 ", "reply re27 t2 ", "reply re28 t2 ", "reply re29 t2 ", "root last t3 ok"}
	if !slices.Equal(got, want) {
		t.Errorf("the past is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
