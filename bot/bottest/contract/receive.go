package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// receiveSaid: who, where, in which thread, what, and once.
func receiveSaid(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	b.seen(bot.Receipt{ID: root})
	said := map[bot.MessageID]bot.Said{}
	for _, text := range []string{"status", "silence 1h because of <b>work</b> & *more*", "größer 👍 日本", "@room http://example.org/?a=1&b=2"} {
		said[b.Person.Say(b.T, text)] = bot.Said{Text: text}
		said[b.Person.SayIn(b.T, root, "in the thread: "+text)] = bot.Said{Text: "in the thread: " + text, Root: root}
	}
	b.marker()
	seen := b.Person.See(b.T)
	for id, want := range said {
		got := awaitSaid(b.T, b.sink, id)
		age := time.Since(got.At)
		if got.Chat != b.Chat || got.Room != b.Room || got.User != b.Person.User || got.Root != want.Root || got.Text != want.Text || got.Private || age.Abs() > time.Minute {
			b.Errorf("it arrives as %+v, want %q of %s in %s, thread %q", got, want.Text, b.Person.User, b.Room, want.Root)
		}
		if got.At.Location() != time.UTC {
			b.Errorf("its time is not in UTC but in %s", got.At.Location())
		}
		if p, ok := pick(seen, id); ok && (p.Mine || p.Root != want.Root) {
			b.Errorf("what the bot heard shows as %+v", p)
		}
	}
	if ids := b.sink.said(); len(ids) != len(said)+1 {
		b.Errorf("%d messages arrived, want %d:\n%s", len(ids), len(said)+1, tellEvents(b.sink.events()))
	}
	b.nothingElse()
}

// nothingElse wants nothing but messages to have arrived.
func (b *bench) nothingElse() {
	b.Helper()
	for _, e := range b.sink.events() {
		if _, ok := e.(bot.Said); !ok {
			b.Errorf("this arrived too: %T %+v", e, e)
		}
	}
}

func receiveOrder(b *bench) {
	root := b.root("key_root", plain("root"))
	b.seen(bot.Receipt{ID: root})
	var want []bot.MessageID
	for i := range 40 {
		if i%4 == 3 {
			want = append(want, b.Person.SayIn(b.T, root, fmt.Sprint("in thread ", i)))
		} else {
			want = append(want, b.Person.Say(b.T, fmt.Sprint("line ", i)))
		}
	}
	want = append(want, b.marker())
	if got := b.sink.said(); !slices.Equal(got, want) {
		b.Errorf("%d messages arrived in the order %q, want %d: %q", len(got), got, len(want), want)
	}
	b.nothingElse()
}

// receiveOwn: a bot that heard itself would answer itself for ever.
func receiveOwn(b *bench) {
	root := b.root("key_root", toned(bot.ToneCritical, "status"))
	b.post(bot.Outgoing{Key: "key_edit", Kind: bot.SendEdit, Root: root, Message: plain("ack")})
	b.reply("key_reply", root, plain("ack"))
	b.post(bot.Outgoing{Key: "key_answer", Kind: bot.SendReply, ReplyTo: b.marker(), Message: plain("status")})
	every, _ := everything()
	b.post(bot.Outgoing{Key: "key_every", Kind: bot.SendReply, Root: root, Message: every})
	last := b.reply("key_last", root, plain("last"))
	b.seen(bot.Receipt{ID: last})
	b.marker()
	if ids := b.sink.said(); len(ids) != 2 {
		b.Errorf("the bot heard itself:\n%s", tellEvents(b.sink.events()))
	}
	b.nothingElse()
}

// receiveNotice: what programs say is no command.
func receiveNotice(b *bench) {
	b.Person.Notice(b.T, "status")
	end := b.marker()
	if got := b.sink.said(); !slices.Equal(got, []bot.MessageID{end}) {
		b.Errorf("arrived: %s", tellEvents(b.sink.events()))
	}
	b.nothingElse()
}

// receiveEdit: a command that is edited does not run again, nor do its new words.
func receiveEdit(b *bench) {
	id := b.Person.Say(b.T, "status")
	awaitSaid(b.T, b.sink, id)
	b.Person.Edit(b.T, id, "rollback")
	b.Person.Edit(b.T, id, "status")
	end := b.marker()
	if got := b.sink.said(); !slices.Equal(got, []bot.MessageID{id, end}) {
		b.Errorf("arrived: %s", tellEvents(b.sink.events()))
	}
	if e := awaitSaid(b.T, b.sink, id); e.Text != "status" {
		b.Errorf("it arrived as %q", e.Text)
	}
	b.nothingElse()
}

