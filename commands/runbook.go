package commands

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/docs/runbooks"
)

// Kinds of argument that runbook has.
const (
	kindRunbook bot.ArgKind = "runbook" // a runbook, a command, an alert by its name or number, or "all"
	kindSection bot.ArgKind = "section" // a section of a runbook
)

// runbookWords is how many words a runbook's name may be typed as: those of the longest
// command's name, and of the longest runbook's.
const runbookWords = 4

// runbook reads the words of a name; a section's name that ends the line is none of them.
// Where only the shape of a line counts, a name must be one, or nearly: people talk about
// runbooks, too.
func (p *parser) runbook(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	switch {
	case strings.HasPrefix(w.text, "#"):
		return p.alert(w)
	case p.inThread && len(w.text) < 3 && strings.Trim(w.text, "0123456789") == "":
		return p.item(w)
	case p.inThread && isSection(w) && ahead.done():
		return v, false, nil // of the thread's own runbook
	}
	*ahead = p.r
	var words []string
	for len(words) < runbookWords {
		at := *ahead
		next, ok := ahead.next()
		if !ok {
			break
		}
		if next.unclosed || len(words) > 0 && isSection(next) && ahead.done() {
			*ahead = at
			break
		}
		words = append(words, next.text)
	}
	name := strings.Join(words, " ")
	if p.shape {
		_, found := runbooks.Find(name)
		return bot.Value{Text: name}, found || strings.EqualFold(name, "all") || nearest(strings.ToLower(name), runbooks.Names()) != "", nil
	}
	return bot.Value{Text: name}, true, nil
}

// isSection tells whether a word names a section.
func isSection(w word) bool { return w.is(runbooks.SectionNames()...) }

// runbook shows what to do about a thing, or, in an alert's thread, about the alert.
func runbook(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, section := call.Args["name"], call.Args["section"].Text
	switch {
	case name.Number > 0:
		return ofNumber(ctx, call, name.Number, section)
	case name.Text == "all" || name.Text == "" && call.Thread == "":
		return bot.Say{Message: shelf(call.World.Commands())}, nil
	case name.Text == "":
		return ofThread(ctx, call, section)
	}
	open, err := fires(ctx, call, name.Text)
	if err != nil {
		return nil, err
	}
	if r, ok := runbooks.Find(name.Text); ok {
		return show(r, open, section)
	}
	if len(open) > 0 {
		return ofAlert(open[0].Name(), open, section)
	}
	return nil, noRunbook(name.Text)
}

// ofNumber shows the runbook of one alert of a thread, or of one item of a checklist.
func ofNumber(ctx context.Context, call bot.Call, n int, section string) (bot.Outcome, error) {
	if call.Thread != "" {
		f, err := call.World.Thread(ctx, call.Thread)
		if err != nil {
			return nil, err
		}
		if st := f.Thread.State.Checklist; st != nil {
			for _, x := range st.Items {
				if r, ok := runbooks.Find(x.Item.Runbook); ok && x.Number == n {
					return show(r, nil, section)
				}
			}
			return nil, bot.Errorf(bot.CodeNotFound, "There is no runbook of item %d here. `runbook all` lists them.", n)
		}
	}
	f, err := subject(ctx, call, "runbook")
	if err != nil {
		return nil, err
	}
	e, err := numbered(f, n)
	if err != nil {
		return nil, err
	}
	return ofAlert(e.Name(), []bot.Episode{e}, section)
}

// ofThread shows the runbook of what the thread is about, and the list where that is
// nothing in particular.
func ofThread(ctx context.Context, call bot.Call, section string) (bot.Outcome, error) {
	f, err := call.World.Thread(ctx, call.Thread)
	if err != nil && !notFound(err) {
		return nil, err
	}
	var name string
	switch st := f.Thread.State; {
	case st.Alert != nil && len(f.Episodes) > 0:
		name = worst(f.Episodes).Name()
		return ofAlert(name, slices.DeleteFunc(slices.Clone(f.Episodes), func(e bot.Episode) bool { return e.Name() != name }), section)
	case st.Heartbeat != nil:
		name = "watchdog-missing"
	case st.Checklist != nil:
		name = "checklist"
	case st.Reboot != nil:
		name = "reboot"
	case st.Storm != nil:
		name = "storm"
	case st.Notice != nil:
		name = "bot-trouble"
	case st.Plan != nil:
		name = planRunbook(string(st.Plan.Proposal.Plan.Operation))
	}
	if r, ok := runbooks.Find(name); ok {
		return show(r, nil, section)
	}
	return bot.Say{Message: shelf(call.World.Commands())}, nil
}

// worst is the alert that a group is about: of those that fire the gravest, the first
// where several are; where none does any more, the first.
func worst(es []bot.Episode) bot.Episode {
	out := es[0]
	for _, e := range es[1:] {
		if !e.Resolved && (out.Resolved || e.Severity.Rank() > out.Severity.Rank()) {
			out = e
		}
	}
	return out
}

