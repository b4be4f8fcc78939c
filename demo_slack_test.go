package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var updateSlack = flag.Bool("update-slack", false, "put the thread of the tour's disk into docs/slack.md")

// The whole tour in the fake of Slack: it finds out by itself whether all came as it
// should, and whether the fake had anything against a call. What it says it is must be
// there, nothing of Matrix' taps, and the thread in docs/slack.md is this tour's.
func TestSlackTour(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute")
	}
	t.Parallel()
	d, err := makeDemo(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	thread := ""
	err = d.run(t.Context(), func(ctx context.Context) error {
		err := d.slackTour(ctx, &out)
		thread = drawnThread(d.slack, "DiskFull")
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"Slack is not: a fake of it runs in this process", "only alice sees this", "presses [for 1 h]", "Everybody in the thread reads it.",
		"Slack asks first: Approve?", "DENIED by bob (slack): not before the release is out", "The whole channel, as it stands now", "nothing to refuse"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(out.String(), "React: ") {
		t.Error("it offers reactions, which mean nothing in Slack")
	}
	const chapter, begin, end = "docs/slack.md", "<!-- the tour's thread -->\n```\n", "```\n<!-- its end -->\n"
	b, err := os.ReadFile(chapter)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	there, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed:
		t.Error("the chapter has no place for the thread")
	case *updateSlack:
		if err := os.WriteFile(chapter, []byte(before+begin+thread+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case timeless(there) != timeless(thread):
		t.Errorf("%s shows another thread than the tour (go test -run TestSlackTour -update-slack .):\n%s", chapter, thread)
	}
}

// drawnThread is the newest thread that holds words, as a terminal of 90 columns has it.
func drawnThread(s *demoSlack, words string) string {
	w := newSlackWindow(s, io.Discard)
	w.width = func() int { return 90 }
	w.draw()
	at, _ := s.root(words)
	root, _ := s.fake.Message(at)
	var c canvas
	w.thread(&c, root, s.fake.Rendered(s.channel))
	_, text, _ := strings.Cut(c.drawn.String(), "] ")
	return text
}

// timeless is a thread without what is another at each tour: times, ids, how its lines
// are broken.
func timeless(s string) string {
	for _, x := range []struct{ of, to string }{
		{`(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+( \d{4})?`, "DAY"}, {`\d\d:\d\d(:\d\d)?`, "TIME"}, {`TIME \w+`, "TIME"}, {`after \d+ s`, "after N s"},
		{`thr_\w+`, "thr_X"}, {`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UUID"}, {`\(\d+(\.\d+)?% to`, "(N% to"}, {`\s+`, " "},
	} {
		s = regexp.MustCompile(x.of).ReplaceAllString(s, x.to)
	}
	return s
}

// What a visitor types does what the help says: words in the channel and in a thread, a
// command that nobody else sees, a press, a pick from a menu, a question that is
// answered. With the end of the lines the demo ends, and leaves nothing behind.
func TestSlackVisit(t *testing.T) {
	others := goleak.IgnoreCurrent()
	d, err := makeDemo(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	err = d.run(t.Context(), func(ctx context.Context) error {
		if err := d.slack.connected(ctx); err != nil {
			return err
		}
		out := &screen{to: io.Discard, changed: make(chan struct{}, 1)}
		v := &slackVisitor{d: d, w: newSlackWindow(d.slack, io.Discard)}
		v.w.also = out.remember
		following, leave := context.WithCancel(ctx)
		left := make(chan struct{})
		go func() { defer close(left); v.w.follow(following) }()
		defer func() { leave(); <-left }()
		for _, x := range []struct {
			types string
			do    func()
			wants string
		}{
			{types: "/ws whoami", wants: `only alice sees this\n.*alice`},
			{types: "@watchstander alerts", wants: `in the thread of: @watchstander alerts\n.*[Nn]othing`},
			{types: "@watchstander", wants: `in the thread of: @watchstander\n.*What you can ask me`},
			{do: d.loadRises, wants: `\[4\] watchstander.*\n.*FIRING HighLoad`},
			{types: "press 4 ack", wants: `Acked by alice`},
			{types: "in 4 unack", wants: `Ack taken back by alice`},
			{types: "press 4 1h", wants: `SILENCED HighLoad`},
			{types: "press 4 Approve", wants: `To press there is: \[Ack\] \[End the silence\]`},
			{types: "press 9 Ack", wants: `There is no message \[9\]`},
			{types: "press 4 End the silence", wants: `no longer held back`},
			{types: "press 4 Silence until", wants: `For how long\?\n.*____ 2h, 3d, until 18:00.*\n.*Why\?\n.*\n.*____\n.*\n.*Write both in one line`},
			{types: "2h because the fan is new", wants: `has the silence by alice until .*the fan is new`},
			{types: "in 4", wants: `As in "press 2 Ack"`},
			{types: "service restart nginx", wants: `\[6\] changed\n.*WAITS FOR AN APPROVAL`},
			{types: "press 6 Deny", wants: `Everybody in the thread reads it`},
			{types: "nginx is fine", wants: `DENIED: .*\n.*took it back: nginx is fine`},
		} {
			from := out.len()
			if x.do != nil {
				x.do()
			} else {
				v.takes(ctx, x.types)
			}
			if err := out.await(ctx, from, x.wants); err != nil {
				t.Errorf("%q: %v\n%s", x.types, err, out.text.String()[from:])
				return nil
			}
		}
		return d.slack.complaints()
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dir.path); err == nil {
		t.Error("the demo's folder stays")
	}
	goleak.VerifyNone(t, others)
}

// Lines that come from a pipe are answered, and end the demo with their end.
func TestSlackVisitFromAPipe(t *testing.T) {
	t.Parallel()
	d, err := makeDemo(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := d.run(t.Context(), func(ctx context.Context) error { return d.slackVisit(ctx, strings.NewReader("/ws whoami\n"), &out) }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a fake of\nit runs in this process", "only alice sees this", "press 2 Ack"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &out)
		}
	}
}

// Lines fit their columns, and lose nothing but the blanks at which they are broken.
func TestWrapped(t *testing.T) {
	for line, want := range map[string]string{
		"short":                  "short",
		"":                       "",
		"• one two three four":   "• one two|  three four",
		"    a  = bcdefgh ijkl":  "    a  =|    bcdefgh|    ijkl",
		"🟠 FIRING HighLoad on":   "🟠 FIRING|HighLoad on",
		"0123456789012345678901": "012345678901|2345678901",
	} {
		if got := strings.Join(wrapped(line, 12), "|"); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}