// receiveReaction: one answer, however a phone writes it; and its end.
func receiveReaction(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	b.seen(bot.Receipt{ID: root})
	emoji := []struct{ sent, bare string }{{"👍", "👍"}, {"✅", "✅"}, {"🔕", "🔕"}}
	if _, lacks := b.lacks[Variants]; !lacks {
		emoji = append(emoji, []struct{ sent, bare string }{{"👍\uFE0F", "👍"}, {"👍🏽", "👍"}, {"✅\uFE0F", "✅"}}...)
	}
	for _, x := range emoji {
		id := b.Person.React(b.T, root, x.sent)
		got := await(b.T, b.sink, "the reaction "+x.sent, func(e bot.Pressed) bool { return e.ID == id })
		if got.Chat != b.Chat || got.Room != b.Room || got.User != b.Person.User || got.Target != root || got.Emoji != x.bare || time.Since(got.At).Abs() > time.Minute {
			b.Errorf("the reaction %+q arrives as %+v, want %+q of %s on %s", x.sent, got, x.bare, b.Person.User, root)
		}
		b.Person.Withdraw(b.T, id)
		gone := await(b.T, b.sink, "the end of "+x.sent, func(e bot.Withdrawn) bool { return e.Target == id })
		if gone.Chat != b.Chat || gone.Room != b.Room || gone.User != b.Person.User {
			b.Errorf("the withdrawal arrives as %+v", gone)
		}
	}
	b.marker()
	pressed, withdrawn := 0, 0
	for _, e := range b.sink.events() {
		switch e.(type) {
		case bot.Pressed:
			pressed++
		case bot.Withdrawn:
			withdrawn++
		case bot.Said:
		default:
			b.Errorf("this arrived too: %T %+v", e, e)
		}
	}
	if pressed != len(emoji) || withdrawn != len(emoji) {
		b.Errorf("%d reactions and %d withdrawals arrived, want %d each", pressed, withdrawn, len(emoji))
	}
}

// receiveDeleted: whoever deletes a root, the bot hears of it, and does not
// speak below what is no longer there.
func receiveDeleted(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	other := b.root("key_other", toned(bot.ToneWarning, "Load"))
	b.seen(bot.Receipt{ID: root}, bot.Receipt{ID: other})
	s := b.freeze(bot.Outgoing{Key: "key_late", Kind: bot.SendReply, Root: root, Message: plain("late")})[0]
	b.Person.Delete(b.T, root)
	gone := await(b.T, b.sink, "the root's end", func(e bot.Withdrawn) bool { return e.Target == root })
	if gone.Chat != b.Chat || gone.Room != b.Room || gone.ID == root {
		b.Errorf("it arrives as %+v", gone)
	}
	_, err := b.try(s)
	b.refusal(err, bot.RootGone)
	b.reply("key_reply", other, plain("the other thread goes on"))
}

// receiveRefused: what the sink did not take comes again, first, and nothing
// behind it goes before.
func receiveRefused(b *bench) {
	left := 2
	var tried []bot.Batch
	b.sink.refuseWith(func(_ context.Context, x bot.Batch) error {
		if len(x.Events) > 0 && left > 0 {
			left--
			tried = append(tried, x)
			return errors.New("the database is locked")
		}
		return nil
	})
	var want []bot.MessageID
	for i := range 3 {
		want = append(want, b.Person.Say(b.T, fmt.Sprint("line ", i)))
	}
	want = append(want, b.marker())
	if got := b.sink.said(); !slices.Equal(got, want) {
		b.Errorf("taken were %q, want %q", got, want)
	}
	offered, taken := b.sink.batches()
	if len(tried) != 2 || left != 0 {
		b.Fatalf("%d batches were refused, want 2", len(tried))
	}
	first, again := saidIn(tried[0].Events), saidIn(tried[1].Events)
	if len(first) == 0 || len(again) < len(first) || !slices.Equal(again[:len(first)], first) {
		b.Errorf("refused were %q, and %q came again", first, again)
	}
	for _, x := range slices.Concat(offered, taken) {
		if x.Source != taken[len(taken)-1].Source || x.Source == "" {
			b.Errorf("a batch comes from %q, another from %q", x.Source, taken[len(taken)-1].Source)
		}
	}
	if strings.Contains(b.log.String(), "panic") {
		b.Error("the log tells of a panic")
	}
}

// receiveEnd: Run ends at once, idle as it is.
func receiveEnd(b *bench) {
	b.marker()
	b.endsPromptly()
}

func (b *bench) endsPromptly() {
	b.Helper()
	began := time.Now()
	b.end()
	if took := time.Since(began); took > 3*time.Second {
		b.Errorf("Run ended %s after its context", took)
	}
}

// receiveEndRefused: Run waits to try again when its context ends.
func receiveEndRefused(b *bench) {
	refused := make(chan struct{}, 100)
	b.sink.refuseWith(func(_ context.Context, x bot.Batch) error {
		if len(x.Events) == 0 {
			return nil
		}
		refused <- struct{}{}
		return errors.New("the disk is full")
	})
	b.Person.Say(b.T, "nobody takes this")
	for range 2 {
		select {
		case <-refused:
		case <-time.After(patience):
			b.Fatal("the sink is not asked again")
		}
	}
	b.endsPromptly()
}

// receiveEndWaiting: the sink's own waiting ends with the context that it gets.
func receiveEndWaiting(b *bench) {
	inside := make(chan struct{}, 100)
	b.sink.refuseWith(func(ctx context.Context, x bot.Batch) error {
		if len(x.Events) == 0 {
			return nil
		}
		inside <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	b.Person.Say(b.T, "hold this")
	select {
	case <-inside:
	case <-time.After(patience):
		b.Fatal("the sink is not asked")
	}
	b.endsPromptly()
}
