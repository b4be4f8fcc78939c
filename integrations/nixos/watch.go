package nixos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// health is how a unit or a check looks at one moment.
type health int

const (
	fine health = iota
	failing
	pending // neither yet: it is being started or stopped
)

// finding is one subject at one moment.
type finding struct {
	health health
	why    string // where it is not fine, or is and does nothing any more
}

// sample is one look at everything.
type sample struct {
	units  map[string]finding
	checks map[string]finding
	// others are units that fail, and that nobody promised to be fine, with why.
	others map[string]string
	// restarts are those that systemd did by itself.
	restarts map[string]int
	err      error // the units could not be seen
}

// role is what a unit that was fine did before a switch.
type role string

const (
	idle   role = ""       // nothing, as what is started on demand, or has ended well
	active role = "active" // it was on: a socket, a timer, a mount, a oneshot that stays
	ran    role = "ran"    // it ran as a service
)

// UnmarshalJSON reads what an older agent noted too: whether it ran.
func (r *role) UnmarshalJSON(text []byte) error {
	var service bool
	if json.Unmarshal(text, &service) == nil {
		*r = idle
		if service {
			*r = ran
		}
		return nil
	}
	return json.Unmarshal(text, (*string)(r))
}

// watch is what is looked at.
type watch struct {
	// units that must be fine, and what each did before.
	units map[string]role
	// since is when the switch began, zero where that is not known.
	since time.Time
	// touched were started or restarted.
	touched []string
	// listed were named by the switch, and did not fail before: one that is new
	// with the target, and never comes up, nobody could have seen fine.
	listed []string
	// tree has the units of the system that should run now.
	tree   tree
	checks []Check
}

// unitsBefore are the units that do what they are for, now, and what each does; and
// those that fail. Scopes and devices come and go with people and
// cables.
func (n *NixOS) unitsBefore(ctx context.Context) (fine map[string]role, trouble []string, err error) {
	us, err := n.units(ctx)
	if err != nil {
		return nil, nil, err
	}
	fine, trouble = map[string]role{}, []string{}
	for _, u := range us {
		switch {
		case !watched(u.Name) || u.Load != "loaded":
		case u.Fine():
			fine[u.Name] = roleOf(u)
		case judge(u, 0).health == failing:
			trouble = append(trouble, u.Name)
		}
	}
	return fine, trouble, nil
}

func roleOf(u sys.Unit) role {
	switch {
	case u.Active == "inactive":
		return idle
	// What reloads or is refreshed has another Sub, and runs.
	case path.Ext(u.Name) == ".service" && (u.Sub == "running" || u.Active != "active"):
		return ran
	}
	return active
}

func watched(name string) bool {
	ext := path.Ext(name)
	return ext != ".scope" && ext != ".device"
}

// units lists all, and asks again for a while where systemd is just being executed
// anew.
func (n *NixOS) units(ctx context.Context) (us []sys.Unit, err error) {
	const tries, pause = 6, 5 * time.Second
	for try := range tries {
		if us, err = n.o.Host.Units.List(ctx); err == nil && len(us) > 0 {
			return us, nil
		}
		if try < tries-1 && sleep(ctx, pause) != nil {
			break
		}
	}
	if err == nil {
		err = fmt.Errorf("systemd tells of no units")
	}
	return nil, err
}

// sample looks once. before is the look before this one, nil for none.
func (n *NixOS) sample(ctx context.Context, w watch, before *sample) sample {
	s := sample{units: map[string]finding{}, checks: map[string]finding{}, others: map[string]string{}, restarts: map[string]int{}}
	for _, c := range w.checks {
		s.checks[c.Name] = n.check(ctx, c)
	}
	us, err := n.units(ctx)
	if err != nil {
		s.err = err
		return s
	}
	loaded := map[string]sys.Unit{}
	for _, u := range us {
		loaded[u.Name] = u
		s.restarts[u.Name] = u.Restarts
		if _, promised := w.units[u.Name]; promised || !watched(u.Name) {
			continue
		}
		if f := judge(u, again(u, before)); f.health == failing {
			s.others[u.Name] = f.why
		}
	}
	for name, was := range w.units {
		u, ok := loaded[name]
		if !ok || u.Active == "inactive" && (was != idle || u.Load != "loaded") {
			// Not loaded any more, or stopped: only its own properties tell whether
			// that is well.
			if u, err = n.o.Host.Units.Unit(ctx, name); err != nil {
				s.err = err
				return s
			}
		}
		f := judge(u, again(u, before))
		if f.health == fine && u.Active == "inactive" {
			f = w.idle(u, was)
		}
		s.units[name] = f
	}
	return s
}

// again is how often systemd restarted a unit by itself since the look before.
func again(u sys.Unit, before *sample) int {
	if before == nil {
		return 0
	}
	former, known := before.restarts[u.Name]
	if !known {
		return 0
	}
	return u.Restarts - former
}

// judge tells how a unit is; again is how often systemd restarted it by itself
// since the look before.
func judge(u sys.Unit, again int) finding {
	result := ""
	if u.Result != "" && u.Result != "success" {
		result = ": " + tame(u.Result)
	}
	switch u.Active {
	case "failed", "maintenance":
		return finding{failing, tame(u.Active) + result}
	case "activating":
		if u.Sub == "auto-restart" || u.Sub == "auto-restart-queued" {
			return finding{failing, "it fails and is started again" + result}
		}
		return finding{pending, "it is still being started"}
	case "deactivating":
		return finding{pending, "it is still being stopped"}
	case "inactive":
		if result != "" {
			return finding{failing, "it ended" + result}
		}
	case "active":
		if again > 0 {
			return finding{failing, "systemd had to restart it " + phrase.Count(again, "time", "times") + " between two looks"}
		}
	}
	return finding{}
}

