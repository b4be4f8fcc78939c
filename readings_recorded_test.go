package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// TestReadingsAreRecorded: nix/checks/recorded/readings.prom, which rules and dashboards are
// held to, is what the command writes of such readings. RECORD=1 writes it anew.
func TestReadingsAreRecorded(t *testing.T) {
	at := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	var all []bot.Reading
	tell := func(what string, state bot.ReadingState, figure ...any) {
		r := bot.Reading{Host: "vulcan", What: what, State: state, At: at}
		if len(figure) == 2 {
			r = r.With(figure[0].(float64), figure[1].(string))
		}
		all = append(all, r)
	}
	tell("backup b2", bot.OK, 21600.0, bot.FigureSeconds)
	tell("restore b2", bot.OK, 864000.0, bot.FigureSeconds)
	tell("dump postgresql", bot.OK, 7200.0, bot.FigureSeconds)
	tell("snapshots rpool/home", bot.OK, 61.0, bot.FigureCount)
	tell("pool rpool", bot.OK, 41.0, bot.FigurePercent)
	tell("pool tank", bot.NotOK, 91.0, bot.FigurePercent)
	tell("ARC", bot.OK, 17179869184.0, bot.FigureBytes)
	tell("disk /", bot.OK, 52.0, bot.FigurePercent)
	tell("memory", bot.OK, 48.0, bot.FigurePercent)
	tell("load", bot.OK, 0.4, bot.FigureCount)
	tell("temperature", bot.OK, 58.0, bot.FigureCelsius)
	tell("failed units", bot.OK, 0.0, bot.FigureCount)
	tell("flapping units", bot.OK, 0.0, bot.FigureCount)
	tell("unit postgresql.service", bot.OK)
	tell("systemd", bot.OK)
	tell("ssh root logins", bot.OK, 0.0, bot.FigureCount)
	tell("ssh logins", bot.OK, 3.0, bot.FigureCount)
	tell("ssh failed logins", bot.OK, 120.0, bot.FigureCount)
	tell("sudo commands", bot.OK, 14.0, bot.FigureCount)
	tell("audit events", bot.OK, 900.0, bot.FigureCount)
	tell("apparmor denials", bot.Unknown)
	tell("fail2ban", bot.OK, 100.0, bot.FigurePercent)
	tell("vulnerabilities", bot.NotOK, 2.0, bot.FigureCount)
	tell("nixpkgs age", bot.OK, 518400.0, bot.FigureSeconds)
	tell("generation", bot.OK, 172800.0, bot.FigureSeconds)
	tell("generations kept", bot.OK, 12.0, bot.FigureCount)
	tell("booted system", bot.OK)
	tell("configuration build", bot.OK, 43200.0, bot.FigureSeconds)
	tell("drift", bot.OK)
	tell("certificate vulcan.lan:443", bot.OK, 5184000.0, bot.FigureSeconds)

	written := filepath.Join(t.TempDir(), "watchstander.prom")
	if _, err := askReadings(t, all, "--textfile", written); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	// When it was written is another time each time.
	want := "# What `watchstander readings --textfile FILE` of this tree writes of an agent that tells such\n" +
		"# readings as a host has: `RECORD=1 go test -run TestReadingsAreRecorded .`\n" +
		regexp.MustCompile(`(?m)^(watchstander_readings_timestamp_seconds) .*$`).ReplaceAllString(string(text), "$1 1.7959140e+09")
	path := filepath.Join("nix", "checks", "recorded", "readings.prom")
	if os.Getenv("RECORD") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what is written: %d and %d lines", path, strings.Count(string(got), "\n"), strings.Count(want, "\n"))
	}
}
