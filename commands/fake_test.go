package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"watchstander/bot"
)

// Wed 14 Jan 2026, 15:00 in Berlin.
var noon = time.Date(2026, 1, 14, 14, 0, 0, 0, time.UTC)

var (
	operator = bot.Person{ID: "alice", Roles: []bot.Role{bot.RoleOperator}}
	observer = bot.Person{ID: "oscar"}
	admin    = bot.Person{ID: "root", Roles: []bot.Role{bot.RoleAdmin}}
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// fakeWorld finds threads by a beginning of their id, as flow does.
type fakeWorld struct {
	zone       *time.Location
	threads    []bot.ThreadFacts
	found      []bot.ThreadFacts
	words      string
	limit      int
	silences   map[string][]bot.Silence
	managers   []string
	mute       map[string]error
	covered    int
	coveredErr error
	probes     []bot.Probe
	health     []bot.Reading
	expr       string // the last of exprs
	exprs      []string
	span       time.Duration
	graphErr   error
	untold     int
	openErr    error
	plansErr   error
	// looks are the agent's answers, by the look's name; asked is what was asked.
	looks   map[string]any
	lookErr error
	asked   []string
	plans   []bot.Thread
	agents  []string
	slip    string
	query   bot.JournalQuery
	journal []bot.JournalLine
	lists   []bot.ScheduleFacts
	// incidents as they stand.
	incidents bot.IncidentFacts
	hosts     []string
	open      []bot.Thread // maintenances
	windows   map[string][]bot.NextWindow
	// noise answers Noise, over since.
	noise    bot.NoiseFacts
	noiseErr error
	since    time.Time
	scores   func(month time.Time) ([]bot.Score, error)
}

func (w *fakeWorld) Hosts() []string { return w.hosts }

// MaintenanceScope leaves Watchdog out, and knows hosts by their names.
func (w *fakeWorld) MaintenanceScope(host string, given []bot.Matcher) ([]bot.Matcher, error) {
	out := slices.Clone(given)
	if host != "" {
		out = append(out, bot.Matcher{Name: "instance", Op: "=~", Value: host + ".*"})
	}
	return append(out, bot.Matcher{Name: "alertname", Op: "!=", Value: "Watchdog"}), nil
}

func (w *fakeWorld) Maintenances(_ context.Context, from, to time.Time) ([]bot.Thread, error) {
	return slices.Clone(w.open), nil
}

func (w *fakeWorld) Windows(_ context.Context, host string) ([]bot.NextWindow, error) {
	if next, known := w.windows[host]; known {
		return next, nil
	}
	return nil, bot.Errorf(bot.CodeUnavailable, "The agent of %s does not answer.", host)
}

func (w *fakeWorld) Noise(_ context.Context, since time.Time) (bot.NoiseFacts, error) {
	w.since = since
	return w.noise, w.noiseErr
}

func (w *fakeWorld) Scorecard(_ context.Context, month time.Time) ([]bot.Score, error) {
	return w.scores(month)
}

// scores are a month in which a root login was seen, and the one before, of which
// nothing is known.
func scores(month time.Time) ([]bot.Score, error) {
	from := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, month.Location())
	ssh := bot.Metric{ID: "ssh", Name: "SSH Security", Plan: "Zero successful root login attempts", Target: "0", How: "Each look counts.", Source: "the reading"}
	busy := bot.Metric{ID: "utilisation", Name: "Resource Utilization", Plan: "<70% baseline CPU/memory usage", Target: "below 70 %", How: "The highest.", Source: "Prometheus"}
	if month.Month() == time.December {
		return []bot.Score{{Metric: ssh, From: from, State: bot.Unknown, Note: "nobody measured it"}, {Metric: busy, From: from, State: bot.Unknown}}, nil
	}
	return []bot.Score{{Metric: ssh, From: from, State: bot.NotOK, Value: "at least 1", Note: "1 from 192.0.2.9 on 3 Jan"}, {Metric: busy, From: from, State: bot.OK, Value: "cpu 12.0 % at most"}}, nil
}

func (w *fakeWorld) Incidents(context.Context) (bot.IncidentFacts, error) { return w.incidents, nil }

