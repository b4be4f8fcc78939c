package commands

import (
	"context"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

const (
	// maintenanceUsual is how long a maintenance is open where nobody says, and
	// maintenanceLongest the most: what goes on for longer is extended by somebody who
	// still knows of it.
	maintenanceUsual   = 2 * time.Hour
	maintenanceLongest = 24 * time.Hour
)

// startMaintenance works out what is held back, and until when.
func startMaintenance(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	out := bot.OpenMaintenance{Reason: call.Args["reason"].Text, Until: call.Now.Add(maintenanceUsual)}
	if _, given := call.Args["duration"]; given {
		out.Until = endOf(call)
	}
	switch lasts := out.Until.Sub(call.Now); {
	case lasts <= 0:
		return nil, bot.Errorf(bot.CodeInvalid, "maintenance start: `%s` has passed in the meantime.", echo(call.Args["duration"].Text, echoWord))
	case lasts > maintenanceLongest:
		return nil, bot.Errorf(bot.CodeInvalid, "maintenance start: at most %s at once, so that none is forgotten; `maintenance start` again extends it.", phrase.Duration(maintenanceLongest))
	}
	var given []bot.Matcher
	var err error
	if out.Alertmanager, err = maintaining(ctx, call); err != nil {
		return nil, err
	}
	if scope, there := call.Args["scope"]; there {
		if on(call) != "" {
			return nil, bot.Errorf(bot.CodeInvalid, "maintenance start: name a host or matchers, not both.")
		}
		if given, err = parseMatchers(scope.Text); err != nil {
			return nil, err
		}
	} else if out.Host, err = maintained(ctx, call); err != nil {
		return nil, err
	}
	if out.Matchers, err = call.World.MaintenanceScope(out.Host, given); err != nil {
		return nil, err
	}
	out.Covers = coveredBy(ctx, call, out)
	return out, nil
}

// maintaining is the Alertmanager that is asked for the silence: that of the thread's
// alerts, else the first.
func maintaining(ctx context.Context, call bot.Call) (string, error) {
	if call.Thread != "" {
		f, err := call.World.Thread(ctx, call.Thread)
		if err == nil {
			return alertmanagerOf(call, f)
		}
		if !notFound(err) {
			return "", err
		}
	}
	if all := call.World.Alertmanagers(); len(all) > 0 {
		return all[0], nil
	}
	return "", noAlertmanager()
}

// maintained is the host that is meant: the one that is named, the one that the thread is
// about, or the only one.
func maintained(ctx context.Context, call bot.Call) (string, error) {
	hosts := call.World.Hosts()
	if name := on(call); name != "" {
		if !slices.Contains(hosts, name) {
			return "", bot.Errorf(bot.CodeNotFound, "There is no host `%s` in my configuration; there is %s.", echo(name, echoWord), quotedList(hosts))
		}
		return name, nil
	}
	if call.Thread != "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil:
			if name := spokenOf(f.Thread); slices.Contains(hosts, name) {
				return name, nil
			}
		case !notFound(err):
			return "", err
		}
	}
	switch len(hosts) {
	case 0:
		return "", bot.Errorf(bot.CodeInvalid, "No host is configured. Give matchers: `maintenance start {…} because …`.")
	case 1:
		return hosts[0], nil
	}
	return "", bot.Errorf(bot.CodeInvalid, "maintenance start: which host? Say it again with one: %s.", either(hosts))
}

// coveredBy counts what the silence will cover, nil where that cannot be found out now.
func coveredBy(ctx context.Context, call bot.Call, o bot.OpenMaintenance) *bot.Covered {
	ctx, cancel := context.WithTimeout(ctx, coveredTime)
	defer cancel()
	all, err := call.World.Covered(ctx, o.Alertmanager, o.Matchers)
	if err != nil {
		return nil
	}
	critical, err := call.World.Covered(ctx, o.Alertmanager, append(slices.Clone(o.Matchers), bot.Matcher{Name: "severity", Op: "=", Value: "critical"}))
	if err != nil {
		return nil
	}
	return &bot.Covered{Alerts: all, Critical: critical, At: call.Now}
}

