package schedules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
	"watchstander/bot/phrase"
	"watchstander/bot/scorecard"
	"watchstander/schedules"
)

// planned are the parts of the plan that are work which comes round, with their tasks
// in the plan's own words.
var planned = []struct {
	list, part string
	tasks      []string
}{
	{"daily", "Daily operations", []string{"Monitor Prometheus dashboards", "Review security alerts", "Check backup completion", "Validate service health"}},
	{"weekly", "Weekly tasks", []string{"Review performance metrics", "Check for security updates", "Validate backup integrity", "Update documentation"}},
	{"monthly", "Monthly tasks", []string{"Full backup restore test", "Security audit review", "Performance optimization review", "Capacity planning update"}},
	{"quarterly", "Quarterly tasks", []string{"Disaster recovery drill", "Security assessment", "Architecture review", "Documentation audit"}},
	{"incident", "Incident response", []string{"Incident response automation"}},
	{"drill", "The disaster recovery drill, step by step", []string{"Disaster recovery drill"}},
	{"validation", "Validation criteria", []string{"All services start successfully", "No security warnings in logs", "Performance metrics within acceptable range", "All health checks passing", "Backup operations successful"}},
}

// TestPlanIsCovered: each task of the plan is an item, or several, of its own list, and
// no item says it is from a task that the plan has not.
func TestPlanIsCovered(t *testing.T) {
	if n := len(schedules.Builtin()); n != len(planned) {
		t.Errorf("%d checklists, %d parts of the plan", n, len(planned))
	}
	for _, part := range planned {
		var told []string
		for _, x := range find(t, part.list).Items {
			if x.Plan != "" {
				told = append(told, x.Plan)
			}
		}
		for _, task := range part.tasks {
			if !slices.Contains(told, task) {
				t.Errorf("%s: nothing is from %q", part.list, task)
			}
		}
		for _, plan := range told {
			if !slices.Contains(part.tasks, plan) {
				t.Errorf("%s: the plan has no %q", part.list, plan)
			}
		}
	}
}

// table is one of docs/plan.md.
type table struct {
	title string
	intro string // a paragraph, may be ""
	head  []string
	rows  [][]string
}

func (x table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", x.title)
	if x.intro != "" {
		fmt.Fprintf(&b, "%s\n\n", x.intro)
	}
	row := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", "\\|"))
		}
		b.WriteString("|\n")
	}
	row(x.head)
	fmt.Fprintf(&b, "%s|\n", strings.Repeat("|---", len(x.head)))
	for _, r := range x.rows {
		row(r)
	}
	return b.String()
}

// tables are all of the file's, in order. What else of the plan is to be told of gets
// another function here.
func tables(t *testing.T) (out []table) {
	for _, part := range planned {
		out = append(out, checklistTable(part.part, part.tasks, find(t, part.list)))
	}
	return append(out, metricsTable())
}

// metricsTable tells of the plan's measures of success, and how each is counted.
func metricsTable() table {
	out := table{
		title: "Success metrics",
		intro: "`scorecard` tells what each comes to, this month so far and the last. An unknown is not a pass.",
		head:  []string{"the plan", "goal", "how it is counted", "where it is from"},
	}
	for _, m := range scorecard.Metrics() {
		out.rows = append(out.rows, []string{m.Name + ": " + m.Plan, m.Target, m.How, m.Source})
	}
	return out
}

// metrics are the plan's measures of success in its own words.
var metrics = []string{
	"SSH Security: Zero successful root login attempts",
	"fail2ban Effectiveness: >95% malicious attempt blocking rate",
	"Monitoring Coverage: 100% service failure detection",
	"Audit Compliance: All security events logged",
	"Backup Reliability: 100% successful restore tests",
	"Service Availability: Zero unplanned outages",
	"Resource Utilization: <70% baseline CPU/memory usage",
}

// TestMetricsAreCovered: each of the plan's measures of success is measured, and no other.
func TestMetricsAreCovered(t *testing.T) {
	var told []string
	for _, m := range scorecard.Metrics() {
		told = append(told, m.Name+": "+m.Plan)
	}
	if !slices.Equal(told, metrics) {
		t.Errorf("%q\nwant %q", told, metrics)
	}
}

// checklistTable tells of each task of a part, in the plan's order, and then of what
// stands on its checklist beside the plan.
func checklistTable(part string, tasks []string, c bot.Checklist) table {
	comes := "comes at `" + c.Cron + "`"
	switch {
	case c.Timed:
		comes = "is opened by hand (`incident open " + c.Name + " because …`), and worked through against the clock"
		if c.Name == "incident" {
			comes = "is opened by hand (`incident open NAME because …`, in an alert's thread without a name), and worked through against the clock"
		}
	case c.Cron == "":
		var after []string
		for _, k := range c.After {
			after = append(after, "a "+string(k))
		}
		comes = "comes after " + phrase.Or(after) + ", and is open for " + phrase.Duration(c.Lasts)
	}
	out := table{
		title: part,
		intro: fmt.Sprintf("The checklist `%s` %s.", c.Name, comes),
		head:  []string{"the plan", "item", "task", "what measures it", "why a person"},
	}
	for _, task := range append(slices.Clone(tasks), "") {
		for _, x := range c.Items {
			if x.Plan != task {
				continue
			}
			told := task
			if told == "" {
				told = "(beside the plan)"
			}
			out.rows = append(out.rows, []string{told, "`" + x.ID + "`", x.Task, evidence(x), x.Person})
		}
	}
	return out
}

func evidence(x bot.Item) string {
	names := func(all []string) string {
		quoted := make([]string, len(all))
		for i, n := range all {
			quoted[i] = "`" + n + "`"
		}
		return strings.Join(quoted, ", ")
	}
	switch {
	case len(x.Optional) == 0:
		return names(x.Evidence)
	case len(x.Evidence) == 0:
		return "where there is: " + names(x.Optional)
	}
	return names(x.Evidence) + "; where there is: " + names(x.Optional)
}

// TestPlanTable keeps docs/plan.md true; -update writes it anew.
func TestPlanTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# The plan, and where its work is

The plan that Watchstander was made for lists work that comes round. Each of its tasks is an item of a
built-in checklist, or several; this says which, by what readings the item ticks itself, and where
only a person can know, why. A reading with *where there is* counts on hosts that have it; without
the others the item stays unknown. The last table has the plan's measures of success.

A test makes this file from the checklists and the measures (` + "`go test ./schedules -run TestPlanTable -update`" + `).
`)
	for _, x := range tables(t) {
		b.WriteString("\n" + x.String())
	}
	golden.Check(t, "../docs/plan.md", b.String())
}