func (w *fakeWorld) Schedules(context.Context) ([]bot.ScheduleFacts, error) { return w.lists, nil }

func (w *fakeWorld) Person(called string) (bot.Person, bool) {
	id := bot.PersonID(strings.ToLower(strings.TrimPrefix(called, "@")))
	for _, p := range []bot.Person{operator, observer, admin, {ID: "bob", Roles: []bot.Role{bot.RoleAdmin}}} {
		if p.ID == id {
			return p, true
		}
	}
	return bot.Person{}, false
}

func (w *fakeWorld) Plan(_ context.Context, id bot.PlanID) (bot.Thread, error) {
	for _, th := range w.plans {
		if strings.HasPrefix(string(th.State.Plan.Proposal.Plan.ID), string(id)) {
			return th, nil
		}
	}
	return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "There is no plan `%s`.", id)
}

func (w *fakeWorld) Journal(_ context.Context, q bot.JournalQuery) ([]bot.JournalLine, error) {
	w.query = q
	if q.Words == "changed" {
		return []bot.JournalLine{{Seq: 9, Text: bot.NotAsWritten, Broken: true}, {Seq: 8, At: noon, Kind: "end", Text: "done", Hash: "5a5a"}}, nil
	}
	if w.journal != nil {
		out := slices.DeleteFunc(slices.Clone(w.journal), func(l bot.JournalLine) bool {
			return q.Kind != l.Kind && !l.Broken || q.Host != "" && q.Host != l.Host
		})
		return out[:min(len(out), q.Most)], nil
	}
	return []bot.JournalLine{{Seq: 8, At: noon, Kind: "end", Host: "vulcan", Subject: "pln_K7QF2M", Text: "done", Hash: "5a5a"},
		{Seq: 7, At: noon.Add(-time.Hour), Kind: "request", By: "alice", Text: "alice asked for nixos.rollback", Hash: "3b3b"}}, nil
}

func (w *fakeWorld) Plans(context.Context) ([]bot.Thread, error) { return w.plans, w.plansErr }

func (w *fakeWorld) Slip(_ context.Context, plan bot.PlanID, by bot.PersonID, v bot.Verdict, _ string) (string, error) {
	return w.slip + string(plan) + string(by) + string(v), nil
}

func newWorld(t testing.TB) *fakeWorld {
	return &fakeWorld{zone: zone(t, "Europe/Berlin"), managers: []string{"main", "lab"}, mute: map[string]error{}, silences: map[string][]bot.Silence{}, looks: allLooks(),
		plans:  []bot.Thread{planThread("pln_K7QF2M", bot.Confirming)},
		lists:  checklists(),
		scores: scores,
		hosts:  []string{"vulcan"},
		open:   []bot.Thread{maintenanceThread("thr_MAINT222", "vulcan")},
		probes: []bot.Probe{reads("agent vulcan", reading("vulcan", "pool rpool", "ONLINE", bot.OK), reading("vulcan", "backup b2", "newest snapshot 6 h ago", bot.OK))}}
}

// quietWorld measures nothing, and no plan waits in it.
func quietWorld(t testing.TB) *fakeWorld {
	w := newWorld(t)
	w.plans, w.probes = nil, nil
	return w
}

// allLooks are what vulcan's agent answers.
func allLooks() map[string]any {
	out := nixosLooks()
	maps.Copy(out, zfsLooks())
	maps.Copy(out, unitLooks())
	maps.Copy(out, backupLooks())
	return out
}

func (w *fakeWorld) Zone() *time.Location    { return w.zone }
func (w *fakeWorld) Commands() []bot.Command { return All() }

