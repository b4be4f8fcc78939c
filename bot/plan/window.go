package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

var days = map[string]string{"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}

// cronText is what the words of a window may show as its cron expression. Whether it is
// one is bot/gate's to say.
var cronText = regexp.MustCompile(`^[0-9A-Za-z@*/,-]+( [0-9A-Za-z*/,-]+)*$`)

// windowFault is what of a window could not be put into words.
func windowFault(w bot.Window) error {
	for i, d := range w.Days {
		if days[d] == "" || slices.Contains(w.Days[:i], d) {
			return fmt.Errorf("%q is no day, or there twice", d)
		}
	}
	if w.Start != "" || w.Lasts != 0 {
		switch {
		case w.From != "" || w.To != "" || len(w.Days) > 0:
			return errors.New("it has a start, and times of the day beside it")
		case !cronText.MatchString(w.Start) || w.Lasts <= 0:
			return errors.New("its start, or how long it lasts, is none")
		case w.Zone == "" || w.Zone == "Local":
			return errors.New("it has no zone")
		}
		return nil
	}
	for _, at := range []string{w.From, w.To} {
		if t, err := time.Parse("15:04", at); err != nil || t.Format("15:04") != at {
			return fmt.Errorf("%q is no time of the day", at)
		}
	}
	if w.Zone == "" || w.Zone == "Local" {
		return errors.New("it has no zone")
	}
	return nil
}

// windowWords is a window as people read it: "Mon, Tue 22:00 to 02:00 on the next
// day (Europe/Berlin)", or "whenever cron says 0 2 * * *, for 2 h (Europe/Berlin)".
func windowWords(w bot.Window) string {
	if w.Start != "" {
		return fmt.Sprintf("whenever cron says %s, for %s (%s)", w.Start, span(w.Lasts), w.Zone)
	}
	on := "every day"
	if len(w.Days) > 0 {
		var names []string
		for _, d := range w.Days {
			names = append(names, days[d])
		}
		on = strings.Join(names, ", ")
	}
	next := ""
	if w.To <= w.From {
		next = " on the next day"
	}
	return fmt.Sprintf("%s %s to %s%s (%s)", on, w.From, w.To, next, w.Zone)
}

// zonesOf are the zones of a rule's windows, each once, in their order. What a
// zone means depends on the database of the machine; where two have different
// rules for one instant, their words differ, and a signature does not fit: it
// fails on the safe side.
func zonesOf(windows []bot.Window) ([]*time.Location, error) {
	var out []*time.Location
	for _, w := range windows {
		z, err := time.LoadLocation(w.Zone)
		if err != nil {
			return nil, invalid("The zone %s of a window is not known here.", w.Zone).Because(err)
		}
		if !slices.ContainsFunc(out, func(x *time.Location) bool { return x.String() == z.String() }) {
			out = append(out, z)
		}
	}
	return out, nil
}
