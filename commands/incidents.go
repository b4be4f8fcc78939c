package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// incidentList is the list whose steps an incident has, unless its name is another's.
const incidentList = "incident"

// incidents shows what is open, what was closed last, and what is to be done.
func incidents(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	all, err := call.World.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	zone := call.World.Zone()
	m := bot.Message{Title: bot.Line(bot.B("No incident is open"))}
	if n := len(all.Open); n > 0 {
		m.Title = bot.Line(bot.B("Open: " + phrase.Count(n, "incident or drill", "incidents and drills")))
	}
	var items []bot.Text
	for _, th := range all.Open {
		run := th.State.Checklist
		in := run.Incident
		t := bot.Line(bot.B(run.IncidentName()), bot.T(" for "+phrase.Duration(call.Now.Sub(run.Firing))+", "+string(in.Lead)+" leads: "+echo(in.What, echoWhat)))
		if next := nextStep(run); next != "" {
			t = append(t, bot.T(fmt.Sprintf("; %d of %s left, next %s", run.Left(), phrase.Count(len(run.Items), "step", "steps"), next)))
		} else {
			t = append(t, bot.T("; no step left"))
		}
		items = append(items, append(t, bot.T(" · "), bot.M(string(th.ID))))
	}
	m.Blocks = lists(items)
	if run := all.Last.State.Checklist; run != nil {
		text := " " + clockText(all.Last.ClosedAt, zone, call.Now) + ", after " + phrase.Duration(all.Last.ClosedAt.Sub(run.Firing)) + ": " + echo(run.Incident.What, echoWhat)
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("Closed last: "), bot.B(run.IncidentName()), bot.T(text+" · "), bot.M(string(all.Last.ID)))})
	}
	if len(all.FollowUps) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("To follow up"))})
		m.Blocks = append(m.Blocks, lists(followUpItems(all.FollowUps, call))...)
	}
	return bot.Say{Message: m}, nil
}

// echoWhat is how much is told of what happened.
const echoWhat = 200

// mostFollowUpItems is how many of them one answer lists.
const mostFollowUpItems = 20

func followUpItems(all []bot.FollowUp, call bot.Call) (out []bot.Text) {
	for i, x := range all {
		if i == mostFollowUpItems {
			return append(out, bot.Line(bot.F(fmt.Sprintf("and %d more", len(all)-i))))
		}
		owner := string(x.Owner)
		if owner == "" {
			owner = "nobody"
		}
		t := bot.Line(bot.T(x.Text + ": " + owner + "'s, " + followUpOf(x, call)))
		if x.List != "" {
			t = append(t, bot.T(" · "), bot.M("checklist "+x.List))
		}
		out = append(out, t)
	}
	return out
}

func nextStep(run *bot.ChecklistState) string {
	for _, x := range run.Items {
		if x.Status == bot.ItemOpen {
			return fmt.Sprintf("%d. %s", x.Number, x.Item.Task)
		}
	}
	return ""
}

// openIncident works out what it is called, and whose steps it has.
func openIncident(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	o := bot.OpenIncident{Name: call.Args["name"].Text, List: incidentList, What: call.Args["reason"].Text, Severity: bot.ParseSeverity(call.Args["severity"].Text)}
	if call.Thread != "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil && f.Thread.State.Alert != nil:
			o.About = f.Thread.ID
			if o.Name == "" {
				o.Name = nameOfAlert(f.Thread)
			}
		case err != nil && !notFound(err):
			return nil, err
		}
	}
	if o.Name == "" {
		return nil, bot.Errorf(bot.CodeInvalid, "incident open: say what to call it, e.g. `incident open wiki because pages time out`; or say it in an alert's thread.")
	}
	all, err := call.World.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	x, found := timedList(all, o.Name)
	if found {
		o.List, o.Name = x.Checklist.Name, x.Checklist.Name
	}
	if !found {
		if _, found = timedList(all, incidentList); !found {
			return nil, bot.Errorf(bot.CodeNotFound, "No list of steps is configured: write `checklists: {lists: [{name: incident}]}` into my configuration.")
		}
	}
	return o, nil
}

