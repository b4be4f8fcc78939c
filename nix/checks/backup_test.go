package checks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/gate"
)

// TestRestoreDrillsAreAgreedTo: the alert that the rule raises is one for which the example
// host has a standing approval, for each of its repositories; and neither the budget nor the
// evidence keeps the weekly verification from being done.
func TestRestoreDrillsAreAgreedTo(t *testing.T) {
	files := evaluate[struct{ Agents map[string]json.RawMessage }](t, "settings")
	cfg, err := config.ParseAgent(files.Agents["vulcan"], config.AgentOptions{File: "vulcan"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Backup == nil || len(cfg.Backup.Repositories) < 2 {
		t.Fatalf("the agent knows of %+v", cfg.Backup)
	}
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	for _, r := range cfg.Backup.Repositories {
		alert := bot.Labels{"alertname": "RestoreDrillDue", "host": "vulcan", "instance": "vulcan:9100", "reading": "restore " + r.Name, "severity": "warning"}
		args := bot.Arguments{"repository": {r.Name}}
		i := slices.IndexFunc(cfg.Standing, func(s gate.Standing) bool { return s.Fits("backup.verify", "vulcan", args, alert) })
		if i < 0 {
			t.Errorf("nothing is agreed to for %s", r.Name)
			continue
		}
		s := cfg.Standing[i]
		// What the probe says while a drill is due: the newest snapshot is fine, as of when
		// the repository was asked last; the restore is fine as of now.
		readings := []bot.Reading{
			{What: "backup " + r.Name, At: now.Add(-time.Hour), State: bot.OK},
			{What: "restore " + r.Name, At: now.Add(time.Second), State: bot.OK},
		}
		if x, fine := s.Fine(readings, now); fine {
			t.Errorf("%s: nothing would be done, since %q is fine", s.Name, x.What)
		}
		// Last week's, with what the verification itself found.
		began := now.Add(-7 * 24 * time.Hour)
		last := gate.StandingRun{StartedAt: began, ActedAt: began, Evidence: []bot.Reading{{What: "backup " + r.Name, At: began.Add(time.Hour), State: bot.OK}}}
		if j := gate.JudgeStanding(s, []gate.StandingRun{last}, now); !j.Allowed {
			t.Errorf("%s: a week later it is not allowed: %s", s.Name, j.Why)
		}
		last.Evidence[0].State = bot.NotOK
		if j := gate.JudgeStanding(s, []gate.StandingRun{last}, now); j.Allowed {
			t.Errorf("%s: it is allowed after one that found faults", s.Name)
		}
		last.StartedAt, last.Evidence[0].State = now.Add(-24*time.Hour), bot.OK
		if j := gate.JudgeStanding(s, []gate.StandingRun{last}, now); j.Allowed {
			t.Errorf("%s: it is allowed twice within two days", s.Name)
		}
	}
}

// TestBackblazeIsTheDestination: wherever the documents for people and the example host
// name where backups go, it is B2; no other service is named.
func TestBackblazeIsTheDestination(t *testing.T) {
	other := regexp.MustCompile(`(?i)rsync\.net|borgbase|wasabi|hetzner storage`)
	named := 0
	for _, folder := range []string{"../../docs", "../hosts", "../modules", "../../schedules"} {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".md", ".nix", ".yaml"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				// Naming what it is not, beside what it is, is the plan's own correction.
				if other.MatchString(line) && !strings.Contains(line, "B2") {
					t.Errorf("%s: %s", path, line)
				}
				if strings.Contains(line, "B2") {
					named++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if named < 5 {
		t.Errorf("B2 is named %d times", named)
	}
}
