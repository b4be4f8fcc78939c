package grafana_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/integrations/grafana"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a Grafana as its documentation has it (the addresses stand in the package's
// doc): what is asked without a session or a token gets 401, what the token lacks a
// permission for 403.
type fake struct {
	database   string // "" for "ok"
	token      string // that it takes; "" lets anybody see dashboards (anonymous access)
	admin      bool   // the token may read and query data sources
	dashboards []string
	sources    []string          // names; the uid is the name with "uid-" before it
	health     map[string]string // name to "status|message", or a number
	hang       string            // a path that does not answer until the asker leaves
	asked      atomic.Int32
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	if r.Method != http.MethodGet {
		answer(405, map[string]string{"message": "read only, please"})
		return
	}
	if f.hang != "" && strings.HasPrefix(r.URL.Path, f.hang) {
		<-r.Context().Done()
		return
	}
	if r.URL.Path == "/api/health" {
		if f.database != "" {
			answer(503, map[string]string{"database": f.database, "version": "12.1.1", "commit": "df5de8219b41d1e639e003bf5f3a85913761d167"})
			return
		}
		answer(200, map[string]string{"database": "ok", "version": "12.1.1", "commit": "df5de8219b41d1e639e003bf5f3a85913761d167"})
		return
	}
	known := f.token != "" && r.Header.Get("Authorization") == "Bearer "+f.token
	if r.Header.Get("Authorization") != "" && !known {
		answer(401, map[string]string{"message": "Invalid API key"})
		return
	}
	switch {
	case r.URL.Path == "/api/search":
		if f.token != "" && !known {
			answer(401, map[string]string{"message": "Unauthorized"})
			return
		}
		out := []map[string]any{{"id": 1, "uid": "folder", "title": "General", "type": "dash-folder"}}
		for i, uid := range f.dashboards {
			out = append(out, map[string]any{"id": i + 2, "uid": uid, "title": "A dashboard", "uri": "db/a", "url": "/d/" + uid, "type": "dash-db", "tags": []string{}, "isStarred": false})
		}
		answer(200, out)
	case !known:
		answer(401, map[string]string{"message": "Unauthorized"})
	case !f.admin:
		answer(403, map[string]string{"accessErrorId": "ACE0577385389", "message": "You'll need additional permissions to perform this action. Permissions needed: datasources:read"})
	case r.URL.Path == "/api/datasources":
		out := []map[string]any{}
		for i, name := range f.sources {
			out = append(out, map[string]any{"id": i + 1, "uid": "uid-" + name, "name": name, "type": "prometheus", "url": "http://admin:hunter2@127.0.0.1:9090"})
		}
		answer(200, out)
	default:
		name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/datasources/uid/uid-"), "/health")
		status, message, _ := strings.Cut(f.health[name], "|")
		switch {
		case !ok || status == "404":
			answer(404, map[string]string{"message": "Not found"})
		case status == "ERROR":
			answer(400, map[string]string{"status": status, "message": message})
		default:
			answer(200, map[string]string{"status": status, "message": message})
		}
	}
}

func read(t *testing.T, p *grafana.Probe) string {
	t.Helper()
	var b strings.Builder
	for _, r := range p.Read(t.Context()) {
		if r.At.IsZero() || r.Source == "" {
			t.Errorf("without a time or a source: %+v", r)
		}
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", r.What, r.State, r.Value, r.Note)
	}
	p.Close()
	return b.String()
}

