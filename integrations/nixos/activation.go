package nixos

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// activation is what switch-to-configuration said that it did, or would do. Only
// lines of known form count; whatever else scripts of others write is not even kept.
type activation struct {
	// Units of the system, as they are named in its lines.
	Stop, Skip, Restart, Reload, Start []string
	// Failed units, as it saw them right afterwards; Fresh are units that came up.
	Failed, Fresh []string
	// Users are its lines on the units of users.
	Users []string
	// Snippets of the activation script that failed.
	Snippets []string
	// Systemd is executed anew; Swap devices are turned off.
	Systemd bool
	Swap    []string
	// Activating: it came as far as the activation script. Touched: it began to
	// change something.
	Activating, Touched bool
	// Locked: another one has its lock. Inhibited: what its own checks refuse, in
	// words; "" for nothing.
	Locked    bool
	Inhibited string
	// Reason is why it gave up, in words, where it gave one of those it has.
	Reason string
	// Odd counts names in its lists that are none of units.
	Odd  int
	Exit int
}

// reasons are the words with which it gives up, by their beginning or their end.
var reasons = []struct{ line, words string }{
	{"Could not open lock", "it may not open its lock in /run/nixos"},
	{"This is not a NixOS installation!", "it takes this for no NixOS"},
	{"must be run as the root user", "it was not run by root"},
	{"Failed to install bootloader", "the boot loader was not installed"},
	{"Failed to open dbus connection", "it cannot reach the system bus"},
}

var (
	unitLine    = regexp.MustCompile(`^(would )?(NOT )?(stop|stopping|start|starting|restart|restarting|reload|reloading) the following (?:changed )?(user )?units(?: \([a-z-]+\))?: (.+)$`)
	failedLine  = regexp.MustCompile(`^warning: the following (user )?units failed: (.+)$`)
	freshLine   = regexp.MustCompile(`^the following new units were started: (.+)$`)
	snippetLine = regexp.MustCompile(`^Activation script snippet '([A-Za-z0-9_.-]{1,100})' failed \([0-9]+\)$`)
	swapLine    = regexp.MustCompile(`^(would stop|stopping) swap device: (/\S{1,200})$`)
	checkLine   = regexp.MustCompile(`^Pre-switch check '([A-Za-z0-9_.-]{1,100})' failed$`)
	userFailed  = regexp.MustCompile(`^warning: user activation for ([a-z_][a-z0-9_.-]{0,31}) failed$`)
)

// line takes in one line; what people may be told of it comes back, "" for nothing.
func (a *activation) line(l string) string {
	l = strings.TrimRight(l, " \r\n")
	switch {
	case l == "would activate the configuration...":
		a.Activating = true
		return ""
	case l == "activating the configuration...":
		a.Activating, a.Touched = true, true
		return "The configuration is being activated."
	case l == "would restart systemd", l == "restarting systemd...":
		a.Systemd = true
		return ""
	case l == "Could not acquire lock":
		a.Locked = true
		return ""
	case l == "Pre-switch checks failed" && a.Inhibited == "":
		a.Inhibited = "its pre-switch checks fail"
		return ""
	case l == "There are changes to critical components of the system:":
		a.Inhibited = "components changed that must not change under a running system"
		return ""
	}
	for _, r := range reasons {
		if strings.HasPrefix(l, r.line) || strings.HasSuffix(l, r.line) {
			a.Reason = r.words
			return ""
		}
	}
	if m := unitLine.FindStringSubmatch(l); m != nil {
		return a.units(m[1] != "", m[2] != "", m[3], m[4] != "", m[5])
	}
	if m := failedLine.FindStringSubmatch(l); m != nil {
		if m[1] != "" {
			return a.users("failed", m[2])
		}
		names := a.names(m[2])
		a.Failed = append(a.Failed, names...)
		return "These units failed right after the switch: " + phrase.Some(names, 20) + "."
	}
	if m := freshLine.FindStringSubmatch(l); m != nil {
		a.Fresh = append(a.Fresh, a.names(m[1])...)
		return ""
	}
	if m := snippetLine.FindStringSubmatch(l); m != nil {
		a.Snippets = append(a.Snippets, m[1])
		return "The part " + m[1] + " of the activation script failed."
	}
	if m := swapLine.FindStringSubmatch(l); m != nil {
		a.Swap = append(a.Swap, tame(m[2]))
		a.Touched = a.Touched || m[1] == "stopping"
		return ""
	}
	if m := checkLine.FindStringSubmatch(l); m != nil {
		a.Inhibited = "its pre-switch check " + m[1] + " fails"
		return ""
	}
	if m := userFailed.FindStringSubmatch(l); m != nil {
		a.Users = append(a.Users, "failed for "+m[1])
		return "The units of the user " + m[1] + " could not be switched."
	}
	return ""
}

