package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// entriesShown is how many entries a phone shows, where nobody says how many;
// entriesMost is the most that may be asked for.
const (
	entriesShown = 15
	entriesMost  = 100
)

// readJournal tells what had a consequence, the newest last, as it happened.
func readJournal(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	q := bot.JournalQuery{Most: entriesShown}
	if v, ok := call.Args["most"]; ok {
		q.Most = v.Number
	}
	if q.Most < 1 || q.Most > entriesMost {
		return nil, bot.Errorf(bot.CodeInvalid, "journal: I show 1 to %d entries at once.", entriesMost)
	}
	q.By = bot.PersonID(call.Args["by"].Text)
	q.Kind = strings.ToLower(call.Args["kind"].Text)
	q.Subject = call.Args["plan"].Text
	q.Host = on(call)
	if _, all := call.Args["all"]; q.Subject == "" && !all && q.Host == "" {
		th, one, err := planNamed(ctx, call)
		if err != nil {
			return nil, err
		}
		if one {
			q.Subject = string(th.State.Plan.Proposal.Plan.ID)
		}
	}
	q.Words = call.Args["words"].Text
	if v, ok := call.Args["since"]; ok {
		q.Since = call.Now.Add(-v.Duration)
	}
	lines, err := call.World.Journal(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return bot.Say{Message: bot.Message{Title: bot.Quoted("The journal has no such entry." + noAgentOn(q.Host, call))}}, nil
	}
	of := " of the journal, the newest last"
	switch {
	case q.Host != "":
		of = " of the journal about " + q.Host + ", the newest last"
	case q.Subject != "" && call.Args["plan"].Text == "":
		of = " of the journal about this plan, the newest last"
	case q.Subject == "" && call.Thread != "":
		of = " of the whole journal, the newest last" // not of this thread
	}
	m := bot.Message{Title: bot.Line(bot.B(phrase.Count(len(lines), "entry", "entries")), bot.T(of))}
	var items []bot.Text
	for i := len(lines) - 1; i >= 0; i-- {
		items = append(items, journalItem(lines[i], call))
	}
	m.Blocks = lists(items)
	if !lines[0].Broken {
		m.Note = bot.Line(bot.T(fmt.Sprintf("entry %d has the hash ", lines[0].Seq)), bot.M(lines[0].Hash))
	}
	if slices.ContainsFunc(lines, func(l bot.JournalLine) bool { return l.Broken }) {
		m.Tone = bot.ToneCritical
		m.Note = bot.Quoted("Somebody changed my state: look at it on the host with `watchstander journal verify`.")
	}
	return bot.Say{Message: m}, nil
}

// noAgentOn tells which hosts have an agent, where one that has none was named: it may
// be a slip.
func noAgentOn(host string, call bot.Call) string {
	hosts := call.World.Agents()
	if host == "" || len(hosts) == 0 || slices.Contains(hosts, host) {
		return ""
	}
	return fmt.Sprintf(" I know no agent on `%s`; there is one on %s.", host, phrase.Or(hosts))
}

func journalItem(l bot.JournalLine, call bot.Call) bot.Text {
	if l.Broken {
		return bot.Line(bot.B(fmt.Sprintf("entry %d %s", l.Seq, l.Text)))
	}
	t := bot.Line(bot.F(strconv.FormatInt(l.Seq, 10)+" "+clockText(l.At, call.World.Zone(), call.Now)+" "), bot.B(l.Kind))
	if l.Host != "" {
		t = append(t, bot.T(" on "+l.Host))
	}
	t = append(t, bot.T(": "+l.Text))
	if l.Subject != "" {
		t = append(t, bot.T(" · "), bot.M(l.Subject))
	}
	return t
}

// behind reads "by alice", "kind start", "find words": a word and what belongs to it.
func (p *parser) behind(w word, ahead *reader, name string, rest bool) (v bot.Value, fits bool, err error) {
	if !w.is(name) {
		return v, false, nil
	}
	text := ""
	if rest {
		text = unquoted(ahead.rest())
		ahead.at = len(ahead.line)
	} else if next, ok := ahead.next(); ok && !next.unclosed {
		text = next.text
	}
	if text == "" {
		return v, false, p.wrong(w, "needs something behind it.")
	}
	return bot.Value{Text: text}, true, nil
}

// since reads "since 2d".
func (p *parser) since(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	if !w.is("since") {
		return v, false, nil
	}
	d, typed, ok := joinedDuration(ahead)
	if !ok || d <= 0 {
		return v, false, p.wrong(w, "needs a span of time behind it, e.g. `since 2d`.")
	}
	return bot.Value{Text: typed, Duration: d}, true, nil
}
