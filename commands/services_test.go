package commands

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// unitLooks are what vulcan's agent answers.
func unitLooks() map[string]any {
	lines := []host.LogLine{
		{At: noon.Add(-14 * time.Hour), From: "nginx[812]", Priority: 6, Text: "started"},
		{At: noon.Add(-time.Minute), From: "nginx[812]", Priority: 3, Text: "upstream timed out"},
		{From: "systemd[1]", Priority: -1, Text: "reloaded"},
	}
	return map[string]any{
		host.LookService: host.Unit{
			At: noon, Name: "nginx.service", Description: "Nginx Web Server", Type: "notify", Load: "loaded", Active: "active", Sub: "running", Fine: true, Result: "success",
			Since: noon.Add(-48 * time.Hour), Started: noon.Add(-48 * time.Hour), Restarts: 2, MainPID: 812, Memory: new(50 * host.MiB), Fragment: "/etc/systemd/system/nginx.service",
			TriggeredBy: []string{"nginx.socket"}, Follow: []string{"php.service", "x.service"}, Restartable: true, Log: lines[:1],
		},
		host.LookLogs: host.Logs{Unit: "nginx.service", At: noon, Lines: lines},
		host.LookChanges: host.Changes{From: noon.Add(-24 * time.Hour), At: noon, Changes: []bot.Change{
			{Host: "vulcan", Kind: bot.ChangeSwitch, Text: "switched to nixos-system-vulcan-25.11", At: noon.Add(-time.Hour)},
			{Host: "vulcan", Kind: bot.ChangeReboot, Text: "rebooted (down for 4 min)", At: noon.Add(-2 * time.Hour)},
		}, Unknown: []string{"images of other users' containers: known only where their podman writes to the journal"}},
	}
}

func TestService(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "service nginx.service on vulcan")
	want := `nginx.service: active (running) since Mon 12 Jan 15:00 CET (2 d)
Description: Nginx Web Server
Last start: Mon 12 Jan 15:00 CET
Main process: 812
Memory: 50 MiB
Restarted by systemd: 2 times
Started by: nginx.socket
Restarts with it: php.service, x.service
Unit file: /etc/systemd/system/nginx.service
(service restart nginx asks to restart it.)
`
	if got := said(t, out, err); got != want || !reflect.DeepEqual(w.asked, []string{"vulcan service unit=nginx"}) {
		t.Errorf("asked %q, got\n%s", w.asked, got)
	}
	m := out.(bot.Say).Message
	if m.Tone != bot.ToneOK {
		t.Errorf("tone %s", m.Tone)
	}
	if pre, ok := m.Blocks[1].(bot.Pre); !ok || pre.Body != "Wed 14 Jan 01:00:00 nginx[812]: started" {
		t.Errorf("%+v", m.Blocks)
	}
	w.looks[host.LookService] = host.Unit{Name: "x.service", Load: "masked", Active: "failed", Sub: "failed", Result: "oom-kill", ExitCode: 9, Fragment: "/x", Stale: true, Unknown: []string{"what starts it: y"}}
	out, err = ask(t, w, observer, "", "service x")
	mustContain(t, said(t, out, err), "x.service: failed (failed), masked\n", "Ended last with: oom-kill (exit code 9)\n", "Unit file: /x, changed since systemd has read it\n", "Unknown\n- what starts it: y\n")
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneCritical {
		t.Errorf("tone %s", tone)
	}
	for _, c := range []struct {
		u    host.Unit
		want bot.Tone
	}{
		{host.Unit{Active: "activating", Sub: "auto-restart"}, bot.ToneWarning}, {host.Unit{Active: "inactive", Fine: true}, bot.ToneMuted},
		{host.Unit{Active: "inactive"}, bot.ToneWarning},
	} {
		if tone, _ := unitHeadline(c.u, bot.Call{Now: noon, World: w}); tone != c.want {
			t.Errorf("%+v has the tone %s", c.u, tone)
		}
	}
}

