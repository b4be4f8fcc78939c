package commands

import (
	"strings"
	"testing"

	"watchstander/bot"
)

// hostCommands are all that are about one host, each as it is typed.
var hostCommands = []string{
	"generations", "diff", "diff 41 42", "drift", "rollback", "rollback 41",
	"zfs status", "zfs arc", "zfs arc set max 32G",
	"service nginx", "service restart nginx", "logs nginx", "changes", "changes 6",
	"backup status", "backup 321", "backup verify", "backup run b2",
}

// threadOf is a thread about a host.
func threadOf(id bot.ThreadID, st bot.ThreadState) bot.ThreadFacts {
	return bot.ThreadFacts{Thread: bot.Thread{ID: id, Kind: bot.ThreadAlert, State: st}}
}

// TestHostOfAThread: in a thread about mars a command means mars, and the answer
// says so; what is named counts more.
func TestHostOfAThread(t *testing.T) {
	w := newWorld(t)
	w.agents = []string{"mars", "vulcan"}
	plan := planThread("pln_K7QF2M", bot.Waiting)
	plan.State.Plan.Host = "mars"
	w.threads = []bot.ThreadFacts{
		threadOf("thr_ALERT222222222222222222222", bot.ThreadState{Alert: &bot.AlertState{Host: "mars"}}),
		threadOf("thr_BOOT2222222222222222222222", bot.ThreadState{Reboot: &bot.RebootState{Host: "mars"}}),
		threadOf("thr_PLAN2222222222222222222222", plan.State),
	}
	is := func(line, want string, out bot.Outcome, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch o := out.(type) {
		case bot.Ask:
			if o.Host != want {
				t.Errorf("%s asks %q, want %s", line, o.Host, want)
			}
		case bot.Say:
			if title := o.Message.Title.String(); !strings.HasPrefix(title, want+": ") {
				t.Errorf("%s is answered with %q, which does not name %s", line, title, want)
			}
		default:
			t.Errorf("%s comes to %T", line, out)
		}
	}
	for _, line := range hostCommands {
		for _, f := range w.threads {
			w.asked = nil
			out, err := ask(t, w, operator, f.Thread.ID, line)
			is(line, "mars", out, err)
			for _, a := range w.asked {
				if !strings.HasPrefix(a, "mars ") {
					t.Errorf("%s asked %q", line, a)
				}
			}
			out, err = ask(t, w, operator, f.Thread.ID, line+" on vulcan")
			is(line, "vulcan", out, err)
		}
	}
}

// TestWhichHost: where nothing tells which of several is meant, it is asked, in
// words that can be followed, and nothing is looked at; with one agent there is no
// question.
func TestWhichHost(t *testing.T) {
	w := newWorld(t)
	unclear := disk() // its alerts speak of several hosts
	w.threads = []bot.ThreadFacts{unclear}
	for _, line := range hostCommands {
		w.agents = []string{"mars", "pluto", "vulcan"}
		w.asked = nil
		_, err := ask(t, w, operator, "", line)
		if err == nil || !strings.HasSuffix(err.Error(), ": which host? Say it again with one behind it: `on mars`, `on pluto` or `on vulcan`.") {
			t.Errorf("%s: %v", line, err)
		}
		_, err = ask(t, w, operator, unclear.Thread.ID, line)
		if err == nil || !strings.Contains(err.Error(), "which host? This thread speaks of no one host.") {
			t.Errorf("%s in a thread of several: %v", line, err)
		}
		if len(w.asked) > 0 {
			t.Errorf("%s looked at %q", line, w.asked)
		}
		w.agents = []string{"vulcan"}
		out, err := ask(t, w, operator, unclear.Thread.ID, line)
		if err != nil {
			t.Errorf("%s with one agent: %v", line, err)
		}
		if s, ok := out.(bot.Say); ok && strings.HasPrefix(s.Message.Title.String(), "vulcan: ") {
			t.Errorf("%s names the only host: %s", line, s.Message.Title)
		}
	}
	// A thread that is none of ours says nothing.
	w.agents = []string{"mars", "vulcan"}
	_, err := ask(t, w, operator, "thr_FOREIGN2", "drift")
	wantError(t, err, bot.CodeInvalid, "drift: which host? Say it again with one behind it: `on mars` or `on vulcan`.")
}
