package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"watchstander/bot"
	"watchstander/bot/config"
)

// FuzzParse: whatever the file holds, there is a sound Config or there are
// Faults, and each fault has a place that the file has.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/faulty/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/warnings.txtar") {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range a.Files {
			if strings.HasSuffix(x.Name, ".yaml") {
				f.Add(whole(string(x.Data)))
			}
		}
	}
	example, err := os.ReadFile(filepath.Join(docs, "example.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 8<<10 {
			t.Skip("only time is to be found in large files")
		}
		c, err := config.Parse(data, config.Options{File: "f"})
		if err == nil {
			for _, l := range []bot.Labels{nil, {"severity": "info"}, {"alertname": "Watchdog"}} {
				if len(c.Route(l)) == 0 {
					t.Errorf("no route for %v", l)
				}
			}
			if !slices.ContainsFunc(c.Rooms, func(r config.Room) bool { return r.ID == c.NoticesRoom }) {
				t.Errorf("no room %q", c.NoticesRoom)
			}
			noon := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
			for _, x := range c.Checklists {
				if len(x.Rooms) == 0 || len(x.Items) == 0 || x.Zone == "" || (x.Cron == "") != c.Cron(x.Name).Next(noon).IsZero() || x.Cron == "" && !x.Timed && (len(x.After) == 0 || x.Lasts == 0) || x.Timed && (x.Cron != "" || len(x.After) > 0) {
					t.Errorf("a checklist that never comes, or is nothing: %+v", x)
				}
			}
			if reload, restart := config.Diff(c, c); len(reload)+len(restart) > 0 {
				t.Error(reload, restart)
			}
			return
		}
		var faults config.Faults
		if !errors.As(err, &faults) || len(faults) == 0 || c != nil {
			t.Fatalf("%v, %T %v", c, err, err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for i, x := range faults {
			if x.Message == "" || x.Line < 0 || x.Line > lines || (x.Line > 0) != (x.Column > 0) {
				t.Errorf("%+v of %d lines", x, lines)
			}
			if i > 0 && faults[i-1].Line > x.Line {
				t.Error("out of order")
			}
		}
	})
}

// FuzzParseAgent: the same of the agent's file. A policy that is taken has nothing
// that the gate would refuse.
func FuzzParseAgent(f *testing.F) {
	paths, err := filepath.Glob("testdata/agent/faulty/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/agent/warnings.txtar") {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range a.Files {
			if strings.HasSuffix(x.Name, ".yaml") {
				f.Add(wholeAgent(string(x.Data)))
			}
		}
	}
	example, err := os.ReadFile(filepath.Join(docs, "agent.example.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 8<<10 {
			t.Skip("only time is to be found in large files")
		}
		a, err := config.ParseAgent(data, config.AgentOptions{File: "f"})
		if err == nil {
			for _, r := range a.Policy.Rules {
				if r.Rule.Count < 1 || r.Rule.ApproveWithin < 60 || r.Rule.ValidFor < r.Rule.ApproveWithin || len(r.Hosts) == 0 || len(r.Rule.Requesters) == 0 {
					t.Errorf("%+v", r)
				}
			}
			owners := map[int]bool{0: true, a.BotUID: true}
			for _, p := range a.People {
				for _, uid := range p.UIDs {
					if owners[uid] {
						t.Errorf("the user %d is more than one person", uid)
					}
					owners[uid] = true
				}
			}
			return
		}
		var faults config.Faults
		if !errors.As(err, &faults) || len(faults) == 0 || a != nil {
			t.Fatalf("%v, %T %v", a, err, err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for _, x := range faults {
			if x.Message == "" || x.Line < 0 || x.Line > lines || (x.Line > 0) != (x.Column > 0) {
				t.Errorf("%+v of %d lines", x, lines)
			}
		}
	})
}