func timedList(all []bot.ScheduleFacts, name string) (bot.ScheduleFacts, bool) {
	i := slices.IndexFunc(all, func(x bot.ScheduleFacts) bool { return x.Checklist.Timed && strings.EqualFold(x.Checklist.Name, name) })
	if i < 0 {
		return bot.ScheduleFacts{}, false
	}
	return all[i], true
}

// nameOfAlert is the alert's name, or the value of its first label that can be one.
func nameOfAlert(th bot.Thread) string {
	labels := th.State.Alert.GroupLabels
	for _, n := range append([]string{"alertname"}, labels.Names()...) {
		if isIncidentName(labels[n]) {
			return labels[n]
		}
	}
	return "alerts"
}

// incidentOf is the one that a command means: that of its thread, the one opened from the
// alert of its thread, the one that is named, or the only open one. A closed one counts in
// its own thread.
func incidentOf(ctx context.Context, call bot.Call) (bot.Thread, error) {
	name := listNamed(call)
	if call.Thread != "" && name == "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil && f.Thread.State.Checklist != nil && f.Thread.State.Checklist.Incident != nil:
			return f.Thread, nil
		case err != nil && !notFound(err):
			return bot.Thread{}, err
		}
	}
	all, err := call.World.Incidents(ctx)
	if err != nil {
		return bot.Thread{}, err
	}
	var names []string
	for _, th := range all.Open {
		in := th.State.Checklist.Incident
		if name != "" && strings.EqualFold(in.Name, name) || name == "" && call.Thread != "" && in.About == call.Thread {
			return th, nil
		}
		names = append(names, "`of "+in.Name+"`")
	}
	switch {
	case len(all.Open) == 0:
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No incident is open. `incident open NAME because …` opens one.")
	case name != "":
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No incident `%s` is open; there is %s.", echo(name, echoWord), strings.ReplaceAll(phrase.Or(names), "`of ", "`"))
	case len(all.Open) == 1:
		return all.Open[0], nil
	case takesOf(call):
		return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "%s: which incident? Say it in its thread, or with one behind it: %s.", call.Command, phrase.Or(names))
	}
	return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "%s: which incident? %d are open. Say it in the thread of the one that is meant; `incident` lists them.", call.Command, len(all.Open))
}

// takesOf tells whether a command can name an incident.
func takesOf(call bot.Call) bool {
	return call.Command == "incident close" || call.Command == "incident lead"
}

func closeIncident(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := incidentOf(ctx, call)
	return bot.CloseIncident{Thread: th.ID, Why: call.Args["reason"].Text}, err
}

func leadIncident(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := incidentOf(ctx, call)
	if err != nil {
		return nil, err
	}
	p, err := personNamed(call, call.Args["person"].Text)
	switch {
	case err != nil:
		return nil, err
	case !p.Has(bot.RoleOperator):
		return nil, bot.Errorf(bot.CodeInvalid, "Whoever leads must be able to close it: %s has not the role %s.", p.ID, bot.RoleOperator)
	}
	return bot.LeadIncident{Thread: th.ID, To: p.ID}, nil
}

// personNamed is one of the configuration, or whoever asks.
func personNamed(call bot.Call, name string) (bot.Person, error) {
	if strings.EqualFold(name, "me") {
		return call.By, nil
	}
	if p, known := call.World.Person(name); known {
		return p, nil
	}
	return bot.Person{}, bot.Errorf(bot.CodeNotFound, "There is nobody `%s` in my configuration.", echo(name, echoWord))
}

func addFinding(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := incidentOf(ctx, call)
	return bot.AddFinding{Thread: th.ID, Text: call.Args["text"].Text}, err
}
