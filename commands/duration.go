package commands

import (
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// longest is the most that a silence may last: what is to be quiet for longer
// is forgotten by everybody, and belongs into the alert's rule.
const longest = 365 * 24 * time.Hour

// unitWords are what people write for Prometheus' units.
var unitWords = map[string]string{
	"min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"hr": "h", "hrs": "h", "hour": "h", "hours": "h",
	"day": "d", "days": "d", "week": "w", "weeks": "w",
}

// parseDuration is Prometheus' grammar, and its units in words. It reads "0h"
// and "-2h" too, so that they can be refused for what they are.
func parseDuration(s string) (d time.Duration, ok bool) {
	text, negative := strings.CutPrefix(s, "-")
	digits := strings.TrimRightFunc(text, unicode.IsLetter)
	if unit := unitWords[strings.ToLower(text[len(digits):])]; unit != "" {
		text = digits + unit
	}
	if text == "0" {
		return 0, false // a number; nobody means a time by it
	}
	parsed, err := model.ParseDuration(text)
	switch {
	case err != nil && strings.Contains(err.Error(), "out of range"):
		return 1<<63 - 1, true
	case err != nil:
		return 0, false
	case negative:
		return -time.Duration(parsed), true
	}
	return time.Duration(parsed), true
}

func isDuration(s string) bool {
	_, ok := parseDuration(s)
	return ok
}

// joinedDuration reads the longest duration that the next words make: "2h",
// "2 h", "1h 30m", "1 d 12 h". The reader is then behind it.
func joinedDuration(r *reader) (d time.Duration, typed string, ok bool) {
	ahead, text := *r, ""
	for range 8 {
		w, any := ahead.next()
		if !any || w.quoted {
			break
		}
		if text == "" && !startsNumber(w.text) {
			break
		}
		text += normalUnit(w.text)
		if got, fits := parseDuration(text); fits {
			d, ok, *r = got, true, ahead
			typed = text
		}
	}
	return d, typed, ok
}

// normalUnit makes one letter of a unit's word, so that words can be joined.
func normalUnit(s string) string {
	digits := strings.TrimRightFunc(s, unicode.IsLetter)
	if unit := unitWords[strings.ToLower(s[len(digits):])]; unit != "" {
		return digits + unit
	}
	return s
}

func startsNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// duration reads how long: `2h`, `for 2h`, `until 18:00`.
func (p *parser) duration(ahead *reader) (v bot.Value, fits bool, err error) {
	*ahead = p.r
	first, _ := ahead.peek()
	if first.is(untilWords...) {
		ahead.next()
		if v, fits, err = p.until(first, ahead); err != nil {
			return v, fits, err
		}
		return v, fits, p.oneTime(*ahead, p.lasts)
	}
	if first.is("for") {
		ahead.next()
		first, _ = ahead.peek()
	}
	d, typed, ok := joinedDuration(ahead)
	if !ok {
		return v, false, nil
	}
	if why := tooShortOrLong(d); why != "" {
		return v, false, p.wrong(word{raw: typed, n: first.n}, why)
	}
	return bot.Value{Text: typed, Duration: d}, true, p.oneTime(*ahead, p.ends)
}

var untilWords = []string{"until", "till", "til"}

// oneTime asks back where a second time stands behind the one that was read: it
// would end up as the comment, unread.
func (p *parser) oneTime(behind reader, another func(*reader) bool) error {
	ahead := behind
	if !another(&ahead) {
		return nil
	}
	first, second := p.r.line[p.r.at:behind.at], p.r.line[behind.at:ahead.at]
	return bot.Errorf(bot.CodeInvalid, "%s: `%s` and `%s` are two times; write one of them. A comment that begins with a time goes into quotes.",
		echo(p.line, echoLine), echo(first, echoWord), echo(second, echoWord))
}

// lasts reads "2h" or "for 2h".
func (p *parser) lasts(ahead *reader) bool {
	if w, _ := ahead.peek(); w.is("for") {
		ahead.next()
	}
	_, _, ok := joinedDuration(ahead)
	return ok
}

// ends reads "until" and a day or a time, or both.
func (p *parser) ends(ahead *reader) bool {
	if w, _ := ahead.next(); !w.is(untilWords...) {
		return false
	}
	w, _ := ahead.next()
	u := moment{parser: p}
	if day, _, cut := cutTime(w); cut && u.dayWord(day) {
		return true
	}
	_, _, clock := clockTime(w.text)
	if !u.dayWord(w) {
		return clock
	}
	behind := *ahead
	if w, _ := behind.next(); w.text != "" {
		if _, _, clock := clockTime(w.text); clock {
			*ahead = behind
		}
	}
	return true
}

func tooShortOrLong(d time.Duration) string {
	switch {
	case d < 0:
		return "lies in the past; write how long from now, e.g. `2h`."
	case d < time.Second:
		return "is no time at all; write e.g. `2h`."
	case d > longest:
		return "is more than a year: by then nobody remembers it. Write at most `365d`, or change the alert's rule."
	}
	return ""
}
