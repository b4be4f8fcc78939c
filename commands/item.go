package commands

import (
	"strings"

	"watchstander/bot"
)

// Kinds of argument that the commands for checklists have.
const (
	kindItem bot.ArgKind = "item" // 3, #3
	kindList bot.ArgKind = "list" // a checklist's name
	kindOf   bot.ArgKind = "of"   // of and a checklist's name
	kindDay  bot.ArgKind = "day"  // until DAY [TIME], or a duration
)

// item reads an item's number.
func (p *parser) item(w word) (v bot.Value, fits bool, err error) {
	n, ok := wholeNumber(strings.TrimSuffix(strings.TrimPrefix(w.text, "#"), "."))
	if !ok || n < 1 || n > 999 || w.quoted || strings.ContainsAny(w.text, "+-") {
		return v, false, nil
	}
	return bot.Value{Text: w.text, Number: n}, true, nil
}

// list reads a checklist's name: one word, as names in the configuration are.
func (p *parser) list(w word) (v bot.Value, fits bool) {
	if w.is(talk...) || w.is("because", "until", "of") || w.text == "" || w.text[0] >= '0' && w.text[0] <= '9' {
		return v, false
	}
	return bot.Value{Text: w.text}, true
}

// day reads until when something is put off. A day alone is its morning; all else is as
// for silences.
func (p *parser) day(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	const morning = 8
	if w.is("until", "till") {
		if day, ok := ahead.next(); ok {
			u := moment{parser: p, first: day, last: day, hour: morning}
			if u.dayWord(day) && !timeBehind(*ahead) {
				if p.shape {
					return v, true, nil
				}
				u.zone = p.zone
				t, err := u.resolve()
				switch now := latest(p.now, p.at); {
				case err != nil:
					return v, false, err
				case !t.After(now):
					return v, false, u.wrong("has passed; a day alone means 8:00.")
				case t.Sub(now) > longest:
					return v, false, u.wrong("is more than a year away.")
				}
				return bot.Value{Text: day.raw, Until: t.UTC()}, true, nil
			}
		}
	}
	*ahead = p.r
	return p.duration(ahead)
}

// timeBehind tells whether a time of day stands next.
func timeBehind(ahead reader) bool {
	w, ok := ahead.next()
	if ok && w.is("at") {
		w, ok = ahead.next()
	}
	if !ok {
		return false
	}
	if _, _, is := clockTime(w.text); is {
		return true
	}
	next, more := ahead.next()
	if !more || !next.is("am", "pm") {
		return false
	}
	_, _, is := clockTime(w.text + next.text)
	return is
}