func TestServiceErrors(t *testing.T) {
	const usage = " Usage: `service NAME [on NAME]`"
	for line, want := range map[string]string{
		"service":               "service: NAME is missing." + usage,
		"service restart":       "service restart: NAME is missing. Usage: `service restart NAME [on NAME]`",
		"service nginx restart": "`restart` (word 3) comes first: `service restart NAME`.",
		"service ngin*":         "`ngin*` (word 2) is no unit's name; write e.g. `nginx` or `restic-backup.timer`.",
		"service --all":         "`--all` (word 2) is no unit's name; write e.g. `nginx` or `restic-backup.timer`.",
		"service \"a b\"":       "`\"a b\"` (word 2) is no unit's name; write e.g. `nginx` or `restic-backup.timer`.",
		"service nginx now":     "service nginx now: `now` (word 3) is more than I can read here." + usage,
		"logs":                  "logs: UNIT is missing. Usage: `logs UNIT [LINES] [on NAME]`",
		"logs nginx 0":          "logs: `0` is no number of lines from 1 to 200.",
		"logs nginx 201":        "logs: `201` is no number of lines from 1 to 200.",
		"logs nginx -3":         "logs: `-3` is no number of lines from 1 to 200.",
		"logs nginx today":      "logs nginx today: `today` (word 3) is more than I can read here. Usage: `logs UNIT [LINES] [on NAME]`",
		"changes today":         "`today` (word 2) is no number of hours; write e.g. `changes 24`.",
		"changes 0":             "`0` (word 2) is no span that I can look back; write from `1` to `168` hours, e.g. `24`, `2d`.",
		"changes 8d":            "`8d` (word 2) is no span that I can look back; write from `1` to `168` hours, e.g. `24`, `2d`.",
		"changes -2h":           "`-2h` (word 2) is no span that I can look back; write from `1` to `168` hours, e.g. `24`, `2d`.",
	} {
		_, err := ask(t, newWorld(t), operator, "", line)
		wantError(t, err, bot.CodeInvalid, want)
	}
	// What the agent says is what people hear.
	w := newWorld(t)
	w.lookErr = bot.Errorf(bot.CodeForbidden, "The agent of vulcan does not show the log of sshd.service. It shows: nginx.")
	for _, line := range []string{"logs sshd", "service x", "changes", "zfs status", "zfs arc"} {
		_, err := ask(t, w, observer, "", line)
		wantError(t, err, bot.CodeForbidden, "The agent of vulcan does not show the log of sshd.service. It shows: nginx.")
	}
}

func TestServiceRestart(t *testing.T) {
	for _, line := range []string{"service restart nginx", "Service restart nginx.service", "!service  restart nginx"} {
		out, err := ask(t, newWorld(t), operator, "", line)
		want := bot.Ask{Operation: host.RestartOperation, Arguments: bot.Arguments{"unit": {"nginx"}}}
		if err != nil || !reflect.DeepEqual(out, bot.Outcome(want)) {
			t.Errorf("%q is %+v: %v", line, out, err)
		}
	}
	_, err := ask(t, newWorld(t), observer, "", "service restart nginx")
	wantError(t, err, bot.CodeForbidden, "Sorry: `service restart` needs the role operator.")
}

func TestLogs(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "logs nginx 3")
	if got := said(t, out, err); got != "3 lines of nginx.service\n" || !reflect.DeepEqual(w.asked, []string{"logs lines=3 unit=nginx"}) {
		t.Errorf("asked %q, got\n%s", w.asked, got)
	}
	want := "Wed 14 Jan 01:00:00 nginx[812]: started\n14:59:00 nginx[812] [error]: upstream timed out\n--:--:-- systemd[1]: reloaded"
	if pre := out.(bot.Say).Message.Blocks[0].(bot.Pre); pre.Body != want {
		t.Errorf("got\n%s", pre.Body)
	}
	l := w.looks[host.LookLogs].(host.Logs)
	l.Cut = true
	for len(l.Lines) < 200 {
		l.Lines = append(l.Lines, host.LogLine{At: noon, From: "nginx[812]", Text: fmt.Sprintf("line %d %s", len(l.Lines), strings.Repeat("x", 80))})
	}
	w.looks[host.LookLogs] = l
	out, err = ask(t, w, observer, "", "logs nginx 200")
	mustContain(t, said(t, out, err), "200 lines of nginx.service\n(There was more than is told.)\n")
	body := out.(bot.Say).Message.Blocks[0].(bot.Pre).Body
	if len(body) > mostLogText+40 || !strings.HasPrefix(body, "… 1") || !strings.Contains(body, "line 199 ") {
		t.Errorf("%d bytes, %.60s", len(body), body)
	}
	w.looks[host.LookLogs] = host.Logs{Unit: "nginx.service"}
	out, err = ask(t, w, observer, "", "logs nginx")
	if got := said(t, out, err); got != "The journal has nothing of nginx.service\n" {
		t.Errorf("%q", got)
	}
}

// leftOut is what every list of changes says of itself.
const leftOut = "(Not listed: services that start within 5 min of a boot, which belong to it, and those that do one thing and end.)\n"

