package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/probing"
	"watchstander/bot/sys"
	"watchstander/integrations/grafana"
	"watchstander/integrations/linux"
	prom "watchstander/integrations/prometheus"
	"watchstander/integrations/systemd"
	"watchstander/schedules"
)

// patterns are all by which the built-in lists choose their evidence.
func patterns() (out []string) {
	for _, c := range schedules.Builtin() {
		for _, x := range c.Items {
			out = append(out, slices.Concat(x.Evidence, x.Optional)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func fitting(what string) (out []string) {
	for _, p := range patterns() {
		if (bot.Item{Evidence: []string{p}}).Fits(bot.Reading{What: what}) {
			out = append(out, p)
		}
	}
	return out
}

// noEvidence are readings that no list looks at, and why.
var noEvidence = map[string]string{
	"uptime":                  "a boot is told as a change",
	"running since":           "of the bot itself",
	"state":                   "of the bot itself, which cannot run without it",
	"held back by ":           "only there when something is wrong with Alertmanager, whose own readings tell",
	"new snapshot in ":        "of a run of backup.run",
	"activation":              "of a run of nixos.rollback",
	"units":                   "of a run of nixos.rollback",
	"what its agent measures": "a blank one, which stands for all that was measured before",
}

// A reading that fails under another name than it succeeds under is missed by the lists'
// patterns, and an item for which it is optional is ticked as if all were well. So
// whatever stands as a name in the code of a probe must be one that a list looks for.
func TestNamesOfReadingsFitTheLists(t *testing.T) {
	seen := 0
	for _, root := range []string{"integrations", "bot/flow"} {
		for _, name := range namesOfReadings(t, root) {
			seen++
			if _, exempt := noEvidence[strings.TrimSuffix(name, "x")]; !exempt && len(fitting(name)) == 0 {
				t.Errorf("%s: a reading is called %q, and no list looks for that", root, name)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d names were seen", seen)
	}
}

// namesOfReadings are those that stand in the code below root; one that is only the
// beginning of a name has an x behind it.
func namesOfReadings(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if slices.ContainsFunc([]string{"integrations/slack/", "integrations/matrix/", "integrations/console/", "integrations/alertmanager/alertmanagertest/"}, func(s string) bool { return strings.HasPrefix(path, s) }) {
			return nil // chats have no probes: what they read is for `watchstander check`
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		named := func(e ast.Expr) {
			switch name, begins := literal(e); {
			case name == "":
			case begins:
				names = append(names, name+"x")
			default:
				names = append(names, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr: // n.reading("drift", …)
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "reading" && len(n.Args) > 0 {
					named(n.Args[0])
				}
			case *ast.CompositeLit:
				if !isReading(n) {
					return true
				}
				for _, e := range n.Elts {
					kv, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "What" {
						named(kv.Value)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func isReading(l *ast.CompositeLit) bool {
	s, ok := l.Type.(*ast.SelectorExpr)
	return l.Type == nil || ok && s.Sel.Name == "Reading"
}

// literal is the text that an expression is, or begins with.
func literal(e ast.Expr) (text string, begins bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ = strconv.Unquote(e.Value)
		return text, false
	case *ast.BinaryExpr:
		text, _ = literal(e.X)
		return text, true
	}
	return "", false
}

// refusing is a host of which nothing can be had.
type refusing struct {
	sys.Files
	sys.Units
}

var errRefused = errors.New("refused")

func (refusing) Run(context.Context, sys.Command) (sys.Output, error) {
	return sys.Output{}, errRefused
}
func (refusing) Read(string, int64) ([]byte, error)     { return nil, errRefused }
func (refusing) Write(string, []byte) error             { return errRefused }
func (refusing) Open(string) (io.ReadCloser, error)     { return nil, errRefused }
func (refusing) Stat(string) (fs.FileInfo, error)       { return nil, errRefused }
func (refusing) Readlink(string) (string, error)        { return "", errRefused }
func (refusing) Resolve(string) (string, error)         { return "", errRefused }
func (refusing) Scratch(string, string) (string, error) { return "", errRefused }
func (refusing) Remove(string) error                    { return errRefused }

type refusingFiles struct{ refusing }

func (refusingFiles) List(string) ([]fs.DirEntry, error) { return nil, errRefused }

type refusingUnits struct{ refusing }

func (refusingUnits) List(context.Context, ...string) ([]sys.Unit, error) { return nil, errRefused }
func (refusingUnits) Unit(context.Context, string) (sys.Unit, error)      { return sys.Unit{}, errRefused }

// agentProbes are all that the agent of the example has, on a host of which nothing can be
// had.
func agentProbes(t *testing.T) []bot.Probe {
	t.Helper()
	data, err := os.ReadFile("docs/agent.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.ParseAgent(data, config.AgentOptions{Operations: agentOperations})
	if err != nil {
		t.Fatal(err)
	}
	made, err := parts.Of(c, sys.Host{Name: "vulcan", Files: refusingFiles{}, Run: refusing{}, Units: refusingUnits{}}, parts.Options{AskBackups: func(context.Context) error { return errRefused }})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Probes) < 7 {
		t.Errorf("the example has only %d probes", len(made.Probes))
	}
	return made.Probes
}

// TestFailuresOfProbesFitTheLists: of all probes, whatever they tell when nothing can be
// had, and whatever is told when they cannot be heard at all, is what a list looks for.
func TestFailuresOfProbesFitTheLists(t *testing.T) {
	dir := t.TempDir()
	server, err := prom.New(prom.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	// What is there, and no directory or file of the kind that it should be.
	for _, name := range []string{"pressure", "spl", "loadavg"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	probes := append(agentProbes(t),
		linux.New(linux.Options{Host: "vulcan", Proc: dir, Sys: dir, Fstab: filepath.Join(dir, "fstab")}),
		systemd.New(systemd.Options{Host: "vulcan", Dial: func(context.Context) (systemd.Conn, error) { return nil, errRefused }}),
		ruleProbe(server), grafana.New(grafana.Options{URL: "http://127.0.0.1:1"}), server.Trends(func() []prom.TrendHost { return []prom.TrendHost{{Name: "vulcan", Match: `a="b"`, Below: 70}} }),
		certificates{hosts: func() []config.Host {
			return []config.Host{{Name: "vulcan", Certificates: []config.Certificate{{File: "/nowhere/a.pem"}}}}
		}, zone: func() *time.Location { return time.UTC }})
	for _, p := range probes {
		if len(probing.Tells(p)) == 0 {
			t.Errorf("%s does not say what its readings are called", p.Name())
		}
		var told []string
		for _, r := range p.Read(t.Context()) {
			if told = append(told, r.What); r.State == bot.OK {
				t.Errorf("%s: %s is ok, though nothing can be had", p.Name(), r.What)
			}
		}
		if len(told) == 0 {
			t.Errorf("%s tells nothing", p.Name())
		}
		for _, what := range append(told, probing.Tells(p)...) {
			if _, exempt := noEvidence[what]; !exempt && len(fitting(what)) == 0 {
				t.Errorf("%s: a reading is called %q, and no list looks for that", p.Name(), what)
			}
		}
		// It must say the one as the other: who waits for a reading waits for both.
		for _, what := range probing.Tells(p) {
			for _, pattern := range fitting(what) {
				if !slices.ContainsFunc(told, func(s string) bool { return slices.Contains(fitting(s), pattern) }) &&
					!slices.Contains([]string{"dataset quotas", "temperature"}, what) { // told with the pools; no host need have sensors
					t.Errorf("%s tells of %q when it cannot be heard, and nothing that fits %q when it fails: %q", p.Name(), what, pattern, told)
				}
			}
		}
	}
}
