package config

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/schedules"
)

const (
	// defaultLasts is how long a checklist without a cron stays open.
	defaultLasts = day
	leastLasts   = 10 * time.Minute
	mostLasts    = 90 * day
	// mostItems of a checklist: one message shows them all.
	mostItems = 50
)

// checklists lays what the file says over the built-in checklists. Without a word all
// of these come, in the notices room; with builtin: false only those that are named.
func (b *builder) checklists() {
	k := &b.keys.Checklists
	rooms := b.roomList(k.Rooms)
	if !k.Rooms.set && b.cfg.NoticesRoom != "" {
		rooms = []bot.RoomID{b.cfg.NoticesRoom}
	}
	zone := b.zone(k.Zone, b.cfg.Zone)
	builtin := schedules.Builtin()
	b.cfg.crons = map[string]schedules.Cron{}
	named := newNames("checklist")
	entries := map[string]*checklistKeys{}
	var own []string
	for i := range k.Lists.items {
		e := &k.Lists.items[i]
		b.named(e.Name)
		if !named.add(&b.judge, e.Name) {
			continue
		}
		entries[e.Name.v] = e
		if !slices.ContainsFunc(builtin, func(c bot.Checklist) bool { return c.Name == e.Name.v }) {
			own = append(own, e.Name.v)
		}
	}
	for _, base := range builtin {
		e := entries[base.Name]
		if e == nil && !k.Builtin.or(true) {
			continue
		}
		b.checklist(base, true, cmp.Or(e, &checklistKeys{}), rooms, zone)
	}
	for _, name := range own {
		e := entries[name]
		if e.Off.v && !e.Items.set && !e.File.set {
			b.fault(e.Name.place, "there is no built-in checklist %s that could be off%s", short(name), choose(name, namesOf(builtin)...))
			continue
		}
		b.checklist(bot.Checklist{Name: name, Title: name, Missed: bot.CatchUp}, false, e, rooms, zone)
	}
}

func namesOf(all []bot.Checklist) (out []string) {
	for _, c := range all {
		out = append(out, c.Name)
	}
	return out
}

// checklist takes one in: what its file says in the place of the built-in words, and
// over both what the bot's file says.
func (b *builder) checklist(c bot.Checklist, builtin bool, e *checklistKeys, rooms []bot.RoomID, zone *time.Location) {
	before := len(b.faults)
	l := &lister{b: b, judge: &b.judge, c: &c, zone: zone}
	if e.File.ok {
		if !b.reads {
			return
		}
		c = bot.Checklist{Name: c.Name, Title: cmp.Or(c.Title, c.Name), Missed: bot.CatchUp}
		if !l.file(e.File) {
			return
		}
	}
	l.judge = &b.judge
	l.lay(e, builtin || e.File.ok)
	c.Rooms = rooms
	if e.Rooms.set {
		c.Rooms = b.roomList(e.Rooms)
	}
	if len(b.faults) > before {
		return
	}
	l.sound(e)
	if len(b.faults) == before && !e.Off.v {
		b.cfg.Checklists = append(b.cfg.Checklists, c)
		if c.Cron != "" {
			b.cfg.crons[c.Name] = l.cron
		}
	}
}

// lister fills one checklist. Its judge is the one of the file that is read just now.
type lister struct {
	b     *builder
	judge *judge
	c     *bot.Checklist
	zone  *time.Location
	cron  schedules.Cron
	// cronAt is where the cron was given, and the judge of that file; nil: it is built in.
	cronAt struct {
		judge *judge
		place place
	}
	remindGiven bool
}

// file reads a checklist's own file; its faults have its own lines.
func (l *lister) file(g given[string]) (ok bool) {
	path := g.v
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(l.b.file), path)
	}
	// Not by opening it: a pipe in its place would hang the bot.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		l.judge.fault(g.place, "%s is no file", short(path))
		return false
	}
	if err == nil && info.Size() > maxFile {
		l.judge.fault(g.place, "%s has %d bytes, more than the %d that are read", short(path), info.Size(), maxFile)
		return false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.judge.fault(g.place, "%s %s", short(path), reason(err))
		return false
	}
	j := newJudge(path, "schedules/checklists/daily.yaml of the sources", nil)
	l.judge = &j
	var k checklistFileKeys
	if root := j.parse(data); root != nil {
		j.fill(root, reflect.ValueOf(&k).Elem(), "")
	}
	if len(j.faults) == 0 {
		l.lay(&checklistKeys{
			place: k.place, Title: k.Title, Cron: k.Cron, Zone: k.Zone, Missed: k.Missed,
			After: k.After, Lasts: k.Lasts, Remind: k.Remind, Report: k.Report, Timed: k.Timed, Since: k.Since, Items: k.Items,
		}, false)
	}
	l.b.faults = append(l.b.faults, j.faults...)
	l.b.warnings = append(l.b.warnings, j.warnings...)
	return len(j.faults) == 0
}

