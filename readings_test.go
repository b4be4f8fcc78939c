package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// ask runs `watchstander readings` against an agent that has these.
func askReadings(t *testing.T, all []bot.Reading, args ...string) (string, error) {
	t.Helper()
	s := &standIn{readings: all}
	var out strings.Builder
	cmd := readingsCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetArgs(append([]string{"--socket", s.listen(t)}, args...))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// What people read: the worst first, one on a line, and an exit code that tells which.
func TestReadingsForPeople(t *testing.T) {
	ok := bot.Reading{Host: "vulcan", What: "pool rpool", Value: "ONLINE", State: bot.OK}
	bad := bot.Reading{Host: "vulcan", What: "backup b2", Value: "last snapshot 3 d ago", Note: "older than 26 h\nok  pool tank\x1b[2J", State: bot.NotOK}
	unknown := bot.Reading{Host: "vulcan", What: "restore b2", Note: "never tried", State: bot.Unknown}
	for _, c := range []struct {
		name string
		all  []bot.Reading
		code exitCode
		want string
	}{
		{"well", []bot.Reading{ok}, 0, "ok  pool rpool  ONLINE\n1 ok\n"},
		{"not well", []bot.Reading{ok, unknown, bad}, exitNotOK, "not ok   backup b2   last snapshot 3 d ago  older than 26 h"},
		{"not known", []bot.Reading{unknown, ok}, exitUnknown, "unknown  restore b2"},
		{"nothing", nil, exitUnknown, "The agent measures nothing.\n"},
	} {
		out, err := askReadings(t, c.all)
		if got, _ := err.(exitCode); got != c.code || (err == nil) != (c.code == 0) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.HasPrefix(out, c.want) || strings.Contains(out, "\x1b") || strings.Count(out, "\n") != max(len(c.all), 0)+1 {
			t.Errorf("%s: %q", c.name, out)
		}
	}
}

func TestReadingsForPrometheus(t *testing.T) {
	at := time.Date(2026, 11, 29, 1, 2, 3, 500e6, time.UTC)
	path := filepath.Join(t.TempDir(), "watchstander.prom")
	out, err := askReadings(t, []bot.Reading{
		bot.Reading{Host: "vulcan", What: `disk "/a\b"`, State: bot.OK, At: at}.With(41.5, bot.FigurePercent),
		{Host: "vulcan", What: "backup b2", State: bot.OK, At: at},
		{Host: "vulcan", What: "backup b2", State: bot.Unknown, At: at},
		{What: "restore b2", State: bot.NotOK},
		bot.Reading{Host: "vulcan", What: "two\nlines", State: "of a newer agent", At: at}.With(-3, bot.FigureCelsius),
	}, "--textfile", path)
	if err != nil || out != "" {
		t.Fatalf("%q, %v", out, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`watchstander_reading_state{host="vulcan",reading="disk \"/a\\b\"",state="ok"} 1`,
		`watchstander_reading_state{host="vulcan",reading="disk \"/a\\b\"",state="not ok"} 0`,
		`watchstander_reading_figure{host="vulcan",reading="disk \"/a\\b\"",unit="%"} 41.5`,
		`watchstander_reading_state{host="vulcan",reading="backup b2",state="unknown"} 1`,
		`watchstander_reading_state{host="vulcan",reading="backup b2",state="ok"} 0`,
		`watchstander_reading_state{host="",reading="restore b2",state="not ok"} 1`,
		`watchstander_reading_measured_timestamp_seconds{host="vulcan",reading="backup b2"} 1.7959141235e+09`,
		"\nwatchstander_readings_timestamp_seconds{host=\"vulcan\"} 1.",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	// Prometheus' own reader takes it, and finds one state for each reading.
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	states := map[string]float64{}
	for _, m := range families["watchstander_reading_state"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "reading" {
				states[l.GetValue()] += m.GetGauge().GetValue()
			}
		}
	}
	if want := map[string]float64{`disk "/a\b"`: 1, "backup b2": 1, "restore b2": 1, "two\nlines": 1}; !maps.Equal(states, want) {
		t.Errorf("%v", states)
	}
	if figures := families["watchstander_reading_figure"].GetMetric(); len(figures) != 2 {
		t.Errorf("%v", figures)
	}
	if strings.Contains(string(text), `measured_timestamp_seconds{host="",`) {
		t.Error("a time that nobody told")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}

// An agent that does not answer leaves the old file as it is: its age tells.
func TestReadingsWithoutAnAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watchstander.prom")
	if err := os.WriteFile(path, []byte("old 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := readingsCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs([]string{"--socket", filepath.Join(t.TempDir(), "none"), "--textfile", path})
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "No agent answers at") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old 1\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := askReadings(t, nil, "--textfile", path+".txt"); err == nil || !strings.Contains(err.Error(), ".prom") {
		t.Errorf("a name that nobody reads: %v", err)
	}
}
