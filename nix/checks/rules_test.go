package checks

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"watchstander/bot/bottest/real"
)

// ruleOf is one rule of a file, an alert or a record.
type ruleOf struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// rulesOf reads a file of rules.
func rulesOf(t *testing.T, name, text string) (all []ruleOf) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []ruleOf `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no rule", name)
	}
	return all
}

// ruleFiles are the texts of ../alerts, and of what modules make for the example host, by
// name.
func ruleFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(root, "alerts", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no files of rules (%v)", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".yaml")] = string(text)
	}
	for name, text := range evaluate[map[string]string](t, "monitoring.rules") {
		if name = strings.TrimSuffix(name, ".rules.yaml"); files[name] == "" {
			files[name] = text
		}
	}
	return files
}

// promtool runs it, and gives what it says.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), real.Require(t, "promtool"), args...).CombinedOutput()
	return string(out), err
}

// TestRulesAreRead: Prometheus' own tool takes every file, also those that modules make.
func TestRulesAreRead(t *testing.T) {
	dir := t.TempDir()
	args := []string{"check", "rules"}
	for name, text := range ruleFiles(t) {
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := promtool(t, args...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestRulesFire: each file's own tests, by Prometheus' own tool.
func TestRulesFire(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "alerts", "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests of rules (%v)", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			t.Parallel()
			if out, err := promtool(t, "test", "rules", path); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestRulesTestsCanFail: a rule that is changed no longer passes its test, and a rule whose
// condition never holds neither.
func TestRulesTestsCanFail(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "alerts", "postgresql.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(filepath.Join(root, "alerts", "tests", "postgresql.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for old, changed := range map[string]string{"pg_up == 0": "pg_up == 2", "> 0.8": "> 0.08", "severity: critical": "severity: warning", "PostgreSQL on": "Postgres on"} {
		dir := t.TempDir()
		mutant := strings.Replace(string(text), old, changed, 1)
		if mutant == string(text) {
			t.Fatalf("%q is not in the file", old)
		}
		if err := os.WriteFile(filepath.Join(dir, "mutant.yaml"), []byte(mutant), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "test.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(string(tests), "../postgresql.yaml", "mutant.yaml", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := promtool(t, "test", "rules", path); err == nil {
			t.Errorf("with %q for %q the tests pass:\n%s", changed, old, out)
		}
	}
}

// triedBy counts the cases of a file of tests in which an alert fires, and does not.
func triedBy(t *testing.T, path string) (fires, quiet map[string]int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			Input  []any `yaml:"input_series"`
			Alerts []struct {
				Name string `yaml:"alertname"`
				Exp  []struct {
					Annotations map[string]string `yaml:"exp_annotations"`
				} `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	fires, quiet = map[string]int{}, map[string]int{}
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			switch {
			case len(a.Exp) > 0 && a.Exp[0].Annotations["summary"] != "":
				fires[a.Name]++
			case len(a.Exp) == 0 && len(test.Input) > 0: // of nothing at all none fires
				quiet[a.Name]++
			}
		}
	}
	return fires, quiet
}

var runbookURL = regexp.MustCompile(`^@runbooks@/([a-z0-9-]+)\.md$`)

// faultsOfAlert are what an alert lacks of the form of ours.
func faultsOfAlert(r ruleOf) (faults []string) {
	severities := []string{"critical", "warning", "info"}
	if r.Alert == "Watchdog" {
		severities = []string{"none"} // it is none of the alerts that people are told
	}
	if !slices.Contains(severities, r.Labels["severity"]) {
		faults = append(faults, fmt.Sprintf("its severity is %q", r.Labels["severity"]))
	}
	if r.Annotations["summary"] == "" {
		faults = append(faults, "it has no summary")
	}
	if !strings.Contains(r.Annotations["description"], "$value") {
		faults = append(faults, "its description does not tell the value")
	}
	m := runbookURL.FindStringSubmatch(r.Annotations["runbook_url"])
	if m == nil {
		return append(faults, fmt.Sprintf("its runbook is %q", r.Annotations["runbook_url"]))
	}
	text, err := os.ReadFile(filepath.Join(root, "..", "docs", "runbooks", m[1]+".md"))
	if err != nil {
		return append(faults, err.Error())
	}
	// The bot finds it by the alert's name.
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Alerts: ") && strings.Contains(line, "`"+r.Alert+"`") {
			return faults
		}
	}
	return append(faults, m[1]+".md does not name it in its line of alerts")
}

