package checks

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
	Legend     string `json:"legendFormat"`
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
