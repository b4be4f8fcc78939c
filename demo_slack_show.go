package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"watchstander/integrations/slack/slackfake"
)

// slackWindow draws a channel on a terminal: each change once, when it comes, with the
// thread that it belongs to named; and the whole channel when it is asked for.
// Messages have numbers, by which they are pressed and answered: 3 is the third in the
// channel, 3.2 the second reply in its thread.
type slackWindow struct {
	s      *demoSlack
	out    io.Writer
	also   func(string) // gets what is drawn, unwrapped; nil is nobody
	width  func() int
	colour bool

	mu      sync.Mutex
	seen    map[string]slackfake.Shown // by ts
	numbers map[string]string          // by ts
	named   map[string]slackfake.Ref   // by number
	roots   int
	replies map[string]int // of a root's ts
}

// usualWidth is a pipe's; slackWide the most columns that text is spread over.
const (
	usualWidth = 100
	slackWide  = 110
)

func newSlackWindow(s *demoSlack, out io.Writer) *slackWindow {
	return &slackWindow{s: s, out: out, width: func() int { return usualWidth },
		seen: map[string]slackfake.Shown{}, numbers: map[string]string{}, named: map[string]slackfake.Ref{}, replies: map[string]int{}}
}

// fits has what is drawn fit a terminal, where it is drawn on one.
func (w *slackWindow) fits(out io.Writer) {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	w.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	w.width = func() int {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return min(n, slackWide)
		}
		return 80
	}
}

// follow draws what changes until ctx ends.
func (w *slackWindow) follow(ctx context.Context) {
	for {
		changed := w.s.fake.Changed()
		w.draw()
		select {
		case <-ctx.Done():
			w.draw()
			return
		case <-changed:
		}
	}
}

// draw shows what is new since it was last called.
func (w *slackWindow) draw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b canvas
	there := map[string]bool{}
	for _, m := range w.s.fake.Rendered(w.s.channel) {
		there[m.TS] = true
		before, known := w.seen[m.TS]
		w.seen[m.TS] = m
		switch {
		case !known:
			w.number(m)
			w.head(&b, m, "")
			w.body(&b, m, strings.Split(m.Text, "\n"), true)
		case before.Text != m.Text || !sameButtons(before.Buttons, m.Buttons):
			w.head(&b, m, "changed")
			w.body(&b, m, news(before.Text, m.Text), !sameButtons(before.Buttons, m.Buttons))
		}
	}
	for ts, m := range w.seen {
		if !there[ts] {
			delete(w.seen, ts)
			b.printf("\n[%s] was deleted: %s\n", w.numbers[ts], short1(first(m.Text), w.width()-20))
		}
	}
	w.put(&b)
}

// canvas is what is about to be drawn: as the terminal gets it, and as it would be
// without an edge.
type canvas struct{ drawn, plain strings.Builder }

func (c *canvas) printf(format string, args ...any) {
	fmt.Fprintf(&c.drawn, format, args...)
	fmt.Fprintf(&c.plain, format, args...)
}

// put draws. A terminal that is gone ends the demo in other ways.
func (w *slackWindow) put(c *canvas) {
	if c.drawn.Len() == 0 {
		return
	}
	_, _ = io.WriteString(w.out, c.drawn.String())
	if w.also != nil {
		w.also(c.plain.String())
	}
}

// note draws what is no message.
func (w *slackWindow) note(s string) {
	w.aside(s)
	if w.also != nil {
		w.also(s + "\n")
	}
}

// aside is note, but for nobody else: who waits for what the bot says must not take the
// words of whom this program plays for it.
func (w *slackWindow) aside(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	b.WriteString("\n")
	for line := range strings.SplitSeq(s, "\n") {
		for _, row := range wrapped(line, w.width()) {
			b.WriteString(row + "\n")
		}
	}
	_, _ = io.WriteString(w.out, b.String()) // as in put
}

// at is the message of a number.
func (w *slackWindow) at(number string) (slackfake.Ref, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.named[number]
	return at, ok
}

