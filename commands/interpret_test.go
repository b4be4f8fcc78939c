package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"watchstander/bot"
)

func TestRoles(t *testing.T) {
	nobody := bot.Person{}
	approver := bot.Person{ID: "ann", Roles: []bot.Role{bot.RoleApprover}}
	for _, c := range []struct {
		who  bot.Person
		line string
		want string // "" when it is obeyed
	}{
		{observer, "status", ""},
		{observer, "help", ""},
		{observer, "alerts", ""},
		{observer, "silences", ""},
		{observer, "graph up", ""},
		{observer, "ack", "Sorry: `ack` needs the role operator."},
		{observer, "unack", "Sorry: `unack` needs the role operator."},
		{observer, "silence 2h", "Sorry: `silence` needs the role operator."},
		{observer, "mute 2x", "Sorry: `silence` needs the role operator."}, // before its grammar is explained
		{observer, "unsilence", "Sorry: `unsilence` needs the role operator."},
		{approver, "ack", "Sorry: `ack` needs the role operator."},
		{operator, "ack", ""},
		{admin, "ack", ""},
		{admin, "silence 2h", ""},
		{nobody, "status", "I answer only to the people in my configuration."},
		{nobody, "help", "I answer only to the people in my configuration."},
		{nobody, "ack", "I answer only to the people in my configuration."},
	} {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{disk()}
		_, err := ask(t, w, c.who, diskID, c.line)
		if c.want != "" {
			wantError(t, err, bot.CodeForbidden, c.want)
		} else if err != nil {
			t.Errorf("%s: %q: %v", c.who.ID, c.line, err)
		}
	}
}

func TestStale(t *testing.T) {
	for _, c := range []struct {
		line string
		age  time.Duration
		want string // "" when it is obeyed
	}{
		{"ack", 0, ""},
		{"ack", 2 * time.Minute, ""},
		{"ack", 2*time.Minute + time.Second, "You said this 2 min 1 s ago, while I was away: `ack`. Say it again if you still mean it."},
		{"!silence 2h the disk", 3 * time.Hour, "You said this 3 h ago, while I was away: `silence 2h the disk`. Say it again if you still mean it."},
		{"unack", 49 * time.Hour, "You said this 2 d 1 h ago, while I was away: `unack`. Say it again if you still mean it."},
		{"ack", -time.Minute, ""},
		{"ack", -61 * time.Second, "Your message is dated 1 min 1 s ahead of my clock, so I cannot tell how old it is, and did nothing: `ack`. One of the clocks must be set right."},
		{"status", 3 * time.Hour, ""},
		{"silences", 3 * time.Hour, ""},
		{"alerts", -3 * time.Hour, ""},
	} {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{disk()}
		out, err := New(All()).Interpret(t.Context(), c.line, bot.Call{By: operator, Thread: diskID, At: noon.Add(-c.age), Now: noon, World: w})
		if c.want == "" {
			if err != nil {
				t.Errorf("%q after %s: %v", c.line, c.age, err)
			}
			continue
		}
		if out != nil {
			t.Errorf("%q after %s came to %#v", c.line, c.age, out)
		}
		wantError(t, err, bot.CodeConflict, c.want)
	}
	_, err := New(All()).Interpret(t.Context(), "ack", bot.Call{By: operator, Thread: diskID, Now: noon, World: newWorld(t)})
	wantError(t, err, bot.CodeConflict, "I cannot tell when you said this: `ack`. Say it again if you still mean it.")
}

// What a command meets inside is told to nobody but the log.
func TestForeignErrors(t *testing.T) {
	w := newWorld(t)
	w.openErr = errors.New("sql: password=hunter2")
	_, err := ask(t, w, operator, "", "alerts")
	wantError(t, err, bot.CodeInternal, "Internal error; the log of the bot has the cause.")
	if !errors.Is(err, w.openErr) {
		t.Error("the cause is lost")
	}
	_, err = ask(t, w, operator, "", strings.Repeat("x", lineMost+1))
	wantError(t, err, bot.CodeInvalid, "That line is too long for me: 8000 bytes at most.")
}