// What the agent did for plans changed the host too; what it did not do did not.
func TestChangesOfPlans(t *testing.T) {
	w := newWorld(t)
	ran := func(id bot.PlanID, s bot.ProposalState, ago time.Duration) bot.Thread {
		th := planThread(id, s)
		if ago > 0 {
			th.State.Plan.Proposal.StartedAt = noon.Add(-ago)
		}
		return th
	}
	w.plans = []bot.Thread{ran("pln_DONE", bot.Done, 90*time.Minute), ran("pln_RUNS", bot.Running, time.Minute),
		ran("pln_DENIED", bot.Denied, 0), ran("pln_HERA", bot.Done, time.Minute)}
	w.journal = []bot.JournalLine{{Kind: "start", Host: "vulcan", Subject: "pln_RUNS"}, {Kind: "start", Host: "vulcan", Subject: "pln_DONE"},
		{Kind: "end", Host: "vulcan", Subject: "pln_DONE"}, {Kind: "end", Host: "vulcan", Subject: "pln_DENIED"}, {Kind: "end", Host: "hera", Subject: "pln_HERA"}}
	out, err := ask(t, w, observer, "", "changes on vulcan")
	want := `4 changes in the last 1 d
- Wed 14 Jan 14:59 CET roll vulcan back from generation 42 to 41 (a plan's run, running; pln_RUNS)
- Wed 14 Jan 14:00 CET switched to nixos-system-vulcan-25.11
- Wed 14 Jan 13:30 CET roll vulcan back from generation 42 to 41 (a plan's run, done; pln_DONE)
- Wed 14 Jan 13:00 CET rebooted (down for 4 min)
Unknown
- images of other users' containers: known only where their podman writes to the journal
` + leftOut
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Runs that were not read are told of, with their figure: those behind the newest of
// many, and those whose entries somebody changed.
func TestChangesOfPlansThatWereNotRead(t *testing.T) {
	w := newWorld(t)
	w.looks[host.LookChanges] = host.Changes{}
	for i := range 52 {
		th := planThread(bot.PlanID(fmt.Sprintf("pln_%d", i)), bot.Done)
		th.State.Plan.Proposal.StartedAt = noon.Add(-time.Duration(i) * time.Minute)
		w.plans = append(w.plans, th)
	}
	for n, more := range map[int]bool{50: false, 51: true, 52: true} {
		w.journal = []bot.JournalLine{}
		for i := range n {
			w.journal = append(w.journal, bot.JournalLine{Kind: "start", Host: "vulcan", Subject: fmt.Sprintf("pln_%d", i)})
		}
		w.journal = append(w.journal, bot.JournalLine{Kind: "end", Host: "vulcan", Subject: "pln_0"}, bot.JournalLine{Kind: "start", Host: "hera"})
		out, err := ask(t, w, observer, "", "changes on vulcan")
		got := said(t, out, err)
		mustContain(t, got, "50 changes in the last 1 d")
		if strings.Contains(got, "runs of plans: there are more than 50 journal entries of kind start; what is older than those was not read.") != more {
			t.Errorf("of %d it says\n%s", n, got)
		}
	}
	w.journal = []bot.JournalLine{{Kind: "start", Host: "vulcan", Subject: "pln_1"}, {Seq: 7, Host: "vulcan", Broken: true}, {Seq: 6, Host: "vulcan", Broken: true}}
	out, err := ask(t, w, observer, "", "changes on vulcan")
	mustContain(t, said(t, out, err), "1 change in the last 1 d", "runs of plans: 2 journal entries of kind start are not what was written", "watchstander journal verify")
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	for line, hours := range map[string]int{"changes": 24, "changes 6": 6, "changes 3d": 72, "changes 90m": 2, "changes 2 days": 48, "changes 168": 168, "Changes 1d12h": 36} {
		w.asked = nil
		if _, err := ask(t, w, observer, "", line); err != nil || w.asked[0] != fmt.Sprintf("changes hours=%d", hours) {
			t.Errorf("%q asked %q: %v", line, w.asked, err)
		}
	}
	out, err := ask(t, w, observer, "", "changes on vulcan")
	want := `2 changes in the last 1 d
- Wed 14 Jan 14:00 CET switched to nixos-system-vulcan-25.11
- Wed 14 Jan 13:00 CET rebooted (down for 4 min)
Unknown
- images of other users' containers: known only where their podman writes to the journal
` + leftOut
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	var c host.Changes
	for i := range 5 {
		c.Changes = append(c.Changes, bot.Change{Text: "redis.service was started again by systemd", At: noon.Add(-time.Duration(i) * time.Minute)})
	}
	c.More = 7
	w.looks[host.LookChanges] = c
	out, err = ask(t, w, observer, "", "changes 6")
	want = `12 changes in the last 6 h
- Wed 14 Jan 15:00 CET redis.service was started again by systemd, 5 times in all, this was the last
- and 7 older ones
` + leftOut
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	w.looks[host.LookChanges] = host.Changes{}
	out, err = ask(t, w, observer, "", "changes 6")
	if got := said(t, out, err); got != "Nothing is known to have changed in the last 6 h\n"+leftOut {
		t.Errorf("%q", got)
	}
}
