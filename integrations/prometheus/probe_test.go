package prometheus

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// server is a fake of the API as far as the probe asks it.
type server struct {
	targets, rules string
	// has are the metrics that have a sample now, had those that had one within the hour.
	has, had []string
	clock    time.Time
	broken   string // a path that fails
	asked    []string
}

var namesAsked = regexp.MustCompile(`__name__=~"([^"]*)"`)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body) + "&" + r.URL.RawQuery)
	if r.URL.Path == s.broken {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch q := form.Get("query"); r.URL.Path {
	case "/api/v1/targets":
		fmt.Fprintf(w, `{"status":"success","data":{"activeTargets":[%s],"droppedTargets":[]}}`, s.targets)
	case "/api/v1/rules":
		fmt.Fprintf(w, `{"status":"success","data":{"groups":[%s]}}`, s.rules)
	case "/api/v1/query":
		if q == "time()" {
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%d,"%d"]}}`, s.clock.Unix(), s.clock.Unix())
			return
		}
		s.asked = append(s.asked, q)
		there := s.has
		if strings.Contains(q, "last_over_time") {
			there = s.had
		}
		pattern := regexp.MustCompile("^(?:" + strings.ReplaceAll(namesAsked.FindStringSubmatch(q)[1], `\\`, `\`) + ")$")
		var out []string
		for _, n := range there {
			if pattern.MatchString(n) {
				out = append(out, fmt.Sprintf(`{"metric":{"__name__":%q},"value":[1,"1"]}`, n))
			}
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(out, ","))
	}
}

func target(job, instance, health, err string) string {
	b, _ := json.Marshal(map[string]any{"labels": map[string]string{"job": job, "instance": instance}, "health": health, "lastError": err})
	return string(b)
}

func alerting(name, query, health, err string, at time.Time) string {
	b, _ := json.Marshal(map[string]any{"type": "alerting", "name": name, "query": query, "health": health, "lastError": err, "lastEvaluation": at, "state": "inactive"})
	return string(b)
}

func group(seconds int, rules ...string) string {
	return fmt.Sprintf(`{"name":"g","file":"f","interval":%d,"rules":[%s]}`, seconds, strings.Join(rules, ","))
}

func (s *server) read(t *testing.T) []string {
	t.Helper()
	c, _ := fake(t, s.ServeHTTP)
	p := c.Probe()
	p.now = func() time.Time { return to }
	var out []string
	for _, r := range p.Read(t.Context()) {
		if r.At != to || r.Source == "" || r.State != bot.OK && r.Note == "" {
			t.Errorf("%+v", r)
		}
		out = append(out, inWords(r))
	}
	return out
}

func TestProbe(t *testing.T) {
	well := alerting("Up", "up == 0", "ok", "", to.Add(-20*time.Second))
	for _, c := range []struct {
		name string
		s    server
		want []string
	}{
		{"all is well", server{targets: target("node", "a:9100", "up", ""), rules: group(15, well), has: []string{"up"}},
			[]string{"ok | prometheus targets | 1 of 1 up |  | 0", "ok | prometheus rules | 1 rule in 1 group, all evaluated in time |  | 0", "ok | rules without series | 0 of 1 alerting rule |  | 0"}},
		{"nothing is there", server{},
			[]string{"unknown | prometheus targets | none | it has no targets; whether it should have some is not known here | 0",
				"unknown | prometheus rules | none | it has no rules; whether it should have some is not known here | 0",
				"unknown | rules without series | no alerting rules | it has none; whether it should have some is not known here | 0"}},
		{"down, and not asked yet", server{targets: strings.Join([]string{target("node", "a:9100", "up", ""), target("node", "b:9100", "unknown", ""),
			target("zfs", "c:9134", "down", `Get "http://c:9134/metrics?token=hunter2": context deadline exceeded`), target("app", "d:80", "down", "server returned HTTP status 500")}, ","), rules: group(15, well), has: []string{"up"}},
			[]string{"not ok | prometheus targets | 1 of 4 up | down: app d:80 (server returned HTTP status 500), zfs c:9134 (context deadline exceeded); 1 target was not asked yet | 2", "ok | prometheus rules", "ok | rules"}},
		{"not asked yet", server{targets: target("node", "b:9100", "unknown", ""), rules: group(15, alerting("Up", "up == 0", "unknown", "", time.Time{})), has: []string{"up"}},
			[]string{"unknown | prometheus targets | 0 of 1 up | 1 target was not asked yet | 0", "unknown | prometheus rules | 1 rule in 1 group | 1 rule was never evaluated so far | 0", "ok | rules"}},
		{"an address is not shown", server{targets: target("node", "b:9100", "down", `parse "http://b/?token=hunter2"`)},
			[]string{"not ok | prometheus targets | 0 of 1 up | down: node b:9100 | 1", "", ""}},
		{"late and failing", server{rules: group(15, alerting("Late", "up == 0", "ok", "", to.Add(-46*time.Second)), alerting("Bad", "up == 0", "err", "many-to-many\nmatching", to)) + "," +
			group(60, alerting("Slow", "up == 0", "ok", "", to.Add(-179*time.Second))), has: []string{"up"}},
			[]string{"", "not ok | prometheus rules | 3 rules in 2 groups | failing: Bad (many-to-many matching); not evaluated in time: Late (46 s ago, every 15 s) | 2", ""}},
		{"without series", server{rules: group(15, alerting("Typo", "node_systmd > 0", "ok", "", to), alerting("Quiet", "rare_total > 0", "ok", "", to), alerting("Dots", `{"a.b"} > 0`, "ok", "", to), alerting("NotRead", "up ==", "ok", "", to)),
			has: []string{"up", "axb"}, had: []string{"up", "rare_total"}},
			[]string{"", "", "not ok | rules without series | 2 of 4 alerting rules | these cannot fire, for what they name has no series: Dots (a.b), Typo (node_systmd); 1 expression could not be read here | 2"}},
		{"targets cannot be had", server{broken: "/api/v1/targets", rules: group(15, well), has: []string{"up"}},
			[]string{"unknown | prometheus targets |  | ", "ok | prometheus rules", "ok | rules"}},
		{"more than is read", server{targets: target("node", strings.Repeat("a", 1<<20), "up", "")},
			[]string{"unknown | prometheus targets |  | its answer is larger than I read | 0", "", ""}},
		{"rules cannot be had", server{broken: "/api/v1/rules", targets: target("node", "a:9100", "up", "")},
			[]string{"ok | prometheus targets", "unknown | prometheus rules |  | ", "unknown | rules without series |  | "}},
		{"queries fail", server{broken: "/api/v1/query", rules: group(15, well)},
			[]string{"", "unknown | prometheus rules |  | ", "unknown | rules without series |  | "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.clock = to
			got := c.s.read(t)
			for i, want := range c.want {
				if !strings.HasPrefix(got[i], want) || strings.Contains(got[i], "hunter2") {
					t.Errorf("got\n%s\nwant\n%s", got[i], want)
				}
			}
		})
	}
}

func TestAlertRunbooks(t *testing.T) {
	linked := func(name, link string) string {
		b, _ := json.Marshal(map[string]any{"type": "alerting", "name": name, "query": "up == 0", "health": "ok", "lastEvaluation": to, "state": "inactive", "annotations": map[string]string{"runbook_url": link}})
		return string(b)
	}
	ours := func(name string) bool { return name == "disk-full" || name == "WatchdogMissing" }
	for _, c := range []struct {
		name, rules, want string
		known             func(string) bool
	}{
		{"none", "", "unknown | alert runbooks | no alerting rules | it has none; whether it should have some is not known here | 0", ours},
		{"all", group(15, linked("Disk", "https://wiki.example.org/runbooks/disk-full.md"), alerting("WatchdogMissing", "up == 0", "ok", "", to)), "ok | alert runbooks | 2 of 2 alerts with one |  | 0", ours},
		{"elsewhere", group(15, linked("Disk", "https://wiki.example.org/runbooks/disk-full"), linked("Fan", "https://wiki.example.org/{{ $labels.job }}?token=hunter2")),
			"ok | alert runbooks | 2 of 2 alerts with one, 2 of them elsewhere, not followed |  | 0", nil},
		{"without", group(15, linked("Empty", ""), linked("Words", "see the wiki"), linked("Strange", "javascript:alert(1)"), linked("Root", "/runbooks/disk-full"), linked("Broken", "https://%zz"),
			linked("Twice", "https://wiki.example.org/disk-full"), linked("Twice", ""), linked("Disk", "https://wiki.example.org/disk-full")),
			"not ok | alert runbooks | 1 of 7 alerts with one | without one: Broken, Empty, Root, Strange, Twice and 1 more | 6", ours},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server{clock: to, rules: c.rules, has: []string{"up"}}
			client, _ := fake(t, s.ServeHTTP)
			p := client.Probe()
			p.Runbook = c.known
			if got := inWords(p.Read(t.Context())[3]); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	s := server{clock: to, broken: "/api/v1/rules"}
	if got := s.read(t); len(got) != 4 || !strings.HasPrefix(got[3], "unknown | alert runbooks |  | ") {
		t.Error(got)
	}
}

// Few questions are asked, however many rules there are.
func TestSeriesAreAskedForInLots(t *testing.T) {
	s := server{clock: to}
	var rules []string
	for i := range 533 {
		rules = append(rules, alerting(fmt.Sprintf("A%03d", i), fmt.Sprintf("metric_%d > other_%d", i, i%7), "ok", "", to))
		s.has = append(s.has, fmt.Sprintf("metric_%d", i))
	}
	s.rules = group(15, rules...)
	if got := s.read(t)[2]; !strings.HasPrefix(got, "not ok | rules without series | 533 of 533 alerting rules | these cannot fire, for what they name has no series: A000 (other_0), A001 (other_1), A002 (other_2), A003 (other_3), A004 (other_4) and 528 more | 533") {
		t.Error(got)
	}
	if len(s.asked) != 7 {
		t.Errorf("%d questions", len(s.asked))
	}
}

// Which expressions can give something while the metric `gone` is missing.
func TestFires(t *testing.T) {
	for expr, want := range map[string]bool{
		`here > 1`:                                    true,
		`gone > 1`:                                    false,
		`{__name__="gone"} > 1`:                       false,
		`{__name__=~"gone|here"} > 1`:                 true,
		`rate(gone[5m]) > 1`:                          false,
		`max_over_time((gone > 1)[5m:1m])`:            false,
		`absent(gone)`:                                true,
		`absent_over_time(gone[1h]) and on() here`:    true,
		`absent(gone) and on() gone`:                  false,
		`gone or here`:                                true,
		`gone or gone`:                                false,
		`here unless gone`:                            true,
		`gone unless here`:                            false,
		`here / gone > 1`:                             false,
		`here > scalar(gone)`:                         false,
		`-(here) > 1 and (gone)`:                      false,
		`sum by (job) (gone) == 0`:                    false,
		`topk(3, here)`:                               true,
		`vector(1) > 0`:                               true,
		`time() - gone > 5`:                           false,
		`label_replace(gone, "a", "b", "c", "d") > 1`: false,
		`histogram_quantile(0.9, rate(here_bucket[5m])) > 1`: true,
		`ALERTS{alertstate="firing"} > 0`:                    true,
		`here @ end() > 1`:                                   true,
	} {
		e, err := promql.ParseExpr(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if got := fires(e, map[string]bool{"gone": true}); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
	e, _ := promql.ParseExpr(`absent(a) or (b unless c) and d > e{x="y"}`)
	if got := strings.Join(needs(e), " "); got != "b d e" {
		t.Error(got)
	}
}
