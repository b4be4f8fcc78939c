package nixos

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
)

// Options are the host's own facts. All but Host may be left out.
type Options struct {
	Host sys.Host
	// Profile is the system profile; /nix/var/nix/profiles/system.
	Profile string
	// Store is the Nix store; /nix/store.
	Store string
	// Nix and NixEnv are programs, by their absolute paths; those of
	// /run/current-system.
	Nix, NixEnv string
	// GrubConfig is the menu that GRUB reads; /boot/grub/grub.cfg.
	GrubConfig string
	// LoaderConfig is systemd-boot's; /boot/loader/loader.conf.
	LoaderConfig string

	// Loader is the kind of boot loader that this host must keep ("grub"); "" is
	// whatever the running system has.
	Loader string
	// StateVersion that this host must keep ("25.05"); "" is the running system's.
	StateVersion string
	// AllowUnmarked lets generations without a readable mark (host.json) be rolled
	// back to. Their state version, secrets and bot are unknown then, and the plan
	// says so; without it they are refused.
	AllowUnmarked bool
	// MinGenerations is how many complete generations there should be; 3.
	MinGenerations int
	// Vulnix is where the result of a scan for known holes lies; its MaxAge is 8 days.
	Vulnix Vulnix
	// Proposed is where somebody leaves a newer system for people to agree to; without
	// its link there is nothing to deploy.
	Proposed Proposed
	// Build is a unit that builds the configuration; its MaxAge is 2 days.
	Build Build
	// Stateful are the names of packages whose data does not go back with them
	// ("postgresql"); that they go backwards is told first.
	Stateful []string

	// OwnFiles are files and directories in /etc that are there by hand, and are no drift.
	OwnFiles []string

	// BuildLock is the lock that the host's own builds take; none without a path. It
	// is waited for 5 min where it does not say for how long.
	BuildLock sys.Lock
	// Busy are units that a run waits for: dumps, backups.
	Busy []string

	// Settle is how long units are left alone after the switch; 1 min. Between two
	// looks at them passes Between, 15 s; that two looks agree is waited for until
	// Patience has passed after the first, 5 min.
	Settle, Between, Patience time.Duration
	// Checks must hold after the switch.
	Checks []Check
	// Get asks the URL of a check; by HTTP, without proxies and redirects.
	Get func(*http.Request) (*http.Response, error)
	// Confined: this process does not see the host as a run does (the agent has no
	// network, and writes nothing). Plan then asks checks of units alone; whether the
	// others hold is unknown until the run asks them, before it switches.
	Confined bool

	// SwitchLimit bounds one run of switch-to-configuration; 15 min. LookLimit bounds
	// each other program; 2 min.
	SwitchLimit, LookLimit time.Duration
	// Output is told every line that switch-to-configuration and its kin write, for
	// the journal of the unit that the run is in. It is not for people: what scripts
	// of others write may hold anything.
	Output func(line string)
}

// Check is one sign of health. It has exactly one of Unit, URL and Argv.
type Check struct {
	Name string
	// Unit must be active.
	Unit string
	// URL must answer GET with a status of 200 to 299; a loopback address.
	URL string
	// Argv must end with 0; the first is an absolute path.
	Argv []string
	// Limit bounds it; 10 s.
	Limit time.Duration
}

const (
	currentSystem = "/run/current-system"
	bootedSystem  = "/run/booted-system"
	bootIDFile    = "/proc/sys/kernel/random/boot_id"
)

