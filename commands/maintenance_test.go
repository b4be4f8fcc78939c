package commands

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func maintenanceThread(id bot.ThreadID, of string) bot.Thread {
	return bot.Thread{ID: id, Kind: bot.ThreadMaintenance, OpenedAt: noon.Add(-time.Hour), State: bot.ThreadState{Maintenance: &bot.MaintenanceState{
		Host: of, By: "bob", Reason: "of the disks", Since: noon.Add(-time.Hour), Until: noon.Add(time.Hour), Silence: "s", Alertmanager: "main"}}}
}

func TestStartMaintenance(t *testing.T) {
	scope := []bot.Matcher{{Name: "instance", Op: "=~", Value: "vulcan.*"}, {Name: "alertname", Op: "!=", Value: "Watchdog"}}
	covers := &bot.Covered{Alerts: 3, Critical: 3, At: noon} // the fake counts whatever it is asked
	for line, want := range map[string]bot.OpenMaintenance{
		"maintenance start because of the disks":        {Host: "vulcan", Until: noon.Add(2 * time.Hour), Reason: "of the disks", Matchers: scope},
		"maintenance start on vulcan for 90m because x": {Host: "vulcan", Until: noon.Add(90 * time.Minute), Reason: "x", Matchers: scope},
		"maintenance start until 18:00 because x":       {Host: "vulcan", Until: noon.Add(3 * time.Hour), Reason: "x", Matchers: scope},
		"maintenance start {job=\"node\", severity!=\"critical\"} 1h because x": {Until: noon.Add(time.Hour), Reason: "x",
			Matchers: []bot.Matcher{{Name: "job", Op: "=", Value: "node"}, {Name: "severity", Op: "!=", Value: "critical"}, {Name: "alertname", Op: "!=", Value: "Watchdog"}}},
	} {
		w := newWorld(t)
		w.covered = 3
		want.Alertmanager, want.Covers = "main", covers
		out, err := ask(t, w, operator, "", line)
		if err != nil || !reflect.DeepEqual(out, bot.Outcome(want)) {
			t.Errorf("%s: %+v, %v; want %+v", line, out, err, want)
		}
	}
}

func TestMaintenanceFaults(t *testing.T) {
	for line, want := range map[string]string{
		"maintenance start":                                 "maintenance start: REASON is missing. Usage: `maintenance start [on NAME] [{MATCHERS}] [DURATION|until TIME] because REASON…`",
		"maintenance start for 25h because x":               "maintenance start: at most 1 d at once, so that none is forgotten; `maintenance start` again extends it.",
		"maintenance start on mars because x":               "There is no host `mars` in my configuration; there is `vulcan`.",
		"maintenance start {job=~\".*\"} 1h because x":      "`{job=~\".*\"}` fits alerts that have none of these labels, and so nearly everything; name at least one value that must be there.",
		"maintenance start on vulcan {job=\"a\"} because x": "maintenance start: name a host or matchers, not both.",
		"maintenance stop on mars":                          "No maintenance of `mars` is open.",
		"maintenance on mars":                               "There is no host `mars` in my configuration; there is `vulcan`.",
	} {
		_, err := ask(t, newWorld(t), operator, "", line)
		if err == nil || bot.ForPeople(err) != want {
			t.Errorf("%s: %v; want %s", line, err, want)
		}
	}
	w := newWorld(t)
	w.hosts = []string{"mars", "vulcan"}
	_, err := ask(t, w, operator, "", "maintenance start because x")
	wantError(t, err, bot.CodeInvalid, "maintenance start: which host? Say it again with one: `on mars` or `on vulcan`.")
	if _, err := ask(t, w, observer, "", "maintenance start on mars because x"); err == nil {
		t.Error("an observer opens a maintenance")
	}
	if _, err := ask(t, w, observer, "", "maintenance stop"); err == nil {
		t.Error("an observer ends a maintenance")
	}
}

func TestStopMaintenance(t *testing.T) {
	w := newWorld(t)
	mars := maintenanceThread("thr_MARS2222", "mars")
	stop := func(thread bot.ThreadID, line string) bot.Outcome {
		out, err := ask(t, w, operator, thread, line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		return out
	}
	if out := stop("", "maintenance stop because it is done"); out != (bot.CloseMaintenance{Thread: "thr_MAINT222", Reason: "it is done"}) {
		t.Errorf("%+v", out)
	}
	w.open = append(w.open, mars)
	w.threads = []bot.ThreadFacts{{Thread: mars}}
	if out := stop("thr_MARS2222", "maintenance stop"); out != (bot.CloseMaintenance{Thread: "thr_MARS2222"}) {
		t.Errorf("%+v", out)
	}
	if out := stop("", "maintenance stop on mars"); out != (bot.CloseMaintenance{Thread: "thr_MARS2222"}) {
		t.Errorf("%+v", out)
	}
	_, err := ask(t, w, operator, "", "maintenance stop")
	wantError(t, err, bot.CodeInvalid, "maintenance stop: 2 are open. Say it in the thread of the one that is meant, or with `on HOST` behind it; `maintenance` lists them.")
	w.open = nil
	_, err = ask(t, w, operator, "", "maintenance stop")
	wantError(t, err, bot.CodeNotFound, "No maintenance is open.")
}

// What is open and when the windows are is said apart; an agent that does not answer is
// unknown, and not without windows.
func TestMaintenanceList(t *testing.T) {
	w := newWorld(t)
	w.agents = []string{"mars", "vulcan"}
	w.windows = map[string][]bot.NextWindow{"vulcan": {
		{Rule: "later", Operations: []string{"zfs.arc.set"}, Words: "cron 0 2 * * * for 2 h (UTC)", From: noon.Add(12 * time.Hour), Until: noon.Add(14 * time.Hour)},
		{Rule: "now", Operations: []string{"nixos.*"}, Words: "daily 13:00–16:00 (UTC)", From: noon.Add(-time.Hour), Until: noon.Add(2 * time.Hour)}}}
	out, err := ask(t, w, operator, "", "maintenance")
	if err != nil {
		t.Fatal(err)
	}
	m := out.(bot.Say).Message
	text := plain(m)
	for _, want := range []string{"Open: 1 maintenance", "vulcan by bob since", "of the disks", "thr_MAINT222", "Windows of mars are unknown: The agent of mars does not answer.",
		"now (nixos.*): open until", "later (zfs.arc.set): next", "cron 0 2 * * * for 2 h (UTC)"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if m.Tone != bot.ToneUnknown || strings.Index(text, "now (nixos") > strings.Index(text, "later (zfs") {
		t.Errorf("%s: %s", m.Tone, text)
	}
}