// looks are the last two at everything; the same one twice where once is true,
// since the run was told to stop and two were too many.
type looks struct {
	a, b sample
	once bool
}

// settle looks until two looks agree, or patience is over, and gives the last two;
// not when the context ended before that. Of a run that was told to stop it looks
// once, at once.
func (n *NixOS) settle(ctx context.Context, w watch, work bot.Work) (looks, bool) {
	once := func() (looks, bool) {
		work.Say("The run was told to stop: one look at the units must do.")
		s := n.sample(ctx, w, nil)
		return looks{s, s, true}, ctx.Err() == nil
	}
	if isClosed(work.Stopping()) {
		return once()
	}
	work.Say("Leaving the units alone for %s.", phrase.Duration(n.o.Settle))
	if err := pause(ctx, n.o.Settle, work.Stopping()); errors.Is(err, errStopping) {
		return once()
	} else if err != nil {
		return looks{}, false
	}
	since := time.Now()
	l := looks{b: n.sample(ctx, w, nil)}
	for told := false; ; {
		if err := pause(ctx, n.o.Between, work.Stopping()); errors.Is(err, errStopping) {
			return once()
		} else if err != nil {
			return looks{}, false
		}
		l.a, l.b = l.b, n.sample(ctx, w, &l.b)
		if agree(w, l.a, l.b) || time.Since(since) >= n.o.Patience {
			return l, true
		}
		if !told {
			told = true
			work.Say("Two looks do not agree yet; looking again for at most %s.", phrase.Duration(n.o.Patience))
		}
	}
}

// agree: both looks saw everything, and the same.
func agree(w watch, a, b sample) bool {
	same := func(x, y map[string]finding) bool {
		return maps.EqualFunc(x, y, func(f, g finding) bool { return f.health == g.health && f.health != pending })
	}
	for _, name := range w.listed {
		_, x := a.others[name]
		if _, y := b.others[name]; x != y {
			return false
		}
	}
	return a.err == nil && b.err == nil && same(a.units, b.units) && same(a.checks, b.checks)
}

const unitSource = "systemd over D-Bus"

// readings judge the looks: what was the same in both is what it is, and whatever
// else there is has not settled.
func (n *NixOS) readings(w watch, l looks) []bot.Reading {
	const most = 20
	a, b := l.a, l.b
	words, short := "two looks "+phrase.Duration(n.o.Between)+" apart", "both looks"
	if l.once {
		words, short = "one look", "the only look"
	}
	var out []bot.Reading
	if a.err != nil || b.err != nil {
		out = append(out, n.reading("units", "", unitSource, bot.Unknown, "systemd did not tell how they are"))
	} else {
		var bad []bot.Reading
		for _, name := range slices.Sorted(maps.Keys(w.units)) {
			if r, ok := n.subject("unit "+name, unitSource, short, a.units[name], b.units[name]); !ok {
				bad = append(bad, r)
			}
		}
		st, value := bot.OK, fmt.Sprintf("%d that were fine before are fine, in %s", len(w.units), words)
		idle, count := idlers(a, b)
		switch {
		case len(bad) > 0:
			st, value = bot.NotOK, fmt.Sprintf("%d of %d that were fine before are not, in %s", len(bad), len(w.units), words)
		case count > 0:
			value = fmt.Sprintf("%d of %d that were fine before are fine, in %s", len(w.units)-count, len(w.units), words)
		}
		value += idle
		var others []string
		for _, name := range slices.Sorted(maps.Keys(b.others)) {
			_, too := a.others[name]
			switch {
			case !too:
			case slices.Contains(w.listed, name):
				bad = append(bad, n.reading("unit "+name, "fails in "+short, unitSource, bot.NotOK, b.others[name]+"; the switch named it, and it did not fail before"))
			default:
				others = append(others, name)
			}
		}
		note := ""
		if len(others) > 0 {
			note = "also failed, but nobody saw them fine before: " + phrase.Some(others, most)
		}
		out = append(out, n.reading("units", value, unitSource, st, note))
		out = append(out, bad[:min(most, len(bad))]...)
	}
	for _, c := range w.checks {
		r, _ := n.subject(checkName(c), c.source(), short, a.checks[c.Name], b.checks[c.Name])
		out = append(out, r)
	}
	return out
}

// subject judges one by the looks, with words for them; ok tells that it is fine.
func (n *NixOS) subject(what, source, looks string, a, b finding) (r bot.Reading, ok bool) {
	switch {
	case a.health == fine && b.health == fine:
		return n.reading(what, "fine in "+looks, source, bot.OK, ""), true
	case a.health == pending && b.health == pending:
		return n.reading(what, "", source, bot.Unknown, b.why), false
	case a.health == failing && b.health == failing:
		return n.reading(what, "fails in "+looks, source, bot.NotOK, b.why), false
	}
	why := a.why
	if b.health != fine {
		why = b.why
	}
	return n.reading(what, "does not settle", source, bot.NotOK, why), false
}

// noteJSON and noted keep small values of a run.
func noteJSON(w bot.Work, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.Note(name, string(b))
}

func noted[T any](w bot.Work, name string) (v T, ok bool) {
	text := w.Noted(name)
	if text == "" {
		return v, false
	}
	return v, json.NewDecoder(strings.NewReader(text)).Decode(&v) == nil
}