func (o Options) filled() Options {
	text := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	span := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	text(&o.Profile, "/nix/var/nix/profiles/system")
	text(&o.Store, "/nix/store")
	text(&o.Nix, currentSystem+"/sw/bin/nix")
	text(&o.NixEnv, currentSystem+"/sw/bin/nix-env")
	text(&o.GrubConfig, "/boot/grub/grub.cfg")
	text(&o.LoaderConfig, "/boot/loader/loader.conf")
	span(&o.BuildLock.Wait, 5*time.Minute)
	span(&o.Settle, time.Minute)
	span(&o.Between, 15*time.Second)
	span(&o.Patience, 5*time.Minute)
	span(&o.SwitchLimit, 15*time.Minute)
	span(&o.LookLimit, 2*time.Minute)
	span(&o.Vulnix.MaxAge, 8*24*time.Hour)
	span(&o.Build.MaxAge, 48*time.Hour)
	if o.MinGenerations <= 0 {
		o.MinGenerations = 3
	}
	if o.Get == nil {
		o.Get = client.Do
	}
	if o.Output == nil {
		o.Output = func(string) {}
	}
	o.Checks = slices.Clone(o.Checks)
	for i := range o.Checks {
		span(&o.Checks[i].Limit, 10*time.Second)
	}
	return o
}

// client asks health checks. It follows nothing and asks nobody else.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// faults are all that is wrong with filled options.
func (o Options) faults() error {
	var faults []error
	say := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for name, p := range map[string]string{"Profile": o.Profile, "Store": o.Store, "Nix": o.Nix, "NixEnv": o.NixEnv, "GrubConfig": o.GrubConfig, "LoaderConfig": o.LoaderConfig} {
		if !path.IsAbs(p) || path.Clean(p) != p {
			say("%s: %q is no absolute, clean path", name, p)
		}
	}
	if p := o.BuildLock.Path; p != "" && (!path.IsAbs(p) || path.Clean(p) != p) {
		say("the build lock %q is no absolute, clean path", p)
	}
	for name, p := range map[string]string{"Proposed.Link": o.Proposed.Link, "Proposed.Report": o.Proposed.Report} {
		if p != "" && (!path.IsAbs(p) || path.Clean(p) != p) {
			say("%s: %q is no absolute, clean path", name, p)
		}
	}
	for _, p := range o.OwnFiles {
		if path.Clean(p) != p || !strings.HasPrefix(p, etcDir+"/") {
			say("OwnFiles: %q is no clean path below %s", p, etcDir)
		}
	}
	if o.BuildLock.Path == switchLock {
		say("%s is the lock that switch-to-configuration takes itself; held by somebody else it could not run", switchLock)
	}
	names := map[string]bool{}
	for i, c := range o.Checks {
		if err := c.fault(); err != nil {
			say("check %d (%s): %w", i+1, c.Name, err)
		}
		if names[c.Name] {
			say("check %d: there is another of the name %q", i+1, c.Name)
		}
		names[c.Name] = true
	}
	return errors.Join(faults...)
}

// switchLock is switch-to-configuration's own lock: it gives up where somebody has
// it.
const switchLock = "/run/nixos/switch-to-configuration.lock"

func (c Check) fault() error {
	kinds := 0
	for _, there := range []bool{c.Unit != "", c.URL != "", len(c.Argv) > 0} {
		if there {
			kinds++
		}
	}
	switch {
	case c.Name == "":
		return errors.New("it has no name")
	case kinds != 1:
		return errors.New("it needs exactly one of a unit, a URL and a program")
	case c.URL != "":
		return loopback(c.URL)
	case len(c.Argv) > 0 && !path.IsAbs(c.Argv[0]):
		return fmt.Errorf("%q is no absolute path", c.Argv[0])
	case c.Unit != "" && !isUnit(c.Unit):
		return fmt.Errorf("%q is no unit's name", c.Unit)
	}
	return nil
}

// loopback wants an address of this very host: a check must not depend on what
// others do, and must not be a way out for whoever writes it.
func loopback(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("its URL cannot be read") // the error would repeat it, credentials and all
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("its URL begins with %q, not with http or https", u.Scheme)
	case u.User != nil:
		return errors.New("its URL holds credentials, which do not belong there")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is no loopback address", u.Hostname())
	}
	return nil
}

// NixOS is one host's integration. It keeps nothing of what it saw, and may be
// used by several at once.
type NixOS struct {
	o Options
}

// New takes the options, or says all that is wrong with them. It touches nothing
// yet.
func New(o Options) (*NixOS, error) {
	o = o.filled()
	if err := o.faults(); err != nil {
		return nil, err
	}
	return &NixOS{o: o}, nil
}

// isMissing tells that a file is not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