// stopMaintenance finds the one that is meant: that of its thread, of the host that is
// named, or the only one that is open.
func stopMaintenance(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	why := call.Args["reason"].Text
	if call.Thread != "" && on(call) == "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil && f.Thread.State.Maintenance != nil:
			return bot.CloseMaintenance{Thread: f.Thread.ID, Reason: why}, nil
		case err != nil && !notFound(err):
			return nil, err
		}
	}
	open, err := openMaintenances(ctx, call)
	if err != nil {
		return nil, err
	}
	if name := on(call); name != "" {
		open = slices.DeleteFunc(open, func(th bot.Thread) bool { return th.State.Maintenance.Host != name })
		if len(open) == 0 {
			return nil, bot.Errorf(bot.CodeNotFound, "No maintenance of `%s` is open.", echo(name, echoWord))
		}
	}
	switch len(open) {
	case 0:
		return nil, bot.Errorf(bot.CodeNotFound, "No maintenance is open.")
	case 1:
		return bot.CloseMaintenance{Thread: open[0].ID, Reason: why}, nil
	}
	return nil, bot.Errorf(bot.CodeInvalid, "maintenance stop: %d are open. Say it in the thread of the one that is meant, or with `on HOST` behind it; `maintenance` lists them.", len(open))
}

func openMaintenances(ctx context.Context, call bot.Call) ([]bot.Thread, error) {
	all, err := call.World.Maintenances(ctx, call.Now, call.Now.Add(time.Millisecond))
	return slices.DeleteFunc(all, func(th bot.Thread) bool { return !th.Open() }), err
}

// maintenance shows what is open, and the agents' next windows. What opens the one does
// not open the other, and so both are said.
func maintenance(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	open, err := openMaintenances(ctx, call)
	if err != nil {
		return nil, err
	}
	agents := call.World.Agents()
	if name := on(call); name != "" {
		open = slices.DeleteFunc(open, func(th bot.Thread) bool { return th.State.Maintenance.Host != name })
		if !slices.Contains(call.World.Hosts(), name) {
			return nil, bot.Errorf(bot.CodeNotFound, "There is no host `%s` in my configuration; there is %s.", echo(name, echoWord), quotedList(call.World.Hosts()))
		}
		agents = slices.DeleteFunc(agents, func(h string) bool { return h != name })
	}
	zone := call.World.Zone()
	m := bot.Message{Title: bot.Line(bot.B("No maintenance is open"))}
	if len(open) > 0 {
		m.Title = bot.Line(bot.B("Open: " + phrase.Count(len(open), "maintenance", "maintenances")))
	}
	var items []bot.Text
	for _, th := range open {
		x := th.State.Maintenance
		of := x.Host
		if of == "" {
			of = matchersText(x.Matchers)
		}
		t := bot.Line(bot.B(of), bot.T(" by "), bot.B(string(x.By)), bot.T(" since "+clockText(x.Since, zone, call.Now)+", until "+clockText(x.Until, zone, call.Now)+": "+x.Reason))
		if x.Silence == "" {
			t = append(t, bot.T("; its silence is not there"))
		}
		items = append(items, append(t, bot.T(" · "), bot.M(string(th.ID))))
	}
	m.Blocks = lists(items)
	for _, host := range agents {
		next, err := call.World.Windows(ctx, host)
		if err != nil {
			m.Tone = bot.ToneUnknown
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Windows of "+host), bot.T(" are unknown: "+bot.ForPeople(err)))})
			continue
		}
		m.Blocks = append(m.Blocks, windowList(host, next, call)...)
	}
	return bot.Say{Message: m}, nil
}

// windowList are the windows of one host's policy.
func windowList(host string, next []bot.NextWindow, call bot.Call) []bot.Block {
	if len(next) == 0 {
		return []bot.Block{bot.Para{Text: bot.Line(bot.B("Windows of "+host), bot.T(": its policy has none within the next two weeks"))}}
	}
	zone := call.World.Zone()
	slices.SortStableFunc(next, func(a, b bot.NextWindow) int { return a.From.Compare(b.From) })
	var items []bot.Text
	for _, w := range next {
		when := "next " + clockText(w.From, zone, call.Now) + " to " + clockText(w.Until, zone, call.Now)
		if !w.From.After(call.Now) {
			when = "open until " + clockText(w.Until, zone, call.Now)
		}
		items = append(items, bot.Line(bot.B(w.Rule), bot.T(" ("+strings.Join(w.Operations, ", ")+"): "+when+" · "), bot.M(w.Words)))
	}
	return append([]bot.Block{bot.Para{Text: bot.Line(bot.B("Windows of " + host))}}, lists(items)...)
}
