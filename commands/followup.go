package commands

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"watchstander/bot"
)

// incidentForm is what an incident may be called: as alerts and hosts are.
var incidentForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]{0,39}$`)

func isIncidentName(s string) bool {
	return incidentForm.MatchString(s) && bot.ParseSeverity(s) == bot.SeverityUnknown
}

// incident reads what an incident is called; a word of everyday talk is no name.
func (p *parser) incident(w word) (v bot.Value, fits bool) {
	return bot.Value{Text: w.text}, isIncidentName(w.text) && !w.is(talk...) && !w.is("of", "for", "since", "until")
}

// severity reads how bad it is.
func severity(w word) (v bot.Value, fits bool) {
	return bot.Value{Text: w.text}, !w.quoted && bot.ParseSeverity(w.text) != bot.SeverityUnknown
}

// addFollowUp takes who, by when and into which list from the end of what was said. What
// is not quite one of these stays in the text, and the answer says what was understood.
func addFollowUp(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := incidentOf(ctx, call)
	if err != nil {
		return nil, err
	}
	o := bot.AddFollowUp{Thread: th.ID, Text: strings.TrimSpace(call.Args["text"].Text)}
	lists, err := call.World.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	for more := true; more; {
		before, keyword, last := lastTwo(o.Text)
		more = false
		switch {
		case before == "":
		case keyword == "for" && o.Owner == "":
			p, err := personNamed(call, last)
			if err != nil && strings.HasPrefix(last, "@") {
				return nil, err
			}
			o.Owner, more = p.ID, err == nil
		case keyword == "by" && o.Due.IsZero():
			o.Due, more, err = dueDay(last, call)
			if err != nil {
				return nil, err
			}
		case keyword == "of" && o.List == "":
			for _, x := range lists {
				if x.Checklist.Cron != "" && strings.EqualFold(x.Checklist.Name, last) {
					o.List, more = x.Checklist.Name, true
				}
			}
		}
		if more {
			o.Text = before
		}
	}
	if n := utf8.RuneCountInString(o.Text); n > bot.MostFollowUp {
		return nil, bot.Errorf(bot.CodeInvalid, "followup: that has %d letters, and a line in a list has room for %d: say it in short, and the rest with `finding …`.", n, bot.MostFollowUp)
	}
	return o, nil
}

// lastTwo cuts the last two words off; before is "" where there are no more than these.
func lastTwo(text string) (before, keyword, last string) {
	words := strings.Fields(text)
	n := len(words)
	if n < 3 {
		return "", "", ""
	}
	before = strings.TrimSpace(text[:strings.LastIndex(text, words[n-1])])
	before = strings.TrimSpace(before[:strings.LastIndex(before, words[n-2])])
	return strings.TrimRight(before, ",;"), strings.ToLower(words[n-2]), strings.TrimRight(words[n-1], ".,;")
}

// dueDay is the end of the day that a word names; any is false where it names none.
func dueDay(text string, call bot.Call) (at time.Time, any bool, err error) {
	w := word{text: text, raw: text}
	p := &parser{at: call.At, now: call.Now, zone: call.World.Zone()}
	u := moment{parser: p, first: w, last: w, hour: 23, minute: 59, zone: p.zone}
	if !u.dayWord(w) {
		return at, false, nil
	}
	if u.kind == dayWeekday && u.weekday == call.At.In(u.zone).Weekday() {
		return at, false, bot.Errorf(bot.CodeInvalid, "followup: today is %s; write `by today`, or the date.", u.weekday)
	}
	if at, err = u.resolve(); err != nil {
		return at, false, bot.Errorf(bot.CodeInvalid, "followup: `%s` is no day here; write the date, e.g. `by 2026-12-24`.", echo(text, echoWord))
	}
	switch {
	case at.Before(call.Now):
		return at, false, bot.Errorf(bot.CodeInvalid, "followup: `%s` has passed.", echo(text, echoWord))
	case at.Sub(call.Now) > longest:
		return at, false, bot.Errorf(bot.CodeInvalid, "followup: `%s` is more than a year away.", echo(text, echoWord))
	}
	return at.UTC(), true, nil
}