// number gives a message its number.
func (w *slackWindow) number(m slackfake.Shown) {
	n := ""
	switch root, threaded := w.numbers[m.Thread]; {
	case m.Thread != "" && threaded:
		w.replies[m.Thread]++
		n = root + "." + strconv.Itoa(w.replies[m.Thread])
	default:
		w.roots++
		n = strconv.Itoa(w.roots)
	}
	w.numbers[m.TS], w.named[n] = n, slackfake.Ref{Channel: m.Channel, TS: m.TS}
}

// head names a message: its number, who wrote it when, and the root of its thread.
func (w *slackWindow) head(b *canvas, m slackfake.Shown, what string) {
	line := "[" + w.numbers[m.TS] + "]"
	if m.Thread != "" {
		line += " ↳"
	}
	line += " " + m.Author + " " + slackClock(m.TS)
	if what != "" {
		line = "[" + w.numbers[m.TS] + "] " + what
	}
	switch root, ok := w.seen[m.Thread]; {
	case m.OnlyFor != "":
		line += " · only " + w.s.name(m.OnlyFor) + " sees this"
	case ok:
		line += " · in the thread of: "
		line += short1(first(root.Text), w.width()-runewidth.StringWidth(line))
	}
	fmt.Fprintf(&b.drawn, "\n%s\n", w.paint("1", line))
	fmt.Fprintf(&b.plain, "\n%s\n", line)
}

// body draws lines of a message, beside its bar where it has one, and its buttons.
func (w *slackWindow) body(b *canvas, m slackfake.Shown, lines []string, buttons bool) {
	bar := ""
	for i, line := range lines {
		if i > 0 && len(m.Colours) > 0 {
			bar = w.bar(m.Colours[0])
		}
		fmt.Fprintf(&b.plain, "    %s\n", line)
		for _, row := range wrapped(line, w.width()-6) {
			fmt.Fprintf(&b.drawn, "%s\n", strings.TrimRightFunc("    "+bar+row, unicode.IsSpace))
		}
	}
	if !buttons || len(m.Buttons) == 0 {
		return
	}
	if len(m.Colours) > 0 {
		bar = w.bar(m.Colours[0])
	}
	row, n := "", 0
	for _, label := range labelled(m.Buttons) {
		if n > 0 && n+1+runewidth.StringWidth(label) > w.width()-6 {
			b.printf("    %s%s\n", bar, row)
			row, n = "", 0
		}
		if n > 0 {
			row, n = row+" ", n+1
		}
		row, n = row+label, n+runewidth.StringWidth(label)
	}
	b.printf("    %s%s\n", bar, row)
}

// bar is the line of colour beside what has a tone.
func (w *slackWindow) bar(colour string) string {
	if n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32); err == nil {
		return w.paint(fmt.Sprintf("38;2;%d;%d;%d", n>>16&255, n>>8&255, n&255), "▎") + " "
	}
	return "▎ "
}

