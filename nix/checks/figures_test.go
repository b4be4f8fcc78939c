package checks

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// figures are what there is: of each metric the label sets that were recorded, or nil for
// what rules of ours record.
type figures map[string][]labels.Labels

var recordedLine = regexp.MustCompile(`^([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+\S+(?:\s+\d+)?\s*$`)

// recordedFigures reads recorded/*.prom, and the names of recording rules.
func recordedFigures(t *testing.T) figures {
	t.Helper()
	known := figures{}
	paths, err := filepath.Glob("recorded/*.prom")
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is recorded (%v)", err)
	}
	p := parser.NewParser(parser.Options{})
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
				continue
			}
			m := recordedLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: no sample: %s", path, line)
			}
			set, err := p.ParseMetric(m[1])
			if err != nil {
				t.Fatalf("%s: %v: %s", path, err, line)
			}
			known[set.Get(model.MetricNameLabel)] = append(known[set.Get(model.MetricNameLabel)], set)
		}
	}
	for name, text := range ruleFiles(t) {
		for _, r := range rulesOf(t, name, text) {
			if r.Record != "" {
				known[r.Record] = nil
			}
		}
	}
	return known
}

// added are labels that Prometheus adds to what it scrapes, as the modules tell it; with the
// values that rules may ask for.
func added(t *testing.T) map[string][]string {
	t.Helper()
	values := map[string][]string{"instance": nil, "probe": nil, "target": nil, "certificate": {"short"}}
	for _, s := range evaluate[struct {
		Jobs []struct {
			Name string `json:"job_name"`
		} `json:"scrape_configs"`
	}](t, "monitoring.prometheus").Jobs {
		values["job"] = append(values["job"], s.Name)
	}
	return values
}

// faultsOfExpr are what an expression asks for that nobody publishes: a rule on it would be
// silent for ever.
func faultsOfExpr(text string, known figures, more map[string][]string) (faults []string) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return []string{err.Error()}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		v, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		sets, ok := known[v.Name]
		if !ok {
			faults = append(faults, "nobody publishes "+v.Name)
			return nil
		}
		for _, m := range v.LabelMatchers {
			if m.Name == model.MetricNameLabel || sets == nil || m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp {
				continue
			}
			if values, ok := more[m.Name]; ok {
				if values != nil && !slices.ContainsFunc(values, m.Matches) {
					faults = append(faults, fmt.Sprintf("no target has %s", m))
				}
			} else if !slices.ContainsFunc(sets, func(s labels.Labels) bool { return m.Matches(s.Get(m.Name)) }) {
				faults = append(faults, fmt.Sprintf("%s has no %s", v.Name, m))
			}
		}
		return nil
	})
	return faults
}
