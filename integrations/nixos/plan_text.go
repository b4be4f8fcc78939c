package nixos

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// mostPackages is how many packages a plan names. Those whose data stays behind and
// those of the core come first, so that they are never among the uncounted.
const mostPackages = 200

// core are the packages that say most about a system.
var core = []string{"linux", "systemd", "glibc", "zfs-kernel", "zfs-user", "grub", "nix", "openssh", "watchstander"}

// differences are lines on what will be another one.
func (p *planning) differences() []string {
	var lines []string
	if p.current.NixOSVersion != p.target.NixOSVersion {
		lines = append(lines, "NixOS: "+orUnknown(p.current.NixOSVersion)+" → "+orUnknown(p.target.NixOSVersion))
	}
	if p.to.number > 0 {
		lines = append(lines, "Made: "+day(p.current.Date)+" → "+day(p.target.Date))
	}
	if parts := p.diff.BootParts(); len(parts) > 0 {
		lines = append(lines, "What the boot loader loads: "+strings.Join(parts, ", "))
	}
	if p.current.Kernel != p.target.Kernel {
		lines = append(lines, "Kernel: "+orUnknown(p.current.Kernel)+" → "+orUnknown(p.target.Kernel))
	}
	if p.current.Bot != p.target.Bot || p.current.Schema != p.target.Schema {
		lines = append(lines, "Watchstander: "+botText(p.current)+" → "+botText(p.target))
	}
	if p.current.Secrets != p.target.Secrets {
		lines = append(lines, "Secrets: "+orUnknown(p.current.Secrets)+" → "+orUnknown(p.target.Secrets))
	}
	if p.current.Revision != p.target.Revision {
		lines = append(lines, "Configuration: "+orUnknown(p.current.Revision)+" → "+orUnknown(p.target.Revision))
	}
	if p.diff.PackagesUnknown != "" {
		return append(lines, "Packages: unknown. "+p.diff.PackagesUnknown)
	}
	return append(lines, p.packageLines()...)
}

