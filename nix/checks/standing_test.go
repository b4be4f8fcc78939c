package checks

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	amlabels "github.com/prometheus/alertmanager/pkg/labels"
)

// labelsTried are, of each alert, the labels with which it fires in the tests of rules, by
// their names. Prometheus' own tool has compared them.
func labelsTried(t *testing.T) map[string][]map[string]string {
	t.Helper()
	tried := map[string][]map[string]string{}
	for _, path := range filesOf(t, filepath.Join("alerts", "tests"), ".yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Tests []struct {
				Alerts []struct {
					Name string `yaml:"alertname"`
					Exp  []struct {
						Labels map[string]string `yaml:"exp_labels"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, test := range file.Tests {
			for _, a := range test.Alerts {
				for _, e := range a.Exp {
					tried[a.Name] = append(tried[a.Name], e.Labels)
				}
			}
		}
	}
	return tried
}

// approval is a standing approval, as the agent's settings have it.
type approval struct {
	Name      string              `json:"name"`
	Operation string              `json:"operation"`
	Arguments map[string][]string `json:"arguments"`
	When      []string            `json:"when"`
	Evidence  string              `json:"evidence"`
}

// faultsOfApproval are why an approval would never be used: its alert is nobody's, or never
// has the labels that it asks for, or speaks of another unit.
func faultsOfApproval(a approval, alerts map[string]ruleOf, tried map[string][]map[string]string) (faults []string) {
	var name string
	var others []*amlabels.Matcher
	for _, text := range a.When {
		m, err := amlabels.ParseMatcher(text)
		switch {
		case err != nil:
			return append(faults, err.Error())
		case m.Name == "alertname" && m.Type == amlabels.MatchEqual:
			name = m.Value
		default:
			others = append(others, m)
		}
	}
	rule, ok := alerts[name]
	if !ok {
		return append(faults, "no rule raises "+name)
	}
	for _, m := range others {
		fixed, ok := rule.Labels[m.Name]
		switch {
		case ok && !m.Matches(fixed):
			faults = append(faults, name+" never has "+m.String())
		case !ok && !slices.ContainsFunc(tried[name], func(l map[string]string) bool { return l[m.Name] != "" }):
			faults = append(faults, name+" has no label "+m.Name)
		}
		if unit := a.Arguments["unit"]; m.Name == "name" && (len(unit) != 1 || !m.Matches(unit[0])) {
			faults = append(faults, name+" of another unit: "+m.String())
		}
	}
	if a.Operation == "service.restart" && len(others) == 0 {
		faults = append(faults, name+" of whichever unit")
	}
	// A look finds a unit that runs fine, and then nothing is done: a probe of what it
	// serves can fail for ever.
	if a.Operation == "service.restart" && a.Evidence == "unit "+a.Arguments["unit"][0] && !slices.Contains([]string{"UnitFailed", "UnitFlapping"}, name) {
		faults = append(faults, name+" says nothing of how the unit itself is")
	}
	return faults
}

// TestStandingApprovalsWaitForWhatThereIs: each alert that the example host's agent may act
// on is raised by a rule, with the labels that are asked for.
func TestStandingApprovalsWaitForWhatThereIs(t *testing.T) {
	alerts := map[string]ruleOf{}
	for name, text := range ruleFiles(t) {
		for _, r := range rulesOf(t, name, text) {
			if r.Alert != "" {
				alerts[r.Alert] = r
			}
		}
	}
	tried := labelsTried(t)
	operations := map[string]int{}
	for _, a := range evaluate[[]approval](t, "monitoring.standing") {
		operations[a.Operation]++
		for _, f := range faultsOfApproval(a, alerts, tried) {
			t.Errorf("%s: %s", a.Name, f)
		}
	}
	if operations["service.restart"] != 3 || operations["backup.verify"] != 2 {
		t.Errorf("there are %v", operations)
	}
	// Faults that were made are told.
	restart := func(when ...string) approval {
		return approval{Operation: "service.restart", Arguments: map[string][]string{"unit": {"a.service"}}, When: when, Evidence: "unit a.service"}
	}
	for want, a := range map[string]approval{
		"no rule raises BlackboxProbeFailed":                  restart(`alertname="BlackboxProbeFailed"`, `service="a"`),
		"UnitFailed has no label service":                     restart(`alertname="UnitFailed"`, `service="a"`),
		"UnitFailed never has severity=\"info\"":              restart(`alertname="UnitFailed"`, `name="a.service"`, `severity="info"`),
		"UnitFailed of another unit: name=\"b.service\"":      restart(`alertname="UnitFailed"`, `name="b.service"`),
		"UnitFailed of whichever unit":                        restart(`alertname="UnitFailed"`),
		"ProbeFailing says nothing of how the unit itself is": restart(`alertname="ProbeFailing"`, `probe="a"`),
	} {
		if got := faultsOfApproval(a, alerts, tried); len(got) != 1 || got[0] != want {
			t.Errorf("of %q it tells %q, not %q", a.When, got, want)
		}
	}
}

// TestInhibitionsAreOfWhatThereIs: the alerts that an inhibition names are raised, and have
// the labels that must be equal: an empty one is equal to an empty one, of whichever thing.
func TestInhibitionsAreOfWhatThereIs(t *testing.T) {
	tried := labelsTried(t)
	c := evaluate[struct {
		Inhibit []struct {
			Source []string `json:"source_matchers"`
			Target []string `json:"target_matchers"`
			Equal  []string `json:"equal"`
		} `json:"inhibit_rules"`
	}](t, "monitoring.alertmanager")
	for _, rule := range c.Inhibit {
		for _, side := range [][]string{rule.Source, rule.Target} {
			found := 0
			for _, text := range side {
				m, err := amlabels.ParseMatcher(text)
				if err != nil {
					t.Fatal(err)
				}
				if m.Name != "alertname" {
					continue
				}
				for _, name := range slices.Sorted(maps.Keys(tried)) {
					if !m.Matches(name) {
						continue
					}
					found++
					for _, l := range tried[name] {
						for _, label := range rule.Equal {
							if l[label] == "" {
								t.Errorf("%s is compared by %s, which it has not: %v", name, label, l)
							}
						}
					}
				}
			}
			if found == 0 {
				t.Errorf("no alert is %q", side)
			}
		}
	}
}