func (w *fakeWorld) Thread(_ context.Context, id bot.ThreadID) (bot.ThreadFacts, error) {
	var found []bot.ThreadFacts
	for _, f := range w.threads {
		if f.Thread.ID == id {
			return f, nil
		}
		if strings.HasPrefix(string(f.Thread.ID), "thr_"+strings.ToUpper(strings.TrimPrefix(string(id), "thr_"))) {
			found = append(found, f)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return bot.ThreadFacts{}, bot.Errorf(bot.CodeNotFound, "There is no thread %s.", id)
}

func (w *fakeWorld) Untold() int { return w.untold }

func (w *fakeWorld) OpenThreads(context.Context) ([]bot.ThreadFacts, error) {
	var open []bot.ThreadFacts
	for _, f := range w.threads {
		if f.Thread.Open() {
			open = append(open, f)
		}
	}
	return open, w.openErr
}

func (w *fakeWorld) FindThreads(_ context.Context, words string, limit int) ([]bot.ThreadFacts, error) {
	w.words, w.limit = words, limit
	return w.found[:min(limit, len(w.found))], nil
}

func (w *fakeWorld) Silences(_ context.Context, am string) ([]bot.Silence, error) {
	return w.silences[am], w.mute[am]
}

func (w *fakeWorld) Covered(context.Context, string, []bot.Matcher) (int, error) {
	return w.covered, w.coveredErr
}

func (w *fakeWorld) Agents() []string        { return w.agents }
func (w *fakeWorld) Alertmanagers() []string { return w.managers }
func (w *fakeWorld) Probes() []bot.Probe     { return w.probes }

func (w *fakeWorld) Graph(_ context.Context, expr string, span time.Duration) (bot.Picture, error) {
	w.expr, w.span = expr, span
	w.exprs = append(w.exprs, expr)
	return bot.Picture{Name: "graph.png", Alt: "up: 1"}, w.graphErr
}

// Look answers as an agent does, over JSON.
func (w *fakeWorld) Look(_ context.Context, host, look string, args bot.Arguments) (json.RawMessage, error) {
	asked := strings.TrimSpace(host + " " + look)
	for _, name := range slices.Sorted(maps.Keys(args)) {
		asked += " " + name + "=" + strings.Join(args[name], ",")
	}
	w.asked = append(w.asked, asked)
	answer, ok := w.looks[look]
	switch {
	case w.lookErr != nil:
		return nil, w.lookErr
	case !ok:
		return nil, bot.Errorf(bot.CodeNotFound, "There is no look %s.", look)
	}
	return json.Marshal(answer)
}

func (w *fakeWorld) Health(context.Context) []bot.Reading { return w.health }

// disk is a group of three alerts; number 3 is over.
func disk() bot.ThreadFacts {
	episode := func(n int, instance string) bot.Episode {
		return bot.Episode{ID: bot.EpisodeID(fmt.Sprintf("epi_%d", n)), Number: n, Severity: bot.SeverityCritical, StartsAt: noon.Add(-2 * time.Hour),
			Labels: bot.Labels{"alertname": "DiskFull", "instance": instance, "job": "node"}}
	}
	over := episode(3, "juno")
	over.Resolved, over.EndsAt = true, noon.Add(-time.Hour)
	return bot.ThreadFacts{
		Thread: bot.Thread{ID: "thr_DISKAAAABBBBCCCCDDDDEEEE22", Kind: bot.ThreadAlert, Severity: bot.SeverityCritical, OpenedAt: noon.Add(-2 * time.Hour),
			State: bot.ThreadState{Alert: &bot.AlertState{Alertmanager: "main", GroupLabels: bot.Labels{"alertname": "DiskFull", "job": "node"},
				Ack: &bot.Ack{By: "bob", At: noon}}}},
		Counts:   bot.EpisodeCounts{Firing: 2, Resolved: 1, Since: noon.Add(-2 * time.Hour)},
		Episodes: []bot.Episode{episode(1, "vulcan"), episode(2, "mars"), over},
	}
}

const diskID = bot.ThreadID("thr_DISKAAAABBBBCCCCDDDDEEEE22")

// load is a group that is held back by one silence.
func load() bot.ThreadFacts {
	return bot.ThreadFacts{
		Thread: bot.Thread{ID: "thr_LOADAAAABBBBCCCCDDDDEEEE33", Kind: bot.ThreadAlert, Severity: bot.SeverityWarning, OpenedAt: noon.Add(-time.Hour),
			State: bot.ThreadState{Alert: &bot.AlertState{Alertmanager: "lab", GroupLabels: bot.Labels{"alertname": "LoadHigh"}}}},
		Counts: bot.EpisodeCounts{Silenced: 1, Since: noon.Add(-time.Hour)},
		Episodes: []bot.Episode{{ID: "epi_9", Number: 1, Severity: bot.SeverityWarning, StartsAt: noon.Add(-time.Hour), SilencedBy: []string{silenceA},
			Labels: bot.Labels{"alertname": "LoadHigh", "instance": "vulcan"}}},
		Silences: []bot.Silence{silenceOf(silenceA, "active")},
	}
}

const (
	loadID   = bot.ThreadID("thr_LOADAAAABBBBCCCCDDDDEEEE33")
	silenceA = "5d3f9a00-0000-4000-8000-000000000001"
	silenceB = "5d3f9abb-0000-4000-8000-000000000002"
)

func silenceOf(id, state string) bot.Silence {
	return bot.Silence{ID: id, State: state, CreatedBy: "bob", Comment: "load test [eff_XYZ]", StartsAt: noon.Add(-time.Hour), EndsAt: noon.Add(3 * time.Hour),
		Matchers: []bot.Matcher{{Name: "alertname", Op: "=", Value: "LoadHigh"}}}
}

// What flow asks of us, said here since we may not import it.
var _ interface {
	Meant(line string, addressed bool) bool
	Interpret(ctx context.Context, line string, call bot.Call) (bot.Outcome, error)
	Stops(line string, inThread bool) (word string, plan bot.PlanID, ok bool)
	Commands() []bot.Command
} = (*Interpreter)(nil)

var _ bot.World = (*fakeWorld)(nil)

// ask says a line in a thread ("" for outside) at noon.
func ask(t testing.TB, w *fakeWorld, who bot.Person, thread bot.ThreadID, line string) (bot.Outcome, error) {
	t.Helper()
	return New(All()).Interpret(t.Context(), line, bot.Call{By: who, Room: "ops", Thread: thread, At: noon.Add(-time.Second), Now: noon, World: w})
}

// said is the plain text of an answer.
func said(t testing.TB, out bot.Outcome, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := out.(bot.Say)
	if !ok {
		t.Fatalf("%#v is no answer", out)
	}
	return plain(s.Message)
}

func plain(m bot.Message) string {
	var b strings.Builder
	fmt.Fprintln(&b, m.Title)
	for _, x := range m.Blocks {
		switch x := x.(type) {
		case bot.Para:
			fmt.Fprintln(&b, x.Text)
		case bot.Fields:
			for _, f := range x.Fields {
				fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
			}
		case bot.List:
			for _, i := range x.Items {
				fmt.Fprintf(&b, "- %s\n", i)
			}
		case bot.Picture:
			fmt.Fprintf(&b, "[%s]\n", x.Alt)
		}
	}
	if len(m.Note) > 0 {
		fmt.Fprintf(&b, "(%s)\n", m.Note)
	}
	return b.String()
}

func wantError(t testing.TB, err error, code bot.Code, message string) {
	t.Helper()
	e, ok := err.(*bot.Error) //nolint:errorlint // the very type is promised
	if !ok {
		t.Fatalf("%T %v is no *bot.Error", err, err)
	}
	if e.Code != code || e.Message != message {
		t.Errorf("got  %s %s\nwant %s %s", e.Code, e.Message, code, message)
	}
}

func mustContain(t testing.TB, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%q is missing in:\n%s", p, got)
		}
	}
}

// planThread is a plan's thread, of which alice asked and somebody must agree.
func planThread(id bot.PlanID, state bot.ProposalState) bot.Thread {
	p := bot.Proposal{State: state, ShownAt: noon, Digest: strings.Repeat("5", 64), Plan: bot.Plan{ID: id, Host: "vulcan", Operation: "nixos.rollback", Requester: "alice",
		NotAfter: noon.Add(2 * time.Hour), Rule: bot.Rule{Approvers: []bot.Role{"approver"}, Count: 2, ApproveWithin: 1800, StepUp: []bot.StepUp{bot.StepSSH}}, Draft: bot.Draft{Summary: "roll vulcan back from generation 42 to 41"}}}
	return bot.Thread{ID: "thr_PLAN2222", Kind: bot.ThreadPlan, State: bot.ThreadState{Plan: &bot.PlanState{Host: "vulcan", Proposal: p, Rendered: "THE PLAN"}}}
}
