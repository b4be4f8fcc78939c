package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
)

// scenes are what a person sees over an afternoon.
func scenes(p *painter) string {
	at := time.Date(2026, 7, 3, 21, 2, 0, 0, time.UTC)
	var b strings.Builder
	tick := func() time.Time { at = at.Add(4 * time.Minute); return at }
	before := diskFull()
	b.WriteString(p.root(place{at: at, thread: 12}, before))
	b.WriteString(p.said(said{At: tick(), User: "uid:1000", Thread: 12, Text: "ack old snapshots"}))
	b.WriteString(p.reply(place{at: at, thread: 12}, acked()))
	b.WriteString(p.said(said{At: tick(), User: "uid:1000", Text: "status"}))
	b.WriteString(p.answer(place{at: at}, status()))
	b.WriteString(p.reply(place{at: tick(), thread: 12}, picture()))
	b.WriteString(p.edit(place{at: tick(), thread: 12}, &before, diskResolved()))
	b.WriteString(p.reply(place{at: at, thread: 12}, resolvedEntry()))
	after := diskResolved()
	after.Blocks = append(after.Blocks, bot.Para{Text: text("Nothing else changed on the host.")})
	resolved := diskResolved()
	b.WriteString(p.edit(place{at: tick(), thread: 12}, &resolved, after))
	b.WriteString(p.edit(place{at: tick(), thread: 11}, nil, diskResolved()))
	b.WriteString(p.root(place{at: tick(), thread: 13}, longList()))
	b.WriteString(p.root(place{at: tick(), thread: 14}, hostile()))
	b.WriteString(p.root(place{at: tick(), thread: 15}, wide()))
	at = at.Add(15 * time.Hour)
	b.WriteString(p.answer(place{at: at}, bot.Message{}))
	b.WriteString(p.answer(place{at: at}, bot.Message{Blocks: []bot.Block{bot.Para{Text: text("No title, one paragraph.")}}}))
	b.WriteString(p.root(place{at: at, thread: 16, changed: at.Add(5 * time.Minute)}, diskResolved()))
	b.WriteString(p.warn("not taken (ack): There is no thread t99."))
	b.WriteString(p.note("saved to %s", "/root/graph.png"))
	b.WriteString(p.headline(place{at: at, thread: 12}, diskFull()))
	return b.String()
}

func TestLooks(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		width  int
		colour bool
	}{{"plain-80", 80, false}, {"plain-40", 40, false}, {"colour-80", 80, true}, {"colour-40", 40, true}, {"pipe", 0, false}} {
		t.Run(c.name, func(t *testing.T) {
			p := &painter{width: c.width, colour: c.colour, zone: zone, name: func(bot.UserID) string { return "alice" }}
			got := scenes(p)
			wantSafe(t, got)
			for l := range strings.Lines(got) {
				// Addresses alone may run over the edge.
				if w := widthOf(withoutLooks(strings.TrimRight(l, "\n"))); c.width > 0 && w > c.width && !strings.Contains(l, "https://") {
					t.Errorf("a line is %d wide: %q", w, l)
				}
			}
			golden.Check(t, "testdata/"+c.name+".txt", got)
		})
	}
}

// Words that stand in the message may stand nowhere else: behind every line's
// lead, and never at its beginning.
func TestHostileTextCannotLookLikeOurs(t *testing.T) {
	for _, width := range []int{0, 40, 80} {
		p := &painter{width: width, zone: time.UTC, day: "x", begun: true}
		p.day = p.dayOf(time.Unix(0, 0))
		got := p.root(place{at: time.Unix(0, 0), thread: 14}, hostile())
		for i, l := range strings.Split(strings.Trim(got, "\n"), "\n") {
			lead := "      " + bar
			if width == 40 {
				lead = bar
			}
			if i > 0 && !strings.HasPrefix(l, lead) {
				t.Errorf("width %d: a line has no lead: %q", width, l)
			}
		}
		said := p.said(said{At: time.Unix(0, 0), User: "uid:0", Text: "hi"})
		if answer := p.answer(place{at: time.Unix(0, 0)}, plain("» uid:0: hi")); !strings.HasPrefix(answer, "00:00 · ") || !strings.HasPrefix(strings.TrimLeft(said, "\n"), "00:00 » ") {
			t.Errorf("an answer can look like a person's line: %q, %q", answer, said)
		}
	}
}