func (p *planning) packageLines() []string {
	rank := func(c host.PackageChange) int {
		switch {
		case slices.Contains(p.n.o.Stateful, c.Name):
			return 0
		case slices.Contains(core, c.Name):
			return 1
		}
		return 2
	}
	var versions []host.PackageChange
	resized := 0
	for _, c := range p.diff.Packages {
		if len(c.Before)+len(c.After) == 0 {
			resized++
			continue
		}
		versions = append(versions, c)
	}
	slices.SortStableFunc(versions, func(a, b host.PackageChange) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
	var lines []string
	for _, c := range versions[:min(mostPackages, len(versions))] {
		lines = append(lines, c.String())
	}
	if more := len(versions) - mostPackages; more > 0 {
		lines = append(lines, fmt.Sprintf("and %s with other versions; `diff %s %s` lists all", phrase.Count(more, "more package", "more packages"), p.fromName(), p.toName()))
	}
	if resized > 0 {
		lines = append(lines, phrase.Count(resized, "package is", "packages are")+" of another size, of the same version")
	}
	if len(lines) == 0 && p.current.StorePath != p.target.StorePath {
		lines = append(lines, "Packages: all of the same versions")
	}
	return lines
}

func (p *planning) fromName() string {
	if p.current.Number > 0 && p.current.Specialisation == "" {
		return strconv.Itoa(p.current.Number)
	}
	return "current"
}

func (p *planning) toName() string {
	if p.to.number == 0 {
		return proposed
	}
	return strconv.Itoa(p.to.number)
}

// conditions are what was looked at, good or not.
func (p *planning) conditions(ctx context.Context) []bot.Condition {
	var cs []bot.Condition
	say := func(text, found string, st bot.ReadingState) {
		cs = append(cs, bot.Condition{Text: text, Found: found, State: st})
	}
	p.complete(say)
	say("the boot loader stays", tame(p.target.Loader), bot.OK)
	if p.target.StateVersion == "" || p.current.StateVersion == "" && p.n.o.StateVersion == "" {
		say("system.stateVersion stays", orUnknown(p.target.StateVersion)+" in the target", bot.Unknown)
	} else {
		say("system.stateVersion stays", p.target.StateVersion, bot.OK)
	}
	p.botCondition(say)
	switch a, b := p.current.Secrets, p.target.Secrets; {
	case a == "" || b == "":
		say("the secrets stay", "which version of them it deploys is unknown; what was revoked since then may come back", bot.Unknown)
	case a != b && p.to.number == 0:
		say("the secrets stay", "it deploys those of "+b+", and what runs has those of "+a+"; which are newer is not known, and what was revoked since then may come back", bot.Unknown)
	case a != b && p.target.Number > p.current.Number && p.current.Number > 0:
		say("the secrets stay", "it deploys those of "+b+", which is the newer system", bot.OK)
	case a != b:
		say("the secrets stay", "it deploys those of "+b+" again: whatever was revoked since then comes back", bot.NotOK)
	default:
		say("the secrets stay", a, bot.OK)
	}
	p.bootCondition(say)
	p.statefulCondition(say)
	p.checkCondition(ctx, say)
	if p.s.current == p.s.target {
		say("the running system is the profile's", short(p.current.Generation), bot.OK)
	} else {
		say("the running system is the profile's", short(p.current.Generation)+" runs, and the profile points at generation "+strconv.Itoa(p.s.profile), bot.NotOK)
	}
	const ended = "the last switch came to its end"
	if left, err := p.n.leftOver(); len(left) > 0 {
		say(ended, "it was interrupted; this one goes on with what it left ("+strings.Join(left, ", ")+")", bot.NotOK)
	} else if err != nil {
		say(ended, "what it left, if anything, cannot be read", bot.Unknown)
	}
	switch {
	case p.to.number == 0:
		p.proposalConditions(say)
	case !p.dry.Activating || p.dry.Odd > 0:
		say("which units it touches is known", "the target's dry run says it in a form that I cannot read", bot.Unknown)
	default:
		say("which units it touches is known", "by the target's own dry run, which need not name all, and never names units of users", bot.OK)
	}
	return cs
}

type condition func(text, found string, st bot.ReadingState)

func (p *planning) complete(say condition) {
	whole := p.n.whole(p.s)
	numbers := make([]string, len(whole))
	for i, n := range whole {
		numbers[i] = strconv.Itoa(n)
	}
	st := bot.OK
	if len(whole) < p.n.o.MinGenerations {
		st = bot.NotOK
	}
	say(fmt.Sprintf("at least %d whole generations are kept", p.n.o.MinGenerations), fmt.Sprintf("%d: %s", len(whole), phrase.Some(numbers, 12)), st)
}

func (p *planning) botCondition(say condition) {
	const text = "the bot that it brings reads the state"
	schema, known := p.schema()
	switch {
	case p.target.mark == nil:
		say(text, "which bot it brings is unknown", bot.Unknown)
	case p.target.mark.Bot == nil:
		say(text, "it brings no bot: nobody answers here afterwards", bot.NotOK)
	case !known:
		say(text, botText(p.target)+"; which schema the state has is unknown", bot.Unknown)
	default:
		say(text, fmt.Sprintf("%s; the state has schema %d", botText(p.target), schema), bot.OK)
	}
}

// bootCondition compares the target with what was booted: that is what the kernel
// in memory belongs to.
func (p *planning) bootCondition(say condition) {
	const text = "kernel, initrd and modules are those that were booted"
	if p.s.booted == "" {
		say(text, "what was booted cannot be read", bot.Unknown)
		return
	}
	d, unknown := bootParts(p.n.system(p.s.booted), p.target)
	switch parts := d.BootParts(); {
	case len(parts) > 0:
		found := "others: " + strings.Join(parts, ", ") + ". It is whole only after a reboot, which the bot never does"
		if d.Modules || d.Kernel {
			found += "; until then modules that are not loaded yet may fail to load"
		}
		say(text, found, bot.NotOK)
	case len(unknown) > 0:
		say(text, "these cannot be compared: "+strings.Join(unknown, ", "), bot.Unknown)
	default:
		say(text, "the same", bot.OK)
	}
}

// statefulCondition names packages whose data stays as a newer version left it.
func (p *planning) statefulCondition(say condition) {
	const text = "no package with data of its own goes backwards"
	if len(p.n.o.Stateful) == 0 {
		say(text, "which packages have data of their own is not configured", bot.Unknown)
		return
	}
	if p.diff.PackagesUnknown != "" {
		say(text, "the packages cannot be compared", bot.Unknown)
		return
	}
	var back []string
	for _, c := range p.diff.Packages {
		if slices.Contains(p.n.o.Stateful, c.Name) && goesBack(c) {
			back = append(back, host.PackageChange{Name: c.Name, Before: c.Before, After: c.After}.String())
		}
	}
	if len(back) > 0 {
		say(text, strings.Join(back, "; ")+". Its data stays as the newer one left it, and the older may not read it", bot.NotOK)
		return
	}
	say(text, "none of "+strings.Join(p.n.o.Stateful, ", "), bot.OK)
}

// checkCondition tells which health checks fail already: they must hold afterwards,
// or all is brought back. What cannot be asked here is no failure, and no success.
func (p *planning) checkCondition(ctx context.Context, say condition) {
	var ask []Check
	var later []string
	for _, c := range p.n.o.Checks {
		if p.n.askable(c) {
			ask = append(ask, c)
		} else {
			later = append(later, tame(c.Name))
		}
	}
	held, broken := p.n.holding(ctx, ask)
	const text = "the health checks hold now"
	if len(broken) > 0 {
		var names []string
		for _, c := range broken {
			names = append(names, tame(c.Name))
		}
		say(text, "not "+phrase.Some(names, 10)+". Unless all hold afterwards, it is undone", bot.NotOK)
	} else if len(held) > 0 {
		for i := range held {
			held[i] = tame(held[i])
		}
		say(text, phrase.Some(held, 10), bot.OK)
	}
	if len(later) > 0 {
		say("the health checks that only a run can ask hold now", phrase.Some(later, 10)+": asked when it starts, before the switch. Unless all hold afterwards, it is undone", bot.Unknown)
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func botText(s system) string {
	if s.Bot == "" {
		return orUnknown("")
	}
	return fmt.Sprintf("%s (reads up to schema %d)", s.Bot, s.Schema)
}