// TestAlertsForm: every alert says how bad it is, what is wrong, by how much, and what to
// do; it has been tried firing and not firing; and no two have one name.
func TestAlertsForm(t *testing.T) {
	seen := map[string]string{}
	for name, text := range ruleFiles(t) {
		var fires, quiet map[string]int
		for _, r := range rulesOf(t, name, text) {
			if r.Alert == "" {
				continue
			}
			if other := seen[r.Alert]; other != "" {
				t.Errorf("%s is in %s and in %s", r.Alert, other, name)
			}
			seen[r.Alert] = name
			for _, f := range faultsOfAlert(r) {
				t.Errorf("%s: %s: %s", name, r.Alert, f)
			}
			if fires == nil {
				fires, quiet = triedBy(t, filepath.Join(root, "alerts", "tests", name+".yaml"))
			}
			if fires[r.Alert] == 0 {
				t.Errorf("%s: no test has %s fire, with its annotations", name, r.Alert)
			}
			if quiet[r.Alert] == 0 && r.Alert != "Watchdog" { // which always fires
				t.Errorf("%s: no test has %s not fire", name, r.Alert)
			}
		}
	}
	spoilt := ruleOf{Alert: "PostgresqlDown", Labels: map[string]string{"severity": "bad"}, Annotations: map[string]string{"description": "down", "runbook_url": "@runbooks@/no-such.md"}}
	if got := faultsOfAlert(spoilt); len(got) != 4 {
		t.Errorf("of an alert without form it tells %q", got)
	}
}

// TestRulesAskForWhatThereIs: every metric that a rule names is one that an exporter really
// published, or that a rule of ours records, with the labels' values that it asks for.
func TestRulesAskForWhatThereIs(t *testing.T) {
	known, more := recordedFigures(t), added(t)
	files := ruleFiles(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, r := range rulesOf(t, name, files[name]) {
			// Which units are minor is a host's own; that they have this label is asked here.
			expr := strings.ReplaceAll(r.Expr, "@minor-units@", "nginx[.]service")
			for _, f := range faultsOfExpr(expr, known, more) {
				t.Errorf("%s: %s%s: %s", name, r.Alert, r.Record, f)
			}
		}
	}
	// Faults that others have made are told.
	for text, want := range map[string]string{
		`node_systemd_unit_state{state="failed"} == 1`:                "nobody publishes node_systemd_unit_state",
		`systemd_unit_state{state="broken"} == 1`:                     "systemd_unit_state has no state=",
		`increase(node_vmstat_oom_kills[5m]) > 0`:                     "nobody publishes node_vmstat_oom_kills",
		`up{job="nodes"} == 0`:                                        "no target has job=",
		`systemd_unit_state{state=~"failing|broken"} == 1`:            "systemd_unit_state has no state=~",
		`slo:error_ratio:rate5min > 0`:                                "nobody publishes slo:error_ratio:rate5min",
		`up == 0 unless on (instance) node_filesystem_free_space > 1`: "nobody publishes node_filesystem_free_space",
	} {
		if got := faultsOfExpr(text, known, more); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("of %s it tells %q, not %q", text, got, want)
		}
	}
}

// TestNodeIsRecordedAsItRuns: the recording has no collector that the module leaves out.
func TestNodeIsRecordedAsItRuns(t *testing.T) {
	text, err := os.ReadFile("recorded/node.prom")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "node_systemd_") || !strings.Contains(string(text), "node_processes_") {
		t.Error("node.prom was recorded with other collectors than those of modules/exporters.nix")
	}
}

// TestServiceLevels: what the module makes of a level, with the alerts on it, from probes to
// the page: 1 of 10 probes fails for two hours, which is a hundred times the budget of 99.9 %.
func TestServiceLevels(t *testing.T) {
	dir := t.TempDir()
	levels, ok := ruleFiles(t)["slo-levels"]
	if !ok {
		t.Fatal("the example host has no service levels")
	}
	alerts, err := os.ReadFile(filepath.Join(root, "alerts", "slo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"levels.yaml": levels, "slo.yaml": string(alerts), "test.yaml": `
rule_files: [levels.yaml, slo.yaml]
evaluation_interval: 1m
group_eval_order: [slo-database, slo-step-ca, slo-web, slo]
tests:
  - interval: 1m
    input_series:
      - {series: 'probe_success{probe="web",instance="vulcan",job="probe-web",target="https://grafana.example.org/api/health"}', values: '1x239 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1 0 1 1 1'}
      - {series: 'pg_up{instance="vulcan",job="postgres"}', values: '1x300'}
      - {series: 'probe_success{probe="step-ca",instance="vulcan",job="probe-step-ca",target="https://ca.vulcan.lan:8443/health"}', values: '1x300'}
    promql_expr_test:
      - {expr: 'slo:objective:ratio{slo="web"}', eval_time: 5h, exp_samples: [{labels: 'slo:objective:ratio{slo="web",instance="vulcan"}', value: 0.995}]}
      - {expr: 'slo:error_ratio:rate1d{slo="database"}', eval_time: 5h, exp_samples: [{labels: 'slo:error_ratio:rate1d{slo="database",instance="vulcan"}', value: 0}]}
      - {expr: 'slo:budget_left:ratio30d{slo="database"}', eval_time: 4h, exp_samples: [{labels: 'slo:budget_left:ratio30d{slo="database",instance="vulcan"}', value: 1}]}
      - {expr: 'ALERTS{slo!="web"}', eval_time: 4h59m, exp_samples: []}
      - {expr: 'count(ALERTS{slo="web",alertname="SloBurnsIn1h",alertstate="firing",severity="critical"})', eval_time: 4h59m, exp_samples: [{value: 1}]}
      - {expr: 'ALERTS{slo="web"}', eval_time: 3h, exp_samples: []}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := promtool(t, "test", "rules", filepath.Join(dir, "test.yaml")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
