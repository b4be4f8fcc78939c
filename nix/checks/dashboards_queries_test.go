package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"watchstander/bot/bottest/real"
)

// variables are what Grafana puts in the place of its own words, and of a dashboard's.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "1h", "$__auto", "1m")

var chosen = regexp.MustCompile(`\$[a-z]+\b|\$\{[a-z]+\}`)

// asked are the queries of all dashboards on one kind of source, by where they stand.
func asked(t *testing.T, kind string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name, d := range readDashboards(t) {
		known := map[string]string{}
		for _, v := range d.Templating.List {
			value := ".*"
			if v.Type == "custom" {
				var values string
				if err := json.Unmarshal(v.Query, &values); err != nil {
					t.Errorf("%s: variable %s: %v", name, v.Name, err)
				}
				value, _, _ = strings.Cut(values, ",")
			}
			known["$"+v.Name], known["${"+v.Name+"}"] = value, value
		}
		put := func(where, expr string) {
			found[where] = chosen.ReplaceAllStringFunc(variables.Replace(expr), func(v string) string {
				value, ok := known[v]
				if !ok {
					t.Errorf("%s: %s is no variable of the dashboard: %s", where, v, expr)
				}
				return value
			})
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.Datasource.Type == kind {
					put(name+": "+p.Title+" "+q.RefID, q.Expr)
				}
			}
		}
		if kind != "prometheus" {
			continue
		}
		for _, a := range d.Annotations.List {
			if a.BuiltIn == 0 {
				put(name+": annotation", a.Expr)
			}
		}
		for _, v := range d.Templating.List {
			if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
				put(name+": variable "+v.Name, "count by ("+m[2]+") ("+m[1]+")")
			} else if v.Type == "query" && v.Definition != "" {
				t.Errorf("%s: variable %s is not understood: %s", name, v.Name, v.Definition)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no dashboard asks %s anything", kind)
	}
	return found
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// TestDashboardsQueries: each is PromQL, and asks for metrics and labels that there are.
func TestDashboardsQueries(t *testing.T) {
	known := recordedFigures(t)
	queries := asked(t, "prometheus")
	p := parser.NewParser(parser.Options{})
	for _, where := range slices.Sorted(maps.Keys(queries)) {
		expr, err := p.ParseExpr(queries[where])
		if err != nil {
			t.Errorf("%s: %v\n%s", where, err, queries[where])
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			v, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			sets, ok := known[v.Name]
			if !ok {
				t.Errorf("%s: nobody publishes %s", where, v.Name)
			}
			for _, m := range v.LabelMatchers {
				has := func(set labels.Labels) bool { return set.Has(m.Name) }
				if sets != nil && m.Name != model.MetricNameLabel && !slices.ContainsFunc(sets, has) && !slices.Contains(ofScrapes, m.Name) {
					t.Errorf("%s: %s has no label %s", where, v.Name, m.Name)
				}
			}
			return nil
		})
	}
}

// ofScrapes are labels that Prometheus adds to what it scrapes.
var ofScrapes = []string{"instance", "job", "host", "probe"}

