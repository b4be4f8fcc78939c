package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"watchstander/bot/config"
)

// told is what a log must not tell, in the hands of somebody who logs a whole struct.
type told struct{ Header string }

// named says something else of itself than what it holds.
type named struct{}

func (named) LogValue() slog.Value { return slog.StringValue("by way of hunter2") }

// TestLogHidesSecrets: in whatever part of a line a secret comes, it does not stand
// in the log; all else stays as it was.
func TestLogHidesSecrets(t *testing.T) {
	hide := func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	for _, json := range []bool{false, true} {
		var out strings.Builder
		log, level := newLogger(&out, config.Log{JSON: json}, hide)
		log.With("with", "hunter2").WithGroup("g").Info("a message of hunter2", "text", "hunter2", "err", fmt.Errorf("it failed: %w", errors.New("hunter2 refused")),
			"struct", told{"hunter2"}, "pointer", &told{"hunter2"}, "list", []string{"a", "hunter2"}, "bytes", []byte("hunter2"), slog.Group("inner", "text", "hunter2"), "named", named{}, "deep", []*told{{"hunter2"}},
			"n", 7, "well", true, "plain", []string{"a", "b"}, "nothing", nil)
		said := out.String()
		if strings.Contains(said, "hunter2") || strings.Contains(said, "aHVudGVyMg") || strings.Count(said, "[redacted]") != 10 {
			t.Errorf("%d: %s", strings.Count(said, "[redacted]"), said)
		}
		for _, want := range map[bool][]string{
			false: {"level=INFO", "g.n=7", "g.well=true", `g.plain="[a b]"`, "g.nothing=<nil>"},
			true:  {`"level":"INFO"`, `"n":7`, `"well":true`, `"plain":["a","b"]`, `"nothing":null`},
		}[json] {
			if !strings.Contains(said, want) {
				t.Errorf("no %s in %s", want, said)
			}
		}
		out.Reset()
		level.Set(slog.LevelError)
		log.Warn("nothing of this")
		if out.Len() > 0 {
			t.Errorf("%s", out.String())
		}
	}
}

// pathless is an error that needs more than it has to say what it is.
type pathless struct{ path *string }

func (p *pathless) Error() string { return "no " + *p.path }

// What is logged may be of no use, and ends nothing.
func TestLogOutlivesABrokenError(t *testing.T) {
	var out strings.Builder
	log, _ := newLogger(&out, config.Log{}, strings.Clone)
	log.Info("it goes on", "none", (*pathless)(nil), "half", &pathless{})
	if !strings.Contains(out.String(), "it goes on") {
		t.Error(out.String())
	}
}

// The digest of a file is what people compare.
func TestLogKeepsDigests(t *testing.T) {
	var out strings.Builder
	log, _ := newLogger(&out, config.Log{}, func(string) string { return "hidden" })
	log.Info("taken up", "digest", strings.Repeat("a", 64), "other", strings.Repeat("a", 64), "digest", "hunter2")
	if said := out.String(); !strings.Contains(said, "digest="+strings.Repeat("a", 64)) || strings.Count(said, "aaaa") != 16 || strings.Contains(said, "hunter2") {
		t.Error(said)
	}
}
