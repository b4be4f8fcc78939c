package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// changes tells what changed on a host, the newest first: what left a trace there,
// and what its agent did for plans.
func changes(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	hours := cmp.Or(call.Args["hours"].Number, 24)
	c, err := host.ChangesOf(ctx, call.World, name, hours)
	if err != nil {
		return nil, err
	}
	long := time.Duration(hours) * hour
	runs, doubt, err := runsSince(ctx, call, name, call.Now.Add(-long))
	if err != nil {
		doubt = append(doubt, bot.ForPeople(err))
	}
	for _, d := range doubt {
		c.Unknown = append(c.Unknown, "runs of plans: "+d)
	}
	c.Changes = append(c.Changes, runs...)
	slices.SortStableFunc(c.Changes, func(a, b bot.Change) int { return b.At.Compare(a.At) })
	span := phrase.Duration(long)
	m := bot.Message{Title: bot.Line(bot.B(phrase.Count(len(c.Changes)+c.More, "change", "changes")), bot.T(" in the last "+span))}
	if len(c.Changes) == 0 {
		m.Title = bot.Line(bot.B("Nothing is known to have changed"), bot.T(" in the last "+span))
	}
	m.Blocks = lists(changeItems(c, call))
	m.Blocks = append(m.Blocks, doubts(c.Unknown)...)
	m.Note = bot.Quoted("Not listed: services that start within " + phrase.Duration(host.Settling) + " of a boot, which belong to it, and those that do one thing and end.")
	return of(name, call, m), nil
}

// runsSince are the runs of plans on a host that began since a moment, by the bot's
// own journal: each with what became of it. Doubts are what it did not read.
func runsSince(ctx context.Context, call bot.Call, name string, since time.Time) (out []bot.Change, doubts []string, err error) {
	const most = 50
	if agents := call.World.Agents(); name == "" && len(agents) == 1 {
		name = agents[0]
	}
	seen := map[string]bool{}
	// A run that was over before the bot heard of it has no start in its journal.
	for _, kind := range []string{"start", "end", "interrupted"} {
		lines, err := call.World.Journal(ctx, bot.JournalQuery{Kind: kind, Host: name, Since: since, Most: most + 1})
		if err != nil {
			return out, doubts, err
		}
		if len(lines) > most {
			lines = lines[:most]
			doubts = append(doubts, fmt.Sprintf("there are more than %d journal entries of kind %s; what is older than those was not read. `changes` with fewer hours, or `journal`, tells more.", most, kind))
		}
		broken := 0
		for _, l := range lines {
			if l.Broken {
				broken++
				continue
			}
			if l.Subject == "" || seen[l.Subject] {
				continue
			}
			seen[l.Subject] = true
			th, err := call.World.Plan(ctx, bot.PlanID(l.Subject))
			if err != nil {
				return out, doubts, err
			}
			p := th.State.Plan.Proposal
			if p.StartedAt.IsZero() || p.StartedAt.Before(since) {
				continue // it was denied, say
			}
			out = append(out, bot.Change{Host: l.Host, At: p.StartedAt,
				Text: fmt.Sprintf("%s (a plan's run, %s; %s)", p.Plan.Draft.Summary, p.State, p.Plan.ID)})
		}
		if broken > 0 {
			doubts = append(doubts, phrase.Count(broken, "journal entry of kind "+kind+" is", "journal entries of kind "+kind+" are")+
				" not what was written: look at it on the host with `watchstander journal verify`.")
		}
	}
	return out, doubts, nil
}

// changeItems are one line each; what a unit does again and again is one.
func changeItems(c host.Changes, call bot.Call) []bot.Text {
	const oneByOne = 3
	count := map[string]int{}
	for _, x := range c.Changes {
		count[x.Text]++
	}
	var out []bot.Text
	told := map[string]bool{}
	for _, x := range c.Changes {
		t := bot.Line(bot.T(clockText(x.At, call.World.Zone(), call.Now)+" "), bot.B(x.Text))
		if n := count[x.Text]; n > oneByOne {
			if told[x.Text] {
				continue
			}
			told[x.Text] = true
			t = append(t, bot.T(fmt.Sprintf(", %d times in all, this was the last", n)))
		}
		out = append(out, t)
	}
	if c.More > 0 {
		out = append(out, bot.Line(bot.F(fmt.Sprintf("and %d older ones", c.More))))
	}
	return out
}