func TestProbe(t *testing.T) {
	const up = "grafana | ok | answers, version 12.1.1, database ok | \n"
	works := map[string]string{"Prometheus": "OK|Successfully queried the Prometheus API.", "Loki": "OK|", "Alertmanager": "OK|"}
	token := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	for _, c := range []struct {
		name string
		f    *fake
		o    grafana.Options
		want string
	}{
		{"all is well", &fake{token: "glsa_1", admin: true, dashboards: []string{"node", "zfs", "ups"}, sources: []string{"Prometheus", "Loki"}, health: works},
			grafana.Options{Token: token("glsa_1\n"), Dashboards: []string{"zfs", "node"}, AtLeast: 3}, up +
				"grafana dashboards | ok | 3 found, 2 of 2 expected | \ngrafana data sources | ok | 2 of 2 work | \n"},
		{"dashboards are missing", &fake{token: "glsa_1", admin: true, dashboards: []string{"node"}, sources: []string{"Loki"}, health: works},
			grafana.Options{Token: token("glsa_1"), Dashboards: []string{"zfs", "node", "ups"}, AtLeast: 3}, up +
				"grafana dashboards | not ok | 1 found, 1 of 3 expected | missing: zfs, ups (gone, or not for this token to see); there should be at least 3\n" +
				"grafana data sources | ok | 1 of 1 work | \n"},
		{"sources do not work", &fake{token: "glsa_1", admin: true, dashboards: []string{"node"}, sources: []string{"Prometheus", "Loki", "PostgreSQL", "CSV", "Odd"},
			health: map[string]string{"Prometheus": `ERROR|Post "http://127.0.0.1:9090/api/v1/query": dial tcp 127.0.0.1:9090: connect: connection refused`,
				"PostgreSQL": "ERROR|cannot log in as postgres://grafana:hunter2@db", "CSV": "404", "Odd": "UNKNOWN|", "Loki": "OK|"}},
			grafana.Options{Token: token("glsa_1")}, up + "grafana dashboards | ok | 1 found | \n" +
				"grafana data sources | not ok | 1 of 5 work | does not work: PostgreSQL, Prometheus (connection refused); not known of: CSV (its kind has no check), Odd (it says neither OK nor ERROR)\n"},
		{"without a token", &fake{token: "glsa_1", dashboards: []string{"node"}}, grafana.Options{Dashboards: []string{"node"}}, up +
			"grafana dashboards | unknown |  | Grafana tells this with a token alone: grafana.token_file in the configuration names one\n" +
			"grafana data sources | unknown |  | Grafana tells this with a token alone: grafana.token_file in the configuration names one\n"},
		{"open to everybody", &fake{dashboards: []string{"node"}}, grafana.Options{Dashboards: []string{"node", "zfs"}}, up +
			"grafana dashboards | not ok | 1 found, 1 of 2 expected | missing: zfs (gone, or not to be seen without a token)\n" +
			"grafana data sources | unknown |  | Grafana tells this with a token alone: grafana.token_file in the configuration names one\n"},
		{"a viewer's token", &fake{token: "glsa_1", dashboards: []string{"node"}}, grafana.Options{Token: token("glsa_1")}, up +
			"grafana dashboards | ok | 1 found | \ngrafana data sources | unknown |  | the token may not do that (403)\n"},
		{"a token of yesterday", &fake{token: "glsa_2", admin: true}, grafana.Options{Token: token("glsa_1")}, up +
			"grafana dashboards | unknown |  | it knows nobody by that token (401)\ngrafana data sources | unknown |  | it knows nobody by that token (401)\n"},
		{"nothing in it", &fake{token: "glsa_1", admin: true}, grafana.Options{Token: token("glsa_1")}, up +
			"grafana dashboards | unknown | none found | whether there should be some is not configured (grafana.dashboards)\n" +
			"grafana data sources | unknown | none | it has none, or none that this token may see\n"},
		{"its database is away", &fake{database: "failing"}, grafana.Options{},
			"grafana | not ok | answers | its database: failing\n" + unasked},
		{"the token's file is gone", &fake{}, grafana.Options{Token: func() (string, error) { return "", errors.New("hunter2") }},
			"grafana | unknown |  | the token's file cannot be read, or is not one line\n" + unasked},
		{"the token is two lines", &fake{}, grafana.Options{Token: token("glsa_1\r\nX-Evil: 1")},
			"grafana | unknown |  | the token's file cannot be read, or is not one line\n" + unasked},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.f)
			defer s.Close()
			c.o.URL = s.URL
			got := read(t, grafana.New(c.o))
			if got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, "glsa_") {
				t.Error("a secret is told")
			}
		})
	}
}

const unasked = "grafana dashboards | unknown |  | Grafana itself does not answer as it should\n" +
	"grafana data sources | unknown |  | Grafana itself does not answer as it should\n"

// What answers at the address may be anything.
func TestStrangeServers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome to nginx!</html>") }, "unknown |  | what answers there is no Grafana"},
		{"other JSON", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) }, "unknown |  | what answers there is no Grafana"},
		{"nothing behind the proxy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "not ok | answers | it answers 502: it, or what stands before it, is in trouble"},
		{"not found", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "unknown |  | it answers 404"},
		{"a login before it", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/oauth2/start", http.StatusFound) }, "unknown |  | it redirects elsewhere; configure the address that answers itself"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for range 9 << 10 {
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		}, "unknown |  | its answer is larger than I read"},
		{"it hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "not ok | no answer | no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			o := grafana.Options{URL: s.URL, Timeout: 20 * time.Second}
			if c.name == "it hangs" {
				o.Timeout = 300 * time.Millisecond
			}
			got := read(t, grafana.New(o))
			if want := "grafana | " + c.want + "\n" + unasked; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if got := read(t, grafana.New(grafana.Options{URL: s.URL})); got != "grafana | not ok | no answer | connection refused\n"+unasked {
		t.Error(got)
	}
}

// One data source that hangs is unknown, and the others are told.
func TestSourceHangs(t *testing.T) {
	f := &fake{token: "glsa_1", admin: true, dashboards: []string{"node"}, sources: []string{"Loki", "Slow"}, health: map[string]string{"Loki": "OK|"}, hang: "/api/datasources/uid/uid-Slow"}
	s := httptest.NewServer(f)
	defer s.Close()
	got := read(t, grafana.New(grafana.Options{URL: s.URL, Timeout: 300 * time.Millisecond, Token: func() (string, error) { return "glsa_1", nil }}))
	if !strings.HasSuffix(got, "grafana data sources | unknown | 1 of 2 work | not known of: Slow (no answer in time)\n") {
		t.Error(got)
	}
}

// Of very many data sources some are asked, and that is said.
func TestManySources(t *testing.T) {
	f := &fake{token: "glsa_1", admin: true, health: map[string]string{}}
	for i := range 60 {
		name := fmt.Sprintf("s%02d", i)
		f.sources, f.health[name] = append(f.sources, name), "OK|"
	}
	s := httptest.NewServer(f)
	defer s.Close()
	p := grafana.New(grafana.Options{URL: s.URL, Token: func() (string, error) { return "glsa_1", nil }})
	got := read(t, p)
	if !strings.HasSuffix(got, "grafana data sources | unknown | 50 of 60 work | 10 more are not asked\n") {
		t.Error(got)
	}
	if n := f.asked.Load(); n != 53 {
		t.Errorf("%d questions", n)
	}
	if r := p.Server(t.Context()); r.State != bot.OK || r.At.IsZero() {
		t.Errorf("%+v", r)
	}
	p.Close()
}
