package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
)

// house is a real homeserver with a room, people and the bot's account.
type house struct {
	hs         *real.Homeserver
	proxy      *real.Proxy
	alice, bot *real.User
	room       string
}

const soon = 20 * time.Second

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{hs: real.StartHomeserver(t, real.HomeserverOptions{})}
	h.alice, h.bot = h.hs.NewUser(t, "alice"), h.hs.NewUser(t, "watchstander")
	h.room = h.alice.CreateRoom(t, real.RoomOptions{Name: "ops", Invite: []*real.User{h.bot}})
	h.proxy = real.StartProxy(t, h.hs.URL)
	return h
}

func (h *house) chat(t *testing.T, cursor string) *Chat {
	t.Helper()
	c, err := New(Options{
		Chat: "matrix", Homeserver: h.proxy.URL, User: bot.UserID(h.bot.ID), Token: h.bot.Token + "\n",
		Rooms: map[bot.RoomID]string{"ops": h.room}, Cursor: cursor,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (h *house) enter(t *testing.T) {
	t.Helper()
	h.bot.Join(t, h.room)
}

func (h *house) seen(t *testing.T) []real.Seen { return real.See(h.alice.Messages(t, h.room)) }

// post encodes and sends all parts, and gives the first one's receipt.
func post(t *testing.T, c *Chat, o bot.Outgoing) bot.Receipt {
	t.Helper()
	o.Room = "ops"
	var first bot.Receipt
	for i, s := range freeze(t, c, o) {
		receipt, err := c.Send(t.Context(), s)
		if err != nil {
			t.Fatalf("part %d: %v", i, err)
		}
		if i == 0 {
			first = receipt
		}
	}
	return first
}

func freeze(t *testing.T, c *Chat, o bot.Outgoing) []bot.Sending {
	t.Helper()
	o.Room = "ops"
	parts, err := c.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	var all []bot.Sending
	for i, p := range parts {
		all = append(all, bot.Sending{
			Key: o.Key.Part(i), Room: o.Room, Kind: o.Kind, Root: o.Root,
			Body: p.Body, Attachment: p.Attachment, Since: time.Now(),
		})
	}
	return all
}

func message(tone bot.Tone, title string) bot.Message {
	return bot.Message{Tone: tone, Title: bot.Line(bot.T(title)), Blocks: []bot.Block{
		bot.Fields{Fields: []bot.Field{{Name: "instance", Value: bot.Line(bot.M("vulcan:9100"))}}},
		bot.Para{Text: bot.Line(bot.T("Runbook: "), bot.L("disk", "https://runbooks.example/disk?a=1&b=2"))},
	}}
}

func TestRealPosts(t *testing.T) {
	h := newHouse(t)
	h.enter(t)
	c := h.chat(t, "")

	root := post(t, c, bot.Outgoing{Key: "key_root", Kind: bot.SendRoot, Message: message(bot.ToneCritical, "DiskFull")})
	post(t, c, bot.Outgoing{Key: "key_edit", Kind: bot.SendEdit, Root: root.ID, Message: message(bot.ToneOK, "DiskFull resolved")})
	reply := post(t, c, bot.Outgoing{Key: "key_reply", Kind: bot.SendReply, Root: root.ID, Message: bot.Message{Title: bot.Line(bot.T("acked"))}})
	asked := h.alice.Say(t, h.room, "status")
	answer := post(t, c, bot.Outgoing{Key: "key_answer", Kind: bot.SendReply, ReplyTo: bot.MessageID(asked), Message: message("", "All well")})
	var pixels bytes.Buffer
	if err := png.Encode(&pixels, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	post(t, c, bot.Outgoing{Key: "key_picture", Kind: bot.SendReply, Root: root.ID, Message: bot.Message{Blocks: []bot.Block{
		bot.Picture{Name: "load.png", PNG: pixels.Bytes(), Alt: "load: 3.1", Width: 4, Height: 3},
	}}})
	long := strings.Repeat("a line of a long log <b>&amp;</b>\n", 4000)
	post(t, c, bot.Outgoing{Key: "key_long", Kind: bot.SendReply, Root: root.ID, Message: bot.Message{Blocks: []bot.Block{bot.Pre{Body: long}}}})

	h.alice.Await(t, h.room, soon, "the answer", real.Has(string(answer.ID)))
	real.Eventually(t, soon, "all posts", func() error {
		var text strings.Builder
		var picture *real.Seen
		for _, m := range h.seen(t) {
			switch {
			case m.ID == string(root.ID):
				if m.Edits != 1 || !strings.HasPrefix(m.Body, "✅ DiskFull resolved") {
					return fmt.Errorf("the root shows %+v", m)
				}
			case m.ID == string(reply.ID) && m.Thread != string(root.ID):
				return fmt.Errorf("the reply is not in the thread: %+v", m)
			case m.ID == string(answer.ID) && m.Thread != "":
				return fmt.Errorf("the answer is in a thread: %+v", m)
			case m.Type == "m.image":
				picture = &m
			case strings.Contains(m.Body, "long log"):
				text.WriteString(m.Body + "\n")
			}
		}
		if picture == nil || text.String() != long {
			return fmt.Errorf("picture %v, %d of %d bytes of text", picture != nil, text.Len(), len(long))
		}
		if got := h.alice.Download(t, picture.Content["url"].(string)); !bytes.Equal(got, pixels.Bytes()) {
			return fmt.Errorf("the picture differs")
		}
		if picture.Body != "load: 3.1" || picture.Thread != string(root.ID) {
			return fmt.Errorf("the picture shows as %+v", picture)
		}
		return nil
	})

	t.Run("the same key again", func(t *testing.T) {
		again := post(t, c, bot.Outgoing{Key: "key_root", Kind: bot.SendRoot, Message: message(bot.ToneCritical, "DiskFull")})
		if again.ID != root.ID {
			t.Errorf("a second event %s beside %s", again.ID, root.ID)
		}
	})
	t.Run("find", func(t *testing.T) {
		for _, s := range []bot.Sending{
			{Key: "key_root", Kind: bot.SendRoot},
			{Key: "key_edit", Kind: bot.SendEdit, Root: root.ID},
			{Key: "key_reply", Kind: bot.SendReply, Root: root.ID},
			{Key: "key_picture", Kind: bot.SendReply, Root: root.ID},
			{Key: "key_long.2", Kind: bot.SendReply, Root: root.ID},
			{Key: "key_answer", Kind: bot.SendReply},
		} {
			s.Room, s.Since = "ops", time.Now()
			receipt, ok, err := c.Find(t.Context(), s)
			if err != nil || !ok || receipt.At.IsZero() {
				t.Errorf("%s: %+v %v %v", s.Key, receipt, ok, err)
			}
			if s.Key == "key_reply" && receipt.ID != reply.ID {
				t.Errorf("found %s, sent %s", receipt.ID, reply.ID)
			}
		}
		for _, s := range []bot.Sending{
			{Key: "key_none", Kind: bot.SendRoot},
			{Key: "key_none", Kind: bot.SendEdit, Root: root.ID},
			{Key: "key_none", Kind: bot.SendReply, Root: root.ID},
			{Key: "key_none", Kind: bot.SendReply, Root: "$nothing"},
		} {
			s.Room, s.Since = "ops", time.Now()
			if _, ok, err := c.Find(t.Context(), s); ok || err != nil {
				t.Errorf("%+v: %v %v", s, ok, err)
			}
		}
	})
	t.Run("another one's key", func(t *testing.T) {
		id := h.alice.Send(t, h.room, "m.room.message", real.NewTxn(), map[string]any{"msgtype": "m.text", "body": "x", keyName: "key_forged"})
		h.alice.Await(t, h.room, soon, "the forgery", real.Has(id))
		if _, ok, err := c.Find(t.Context(), bot.Sending{Key: "key_forged", Room: "ops", Kind: bot.SendRoot, Since: time.Now()}); ok || err != nil {
			t.Error(ok, err)
		}
	})
	t.Run("find in a long thread", func(t *testing.T) {
		for i := range 70 {
			post(t, c, bot.Outgoing{Key: bot.SendKey(fmt.Sprintf("key_many%d", i)), Kind: bot.SendReply, Root: root.ID, Message: message("", "line")})
		}
		real.Eventually(t, soon, "the first of 70 is found", func() error {
			for _, key := range []bot.SendKey{"key_many0", "key_many33", "key_many69", "key_reply"} {
				_, ok, err := c.Find(t.Context(), bot.Sending{Key: key, Room: "ops", Kind: bot.SendReply, Root: root.ID, Since: time.Now()})
				if err != nil || !ok {
					return fmt.Errorf("%s: %v %v", key, ok, err)
				}
			}
			return nil
		})
	})
	t.Run("too large", func(t *testing.T) {
		_, err := c.Send(t.Context(), bot.Sending{Key: "key_big", Room: "ops", Kind: bot.SendRoot, Body: []byte(`{"msgtype":"m.notice","body":"` + strings.Repeat("x", 70000) + `"}`)})
		wantRefusal(t, err, bot.Rejected)
	})
	t.Run("the largest that Encode makes", func(t *testing.T) {
		n := 0
		for size := 30000; ; size -= 100 {
			o := bot.Outgoing{Key: "key_large", Kind: bot.SendRoot, Message: bot.Message{Title: bot.Line(bot.T(strings.Repeat("x", size)))}}
			if _, err := c.Encode(o); err != nil {
				if !errors.Is(err, bot.ErrTooLong) {
					t.Fatal(err)
				}
				n++
				continue
			}
			post(t, c, o)
			break
		}
		if n == 0 {
			t.Error("everything fitted")
		}
	})
}

func TestRealInbound(t *testing.T) {
	h := newHouse(t)
	before := h.alice.Say(t, h.room, "said before the bot was there")
	stranger := h.hs.NewUser(t, "mallory")
	trap := stranger.CreateRoom(t, real.RoomOptions{Name: "trap", Invite: []*real.User{h.bot}})

	c, sink := h.chat(t, ""), newSink()
	going := run(t, c, sink)

	real.Eventually(t, soon, "the bot enters its room", func() error {
		if !slices.Contains(h.alice.Members(t, h.room), h.bot.ID) {
			return errors.New("not yet")
		}
		return nil
	})
	real.Eventually(t, soon, "the trap is refused", func() error {
		if c.Stats().Rejected != 1 {
			return fmt.Errorf("%+v", c.Stats())
		}
		return nil
	})
	if slices.Contains(stranger.Members(t, trap), h.bot.ID) {
		t.Error("the bot went into the trap")
	}
	second := stranger.CreateRoom(t, real.RoomOptions{Name: "trap 2"})
	stranger.Invite(t, second, h.bot)
	real.Eventually(t, soon, "the second trap is refused", func() error {
		if c.Stats().Rejected != 2 {
			return fmt.Errorf("%+v", c.Stats())
		}
		return nil
	})

	root := post(t, c, bot.Outgoing{Key: "key_root", Kind: bot.SendRoot, Message: message(bot.ToneWarning, "Disk")})
	said := h.alice.Say(t, h.room, "@watchstander: status")
	got := await(t, sink, soon, func(e bot.Said) bool { return e.ID == bot.MessageID(said) })
	if got.Text != "status" || got.Root != "" || got.User != bot.UserID(h.alice.ID) || got.Room != "ops" || got.Chat != "matrix" || !got.Addressed ||
		time.Since(got.At).Abs() > time.Minute {
		t.Errorf("%+v", got)
	}
	inThread := h.alice.Reply(t, h.room, string(root.ID), "ack")
	if got := await(t, sink, soon, func(e bot.Said) bool { return e.ID == bot.MessageID(inThread) }); got.Root != root.ID || got.Text != "ack" {
		t.Errorf("%+v", got)
	}
	h.alice.Notice(t, h.room, "status")
	h.alice.Edit(t, h.room, said, "rollback")
	press := h.alice.React(t, h.room, string(root.ID), "👍🏽\uFE0F")
	if got := await(t, sink, soon, func(e bot.Pressed) bool { return true }); got.Emoji != "👍" || got.Target != root.ID || got.ID != bot.MessageID(press) {
		t.Errorf("%+v", got)
	}
	h.alice.Redact(t, h.room, press, "no")
	if got := await(t, sink, soon, func(e bot.Withdrawn) bool { return true }); got.Target != bot.MessageID(press) || got.User != bot.UserID(h.alice.ID) {
		t.Errorf("%+v", got)
	}
	h.alice.Send(t, h.room, "m.room.encrypted", real.NewTxn(), map[string]any{"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s", "sender_key": "k", "device_id": "d"})
	if got := await(t, sink, soon, func(e bot.Undecodable) bool { return true }); !strings.Contains(got.Reason, "encrypted rooms are not supported") {
		t.Errorf("%+v", got)
	}

	t.Run("redacted root", func(t *testing.T) {
		h.alice.Redact(t, h.room, string(root.ID), "")
		await(t, sink, soon, func(e bot.Withdrawn) bool { return e.Target == root.ID })
		s := freeze(t, c, bot.Outgoing{Key: "key_late", Kind: bot.SendReply, Root: root.ID, Message: message("", "x")})[0]
		_, err := c.Send(t.Context(), s)
		wantRefusal(t, err, bot.RootGone)
	})
	t.Run("a gap over a restart", func(t *testing.T) {
		going.stop(t)
		cursor := sink.cursor()
		var want []bot.MessageID
		for i := range 250 {
			want = append(want, bot.MessageID(h.alice.Say(t, h.room, fmt.Sprintf("missed %d", i))))
			if i == 120 { // this too is a member event of the bot's, but no arrival
				if err := h.bot.Do(t.Context(), http.MethodPut, real.Path("profile", h.bot.ID, "displayname"), map[string]string{"displayname": "Night Watch"}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.alice.Await(t, h.room, soon, "the last", real.Has(string(want[249])))
		c, again := h.chat(t, cursor), newSink()
		going := run(t, c, again)
		await(t, again, soon, func(e bot.Said) bool { return e.ID == want[249] })
		going.stop(t)
		var ids []bot.MessageID
		for _, e := range again.events() {
			switch e := e.(type) {
			case bot.Said:
				ids = append(ids, e.ID)
			case bot.Troubled:
				if !e.Over {
					t.Errorf("unexpected %+v", e)
				}
			default:
				t.Errorf("unexpected %+v", e)
			}
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%d events instead of %d", len(ids), len(want))
		}
		if name := c.display.Load(); name == nil || *name != "Night Watch" {
			t.Errorf("the display name is %v", name)
		}
		if c.Stats().Gaps == 0 || c.Stats().Lost != 0 {
			t.Errorf("%+v", c.Stats())
		}
	})
	for _, e := range sink.events() {
		if e, ok := e.(bot.Said); ok && (e.ID == bot.MessageID(before) || e.Text != "status" && e.Text != "ack") {
			t.Errorf("obeyed %+v", e)
		}
	}
}

func TestRealTrouble(t *testing.T) {
	h := newHouse(t)
	h.enter(t)
	c, sink := h.chat(t, ""), newSink()
	going := run(t, c, sink)
	real.Eventually(t, soon, "the bot begins to listen", func() error { // what was said before is history to it
		if sink.cursor() == "" {
			return errors.New("not yet")
		}
		return nil
	})
	first := h.alice.Say(t, h.room, "one")
	await(t, sink, soon, func(e bot.Said) bool { return e.ID == bot.MessageID(first) })
	root := freeze(t, c, bot.Outgoing{Key: "key_root", Kind: bot.SendRoot, Message: message(bot.ToneWarning, "Disk")})[0]

	t.Run("429", func(t *testing.T) {
		h.proxy.Limit(0.5, 1)
		defer h.proxy.Limit(0, 0)
		if _, err := c.Send(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		_, err := c.Send(t.Context(), root)
		if r := wantRefusal(t, err, bot.Busy); r.After <= 0 || r.After > 3*time.Second {
			t.Errorf("After is %s", r.After)
		}
	})
	t.Run("the reply is lost", func(t *testing.T) {
		s := root
		s.Key = "key_lost"
		s.Body = bytes.ReplaceAll(s.Body, []byte("key_root"), []byte("key_lost"))
		held := h.proxy.HoldReply(1, real.OfKind(real.KindSend))
		done := make(chan error, 1)
		go func() { _, err := c.Send(t.Context(), s); done <- err }()
		held.Wait(t, soon)
		held.Cut()
		wantRefusal(t, <-done, bot.Unsure)
		var found bot.Receipt
		real.Eventually(t, soon, "it is found", func() error {
			receipt, ok, err := c.Find(t.Context(), s)
			if !ok || err != nil {
				return fmt.Errorf("%v %v", ok, err)
			}
			found = receipt
			return nil
		})
		if again, err := c.Send(t.Context(), s); err != nil || again.ID != found.ID {
			t.Errorf("sent again: %+v %v, found %+v", again, err, found)
		}
	})
	t.Run("unplugged", func(t *testing.T) {
		h.proxy.Unplug()
		_, err := c.Send(t.Context(), root)
		wantRefusal(t, err, bot.Unsure) // the proxy took the request and hung up
		second := h.alice.Say(t, h.room, "two")
		h.proxy.Plug()
		await(t, sink, 2*soon, func(e bot.Said) bool { return e.ID == bot.MessageID(second) })
	})
	t.Run("restarted", func(t *testing.T) {
		h.hs.Stop(t)
		h.hs.Start(t)
		third := h.alice.Say(t, h.room, "three")
		await(t, sink, 3*soon, func(e bot.Said) bool { return e.ID == bot.MessageID(third) })
	})
	t.Run("gateway's 502", func(t *testing.T) {
		h.proxy.Fail(http.StatusBadGateway)
		defer h.proxy.Plug()
		_, err := c.Send(t.Context(), root)
		wantRefusal(t, err, bot.Unsure)
	})
	t.Run("nothing listens", func(t *testing.T) {
		far, err := New(Options{Chat: "far", Homeserver: "http://" + real.FreeAddr(t), User: bot.UserID(h.bot.ID), Token: "token-token", Rooms: c.rooms})
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		_, err = far.Send(t.Context(), root)
		wantRefusal(t, err, bot.Unreachable)
	})
	t.Run("revoked token", func(t *testing.T) {
		if err := h.bot.Do(t.Context(), http.MethodPost, real.Path("logout"), struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
		_, err := c.Send(t.Context(), root)
		wantRefusal(t, err, bot.Forbidden)
		h.alice.Say(t, h.room, "four")
		err = going.wait(t, soon)
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeForbidden || strings.Contains(err.Error(), h.bot.Token) {
			t.Errorf("Run: %v", err)
		}
	})
}

func wantRefusal(t *testing.T, err error, kind bot.RefusalKind) *bot.Refusal {
	t.Helper()
	r, ok := errors.AsType[*bot.Refusal](err)
	if !ok || r.Kind != kind {
		t.Fatalf("%v, want the refusal %q", err, kind)
	}
	return r
}

func TestRealCheck(t *testing.T) {
	h := newHouse(t)
	c := h.chat(t, "")
	show := func(want map[string]bot.ReadingState) {
		t.Helper()
		got := map[string]bot.ReadingState{}
		for _, r := range c.Check(t.Context()) {
			t.Logf("%-40s %-8s %s (%s)", r.What, r.State, r.Value, r.Note)
			got[r.What] = r.State
		}
		for what, state := range want {
			if got[what] != state {
				t.Errorf("%s is %q, want %q", what, got[what], state)
			}
		}
	}
	show(map[string]bot.ReadingState{"matrix homeserver": bot.OK, "matrix account": bot.OK, `matrix room "ops"`: bot.NotOK})
	h.enter(t)
	show(map[string]bot.ReadingState{`matrix room "ops"`: bot.OK, `matrix room "ops": encryption`: bot.OK, `matrix room "ops": power`: bot.OK, `matrix room "ops": federation`: bot.OK})
	h.alice.SetState(t, h.room, "m.room.encryption", "", map[string]any{"algorithm": "m.megolm.v1.aes-sha2"})
	h.alice.SetState(t, h.room, "m.room.power_levels", "", map[string]any{"users": map[string]any{h.alice.ID: 100}, "events_default": 50})
	show(map[string]bot.ReadingState{`matrix room "ops": encryption`: bot.NotOK, `matrix room "ops": power`: bot.NotOK})
}