// Names of several words, as later families have them.
func TestLongNames(t *testing.T) {
	ran := ""
	command := func(name string, args ...bot.Arg) bot.Command {
		return bot.Command{Name: name, Args: args, Run: func(_ context.Context, c bot.Call) (bot.Outcome, error) {
			ran = c.Command + "/" + c.Args["n"].Text
			return bot.Say{}, nil
		}}
	}
	i := New([]bot.Command{command("zfs arc"), command("zfs arc set", bot.Arg{Name: "n", Kind: bot.ArgNumber}), command("service", bot.Arg{Name: "n", Kind: bot.ArgWord})})
	call := bot.Call{By: observer, At: noon, Now: noon, World: newWorld(t)}
	for line, want := range map[string]string{"zfs arc": "zfs arc/", "ZFS  arc set 8": "zfs arc set/8", "service 'a b'": "service/a b"} {
		if _, err := i.Interpret(t.Context(), line, call); err != nil || ran != want {
			t.Errorf("%q ran %q: %v", line, ran, err)
		}
	}
	for line, want := range map[string]string{
		"zfs":             "`zfs` needs another word: `zfs arc`, `zfs arc set`.",
		"zfs arc now":     "zfs arc now: `now` (word 3) is more than I can read here. Usage: `zfs arc`",
		"zfs arc set big": "zfs arc set big: `big` (word 4) is no number. Usage: `zfs arc set N`",
		"zfs arc set":     "zfs arc set: N is missing. Usage: `zfs arc set N`",
		"service \"nginx": "service \"nginx: `\"nginx` (word 2) opens a quote that nothing closes. Usage: `service N`",
	} {
		_, err := i.Interpret(t.Context(), line, call)
		wantError(t, err, bot.CodeInvalid, want)
	}
	for line, want := range map[string]bool{"zfs arc": true, "zfs": false, "zfs is great": false, "zfs arc set 8": true, "service nginx": true} {
		if i.Meant(line, false) != want {
			t.Errorf("%q: meant is %v", line, !want)
		}
	}
}

// Every command can be found, read about and tried as it is told.
func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if c.Summary == "" || c.Family == "" || len(c.Examples) == 0 || c.Run == nil {
			t.Errorf("%s lacks a summary, a family, examples or what it does", c.Name)
		}
		for _, n := range append(slices.Clone(c.Aliases), c.Name) {
			if seen[n] {
				t.Errorf("%s stands for two commands", n)
			}
			seen[n] = true
		}
		for _, a := range c.Args {
			if a.Help == "" || a.Name == "" {
				t.Errorf("%s: an argument is not explained", c.Name)
			}
		}
		for _, e := range c.Examples {
			tried := false
			for _, thread := range []bot.ThreadID{"", diskID, "thr_DAILY222"} {
				w := newWorld(t)
				abcd := disk()
				abcd.Thread.ID = "thr_ABCD2222"
				abcd.Silences = []bot.Silence{silenceOf(silenceA, "active")}
				here := disk()
				here.Silences = []bot.Silence{silenceOf(silenceB, "active")}
				w.threads = []bot.ThreadFacts{here, abcd, {Thread: w.lists[0].Run}}
				w.silences["main"] = []bot.Silence{silenceOf(silenceA, "active")}
				if c.Family == familyIncidents {
					work := atWork(t, incidentThread("thr_WIKI2222", "wiki"))
					w.lists, w.incidents = work.lists, work.incidents
				}
				_, err := ask(t, w, operator, thread, e)
				tried = tried || err == nil
			}
			if !tried {
				t.Errorf("the example %q works neither in a thread nor outside", e)
			}
			if !New(All()).Meant(e, false) {
				t.Errorf("the example %q is not taken for an order", e)
			}
		}
	}
}

func FuzzInterpret(f *testing.F) {
	for _, c := range append(chat, orders...) {
		f.Add(c, true)
	}
	for _, c := range []string{"silence until 2026-12-24T18:00 UTC", "silence {a=\"b\\.c\"} 2h", "silence {a=~“x”,} 1d12h why", "graph up over", "ack 'x", "silence \\", "unsilence thr_x",
		"silence until \xff", "silence 9223372036854775807y", "silence {\"\"=x} 2h", "silence {𝔞=b} 1h", "alerts find “”"} {
		f.Add(c, false)
	}
	f.Fuzz(func(t *testing.T, line string, in bool) {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{disk(), load()}
		i := New(All())
		i.Meant(line, in)
		call := bot.Call{By: operator, At: noon, Now: noon, World: w}
		if in {
			call.Thread = diskID
		}
		out, err := i.Interpret(t.Context(), line, call)
		if err == nil {
			if out == nil {
				t.Fatal("neither an outcome nor an error")
			}
			return
		}
		e, ok := err.(*bot.Error) //nolint:errorlint // the very type is promised
		if !ok {
			t.Fatalf("%T is no *bot.Error", err)
		}
		if !utf8.ValidString(e.Message) || strings.ContainsAny(e.Message, "\n\x00") {
			t.Errorf("%q is no line for people", e.Message)
		}
		if n := longestShared(e.Message, line); n > 200 {
			t.Errorf("%d characters of the input are echoed in %q", n, e.Message)
		}
	})
}

// longestShared is the longest run of characters that stands in both.
func longestShared(a, b string) int {
	x, y := []rune(a), []rune(b)
	best := 0
	last := make([]int, len(y)+1)
	for i := range x {
		row := make([]int, len(y)+1)
		for j := range y {
			if x[i] == y[j] {
				row[j+1] = last[j] + 1
				best = max(best, row[j+1])
			}
		}
		last = row
	}
	return best
}