// planRunbook is the runbook of an operation ("zfs.arc.set", "nixos.rollback"): of the
// command that asks for it, else that of plans.
func planRunbook(operation string) string {
	_, last, _ := strings.Cut(operation, ".")
	for _, name := range []string{operation, last} {
		if _, ok := runbooks.Find(name); ok && name != "" {
			return name
		}
	}
	return "approvals"
}

// fires are the alerts of a name that fire in open threads, the worst of each; names are
// compared by their letters and digits, as runbooks' are.
func fires(ctx context.Context, call bot.Call, name string) ([]bot.Episode, error) {
	open, err := call.World.OpenThreads(ctx)
	if err != nil {
		return nil, err
	}
	var out []bot.Episode
	for _, f := range open {
		for _, e := range f.Episodes {
			if runbooks.Same(e.Labels["alertname"], name) {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// ofAlert shows what there is about an alert: a runbook of ours, and those that the alert
// itself names.
func ofAlert(name string, es []bot.Episode, section string) (bot.Outcome, error) {
	if r, ok := runbooks.Find(name); ok {
		return show(r, es, section)
	}
	links := linked(es)
	if len(links) == 0 {
		return nil, bot.Errorf(bot.CodeNotFound, "I have no runbook of `%s`, and it names none (`runbook_url`). `runbook all` lists those that I have.", echo(name, echoWord))
	}
	return bot.Say{Message: bot.Message{
		Title:  bot.Line(bot.B("Runbook of "), bot.M(echo(name, echoWord))),
		Blocks: []bot.Block{bot.Para{Text: append(bot.Line(bot.T("I have none of my own; the alert names ")), links...)}},
	}}, nil
}

// show is a runbook, or a section of it, under the links that alerts name.
func show(r runbooks.Runbook, es []bot.Episode, section string) (bot.Outcome, error) {
	m := r.Message()
	if section != "" {
		m, _ = r.Part(section)
	}
	if links := linked(es); len(links) > 0 {
		m.Blocks = append([]bot.Block{bot.Para{Text: append(bot.Line(bot.T("The alert itself names ")), links...)}}, m.Blocks...)
	}
	return bot.Say{Message: m}, nil
}

// linked are the runbooks that alerts name, each once and at most three.
func linked(es []bot.Episode) bot.Text {
	const most = 3
	var seen []string
	var parts []bot.Text
	for _, e := range es {
		address := e.Annotations["runbook_url"]
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || slices.Contains(seen, address) || len(seen) == most {
			continue
		}
		seen = append(seen, address)
		parts = append(parts, bot.Line(bot.L(address, address)))
	}
	return join(parts, ", ")
}

// noRunbook says which one may have been meant.
func noRunbook(name string) error {
	if (word{text: name}).is(runbooks.SectionNames()...) {
		return bot.Errorf(bot.CodeInvalid, "Say of which runbook, e.g. `runbook disk-full %s`. `runbook all` lists them.", strings.ToLower(name))
	}
	var near []string
	for _, n := range runbooks.Like(name) {
		near = append(near, "`runbook "+n+"`")
	}
	if len(near) == 0 {
		if n := nearest(strings.ToLower(strings.ReplaceAll(name, " ", "-")), runbooks.Names()); n != "" {
			near = []string{"`runbook " + n + "`"}
		}
	}
	const most = 6
	if len(near) == 0 || len(near) > most {
		return bot.Errorf(bot.CodeNotFound, "There is no runbook `%s`. `runbook all` lists them.", echo(name, echoWord))
	}
	return bot.Errorf(bot.CodeNotFound, "There is no runbook `%s`. Did you mean %s?", echo(name, echoWord), phrase.Or(near))
}

// shelf lists the runbooks: those of commands by their families, and the others.
func shelf(all []bot.Command) bot.Message {
	const others = "Others"
	headings := append(families(all), others)
	by := map[string][]bot.Text{}
	placed := map[string]bool{}
	put := func(heading, name string) {
		if !placed[name] {
			placed[name] = true
			by[heading] = append(by[heading], bot.Line(bot.M(name)))
		}
	}
	for _, c := range all {
		if r, ok := runbooks.ForCommand(c.Name); ok {
			put(c.Family, r.Name)
		}
	}
	for _, name := range runbooks.Names() {
		put(others, name)
	}
	m := bot.Message{Title: bot.Line(bot.B(phrase.Count(len(runbooks.Names()), "runbook", "runbooks")))}
	var items []bot.Text
	for _, h := range headings {
		if len(by[h]) == 0 {
			continue
		}
		items = append(items, append(bot.Line(bot.B(h), bot.T(": ")), join(by[h], ", ")...))
	}
	m.Blocks = lists(items)
	m.Note = bot.Quoted("`runbook NAME` shows one, `runbook NAME act` one section of it; in an alert's thread `runbook` shows that alert's.")
	return m
}