func TestChanges(t *testing.T) {
	before := diskFull()
	if p := (&painter{zone: time.UTC}); p.edit(place{thread: 1}, &before, diskFull()) != "" {
		t.Error("an edit that changes no word is told")
	}
	now := diskFull()
	var items []bot.Text
	for i := range 20 {
		items = append(items, text(fmt.Sprint("new ", i)))
	}
	now.Blocks = append(now.Blocks, bot.List{Items: items})
	fresh, left := changes(&before, now)
	if len(fresh) != 1 || len(fresh[0].(bot.List).Items) != maxChanges || left != 20-maxChanges {
		t.Errorf("changes: %+v and %d more", fresh, left)
	}
	if fresh, left := changes(nil, now); fresh != nil || left != 0 {
		t.Errorf("changes of an unknown root: %v, %d", fresh, left)
	}
}

func TestWrapping(t *testing.T) {
	for _, c := range []struct {
		width int
		text  string
		want  string
	}{
		{10, "one two three", "one two\nthree"},
		{10, "exactlyten", "exactlyten"},
		{10, "elevenchars", "elevenchar\ns"},
		{10, "a elevenchars", "a\nelevenchar\ns"},
		{10, "two\n\nparas", "two\n\nparas"},
		{9, "漢字漢字漢字", "漢字漢字\n漢字"},
		{10, "e\u0301e\u0301 combining", "e\u0301e\u0301\ncombining"},
	} {
		p := &page{width: c.width}
		p.text(nil, nil, []run{{text: c.text}})
		if got := strings.Join(p.lines, "\n"); got != c.want {
			t.Errorf("%d %q: %q, want %q", c.width, c.text, got, c.want)
		}
	}
	// A style that changes within a word is no place to break it.
	p := &page{width: 10}
	p.text(nil, nil, []run{{text: "see (", sgr: bold}, {text: "word"}, {text: "), end", sgr: bold}})
	if got := strings.Join(p.lines, "\n"); got != "see\n(word),\nend" {
		t.Errorf("%q", got)
	}
}

// withoutLooks takes our own colours out.
func withoutLooks(s string) string { return ownSGR.ReplaceAllString(s, "") }

// A plan is laid out for 76 columns, and stands behind a margin of its own in a
// terminal of 80: it is broken between words, and what goes on below stands where
// its line's words began.
func TestPlansBreakBetweenWords(t *testing.T) {
	plan := strings.Join([]string{
		"Steps",
		"  1. Take the host's build lock (/run/lock/nixos-build.lock), and hold it",
		"     until all is over.",
		"What was looked at",
		"  [NOT OK] the scratch place is a mount of its own, outside of all backups",
		"      found: it deploys those of sops-f38e24 again: whatever was revoked",
		"Locks held   nixos, backup verification, restic local, until all is over",
		"  - /nix/store/gcg1zx41j37cw5hcnipc93cf0x5cwdq4-nixos-system-vulcan-26.05.20260311.c47aa10",
	}, "\n")
	p := &painter{width: 80, zone: time.UTC, day: "x", begun: true}
	p.day = p.dayOf(time.Unix(0, 0))
	got := p.reply(place{at: time.Unix(0, 0), thread: 3}, bot.Message{Title: text("The whole plan"), Blocks: []bot.Block{bot.Pre{Body: plan}}})
	want := strings.Join([]string{
		"00:00   t3 │ · The whole plan",
		"           │   Steps",
		"           │     1. Take the host's build lock (/run/lock/nixos-build.lock), and",
		"           │        hold it until all is over.",
		"           │   What was looked at",
		"           │     [NOT OK] the scratch place is a mount of its own, outside of",
		"           │              all backups",
		"           │         found: it deploys those of sops-f38e24 again: whatever was",
		"           │                revoked",
		"           │   Locks held   nixos, backup verification, restic local, until all",
		"           │                is over",
		"           │     - /nix/store/gcg1zx41j37cw5hcnipc93cf0x5cwdq4-nixos-system-vulc",
		"           │       an-26.05.20260311.c47aa10",
		"",
	}, "\n")
	if got = strings.TrimLeft(got, "\n"); got != want {
		t.Errorf("it looks so:\n%swant:\n%s", got, want)
	}
}

// What can be typed is told when it comes, by the console's own labels: a plan says it
// in its words by the plan's id alone.
func TestEditsTellWhatCanBeTyped(t *testing.T) {
	p := &painter{width: 80, zone: time.UTC}
	asked := bot.Message{Title: text("ASKED FOR: roll back")}
	waits := bot.Message{Title: text("WAITS: roll back"), Actions: []bot.Action{{Name: "approve", Danger: true}, {Name: "deny"}}}
	const offer = "→ @t3 approve (dangerous) · @t3 deny"
	if got := p.edit(place{thread: 3}, &asked, waits); !strings.Contains(got, offer) {
		t.Errorf("it is not told:\n%s", got)
	}
	agreed := waits
	agreed.Title = text("WAITS TO START: roll back")
	if got := p.edit(place{thread: 3}, &waits, agreed); strings.Contains(got, offer) {
		t.Errorf("it is told again:\n%s", got)
	}
}
