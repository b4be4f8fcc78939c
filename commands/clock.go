package commands

import (
	"strconv"
	"strings"

	"watchstander/bot"
)

// until reads a time of day with or without a day before it and a zone behind:
// "18:00", "6pm", "tomorrow 8:00", "monday 9:00", "2026-12-24 18:00 UTC". A bare
// time is the next one. What could be read in two ways is asked back: a silence
// that ends an hour or a week early is worse than a question.
func (p *parser) until(start word, ahead *reader) (v bot.Value, fits bool, err error) {
	w, ok := ahead.next()
	if !ok {
		return v, false, p.wrong(start, "needs a time; write e.g. `until 18:00`, `until tomorrow 8:00`.")
	}
	u := moment{parser: p, first: w, last: w}
	if day, clock, ok := cutTime(w); ok && u.dayWord(day) { // 2026-12-24T18:00
		w = clock
	} else if u.dayWord(w) {
		if w, ok = ahead.next(); ok && w.is("at") {
			w, ok = ahead.next()
		}
		if !ok || w.is("at") {
			return v, false, p.wrong(u.first, "needs a time of day behind it; write e.g. `until "+echo(u.first.text, echoWord)+" 8:00`.")
		}
	}
	u.last = w
	hour, minute, ok := clockTime(w.text)
	if next, more := ahead.peek(); more && next.is("am", "pm") {
		if h, m, joined := clockTime(w.text + next.text); joined {
			hour, minute, ok = h, m, true
			ahead.next()
		}
	}
	if !ok {
		return v, false, p.wrong(w, "is no time; write e.g. `until 18:00`, `until tomorrow 8:00`, `until 2026-12-24 18:00`.")
	}
	u.hour, u.minute = hour, minute
	if p.shape {
		return v, true, nil
	}
	if err := u.zoneWord(ahead); err != nil {
		return v, false, err
	}
	if err := u.dayBehind(*ahead); err != nil {
		return v, false, err
	}
	t, err := u.resolve()
	if err != nil {
		return v, false, err
	}
	switch now := latest(p.now, p.at); {
	case !t.After(now):
		return v, false, u.wrong("has passed.")
	case t.Sub(now) > longest:
		return v, false, u.wrong("is more than a year away: by then nobody remembers it. Change the alert's rule instead.")
	}
	typed := strings.TrimSpace(p.r.line[p.r.at:ahead.at])
	return bot.Value{Text: typed, Until: t.UTC()}, true, nil
}

// dayBehind asks back where a day stands behind the time ("18:00 tomorrow"): it would end
// up as the comment, and the time would be that of another day.
func (u *moment) dayBehind(ahead reader) error {
	_, clock, _ := strings.Cut(strings.TrimSpace(ahead.line[u.parser.r.at:ahead.at]), " ") // behind "until"
	w, _ := ahead.next()
	if w.is("on") {
		w, _ = ahead.next()
	}
	if day := (moment{}); u.kind != dayNone || w.quoted || !day.dayWord(w) {
		return nil
	}
	return u.parser.wrong(w, "stands behind the time; write `until "+echo(w.text+" "+clock, echoWord)+"`. A comment that begins with a day goes into quotes.")
}

// cutTime splits 2026-12-24T18:00.
func cutTime(w word) (day, clock word, ok bool) {
	if len(w.text) < len("2026-12-24T8:00") || w.text[10] != 'T' && w.text[10] != 't' {
		return w, w, false
	}
	day, clock = w, w
	day.text, clock.text = w.text[:10], w.text[11:]
	return day, clock, true
}

// clockTime reads "18:00", "8:05", "24:00", "6pm", "6:30pm".
func clockTime(s string) (hour, minute int, ok bool) {
	s = strings.ToLower(s)
	half := ""
	for _, h := range []string{"am", "pm"} {
		if rest, cut := strings.CutSuffix(s, h); cut {
			s, half = rest, h
		}
	}
	h, m, colon := strings.Cut(s, ":")
	if !colon && half == "" || colon && len(m) != 2 || len(h) > 2 {
		return 0, 0, false
	}
	if !colon {
		m = "00"
	}
	hour, ok = number(h)
	minute, ok2 := number(m)
	if !ok || !ok2 || minute > 59 {
		return 0, 0, false
	}
	switch {
	case half != "" && (hour < 1 || hour > 12):
		return 0, 0, false
	case half != "":
		hour %= 12
		if half == "pm" {
			hour += 12
		}
	case hour == 24 && minute > 0 || hour > 24:
		return 0, 0, false
	}
	return hour, minute, true
}

func number(s string) (int, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
