package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// generations lists what the host's system profile keeps.
func generations(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	const most = 12
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	gs, err := host.Generations(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	shown := gs
	if _, all := call.Args["all"]; !all && len(gs) > most {
		shown = gs[:most]
	}
	m := bot.Message{}
	var title string
	m.Tone, title = generationsHeadline(gs)
	m.Title = bot.Line(bot.B(title))
	items := make([]bot.Text, len(shown))
	for i, g := range shown {
		items[i] = generationItem(g, call)
	}
	m.Blocks = lists(items)
	note := "`diff FROM TO` compares two of them."
	if more := len(gs) - len(shown); more > 0 {
		note = fmt.Sprintf("%d older; `generations all` lists them. ", more) + note
	}
	m.Note = bot.Quoted(note)
	return of(name, call, m), nil
}

// generationsHeadline says which one runs, and whether the next start would bring
// another.
func generationsHeadline(gs []host.Generation) (bot.Tone, string) {
	title := phrase.Count(len(gs), "generation", "generations")
	current, standard := 0, 0
	for _, g := range gs {
		if g.Current {
			current = g.Number
		}
		if g.Default {
			standard = g.Number
		}
	}
	switch {
	case current == 0:
		return bot.ToneWarning, title + "; what runs is none of them"
	case standard == 0:
		return bot.ToneUnknown, fmt.Sprintf("%s; %d runs, and where the profile points is unknown", title, current)
	case standard != current:
		return bot.ToneWarning, fmt.Sprintf("%s; %d runs, and the profile points at %d", title, current, standard)
	}
	return bot.TonePlain, fmt.Sprintf("%s; %d runs", title, current)
}

func generationItem(g host.Generation, call bot.Call) bot.Text {
	t := bot.Line(bot.B(strconv.Itoa(g.Number)))
	var parts []string
	if !g.Date.IsZero() {
		parts = append(parts, clockText(g.Date, call.World.Zone(), call.Now))
	}
	if g.NixOSVersion != "" {
		parts = append(parts, "NixOS "+g.NixOSVersion)
	}
	if g.Kernel != "" {
		parts = append(parts, "Linux "+g.Kernel)
	}
	if g.Revision != "" {
		parts = append(parts, "revision "+shortRevision(g.Revision))
	}
	for _, p := range parts {
		t = append(t, bot.T(" · "+p))
	}
	var states []string
	if g.Current {
		states = append(states, strings.TrimSpace("runs "+inBrackets(g.Specialisation)))
	}
	if g.Booted {
		states = append(states, "was booted")
	}
	if g.Default {
		states = append(states, "the profile's")
	}
	if len(states) > 0 {
		t = append(t, bot.T(" · "), bot.B(strings.Join(states, ", ")))
	}
	if !g.Complete() {
		t = append(t, bot.T(" · not whole: "+strings.Join(g.Missing, ", ")+" missing"))
	}
	return t
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// shortRevision is as much of a commit's name as people compare.
func shortRevision(s string) string {
	const enough = 10
	if len(s) > enough && strings.Trim(s[:enough], "0123456789abcdef") == "" {
		return s[:enough]
	}
	return s
}

// diff compares two generations; without any, the one that runs with the one
// before it.
func diff(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	from, to := call.Args["from"].Text, call.Args["to"].Text
	if to == "" {
		to = "current"
	}
	if from == "" {
		gs, err := host.Generations(ctx, call.World, name)
		if err != nil {
			return nil, err
		}
		if from = beforeCurrent(gs); from == "" {
			return nil, bot.Errorf(bot.CodeConflict, "There is no generation before the one that runs. Name two, e.g. `diff 41 current`; `generations` lists them.")
		}
	}
	d, err := host.Differences(ctx, call.World, name, from, to)
	if err != nil {
		return nil, err
	}
	return of(name, call, diffMessage(d)), nil
}

// beforeCurrent is the newest generation that is older than the one that runs.
func beforeCurrent(gs []host.Generation) string {
	i := slices.IndexFunc(gs, func(g host.Generation) bool { return g.Current })
	if i < 0 || i+1 >= len(gs) {
		return ""
	}
	return strconv.Itoa(gs[i+1].Number)
}

func diffMessage(d host.Diff) bot.Message {
	const most = 100
	var versions []host.PackageChange
	for _, c := range d.Packages {
		if len(c.Before)+len(c.After) > 0 {
			versions = append(versions, c)
		}
	}
	resized := len(d.Packages) - len(versions)
	title := "From " + generationName(d.From) + " to " + generationName(d.To) + ": "
	m := bot.Message{}
	switch {
	case d.PackagesUnknown != "":
		m.Tone = bot.ToneUnknown
		title += "which packages differ is unknown"
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(d.PackagesUnknown))})
	case d.From.StorePath == d.To.StorePath:
		title += "the same system"
	case len(versions) == 0:
		title += "all packages of the same versions"
	default:
		title += packagesText(versions)
	}
	m.Title = bot.Line(bot.B(title))
	m.Blocks = append(m.Blocks, diffFields(d, resized)...)
	var items []bot.Text
	for _, c := range versions[:min(most, len(versions))] {
		items = append(items, bot.Line(bot.T(c.String())))
	}
	if more := len(versions) - most; more > 0 {
		items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more that are not listed", more))))
	}
	m.Blocks = append(m.Blocks, lists(items)...)
	return m
}

