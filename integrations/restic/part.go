package restic

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
)

// part is one of total parts of a repository's data, from 1. Restic assigns a
// pack to a part by its name, so that reading all parts reads all packs.
type part struct{ n, total int }

func (p part) String() string { return fmt.Sprintf("%d/%d", p.n, p.total) }

// parsePart reads "3/12".
func parsePart(text string) (part, error) {
	a, b, found := strings.Cut(text, "/")
	n, err1 := strconv.Atoi(a)
	total, err2 := strconv.Atoi(b)
	p := part{n, total}
	if !found || err1 != nil || err2 != nil || p.String() != text || n < 1 || n > total || total > mostParts {
		return part{}, bot.Errorf(bot.CodeInvalid, "A part is written as `3/12`: the third of twelve, of at most %d.", mostParts)
	}
	return p, nil
}

// week is an ISO week.
type week struct{ year, n int }

func (w week) String() string { return fmt.Sprintf("%04d-W%02d", w.year, w.n) }

// weekOf is the ISO week of a moment, in UTC: everybody's week is the same.
func weekOf(t time.Time) week {
	y, n := t.UTC().ISOWeek()
	return week{y, n}
}

// parseWeek reads "2026-W48".
func parseWeek(text string) (week, error) {
	var w week
	a, b, found := strings.Cut(text, "-W")
	var err1, err2 error
	w.year, err1 = strconv.Atoi(a)
	w.n, err2 = strconv.Atoi(b)
	if !found || err1 != nil || err2 != nil || w.year < 1970 || w.year > 9999 || w.String() != text || weekOf(w.monday()) != w {
		return week{}, bot.Errorf(bot.CodeInvalid, "A week is written as `2026-W48`.")
	}
	return w, nil
}

// monday is when the week begins. The 4th of January is always in week 1.
func (w week) monday() time.Time {
	fourth := time.Date(w.year, 1, 4, 0, 0, 0, 0, time.UTC)
	back := (int(fourth.Weekday()) + 6) % 7
	return fourth.AddDate(0, 0, (w.n-1)*7-back)
}

// index counts weeks since the first Monday of 1970. The number within the year
// would begin anew each January, and some parts would be passed over then.
func (w week) index() int64 {
	const day = 24 * 60 * 60
	return (w.monday().Unix() - 4*day) / (7 * day) // the 1st of January 1970 was a Thursday
}

// part is the one of total parts whose turn it is.
func (w week) part(total int) part {
	n := w.index() % int64(total)
	if n < 0 {
		n += int64(total)
	}
	return part{int(n) + 1, total}
}
