package prometheus

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// answers is a fake that has series for some expressions and none for others.
func answers(t *testing.T, of map[string][]string) *Client {
	c, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		says(matrix(of[r.Form.Get("query")]...))(w, r)
	})
	return c
}

func stream(labels string) string {
	return fmt.Sprintf(`{"metric":{%s},"values":[[%d,"1"],[%d,"2"]]}`, labels, from.Unix(), from.Unix()+60)
}

func TestGraph(t *testing.T) {
	c := answers(t, map[string][]string{
		"up":            {stream(`"__name__":"up","instance":"a","job":"node"`), stream(`"__name__":"up","instance":"b","job":"node"`)},
		"x_bytes":       {stream(`"instance":"a"`)},
		"0.1 * y_bytes": {stream(`"instance":"a"`), stream(`"instance":"b"`)},
		"absent(gone)":  {stream(``)},
		"p":             {stream(`"a":"1","b":"x"`), stream(`"a":"2"`)},
	})
	for _, k := range []struct{ expr, want string }{
		{"up == 0", "up: a, b* ==0"},
		{"x_bytes < 0.1 * y_bytes", "x_bytes < 0.1 * y_bytes [bytes]: x_bytes, limit a, limit b"},
		{"absent(gone)", "absent(gone): "},
		{"p > 1", "p: 1 · x, 2 · no b >1"},
		{"up == 0 and p > 1", "up: a, b* ==0; p: 1 · x, 2 · no b >1"},
		{"up == 0 or nothing > 1", "up: a, b* ==0; nothing: - >1"},
	} {
		g, err := c.Graph(t.Context(), Request{Title: "T", Expr: k.expr, Start: from, End: to, Since: from,
			Firing: []bot.Labels{{"alertname": "T", "instance": "b", "job": "node"}}})
		if err != nil {
			t.Errorf("%s: %v", k.expr, err)
			continue
		}
		var panels []string
		for _, p := range g.Panels {
			var s strings.Builder
			s.WriteString(p.Expr)
			if p.Unit != "" {
				s.WriteString(" [" + p.Unit + "]")
			}
			var lines []string
			for _, l := range p.Series {
				n := l.Name
				if l.Firing && n != "" && !l.Limit {
					n += "*"
				}
				lines = append(lines, n)
			}
			if lines == nil {
				lines = []string{"-"}
			}
			s.WriteString(": " + strings.Join(lines, ", "))
			for _, th := range p.Thresholds {
				s.WriteString(fmt.Sprintf(" %s%v", th.Op, th.Value))
			}
			panels = append(panels, s.String())
		}
		if got := strings.Join(panels, "; "); got != k.want {
			t.Errorf("%s\n  got  %s\n  want %s", k.expr, got, k.want)
		}
		if g.Title != "T" || !g.Since.Equal(from) || g.Step <= 0 || g.Note != "" {
			t.Errorf("%s: %+v", k.expr, g)
		}
	}
	if _, err := c.Graph(t.Context(), Request{Expr: "nothing > 1", Start: from, End: to}); !errors.Is(err, ErrNoSeries) {
		t.Error(err)
	}
	g, err := c.Graph(t.Context(), Request{Expr: "up > 1 and p > 1 and x_bytes > 1 and q > 1 and r > 1", Start: from, End: to})
	if err != nil || len(g.Panels) != maxParts || g.Note != "2 of 5 conditions are not drawn." {
		t.Error(g.Note, err)
	}
}

func TestForAlerts(t *testing.T) {
	now := to
	gen := func(expr string) string { return "http://h/graph?g0.expr=" + url.QueryEscape(expr) }
	alert := func(ago time.Duration, expr string, resolved bool) bot.Alert {
		return bot.Alert{Labels: bot.Labels{"alertname": "Down", "instance": ago.String()}, StartsAt: now.Add(-ago), GeneratorURL: gen(expr), Resolved: resolved}
	}
	for name, c := range map[string]struct {
		alerts []bot.Alert
		span   time.Duration // shown
		since  time.Duration // ago
		firing int
		err    error
	}{
		"fresh":         {[]bot.Alert{alert(time.Hour, "up == 0", false)}, 6 * time.Hour, time.Hour, 1, nil},
		"the first":     {[]bot.Alert{alert(time.Hour, "up", false), alert(2*time.Hour, "up", false)}, 6 * time.Hour, 2 * time.Hour, 2, nil},
		"older":         {[]bot.Alert{alert(9*time.Hour, "up", false)}, 12 * time.Hour, 9 * time.Hour, 1, nil},
		"very old":      {[]bot.Alert{alert(900*time.Hour, "up", false)}, 6 * time.Hour, 900 * time.Hour, 1, nil},
		"over":          {[]bot.Alert{alert(2*time.Hour, "up", true), alert(time.Hour, "up", true)}, 6 * time.Hour, time.Hour, 0, nil},
		"no expression": {[]bot.Alert{{GeneratorURL: "x"}}, 0, 0, 0, ErrNoExpression},
		"the second":    {[]bot.Alert{{Labels: bot.Labels{}}, alert(time.Hour, "up", false)}, 6 * time.Hour, time.Hour, 2, nil},
		"nothing":       {nil, 0, 0, 0, ErrNoExpression},
	} {
		r, err := ForAlerts(c.alerts, 0, now)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if r.End.Sub(r.Start) != c.span || now.Sub(r.Since) != c.since || len(r.Firing) != c.firing || r.Title != "Down" {
			t.Errorf("%s: %v long, began %v ago, %d firing, %q", name, r.End.Sub(r.Start), now.Sub(r.Since), len(r.Firing), r.Title)
		}
	}
}