// TestDashboardsAnswers has a real Prometheus scrape what was recorded, and asks it all that
// the dashboards ask: what only fails when there are series (two on one side of a division)
// is seen here, and so is what can never find any.
func TestDashboardsAnswers(t *testing.T) {
	files := filesOf(t, "checks/recorded", ".prom")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		http.ServeFile(w, r, filepath.Join(root, "checks", "recorded", filepath.Base(r.URL.Path)))
	}))
	defer server.Close()
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"
	jobs := map[string]bool{}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".prom")
		// node-zfs is node's too.
		job, _, _ := strings.Cut(name, "-")
		jobs[job] = true
		more := ""
		if job == "blackbox" { // as watchstander.blackbox scrapes it
			more = ", probe: " + name + ", target: https://vulcan.lan/"
		}
		config += fmt.Sprintf("  - {job_name: %s, metrics_path: /%[1]s.prom, honor_labels: true, static_configs: [{targets: [%q], labels: {instance: vulcan, job: %s%s}}]}\n",
			name, strings.TrimPrefix(server.URL, "http://"), job, more)
	}
	// The host's own rules, so that what they record is there.
	dir := t.TempDir()
	for i, text := range evaluate[[]string](t, "rules") {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules := "groups:\n  - name: sample\n    rules: [{alert: Watchdog, expr: vector(1), labels: {severity: none}}]\n"
	config = strings.Replace(config, "rules.yml", "rules.yml, "+dir+"/*.yaml", 1)
	prom := real.StartPrometheus(t, real.PrometheusOptions{Config: config, Rules: rules})
	real.Eventually(t, time.Minute, "everything was scraped thrice", func() error {
		if n := len(prom.Query(t, "count_over_time(scrape_samples_scraped[1m]) >= 3")); n < len(jobs) {
			return fmt.Errorf("%d of %d", n, len(jobs))
		}
		return nil
	})
	queries, legends := asked(t, "prometheus"), legends(t)
	for _, where := range slices.Sorted(maps.Keys(queries)) {
		q := queries[where]
		answer, err := get(t, prom.URL+"/api/v1/query?"+url.Values{"query": {q}}.Encode())
		if err != nil {
			t.Errorf("%s: %v\n%s", where, err, q)
			continue
		}
		// What compares finds what is wrong; a host's readings and levels are its own.
		if strings.Contains(string(answer), `"result":[]`) && !compares.MatchString(q) && !strings.Contains(q, "watchstander_reading") && !strings.Contains(q, "slo:") {
			t.Errorf("%s finds nothing in what was recorded: %s", where, q)
		}
		// A legend with a label that no series has shows nothing in its place.
		for _, label := range legends[where] {
			if !strings.Contains(string(answer), `"result":[]`) && !strings.Contains(string(answer), `"`+label+`":"`) {
				t.Errorf("%s: no series has the %s of its legend: %s", where, label, q)
			}
		}
	}
}

var inLegend = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)

// legends are the labels in the legends of all queries, by where these stand.
func legends(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for name, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, m := range inLegend.FindAllStringSubmatch(q.Legend, -1) {
					where := name + ": " + p.Title + " " + q.RefID
					found[where] = append(found[where], m[1])
				}
			}
		}
	}
	return found
}

var compares = regexp.MustCompile(`[=!<>]= |[<>] `)

// TestDashboardsReadings: each reading that is asked for is one that the bot's agent has, by
// the names of docs/plan.md.
func TestDashboardsReadings(t *testing.T) {
	plan, err := os.ReadFile(filepath.Join(root, "..", "docs", "plan.md"))
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(plan), -1) {
		for name := range strings.SplitSeq(strings.ReplaceAll(m[1], `\|`, "|"), "|") {
			known = append(known, strings.ReplaceAll(name, "*", "sample"))
		}
	}
	p := parser.NewParser(parser.Options{})
	n := 0
	for where, q := range asked(t, "prometheus") {
		expr, err := p.ParseExpr(q)
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			v, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			for _, m := range v.LabelMatchers {
				if m.Name != "reading" {
					continue
				}
				for _, one := range alternatives(m.Value) {
					n++
					re := regexp.MustCompile("^(?:" + one + ")$")
					if m.Type == labels.MatchEqual {
						re = regexp.MustCompile("^" + regexp.QuoteMeta(one) + "$")
					}
					if !slices.ContainsFunc(known, re.MatchString) {
						t.Errorf("%s: no reading is called %s", where, one)
					}
				}
			}
			return nil
		})
	}
	if n == 0 {
		t.Error("no reading is asked for")
	}
}

// alternatives are those of a regular expression that stand outside of brackets.
func alternatives(re string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range re {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out, from = append(out, re[from:i]), i+1
		}
	}
	return append(out, re[from:])
}