// packagesText counts them: those that both have, in other versions, and those that
// only one has.
func packagesText(cs []host.PackageChange) string {
	var others, fresh, gone int
	for _, c := range cs {
		switch {
		case len(c.Before) == 0:
			fresh++
		case len(c.After) == 0:
			gone++
		default:
			others++
		}
	}
	return fmt.Sprintf("%s, %d new, %d gone", phrase.Count(others, "package of another version", "packages of other versions"), fresh, gone)
}

func generationName(g host.Generation) string {
	switch {
	case g.Number == 0:
		return "a system that is no generation"
	case g.Specialisation != "":
		return fmt.Sprintf("generation %d (%s)", g.Number, g.Specialisation)
	}
	return fmt.Sprintf("generation %d", g.Number)
}

// diffFields are the figures of a comparison.
func diffFields(d host.Diff, resized int) []bot.Block {
	var fs []bot.Field
	field := func(name, value string) { fs = append(fs, bot.Field{Name: name, Value: bot.Line(bot.T(value))}) }
	change := func(name, a, b string) {
		if a != b {
			field(name, orUnknown(a)+" → "+orUnknown(b))
		}
	}
	change("NixOS", d.From.NixOSVersion, d.To.NixOSVersion)
	change("Revision", shortRevision(d.From.Revision), shortRevision(d.To.Revision))
	change("Boot loader", d.From.Loader, d.To.Loader)
	change("State version", d.From.StateVersion, d.To.StateVersion)
	change("Secrets", d.From.Secrets, d.To.Secrets)
	change("Watchstander", d.From.Bot, d.To.Bot)
	if parts := d.BootParts(); len(parts) > 0 {
		field("Needs a reboot", strings.Join(parts, ", "))
	}
	if d.ClosureFrom >= 0 && d.ClosureTo >= 0 && d.ClosureFrom != d.ClosureTo {
		field("Size", d.ClosureFrom.String()+" → "+d.ClosureTo.String())
	}
	if resized > 0 {
		field("Other sizes alone", phrase.Count(resized, "package", "packages"))
	}
	const most = 20
	for _, u := range []struct {
		name  string
		units []string
	}{{"Units added", d.Units.Added}, {"Units removed", d.Units.Removed}, {"Units changed", d.Units.Changed}} {
		if len(u.units) > 0 {
			field(u.name, phrase.Some(u.units, most))
		}
	}
	if d.Units.Unknown != "" {
		field("Units", d.Units.Unknown)
	}
	if len(fs) == 0 {
		return nil
	}
	return []bot.Block{bot.Fields{Fields: fs}}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// drift tells how far the running host is from what its profile says.
func drift(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	d, err := host.DriftOf(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	var drifted, unknown, same int
	var items []bot.Text
	for _, state := range []bot.ReadingState{bot.NotOK, bot.Unknown, bot.OK} {
		for _, f := range d.Findings {
			if f.State != state {
				continue
			}
			t := bot.Line(bot.B(f.What+": "), bot.T(f.Text))
			switch state {
			case bot.NotOK:
				drifted++
			case bot.Unknown:
				unknown++
				t = bot.Line(bot.B(f.What+": "), bot.T("unknown: "+f.Text))
			default:
				same++
			}
			if f.Source != "" {
				t = append(t, bot.F(" ("+f.Source+")"))
			}
			items = append(items, t)
		}
	}
	m := bot.Message{Blocks: lists(items)}
	title := "No drift is known"
	switch {
	case drifted > 0:
		m.Tone = bot.ToneWarning
		title = phrase.Count(drifted, "thing has drifted", "things have drifted")
	case unknown > 0 || same == 0:
		m.Tone = bot.ToneUnknown
	default:
		m.Tone, title = bot.ToneOK, fmt.Sprintf("No drift in %s", phrase.Count(same, "comparison", "comparisons"))
	}
	if unknown > 0 {
		title += fmt.Sprintf("; %d cannot be compared", unknown)
	}
	m.Title = bot.Line(bot.B(title))
	m.Note = bot.Quoted("What these files do not show (changes by hand in /var, in containers, in running programs) is not looked at.")
	return of(name, call, m), nil
}

// deploy asks for a plan. Which system is proposed, the agent knows.
func deploy(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.Ask{Thread: call.Thread, Host: name, Operation: host.DeployOperation, Arguments: bot.Arguments{}}, nil
}

// rollback asks for a plan. Which generation is meant without a number, the agent
// knows.
func rollback(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	args := bot.Arguments{}
	if v, ok := call.Args["generation"]; ok {
		if v.Number < 1 {
			return nil, bot.Errorf(bot.CodeInvalid, "rollback: write the generation's number, e.g. `rollback 41`; `generations` lists them.")
		}
		args[host.GenerationArgument] = []string{strconv.Itoa(v.Number)}
	}
	return bot.Ask{Thread: call.Thread, Host: name, Operation: host.RollbackOperation, Arguments: args}, nil
}
