package commands

import (
	"context"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/docs/runbooks"
)

// help tells what there is, or explains one command.
func help(_ context.Context, call bot.Call) (bot.Outcome, error) {
	all := call.World.Commands()
	name := call.Args["command"].Text
	if name == "" {
		return bot.Say{Message: overview(all, call.By)}, nil
	}
	names := []string{"all"}
	for i, c := range all {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return bot.Say{Message: explain(&all[i])}, nil
		}
		names = append(append(names, c.Name), c.Aliases...)
	}
	for _, f := range families(all) {
		if strings.EqualFold(f, name) {
			return bot.Say{Message: family(all, call.By, f)}, nil
		}
		names = append(names, strings.ToLower(f))
	}
	if name == "all" {
		return bot.Say{Message: family(all, call.By, families(all)...)}, nil
	}
	if near := nearest(name, names); near != "" {
		return nil, bot.Errorf(bot.CodeNotFound, "There is no command `%s`. Did you mean `help %s`?", echo(name, echoWord), near)
	}
	return nil, bot.Errorf(bot.CodeNotFound, "`%s` is no command. `help` explains one, e.g. `help silence`; alone it lists them all.", echo(name, echoWord))
}

// families are the headings, in the order of the commands.
func families(all []bot.Command) []string {
	var out []string
	for _, c := range all {
		if !slices.Contains(out, c.Family) {
			out = append(out, c.Family)
		}
	}
	return out
}

// overview names the commands by family, as much as a phone shows at once; those
// that the asker may not use are named apart, so that nobody looks for them in
// vain.
func overview(all []bot.Command, who bot.Person) bot.Message {
	m := bot.Message{Title: bot.Line(bot.B("What you can ask me"))}
	var items []bot.Text
	for _, f := range families(all) {
		var names []bot.Text
		for _, c := range all {
			if c.Family == f && who.Has(c.Role) {
				names = append(names, bot.Line(bot.M(c.Name)))
			}
		}
		if len(names) > 0 {
			items = append(items, append(bot.Line(bot.B(f), bot.T(": ")), join(names, ", ")...))
		}
	}
	m.Blocks = append([]bot.Block{bot.List{Items: items}}, beyond(all, who)...)
	m.Note = bot.Quoted("`help silence` explains one, `help nixos` a family, `help all` tells everything. In a thread a command means that thread. To be sure that I listen, begin with `!` or my name.")
	return m
}

// family tells all commands of some families in a line each.
func family(all []bot.Command, who bot.Person, names ...string) bot.Message {
	m := bot.Message{Title: bot.Line(bot.B("What you can ask me"))}
	for _, f := range names {
		var items []bot.Text
		for _, c := range all {
			if c.Family == f {
				t := overviewItem(c)
				if !who.Has(c.Role) {
					t = append(t, bot.F(" (needs the role "+string(c.Role)+")"))
				}
				items = append(items, t)
			}
		}
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(f))}, bot.List{Items: items})
	}
	return m
}

// beyond names what the asker may not use, by the role that it needs.
func beyond(all []bot.Command, who bot.Person) []bot.Block {
	var roles []bot.Role
	names := map[bot.Role][]string{}
	for _, c := range all {
		if who.Has(c.Role) {
			continue
		}
		if !slices.Contains(roles, c.Role) {
			roles = append(roles, c.Role)
		}
		names[c.Role] = append(names[c.Role], "`"+c.Name+"`")
	}
	var out []bot.Block
	for _, r := range roles {
		out = append(out, bot.Para{Text: append(bot.Line(bot.T("Needs the role "+string(r)+": ")), bot.Quoted(strings.Join(names[r], ", "))...)})
	}
	return out
}

func overviewItem(c bot.Command) bot.Text {
	t := bot.Line(bot.M(c.Name), bot.T(": "+c.Summary))
	// The example that shows most at a glance is the longest that a phone shows
	// in one line.
	best := ""
	for _, e := range c.Examples {
		if len(e) <= 42 && len(e) > len(best) {
			best = e
		}
	}
	if best != "" && best != c.Name {
		t = append(t, bot.F(" E.g. "), bot.M(best))
	}
	return t
}

// explain tells all about one command.
func explain(c *bot.Command) bot.Message {
	m := bot.Message{Title: bot.Line(bot.M(Usage(c)))}
	m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(c.Summary))})
	var args []bot.Text
	for _, a := range c.Args {
		if a.Help != "" {
			args = append(args, append(bot.Line(bot.M(placeholder(a)), bot.T(": ")), bot.Quoted(a.Help+".")...))
		}
	}
	if len(args) > 0 {
		m.Blocks = append(m.Blocks, bot.List{Items: args})
	}
	var examples []bot.Text
	for _, e := range c.Examples {
		examples = append(examples, bot.Line(bot.M(e)))
	}
	m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Examples"))}, bot.List{Items: examples})
	var small []string
	if len(c.Aliases) > 0 {
		small = append(small, "Also: `"+strings.Join(c.Aliases, "`, `")+"`.")
	}
	if c.Role != "" {
		small = append(small, "Needs the role "+string(c.Role)+".")
	}
	if r, ok := runbooks.ForCommand(c.Name); ok {
		small = append(small, "When and how: `runbook "+r.Name+"`.")
	}
	if c.Gated {
		small = append(small, "Whether your word counts, the plan's policy says.")
	}
	m.Note = bot.Quoted(strings.Join(small, " "))
	return m
}

// whoami tells the asker what I know of them.
func whoami(_ context.Context, call bot.Call) (bot.Outcome, error) {
	m := bot.Message{Title: bot.Line(bot.T("You are "), bot.B(string(call.By.ID)))}
	roles := make([]string, len(call.By.Roles))
	for i, r := range call.By.Roles {
		roles[i] = string(r)
	}
	if len(roles) == 0 {
		roles = []string{string(bot.RoleObserver)}
	}
	fields := []bot.Field{{Name: "Roles", Value: bot.Line(bot.T(strings.Join(roles, ", ")))}}
	if call.Room != "" {
		fields = append(fields, bot.Field{Name: "Room", Value: bot.Line(bot.T(string(call.Room)))})
	}
	if call.Thread != "" {
		fields = append(fields, bot.Field{Name: "Thread", Value: bot.Line(bot.M(string(call.Thread)))})
	}
	var can, cannot []bot.Text
	for _, c := range call.World.Commands() {
		if call.By.Has(c.Role) {
			can = append(can, bot.Line(bot.M(c.Name)))
		} else {
			cannot = append(cannot, bot.Line(bot.M(c.Name), bot.T(" ("+string(c.Role)+")")))
		}
	}
	fields = append(fields, bot.Field{Name: "You may", Value: join(can, ", ")})
	if len(cannot) > 0 {
		fields = append(fields, bot.Field{Name: "You may not", Value: join(cannot, ", ")})
	}
	m.Blocks = []bot.Block{bot.Fields{Fields: fields}}
	return bot.Say{Message: m}, nil
}