func (w *slackWindow) paint(sgr, s string) string {
	if !w.colour {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// whole draws the channel as it stands.
func (w *slackWindow) whole() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b canvas
	all := w.s.fake.Rendered(w.s.channel)
	for _, root := range all {
		if root.Thread == "" || w.numbers[root.Thread] == "" {
			w.thread(&b, root, all)
		}
	}
	w.put(&b)
}

// thread draws a message with all below it.
func (w *slackWindow) thread(b *canvas, root slackfake.Shown, all []slackfake.Shown) {
	w.head(b, root, "")
	w.body(b, root, strings.Split(root.Text, "\n"), true)
	for _, m := range all {
		if m.Thread == root.TS {
			w.under(b, m)
		}
	}
}

// longReply is how many lines of a reply are drawn once more.
const longReply = 14

// under draws a reply below its root.
func (w *slackWindow) under(b *canvas, m slackfake.Shown) {
	who := m.Author
	if m.OnlyFor != "" {
		who += " · only " + w.s.name(m.OnlyFor) + " sees this"
	}
	b.printf("      ↳ %s %s\n", who, slackClock(m.TS))
	lines := strings.Split(m.Text, "\n")
	more := len(lines) - longReply
	if more > 0 {
		lines = lines[:longReply/2]
	}
	bar := ""
	for i, line := range lines {
		if i > 0 && len(m.Colours) > 0 {
			bar = w.bar(m.Colours[0])
		}
		for _, row := range wrapped(line, w.width()-10) {
			b.printf("%s\n", strings.TrimRightFunc("        "+bar+row, unicode.IsSpace))
		}
	}
	if more > 0 {
		b.printf("        … and %d lines more, as they were drawn above\n", more+longReply/2)
	}
	if len(m.Buttons) > 0 {
		b.printf("        %s\n", strings.Join(labelled(m.Buttons), " "))
	}
}

// name is a person's.
func (s *demoSlack) name(user string) string {
	switch user {
	case slackAlice:
		return "alice"
	case slackBob:
		return "bob"
	}
	return user
}

// news are the lines of a text that were not in another one, below its first; what
// stays is left out.
func news(before, now string) []string {
	had := map[string]bool{}
	for line := range strings.SplitSeq(before, "\n") {
		had[line] = true
	}
	var out []string
	for i, line := range strings.Split(now, "\n") {
		switch {
		case i == 0, !had[line]:
			out = append(out, line)
		case out[len(out)-1] != "…":
			out = append(out, "…")
		}
	}
	return out
}

func sameButtons(a, b []slackfake.Button) bool {
	return strings.Join(labelled(a), "\n") == strings.Join(labelled(b), "\n")
}

// labelled is what stands on buttons and menus, in brackets. What all lines of a menu
// begin with is written once.
func labelled(buttons []slackfake.Button) []string {
	var all []string
	for _, x := range buttons {
		switch {
		case x.Options != nil:
			var lines []string
			for i, o := range x.Options {
				line := o.Label
				if i > 0 {
					line = strings.TrimPrefix(line, "for ")
				}
				lines = append(lines, line)
			}
			all = append(all, "["+x.Label+" ▾ "+strings.Join(lines, " · ")+"]")
		case x.URL != "":
			all = append(all, "["+x.Label+" ↗]")
		default:
			all = append(all, "["+x.Label+"]")
		}
	}
	return all
}

func first(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// short1 is one line of at most so many columns.
func short1(s string, columns int) string { return runewidth.Truncate(s, max(columns, 10), "…") }

// slackClock is when a message was posted, in this terminal's zone.
func slackClock(ts string) string {
	seconds, _, _ := strings.Cut(ts, ".")
	n, _ := strconv.ParseInt(seconds, 10, 64) // Slack's own
	return time.Unix(n, 0).Format("15:04:05")
}

// wrapped breaks a line at blanks where it is too wide; what goes on stands below its
// first letter, behind blanks and a bullet.
func wrapped(line string, columns int) []string {
	rest := strings.TrimLeft(line, " ")
	hang := len(line) - len(rest)
	if strings.HasPrefix(rest, "• ") {
		hang += 2
	}
	hang = min(hang, columns/2)
	var rows []string
	row, n := line[:len(line)-len(rest)], len(line)-len(rest)
	begun := false
	for word := range strings.SplitAfterSeq(rest, " ") {
		for {
			size := runewidth.StringWidth(strings.TrimRight(word, " "))
			if n+size <= columns {
				break
			}
			if begun {
				rows = append(rows, strings.TrimRight(row, " "))
				row, n, begun = strings.Repeat(" ", hang), hang, false
				continue
			}
			head := runewidth.Truncate(word, max(columns-n, 2), "")
			rows = append(rows, row+head)
			word, row, n = word[len(head):], strings.Repeat(" ", hang), hang
		}
		row, n, begun = row+word, n+runewidth.StringWidth(word), true
	}
	return append(rows, strings.TrimRight(row, " "))
}

// numbered is the number of a message.
func (w *slackWindow) numbered(at slackfake.Ref) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.numbers[at.TS]
}
