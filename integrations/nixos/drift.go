package nixos

import (
	"context"
	"path"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Findings that the probe tells apart from the others.
const (
	findingKernel      = "kernel"
	findingBootDefault = "boot default"
)

// unfinished are where switch-to-configuration keeps what it still has to do: one
// that was interrupted leaves them behind.
var unfinished = []string{"/run/nixos/start-list", "/run/nixos/restart-list", "/run/nixos/reload-list"}

// Drift tells how the running host relates to its profile. Every finding rests on
// files that were compared; what cannot be compared is unknown.
func (n *NixOS) Drift(ctx context.Context) (host.Drift, error) {
	s, err := n.look()
	if err != nil {
		return host.Drift{}, err
	}
	current := n.at(s, s.current)
	d := host.Drift{Current: current.Generation, Kept: len(n.whole(s))}
	n.profileFinding(&d, s)
	n.bootFindings(&d, s, current)
	n.etcFindings(&d, s)
	n.filesFinding(ctx, &d)
	n.commitFinding(&d)
	if err := ctx.Err(); err != nil {
		return host.Drift{}, late(err)
	}
	return d, nil
}

// storeName is the name in the store of whatever a path is part of.
func (n *NixOS) storeName(p string) string {
	rest, ok := strings.CutPrefix(p, n.o.Store+"/")
	if !ok {
		return p
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// leftOver are the lists that an interrupted switch left. Where one cannot be looked
// at, whether it is there is unknown.
func (n *NixOS) leftOver() (left []string, err error) {
	for _, file := range unfinished {
		switch _, bad := n.o.Host.Files.Stat(file); {
		case bad == nil:
			left = append(left, path.Base(file))
		case !isMissing(bad):
			err = bad
		}
	}
	return left, err
}

func add(d *host.Drift, what, source string, st bot.ReadingState, text string) {
	d.Findings = append(d.Findings, host.Finding{What: what, Text: text, State: st, Source: source})
}

// profileFinding: does what runs come from what the profile points at?
func (n *NixOS) profileFinding(d *host.Drift, s state) {
	const what = "running system"
	source := currentSystem + ", " + n.o.Profile
	if s.target == "" {
		add(d, what, source, bot.Unknown, "where the profile points cannot be read")
		return
	}
	d.Profile = n.at(s, s.target).Generation
	switch {
	case s.current == s.target:
		add(d, what, source, bot.OK, short(d.Current)+" runs, and the profile points at it")
	case d.Current.Specialisation != "" && d.Current.Number == d.Profile.Number:
		add(d, what, source, bot.OK, "the specialisation "+d.Current.Specialisation+" of "+short(d.Current)+" runs, and the profile points at that generation")
	case d.Current.Number == 0:
		add(d, what, source, bot.NotOK, short(d.Current)+" runs, which is no generation of the profile: it was only tried, or its generation was deleted; the profile points at "+short(d.Profile))
	default:
		add(d, what, source, bot.NotOK, short(d.Current)+" runs, and the profile points at "+short(d.Profile)+": that one was not switched to, or only another one tried")
	}
}

// bootFindings: is what the kernel was started with what runs, and what would be
// started the next time?
func (n *NixOS) bootFindings(d *host.Drift, s state, current system) {
	source := bootedSystem + ", " + currentSystem
	if s.booted == "" {
		add(d, findingKernel, source, bot.Unknown, "what was booted cannot be read")
	} else {
		booted := n.at(s, s.booted)
		d.Booted = booted.Generation
		parts, unknown := bootParts(booted, current)
		switch differ := parts.BootParts(); {
		case len(differ) > 0:
			add(d, findingKernel, source, bot.NotOK, "a reboot is pending: "+strings.Join(differ, ", ")+" of "+short(d.Current)+" are others than those of the booted "+short(d.Booted))
		case len(unknown) > 0:
			add(d, findingKernel, source, bot.Unknown, "these cannot be compared with the booted system's: "+strings.Join(unknown, ", "))
		default:
			add(d, findingKernel, source, bot.OK, "kernel, initrd and modules are those of the booted system")
		}
	}
	system, source, why := n.bootDefault(current.Loader)
	d.BootDefault, d.BootDefaultUnknown = system, why
	switch {
	case why != "":
		add(d, findingBootDefault, source, bot.Unknown, why)
	case system == s.target:
		add(d, findingBootDefault, source, bot.OK, "the loader starts "+short(d.Profile)+", as the profile says")
	default:
		add(d, findingBootDefault, source, bot.NotOK, "the loader starts "+short(n.at(s, system).Generation)+", and the profile points at "+short(d.Profile))
	}
}

// etcFindings: is /etc, and are systemd's units, those of what runs?
func (n *NixOS) etcFindings(d *host.Drift, s state) {
	compare := func(what, live, of string) {
		is, err := n.o.Host.Files.Resolve(live)
		want := n.resolved(s.current, of)
		switch {
		case isMissing(err), err == nil && want == "":
			add(d, what, live, bot.Unknown, "it is made in a way that cannot be compared")
		case err != nil:
			add(d, what, live, bot.Unknown, "it cannot be read")
		case is == want:
			add(d, what, live, bot.OK, "it is that of the running system")
		default:
			add(d, what, live, bot.NotOK, "it is another system's ("+tame(n.storeName(is))+"): an activation did not come to its end")
		}
	}
	compare("/etc", "/etc/static", "etc")
	compare("units", "/etc/systemd/system", unitDir)
	switch left, err := n.leftOver(); {
	case len(left) > 0:
		add(d, "last switch", "/run/nixos", bot.NotOK, "it was interrupted: "+strings.Join(left, ", ")+" is left, and the next switch goes on with it")
	case err != nil:
		add(d, "last switch", "/run/nixos", bot.Unknown, "whether something is left of it to do cannot be read")
	default:
		add(d, "last switch", "/run/nixos", bot.OK, "nothing is left of it to do")
	}
}
