package schedules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/docs/runbooks"
	"watchstander/schedules"
)

// measured are readings as they are called on a host that has everything.
var measured = []string{
	"prometheus targets", "prometheus rules", "firing alerts", "rules without series", "cpu 7 d", "memory 7 d", "noise 7 d", "forecast disk /",
	"account of alertmanager main", "alertmanager main", "chat matrix", "waiting", "agent vulcan",
	"ssh root logins", "ssh failed logins", "ssh logins", "sudo commands", "audit events", "apparmor denials", "fail2ban",
	"backup b2", "restore b2", "bot state", "snapshots tank", "failed units", "unit nginx.service", "flapping units", "systemd", "certificate of vulcan.lan:443",
	"disk /", "memory", "load", "swap", "pressure io", "pool tank", "pools", "dataset tank/data", "ARC", "temperature",
	"configuration build", "document runbooks", "alert runbooks", "approvals 7 d", "approvals 30 d", "approvals 90 d", "grafana", "grafana dashboards", "grafana data sources",
	"nixpkgs age", "vulnerabilities", "dump postgresql", "generation", "generations", "generations kept", "booted system", "drift", "drift: profile",
}

func find(tb testing.TB, name string) bot.Checklist {
	tb.Helper()
	all := schedules.Builtin()
	i := slices.IndexFunc(all, func(c bot.Checklist) bool { return c.Name == name })
	if i < 0 {
		tb.Fatalf("there is no %s", name)
	}
	return all[i]
}

// TestBuiltinItems holds what every item must have: words, a runbook, and evidence or a
// reason why only a person can know.
func TestBuiltinItems(t *testing.T) {
	short := regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	used := map[string]bool{}
	for _, c := range schedules.Builtin() {
		if c.Title == "" || c.Zone != "" || c.Rooms != nil || c.Missed != bot.CatchUp || (c.Cron == "") != (len(c.After) > 0 || c.Timed) || (c.Cron == "") != (c.Lasts > 0 || c.Timed) {
			t.Errorf("%s: %+v", c.Name, c)
		}
		ids := map[string]bool{}
		for _, x := range c.Items {
			at := c.Name + "." + x.ID
			if !short.MatchString(x.ID) || ids[x.ID] {
				t.Errorf("%s: the id is long, or stands twice", at)
			}
			ids[x.ID] = true
			for what, text := range map[string]string{"task": x.Task, "why": x.Why, "runbook": x.Runbook} {
				if text == "" || strings.Contains(text, "\n") {
					t.Errorf("%s: %s is %q", at, what, text)
				}
			}
			if len([]rune(x.Task)) > 100 || strings.HasSuffix(x.Task, ".") || !strings.HasSuffix(x.Why, ".") || x.Person != "" && !strings.HasSuffix(x.Person, ".") {
				t.Errorf("%s: a task is one short line, and reasons are sentences", at)
			}
			if len(x.Look) < 2 {
				t.Errorf("%s: it does not say what to look at", at)
			}
			if r, ok := runbooks.Find(x.Runbook); !ok || r.Name != x.Runbook {
				t.Errorf("%s: there is no runbook %s", at, x.Runbook)
			}
			if x.Person == "" && len(x.Evidence) == 0 && len(x.Optional) == 0 {
				t.Errorf("%s: neither evidence nor a person can tick it", at)
			}
			for _, p := range slices.Concat(x.Evidence, x.Optional) {
				fits := func(what string) bool { return bot.Item{Evidence: []string{p}}.Fits(bot.Reading{What: what}) }
				if !slices.ContainsFunc(measured, fits) {
					t.Errorf("%s: nothing measures %q", at, p)
				}
				for _, what := range measured {
					used[what] = used[what] || fits(what)
				}
			}
		}
	}
	for _, what := range measured {
		if !used[what] {
			t.Errorf("nobody looks at %q", what)
		}
	}
	for list, offer := range map[string]string{"weekly": "noise", "monthly": "scorecard"} {
		if !slices.ContainsFunc(find(t, list).Items, func(x bot.Item) bool { return x.Offer == offer }) {
			t.Errorf("%s: nobody reads %s", list, offer)
		}
	}
}

// TestWhenBuiltinsCome: all times are those of Berlin.
func TestWhenBuiltinsCome(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	for name, want := range map[string]string{
		"daily":     "Sun 2026-11-29 08:00, Mon 2026-11-30 08:00",
		"weekly":    "Mon 2026-11-30 09:00, Mon 2026-12-07 09:00",
		"monthly":   "Tue 2026-12-01 10:00, Fri 2027-01-01 10:00",
		"quarterly": "Fri 2027-01-01 10:00, Thu 2027-04-01 10:00",
	} {
		c, err := schedules.ParseCron(find(t, name).Cron, berlin)
		if err != nil {
			t.Fatal(err)
		}
		first := c.Next(utc(t, "2026-11-28 17:00"))
		second := c.Next(first)
		const form = "Mon 2006-01-02 15:04"
		if got := first.In(berlin).Format(form) + ", " + second.In(berlin).Format(form); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
		if r := find(t, name).Remind; r <= 0 || r >= second.Sub(first) || first.Add(-r).In(berlin).Hour() < 8 || first.Add(-r).In(berlin).Hour() > 20 {
			t.Errorf("%s: people are reminded %v before its end, at night or never", name, r)
		}
	}
	if c := find(t, "validation"); c.Lasts != 24*time.Hour || !slices.Equal(c.After, []bot.ChangeKind{bot.ChangeSwitch, bot.ChangeReboot}) {
		t.Errorf("%+v", c)
	}
}

// TestBuiltinIsOnesOwn: what one caller changes, another does not get.
func TestBuiltinIsOnesOwn(t *testing.T) {
	mine := schedules.Builtin()
	mine[0].Items[0].Evidence[0] = "changed"
	mine[0].Items[0].ID = "changed"
	if x := schedules.Builtin()[0].Items[0]; x.ID == "changed" || x.Evidence[0] == "changed" {
		t.Error("it is shared")
	}
}
