package checks

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is what Grafana knows, as far as something can be wrong with it.
type dashboard struct {
	UID           string   `json:"uid"`
	ID            *int     `json:"id"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      bool     `json:"editable"`
	Tags          []string `json:"tags"`
	Panels        []panel  `json:"panels"`
	Annotations   struct {
		List []struct {
			BuiltIn int    `json:"builtIn"`
			Expr    string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type variable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Definition string          `json:"definition"`
	Query      json.RawMessage `json:"query"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Datasource  source `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	Targets     []target `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit     string `json:"unit"`
			Decimals *int   `json:"decimals"`
			NoValue  string `json:"noValue"`
			Mappings []any  `json:"mappings"`
			Max      *float64
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

type target struct {
	RefID      string `json:"refId"`
	Expr       string `json:"expr"`
	Datasource source `json:"datasource"`
}

// core are Grafana's own panels that we use; others would be plug-ins that nobody installs.
var core = []string{"row", "stat", "timeseries", "bargauge", "state-timeline", "table", "text", "logs"}

func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	found := map[string]dashboard{}
	for _, path := range filesOf(t, "dashboards", ".json") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		found[strings.TrimSuffix(filepath.Base(path), ".json")] = d
	}
	if len(found) == 0 {
		t.Fatal("there is no dashboard")
	}
	return found
}

// TestDashboardsForm: keys are sorted and indented, so that a change of one panel is a
// change of a few lines. What was exported from Grafana is brought into the form by
//
//	go test ./nix/checks -run TestDashboardsForm -update
func TestDashboardsForm(t *testing.T) {
	for _, path := range filesOf(t, "dashboards", ".json") {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		in := json.NewDecoder(bytes.NewReader(got))
		in.UseNumber()
		if err := in.Decode(&v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var want bytes.Buffer
		out := json.NewEncoder(&want)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if err := out.Encode(v); err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Equal(got, want.Bytes()):
		case *update:
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is not in its form: %s", path, firstDifference(got, want.Bytes()))
		}
	}
}

func TestDashboards(t *testing.T) {
	uids, titles := map[string]string{}, map[string]string{}
	for name, d := range readDashboards(t) {
		t.Run(name, func(t *testing.T) {
			if d.UID != "ws-"+name {
				t.Errorf("its uid is %q: links to it want ws-%s", d.UID, name)
			}
			if other, ok := uids[d.UID]; ok {
				t.Errorf("%s has the same uid", other)
			}
			if other, ok := titles[d.Title]; ok {
				t.Errorf("%s has the same title", other)
			}
			uids[d.UID], titles[d.Title] = name, name
			if d.ID != nil || d.Editable || d.SchemaVersion < 39 || d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "watchstander") {
				t.Errorf("id %v, editable %v, schema %d, title %q, description %q, tags %q", d.ID, d.Editable, d.SchemaVersion, d.Title, d.Description, d.Tags)
			}
			checkPanels(t, d)
		})
	}
}

func checkPanels(t *testing.T, d dashboard) {
	var sources []string
	for _, v := range d.Templating.List {
		if v.Type == "datasource" {
			sources = append(sources, "${"+v.Name+"}")
		}
	}
	ids := map[int]bool{}
	var cells [200][24]string
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%q: its id, %d, is 0 or another's too", p.Title, p.ID)
		}
		ids[p.ID] = true
		if !slices.Contains(core, p.Type) || p.Title == "" {
			t.Errorf("panel %d %q is of the type %q", p.ID, p.Title, p.Type)
		}
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 || g.Y+g.H > len(cells) {
			t.Errorf("%q does not fit the grid: %+v", p.Title, g)
			continue
		}
		for y := g.Y; y < g.Y+g.H; y++ {
			for x := g.X; x < g.X+g.W; x++ {
				if cells[y][x] != "" {
					t.Fatalf("%q lies over %q", p.Title, cells[y][x])
				}
				cells[y][x] = p.Title
			}
		}
		if p.Type == "row" || p.Type == "text" {
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("%q asks nothing", p.Title)
		}
		def := p.FieldConfig.Defaults
		if def.NoValue == "" {
			t.Errorf("%q does not say what it shows when there is nothing", p.Title)
		}
		if p.Type != "logs" && p.Type != "table" && def.Unit == "" && def.Decimals == nil && len(def.Mappings) == 0 {
			t.Errorf("%q has no unit", p.Title)
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if refs[q.RefID] || q.Expr == "" || q.Datasource != p.Datasource || !slices.Contains(sources, q.Datasource.UID) {
				t.Errorf("%q: query %q (%q) of %+v, where the panel's source is %+v", p.Title, q.RefID, q.Expr, q.Datasource, p.Datasource)
			}
			refs[q.RefID] = true
		}
	}
}

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
	known := published(t)
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
			has, ok := known[v.Name]
			if !ok {
				t.Errorf("%s: nobody publishes %s", where, v.Name)
			}
			for _, m := range v.LabelMatchers {
				if ok && has != nil && m.Name != labels.MetricName && !has[m.Name] && !slices.Contains(ofScrapes, m.Name) {
					t.Errorf("%s: %s has no label %s", where, v.Name, m.Name)
				}
			}
			return nil
		})
	}
}

// ofScrapes are labels that Prometheus adds to what it scrapes.
var ofScrapes = []string{"instance", "job", "host"}

var sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? `)

var labelOfSample = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)

// published are all metrics that there are, with the labels that they were seen with: those
// that real exporters published (recorded/*.prom), and what our rules record, of which the
// labels are not known.
func published(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	for _, path := range filesOf(t, "checks/recorded", ".prom") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			m := sampleLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if found[m[1]] == nil {
				found[m[1]] = map[string]bool{}
			}
			for _, l := range labelOfSample.FindAllStringSubmatch(m[2], -1) {
				found[m[1]][l[1]] = true
			}
		}
	}
	for _, path := range filesOf(t, "alerts", ".yaml") {
		if filepath.Base(filepath.Dir(path)) != "alerts" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct {
					Record string `yaml:"record"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					found[r.Record] = nil
				}
			}
		}
	}
	return found
}