// units takes in a list of units under its verb.
func (a *activation) units(would, not bool, verb string, users bool, text string) string {
	if users {
		return a.users(verb, text)
	}
	names := a.names(text)
	if !would {
		a.Touched = true
	}
	to, say := &a.Start, "Starting"
	switch {
	case not:
		to, say = &a.Skip, "Changed, but left alone"
	case strings.HasPrefix(verb, "stop"):
		to, say = &a.Stop, "Stopping"
	case strings.HasPrefix(verb, "restart"):
		to, say = &a.Restart, "Restarting"
	case strings.HasPrefix(verb, "reload"):
		to, say = &a.Reload, "Reloading"
	}
	for _, n := range names {
		if !slices.Contains(*to, n) {
			*to = append(*to, n)
		}
	}
	if would || len(names) == 0 {
		return ""
	}
	return say + ": " + phrase.Some(names, 20) + "."
}

func (a *activation) users(verb, text string) string {
	said := verb + ": " + phrase.Some(a.names(text), 20)
	a.Users = append(a.Users, said)
	return "Units of users, " + said + "."
}

// names splits a list of units; what is none is counted.
func (a *activation) names(text string) []string {
	var out []string
	for name := range strings.SplitSeq(text, ", ") {
		if isUnit(name) {
			out = append(out, name)
		} else {
			a.Odd++
		}
	}
	return out
}

// environment of switch-to-configuration. Its wrapper sets what it needs itself
// (OUT, INSTALL_BOOTLOADER, LOCALE_ARCHIVE …) and the activation script its own
// PATH; a PATH is here for checks that people wrote. The boot loader is installed
// anew only where its own version changed, as `nixos-rebuild` without
// --install-bootloader does.
func environment(at string) []string {
	return []string{"PATH=" + path.Join(at, "sw/bin"), "NIXOS_INSTALL_BOOTLOADER=0"}
}

// activate runs a system's own switch-to-configuration with a verb. An error says
// that it was not started, or was killed; what it said until then is there all the
// same.
func (n *NixOS) activate(ctx context.Context, at, verb string, say func(string)) (activation, error) {
	var a activation
	var one sync.Mutex // lines of both outputs may come at once
	out, err := n.o.Host.Run.Run(ctx, sys.Command{
		Argv:  []string{path.Join(at, switchProgram), verb},
		Env:   environment(at),
		Limit: n.o.SwitchLimit,
		Line: func(_, l string) {
			one.Lock()
			defer one.Unlock()
			n.o.Output(l)
			if text := a.line(l); text != "" && say != nil {
				say(text)
			}
		},
	})
	a.Exit = out.Exit
	return a, err
}

// ended says how it ended, in words.
func (a activation) ended() string {
	words := meaning(a.Exit)
	if a.Reason != "" {
		words = a.Reason
	}
	return fmt.Sprintf("%d (%s)", a.Exit, words)
}

// meaning of an exit code, in words.
func meaning(code int) string {
	switch code {
	case 0:
		return "it went through"
	case 2:
		return "a part of the activation script failed"
	case 4:
		return "units failed while it switched"
	case 100:
		return "its init is not compatible with the running one"
	}
	return "it gave up"
}
