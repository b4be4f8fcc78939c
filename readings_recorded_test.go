package main

import (
	"bytes"
	"context"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"watchstander/bot"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	simhost "watchstander/bot/sys/simulated"
)

var recordReadings = flag.Bool("record-readings", false, "make nix/checks/recorded/readings.prom anew")

const recordedReadings = "nix/checks/recorded/readings.prom"

const recordedHow = `# watchstander of this tree, its agent with docs/agent.example.yaml on the simulated vulcan
# (bot/sys/simulated), and again on a host of which nothing can be had; all at one moment,
# and the restores with the figure that they have once a repository was verified:
#   watchstander readings --textfile watchstander.prom
# made by: go test . -run TestRecordedReadings -record-readings
`

// exampleReadings are what the example's agent tells of the simulated host, and under
// which names it tells that it cannot.
func exampleReadings(t *testing.T) []bot.Reading {
	t.Helper()
	data, err := os.ReadFile("docs/agent.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.ParseAgent(data, config.AgentOptions{Operations: agentOperations})
	if err != nil {
		t.Fatal(err)
	}
	sim, err := simhost.New(simhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	made, err := parts.Of(c, sim.Sys(), parts.Options{AskBackups: func(context.Context) error { return errRefused }})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	var all []bot.Reading
	for _, p := range slices.Concat(agentProbes(t), made.Probes) {
		for _, r := range p.Read(t.Context()) {
			// When it was looked at, and how much was there, is not what the file is for.
			r.Host, r.At = "vulcan", at
			// Nothing was ever verified on the simulated host: where it was, the reading has
			// the age (integrations/restic holds that).
			if strings.HasPrefix(r.What, "restore ") {
				r = r.With(1, bot.FigureSeconds)
			}
			if r.Unit != "" {
				r.Figure = 1
			}
			all = append(all, r)
		}
	}
	return all
}

// TestRecordedReadings: the file that the rules and dashboards are held to has the metrics and
// names that the command writes.
func TestRecordedReadings(t *testing.T) {
	families, err := readingMetrics(exampleReadings(t), time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.NewBufferString(recordedHow)
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(got, f); err != nil {
			t.Fatal(err)
		}
	}
	if *recordReadings {
		if err := os.WriteFile(recordedReadings, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(recordedReadings)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%s is not what is written now (go test . -run TestRecordedReadings -record-readings); the names are\n%s", recordedReadings, got)
	}
}

// agentsProbes are the folders whose probes the agent has.
var agentsProbes = []string{"integrations/nixos", "integrations/zfs", "integrations/restic", "integrations/dumps", "integrations/documents", "integrations/units", "integrations/certs"}

// noRule are readings for which no rule of readings.yaml fires, and why.
var noRule = map[string]string{
	"failed units":      "the systemd exporter's rules name each",
	"unit ":             "the systemd exporter's rules name each",
	"units":             "of a run of nixos.rollback",
	"activation":        "of a run of nixos.rollback",
	"ssh logins":        "a login is no fault",
	"ssh failed logins": "those are weather; fail2ban's reading tells whether they are dealt with",
	"new snapshot in ":  "of a run of backup.run",
}

// TestEachReadingHasItsRule: a name that stands in the code of an agent's probe is one that a
// rule looks for, and each rule looks for such a name.
func TestEachReadingHasItsRule(t *testing.T) {
	rules, err := os.ReadFile("nix/alerts/readings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, root := range agentsProbes {
		names = append(names, namesOfReadings(t, root)...)
	}
	for _, r := range exampleReadings(t) {
		names = append(names, r.What)
	}
	used := map[string]bool{}
	found := regexp.MustCompile(`watchstander:reading_not_ok\{reading=~?"([^"]+)"`).FindAllSubmatch(rules, -1)
	if len(found) < 15 || len(names) < 30 {
		t.Fatalf("only %d rules and %d names were found", len(found), len(names))
	}
	for _, n := range names {
		any := false
		for _, m := range found {
			for part := range strings.SplitSeq(string(m[1]), "|") {
				if regexp.MustCompile("^(?:" + part + ")$").MatchString(n) {
					used[part], any = true, true
				}
			}
		}
		exempt := slices.ContainsFunc(slices.Collect(maps.Keys(noRule)), func(begin string) bool { return strings.HasPrefix(n, begin) })
		if !any && !exempt {
			t.Errorf("no rule looks for %q", n)
		}
	}
	for _, m := range found {
		for part := range strings.SplitSeq(string(m[1]), "|") {
			if !used[part] {
				t.Errorf("a rule looks for %q, and no reading is called so", part)
			}
		}
	}
}