// lay puts what is given over what is there. known: there is something to change.
func (l *lister) lay(k *checklistKeys, known bool) {
	j, c := l.judge, l.c
	if k.Title.ok {
		l.line(k.Title, 80)
		c.Title = k.Title.v
	}
	l.zone = j.zone(k.Zone, l.zone)
	if k.Cron.ok {
		c.Cron = k.Cron.v
		l.cronAt.judge, l.cronAt.place = j, k.Cron.place
	}
	switch m := bot.MissedFiring(k.Missed.or(string(c.Missed))); m {
	case bot.CatchUp, bot.SkipMissed:
		c.Missed = m
	default:
		j.fault(k.Missed.place, "there is no way %s%s", short(k.Missed.v), choose(k.Missed.v, string(bot.CatchUp), string(bot.SkipMissed)))
	}
	if k.After.set {
		c.After = nil
		for _, g := range k.After.items {
			kind := bot.ChangeKind(g.v)
			switch {
			case !g.ok:
			case kind != bot.ChangeSwitch && kind != bot.ChangeReboot:
				j.fault(g.place, "nothing comes after %s%s", short(g.v), choose(g.v, string(bot.ChangeSwitch), string(bot.ChangeReboot)))
			case slices.Contains(c.After, kind):
				j.fault(g.place, "%s stands twice", short(g.v))
			default:
				c.After = append(c.After, kind)
			}
		}
	}
	if k.Lasts.ok {
		c.Lasts = k.Lasts.v
		if c.Lasts < leastLasts || c.Lasts > mostLasts {
			j.fault(k.Lasts.place, "must be from %s to %s", spelt(leastLasts), spelt(mostLasts))
		}
	}
	c.Report, c.Timed, c.Since = k.Report.or(c.Report), k.Timed.or(c.Timed), k.Since.or(c.Since)
	if k.Remind.ok {
		c.Remind, l.remindGiven = k.Remind.v, true
	}
	l.items(k, known)
}

// sound looks at the whole: when it comes, how long it lasts, what is left to do.
func (l *lister) sound(e *checklistKeys) {
	b, c := l.b, l.c
	c.Zone = l.zone.String()
	at, fault := e.place, b.fault
	if l.cronAt.judge != nil {
		at = l.cronAt.place
		fault = func(at place, format string, args ...any) {
			b.faults = append(b.faults, l.cronAt.judge.made(at, format, args...))
		}
	}
	length := c.Lasts
	switch {
	case c.Timed && (c.Cron != "" || len(c.After) > 0):
		fault(at, "cron and after do not go with timed: people open such a checklist with `incident open`. Leave them out, or write timed: false")
		return
	case c.Timed && c.Lasts == 0:
		if c.Remind > 0 && c.Remind < leastLasts {
			b.fault(e.place, "would tell every %s that it is open still: write a remind of at least %s, or 0s for never", spelt(c.Remind), spelt(leastLasts))
		}
		length = mostLasts
	case c.Cron != "" && e.Lasts.ok:
		b.fault(e.Lasts.place, "is only for a checklist without cron: each run of this one ends when the next begins")
	case c.Cron != "":
		cron, err := schedules.ParseCron(c.Cron, l.zone)
		if err != nil {
			fault(at, "%s", err)
			return
		}
		l.cron, c.Lasts, length = cron, 0, shortest(cron)
		if length < leastLasts {
			fault(at, "comes round every %s: people need at least %s for a checklist", spelt(length), spelt(leastLasts))
			return
		}
	case len(c.After) == 0 && !c.Timed:
		b.fault(e.place, "never comes: write cron, as in \"0 8 * * mon\", or after: [switch]")
		return
	case length == 0:
		c.Lasts, length = defaultLasts, defaultLasts
	}
	switch {
	case c.Remind < length:
	case e.Remind.ok:
		b.fault(e.Remind.place, "must be shorter than a run, which is %s", spelt(length))
	case l.remindGiven:
		b.fault(e.place, "has a run of %s, and remind of %s is longer: write a remind that fits, or 0s for never", spelt(length), spelt(c.Remind))
	default: // a built-in one that comes more often than it did
		c.Remind = (length / 4).Truncate(time.Minute)
	}
	switch n := len(c.Items); {
	case n == 0:
		b.fault(e.place, "has no items: write items: [{id: cellar, task: Look into the cellar}], or off: true")
	case n > mostItems:
		b.fault(e.place, "has %d items, and at most %d can be shown: make two checklists of it", n, mostItems)
	}
}

// shortest is the shortest time between two firings, as the next two years have them,
// or the first hundred.
func shortest(c schedules.Cron) time.Duration {
	least := 10 * 365 * day
	at := c.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 100 {
		next := c.Next(at)
		if next.IsZero() {
			break
		}
		least = min(least, next.Sub(at))
		at = next
	}
	return least
}

// line looks at text that must stay one short line.
func (l *lister) line(g given[string], most int) {
	switch {
	case !g.ok:
	case strings.ContainsAny(strings.TrimSpace(g.v), "\n\r"):
		l.judge.fault(g.place, "must be one line")
	case len([]rune(g.v)) > most:
		l.judge.fault(g.place, "has %d letters, more than the %d that can be shown", len([]rune(g.v)), most)
	}
}

// offered tells what is wrong with a command that an item offers.
func (l *lister) offered(g given[string]) {
	if !g.ok || l.b.offer == nil {
		return
	}
	if complaint := l.b.offer(g.v); complaint != "" {
		l.judge.fault(g.place, "%s cannot be offered: %s", short(g.v), complaint)
	}
}
