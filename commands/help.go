package commands

import (
	"context"
	"slices"
	"strings"

	"watchstander/bot"
)

// help tells what there is, or explains one command.
func help(_ context.Context, call bot.Call) (bot.Outcome, error) {
	all := call.World.Commands()
	name := call.Args["command"].Text
	if name == "" {
		return bot.Say{Message: overview(all, call.By)}, nil
	}
	var names []string
	for i, c := range all {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return bot.Say{Message: explain(&all[i])}, nil
		}
		names = append(append(names, c.Name), c.Aliases...)
	}
	if near := nearest(name, names); near != "" {
		return nil, bot.Errorf(bot.CodeNotFound, "There is no command `%s`. Did you mean `help %s`?", echo(name, echoWord), near)
	}
	return nil, bot.Errorf(bot.CodeNotFound, "`%s` is no command. `help` explains one, e.g. `help silence`; alone it lists them all.", echo(name, echoWord))
}

// overview lists the commands by family; those that the asker may not use are
// named apart, so that nobody looks for them in vain.
func overview(all []bot.Command, who bot.Person) bot.Message {
	m := bot.Message{Title: bot.Line(bot.B("What you can ask me"))}
	var families []string
	usable := map[string][]bot.Text{}
	var roles []bot.Role
	beyond := map[bot.Role][]string{}
	for _, c := range all {
		if !who.Has(c.Role) {
			if !slices.Contains(roles, c.Role) {
				roles = append(roles, c.Role)
			}
			beyond[c.Role] = append(beyond[c.Role], "`"+c.Name+"`")
			continue
		}
		if !slices.Contains(families, c.Family) {
			families = append(families, c.Family)
		}
		usable[c.Family] = append(usable[c.Family], overviewItem(c))
	}
	for _, f := range families {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(f))}, bot.List{Items: usable[f]})
	}
	for _, r := range roles {
		m.Blocks = append(m.Blocks, bot.Para{Text: append(bot.Line(bot.T("Needs the role "+string(r)+": ")), bot.Quoted(strings.Join(beyond[r], ", "))...)})
	}
	m.Note = bot.Quoted("`help silence` explains one of them, with examples. In an alert's thread a command means that alert. To be sure that I listen, begin with `!` or my name.")
	return m
}

// overviewItem is a command in a line. Examples are for those who ask: with them
// the list would be longer than a phone.
func overviewItem(c bot.Command) bot.Text {
	return bot.Line(bot.M(c.Name), bot.T(": "+c.Summary))
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
	if changing(c) {
		small = append(small, "Needs the role "+string(c.Role)+".")
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
