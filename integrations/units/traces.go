package units

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// boot is one boot of the host: its id as the kernel writes it, and the time of
// its first and last trace.
type boot struct {
	id          string
	began, last time.Time
}

// boots lists the boots that are known, the oldest first. That of now is known
// from the kernel even where the journal tells nothing; its beginning is the
// kernel's own word. reach is the journal's first entry, zero where that is unknown.
func (k *Keeper) boots(ctx context.Context) (known []boot, reach time.Time, err error) {
	id, began, here := k.thisBoot()
	out, err := k.run(ctx, 1<<20, k.journalArgs("--list-boots", "--output=json")...)
	if err == nil {
		known, err = bootList(out.Stdout)
	}
	if len(known) > 0 {
		reach = known[0].began
	}
	if i := slices.IndexFunc(known, func(b boot) bool { return b.id == id }); i >= 0 {
		known[i].began = began
	} else if here {
		known = append(known, boot{id: id, began: began})
	}
	return known, reach, err
}

func (k *Keeper) journalArgs(args ...string) []string {
	argv := []string{k.o.Journalctl, "--no-pager", "--quiet"}
	if k.o.Journal != "" {
		argv = append(argv, "--directory="+k.o.Journal)
	}
	return append(argv, args...)
}

// bootList reads `journalctl --list-boots --output=json`.
func bootList(text []byte) ([]boot, error) {
	var list []struct {
		ID    string `json:"boot_id"`
		First int64  `json:"first_entry"`
		Last  int64  `json:"last_entry"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, bot.Errorf(bot.CodeUnavailable, "journalctl's list of boots cannot be understood.").Because(err)
	}
	var out []boot
	for _, b := range list {
		if len(b.ID) != 32 || b.First <= 0 {
			continue
		}
		id := strings.Join([]string{b.ID[:8], b.ID[8:12], b.ID[12:16], b.ID[16:20], b.ID[20:]}, "-")
		out = append(out, boot{id: id, began: time.UnixMicro(b.First).UTC(), last: time.UnixMicro(b.Last).UTC()})
	}
	slices.SortStableFunc(out, func(a, b boot) int { return a.began.Compare(b.began) })
	return out, nil
}

// thisBoot is the boot that runs, from the kernel.
func (k *Keeper) thisBoot() (id string, began time.Time, ok bool) {
	text, err := k.h.Files.Read("/proc/sys/kernel/random/boot_id", 64)
	if err != nil {
		return "", time.Time{}, false
	}
	stat, err := k.h.Files.Read("/proc/stat", 4<<20)
	if err != nil {
		return "", time.Time{}, false
	}
	for l := range strings.Lines(string(stat)) {
		if rest, found := strings.CutPrefix(l, "btime "); found {
			seconds, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return strings.TrimSpace(string(text)), time.Unix(seconds, 0).UTC(), err == nil && seconds > 0
		}
	}
	return "", time.Time{}, false
}

const profiles = "/nix/var/nix/profiles"

var generation = regexp.MustCompile(`^system-([1-9][0-9]*)-link$`)

// switches finds what changed the system: generations that were made (their links'
// times), a profile that was set to an older one, an activation (the time of
// /run/current-system). A host without Nix has none.
func (k *Keeper) switches(g *gathering) error {
	entries, err := k.h.Files.List(profiles)
	if errors.Is(err, fs.ErrNotExist) {
		return bot.Errorf(bot.CodeNotFound, "%s does not exist on %s.", profiles, k.h.Name).Because(err)
	}
	if err != nil {
		return bot.Errorf(bot.CodeUnavailable, "%s cannot be read on %s.", profiles, k.h.Name).Because(err)
	}
	made := map[string]time.Time{}
	var set time.Time
	for _, e := range entries {
		info, err := e.Info() // of the link itself
		if err != nil {
			continue // it went away meanwhile
		}
		if e.Name() == "system" {
			set = info.ModTime()
		}
		if m := generation.FindStringSubmatch(e.Name()); m != nil {
			at := info.ModTime()
			made[e.Name()] = at
			g.add(bot.Change{ID: fmt.Sprintf("generation %s %d", m[1], at.Unix()), Kind: bot.ChangeSwitch, Text: "generation " + m[1] + " was made", At: at})
		}
	}
	if target, err := k.h.Files.Readlink(path.Join(profiles, "system")); err == nil {
		m := generation.FindStringSubmatch(path.Base(target))
		// Making a generation sets the profile too, in the same moment.
		if m != nil && !set.IsZero() && set.Sub(made[path.Base(target)]).Abs() > 5*time.Second {
			g.add(bot.Change{ID: fmt.Sprintf("profile %s %d", m[1], set.Unix()), Kind: bot.ChangeSwitch, Text: "the profile was set to generation " + m[1], At: set})
		}
	}
	return k.activation(g)
}

// activation tells when the running system was switched to. A boot activates too,
// and is told as that.
func (k *Keeper) activation(g *gathering) error {
	x, _, err := k.activated()
	if err == nil && !x.At.IsZero() && !g.booting(x.At) {
		g.add(x)
	}
	return err
}

// activated is the last activation, and when that of the boot was, by the links that both
// leave in /run; zero times where there is no such link, as on other systems than NixOS.
func (k *Keeper) activated() (x bot.Change, booted time.Time, err error) {
	const current, atBoot = "/run/current-system", "/run/booted-system"
	untold := func(err error) (bot.Change, time.Time, error) {
		return bot.Change{}, time.Time{}, bot.Errorf(bot.CodeUnavailable, "When %s was switched last, and to what, is unknown.", k.h.Name).Because(err)
	}
	entries, err := k.h.Files.List(path.Dir(current))
	if err != nil {
		return untold(err)
	}
	for _, e := range entries {
		if e.Name() != path.Base(current) && e.Name() != path.Base(atBoot) {
			continue
		}
		info, err := e.Info() // of the link itself
		if err != nil {
			return untold(err)
		}
		if e.Name() == path.Base(atBoot) {
			booted = info.ModTime()
			continue
		}
		target, err := k.h.Files.Resolve(current)
		if err != nil {
			return untold(err)
		}
		at := info.ModTime()
		hash, name, _ := strings.Cut(path.Base(target), "-")
		x = bot.Change{ID: fmt.Sprintf("switch %s %d", hash, at.Unix()), Kind: bot.ChangeSwitch, Text: "switched to " + name, At: at}
	}
	return x, booted, nil
}

// bootActivates is how far apart the two links may be after a boot, which makes both.
const bootActivates = time.Minute

// LastSwitch is what the running system came by: the same change as Changes tells of, or
// one of the kind reboot where it runs since the boot. Nil where that is unknown. It only
// looks at links, so that it may be asked often.
func (k *Keeper) LastSwitch() *bot.Change {
	x, booted, err := k.activated()
	if err != nil || x.At.IsZero() {
		return nil
	}
	if !booted.IsZero() && x.At.Sub(booted).Abs() <= bootActivates {
		x.Kind = bot.ChangeReboot
	}
	x.Host, x.Text, x.At = k.h.Name, line(x.Text), x.At.UTC().Truncate(time.Millisecond)
	return &x
}

// What systemd writes into the journal (sd-messages.h).
const (
	unitStarted    = "39f53479d3a045ac8e11786248231fbf"
	restartPlanned = "5eb03494b6584870a536b337290809b3"
)

// mostStarts bounds the entries that are read.
const mostStarts = 1000

// starts reads from the journal when services were started, those of oneshots
// left out: timers start them all day. types has those that are loaded.
func (k *Keeper) starts(ctx context.Context, g *gathering, types map[string]string) error {
	entries, cut, err := k.journal(ctx, fmt.Sprintf("--since=@%d", g.from.Unix()), fmt.Sprintf("--lines=%d", mostStarts),
		"--output-fields=MESSAGE_ID,UNIT,INVOCATION_ID", "_PID=1", "MESSAGE_ID="+unitStarted, "MESSAGE_ID="+restartPlanned)
	if err != nil {
		return err
	}
	if cut || len(entries) >= mostStarts {
		g.unknown = append(g.unknown, fmt.Sprintf("earlier starts of services: there were more than the %d that were read", mostStarts))
	}
	itself := map[string]bool{}
	for _, e := range entries {
		unit, invocation := e.text("UNIT"), e.text("INVOCATION_ID")
		if e.text("MESSAGE_ID") == restartPlanned {
			itself[unit] = true
			continue
		}
		text := unit + " was started"
		if itself[unit] {
			text += " again by systemd"
		}
		delete(itself, unit)
		if invocation == "" || g.booting(e.at()) || !k.lasts(ctx, unit, types) {
			continue
		}
		id := started(unit, invocation)
		if i := slices.IndexFunc(g.found, func(c bot.Change) bool { return c.ID == id }); i >= 0 {
			g.found[i].Text = text // known already, but not how it came
			continue
		}
		g.add(bot.Change{ID: id, Kind: bot.ChangeRestart, Text: text, At: e.at()})
	}
	return nil
}

// lasts tells whether a loaded service is one that goes on running once started.
// A list of units may leave the type out, which is asked for once then.
func (k *Keeper) lasts(ctx context.Context, unit string, types map[string]string) bool {
	kind, loaded := types[unit]
	if loaded && kind == "" {
		u, err := k.h.Units.Unit(ctx, unit)
		if kind = u.Type; err != nil || kind == "" {
			kind = "unknown"
		}
		types[unit] = kind
	}
	return loaded && kind != "oneshot"
}

func words(d time.Duration) string { return phrase.Duration(d) }
