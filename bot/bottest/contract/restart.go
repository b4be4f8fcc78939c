package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"watchstander/bot"
)

// restartQuiet: what was taken is not told again, and what the bot itself said
// is still there.
func restartQuiet(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	b.seen(bot.Receipt{ID: root})
	for i := range 5 {
		awaitSaid(b.T, b.sink, b.Person.Say(b.T, fmt.Sprint("before ", i)))
	}
	for range 2 {
		b.restart()
		end := b.marker()
		if got := b.sink.said(); !slices.Equal(got, []bot.MessageID{end}) {
			b.Errorf("after the restart arrived:\n%s", tellEvents(b.sink.events()))
		}
		b.nothingElse()
	}
	b.reply("key_reply", root, plain("after the restart"))
	b.post(bot.Outgoing{Key: "key_edit", Kind: bot.SendEdit, Root: root, Message: toned(bot.ToneOK, "Disk resolved")})
	b.shows([]bot.Receipt{{ID: root}}, "Disk resolved")
}

// restartBacklog: what was said while the bot was away arrives, once and in
// order, where the chat keeps that.
func restartBacklog(b *bench) {
	root := b.root("key_root", toned(bot.ToneWarning, "Disk"))
	b.seen(bot.Receipt{ID: root})
	b.marker()
	cursor := b.sink.cursor()
	b.end()
	var want []bot.MessageID
	for i := range 150 {
		want = append(want, b.Person.Say(b.T, fmt.Sprint("missed ", i)))
	}
	want = append(want, b.Person.SayIn(b.T, root, "missed in the thread"))
	var press bot.MessageID
	if b.Person.React != nil {
		press = b.Person.React(b.T, root, "👍")
	}
	b.begin(cursor)
	want = append(want, b.marker())
	b.arrives(want)
	pressed := 0
	for _, e := range b.sink.events() {
		switch e := e.(type) {
		case bot.Said:
		case bot.Pressed:
			if pressed++; e.ID != press || e.Target != root {
				b.Errorf("the reaction arrived as %+v", e)
			}
		default:
			b.Errorf("this arrived too: %T %+v", e, e)
		}
	}
	if (pressed == 1) != (press != "") {
		b.Errorf("%d reactions arrived", pressed)
	}
}

// restartRefused: the sink never took it, and the bot is killed: with the cursor
// of before, it comes.
func restartRefused(b *bench) {
	b.marker()
	b.sink.refuseWith(func(_ context.Context, x bot.Batch) error {
		if len(x.Events) == 0 {
			return nil
		}
		return errors.New("the database is gone")
	})
	first := b.Person.Say(b.T, "not taken")
	if !b.sink.wait(patience, func() bool {
		offered, _ := b.sink.batches()
		return slices.Contains(saidIn(eventsOf(offered)), first)
	}) {
		b.Fatal("it was not offered to the sink")
	}
	second := b.Person.Say(b.T, "not even offered, perhaps")
	b.restart()
	end := b.marker()
	if got, want := b.sink.said(), []bot.MessageID{first, second, end}; !slices.Equal(got, want) {
		b.Errorf("after the restart arrived %q, want %q", got, want)
	}
}

// restartBroken: the line breaks and comes back, without a restart of the bot.
func restartBroken(b *bench) {
	var want []bot.MessageID
	for round := range 2 {
		plug := b.Trouble.Unplug(b.T)
		for i := range 3 {
			want = append(want, b.Person.Say(b.T, fmt.Sprintf("round %d, line %d", round, i)))
		}
		plug()
		want = append(want, b.marker())
	}
	b.arrives(want)
	b.nothingElse()
}

// arrives waits until these messages were told, and no others: in their order, unless the
// chat does not keep it.
func (b *bench) arrives(want []bot.MessageID) {
	b.Helper()
	want = slices.Clone(want)
	_, disordered := b.lacks[Order]
	if disordered {
		slices.Sort(want)
	}
	b.eventually("all of it arrives", func() error {
		got := b.sink.said()
		if disordered {
			slices.Sort(got)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%d messages arrived, want %d: %q, want %q", len(got), len(want), got, want)
		}
		return nil
	})
}
