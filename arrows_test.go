package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows are the imports that a package may have inside the house: they point
// inward. A package that is not listed may import nothing of it; what only
// tests import does not count.
var arrows = map[string][]string{
	"bot":                          {},
	"bot/agent":                    {"bot", "bot/agent/api", "bot/clean", "bot/fsync", "bot/gate", "bot/journal", "bot/phrase", "bot/plan", "bot/probing", "bot/sys"},
	"bot/agent/api":                {"bot", "bot/journal"},
	"bot/agent/client":             {"bot", "bot/agent/api", "bot/journal"},
	"bot/clean":                    {},
	"bot/fsync":                    {},
	"bot/host":                     {"bot"},
	"bot/phrase":                   {},
	"bot/probing":                  {"bot", "bot/phrase"},
	"bot/chart":                    {"bot"},
	"bot/config":                   {"bot", "bot/gate", "bot/host", "bot/phrase", "bot/plan", "schedules"},
	"bot/journal":                  {"bot", "bot/fsync"},
	"bot/pieces":                   {"bot", "bot/clean"},
	"bot/plan":                     {"bot", "bot/clean"},
	"bot/gate":                     {"bot", "bot/phrase", "schedules"}, // a window's cron: pure, and one reading of it for all
	"bot/redact":                   {"bot"},
	"bot/scorecard":                {"bot", "bot/phrase"},
	"bot/store":                    {"bot", "bot/journal"},
	"bot/sys":                      {"bot/sys/internal/output"},
	"bot/sys/internal/output":      {},
	"bot/sys/simulated":            {"bot/sys", "bot/sys/internal/output"},
	"bot/view":                     {"bot", "bot/phrase"},
	"bot/flow":                     {"bot", "bot/agent/api", "bot/clean", "bot/config", "bot/gate", "bot/host", "bot/journal", "bot/phrase", "bot/plan", "bot/probing", "bot/scorecard", "bot/store", "bot/view"},
	"commands":                     {"bot", "bot/host", "bot/phrase", "bot/probing", "docs/runbooks"},
	"schedules":                    {"bot"},
	"docs/runbooks":                {"bot"},
	"integrations/alertmanager":    {"bot", "bot/phrase"},
	"integrations/certs":           {"bot", "bot/clean", "bot/phrase"},
	"integrations/console":         {"bot", "bot/clean", "bot/fsync", "bot/phrase"},
	"integrations/dumps":           {"bot", "bot/clean", "bot/host", "bot/phrase", "bot/sys"},
	"integrations/documents":       {"bot", "bot/clean", "bot/phrase", "bot/sys"},
	"integrations/grafana":         {"bot", "bot/clean", "bot/phrase"},
	"integrations/linux":           {"bot", "bot/clean", "bot/phrase"},
	"integrations/matrix":          {"bot", "bot/clean", "bot/pieces"},
	"integrations/nixos":           {"bot", "bot/clean", "bot/host", "bot/phrase", "bot/sys"},
	"integrations/prometheus":      {"bot", "bot/phrase"},
	"integrations/restic":          {"bot", "bot/clean", "bot/fsync", "bot/host", "bot/phrase", "bot/sys"},
	"integrations/slack/slackfake": {},
	"integrations/slack":           {"bot", "bot/clean", "bot/pieces"},
	"integrations/systemd":         {"bot", "bot/clean", "bot/host", "bot/phrase"},
	"integrations/units":           {"bot", "bot/clean", "bot/host", "bot/phrase", "bot/sys"},
	"integrations/zfs":             {"bot", "bot/clean", "bot/host", "bot/phrase", "bot/sys"},
	"bot/bottest/contract":         {"bot"},
	"bot/bottest/golden":           {},
	"nix/checks":                   {},
	"bot/bottest/real":             {},
	"integrations/alertmanager/alertmanagertest": {"bot", "integrations/alertmanager"},
	// The joiners: they see everything.
	"bot/agent/parts": {"*"},
	".":               {"*"},
	"bot/bottest":     {"*"},
}

// vocabulary packages import nothing but the standard library.
var vocabulary = []string{"bot", "bot/host"}

func TestImportsPointInward(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "tools" || strings.HasPrefix(d.Name(), ".") && file != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(file))
		seen[dir] = true
		allowed, listed := arrows[dir]
		if !listed {
			t.Errorf("%s: the package %s is not in the table of arrows", file, dir)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			inner, ours := strings.CutPrefix(name, "watchstander/")
			if !ours {
				if first, _, _ := strings.Cut(name, "/"); slices.Contains(vocabulary, dir) && strings.Contains(first, ".") {
					t.Errorf("%s imports %s; %s holds words and imports the standard library alone", file, name, dir)
				}
				continue
			}
			if !slices.Contains(allowed, inner) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s, against the arrows of %s", file, inner, dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range arrows {
		if !seen[path.Clean(dir)] {
			t.Errorf("the table of arrows has %s, which does not exist", dir)
		}
	}
}
