package host

import (
	"context"
	"strings"
	"time"

	"watchstander/bot"
)

// The looks of integrations/nixos.
const (
	// LookGenerations takes no arguments and answers []Generation, the newest first.
	LookGenerations = "nixos.generations"
	// LookDiff takes "from" and "to", each a generation's number, "current",
	// "booted", "profile" or "proposed", and answers a Diff.
	LookDiff = "nixos.diff"
	// LookDrift takes no arguments and answers a Drift.
	LookDrift = "nixos.drift"
)

// RollbackOperation is the name of the operation that activates another
// generation. Its one argument, GenerationArgument, is the number; without it,
// the one before that which runs.
const (
	RollbackOperation  bot.OperationName = "nixos.rollback"
	GenerationArgument string            = "generation"
)

// DeployOperation is the name of the operation that activates the system which is
// proposed, and makes it the newest generation. Its one argument, SystemArgument, is the
// store path; without it, what is proposed now.
const (
	DeployOperation bot.OperationName = "nixos.deploy"
	SystemArgument  string            = "system"
)

// Generation is one NixOS system: as a rule one that the system profile keeps.
// What could not be found out is empty.
type Generation struct {
	// Number in the profile; 0 for a system that is none of its generations.
	Number int `json:"number"`
	// Date is when it was made: the time of the profile's link.
	Date      time.Time `json:"date,omitzero"`
	StorePath string    `json:"store_path"`
	// NixOSVersion is "25.11.20260301.abcdef0", Kernel "6.18.17", Revision the
	// configuration's commit.
	NixOSVersion string `json:"nixos_version,omitempty"`
	Kernel       string `json:"kernel,omitempty"`
	Revision     string `json:"revision,omitempty"`
	// Loader is the boot loader that it would install: "grub", "systemd-boot", ….
	Loader string `json:"loader,omitempty"`
	// StateVersion, Secrets (which version of them), Bot and Schema (the bot that it
	// brings, and the newest state which that bot reads; 0 unknown) come from its
	// mark, etc/watchstander/host.json.
	StateVersion string `json:"state_version,omitempty"`
	Secrets      string `json:"secrets,omitempty"`
	Bot          string `json:"bot,omitempty"`
	Schema       int    `json:"schema,omitempty"`
	// Current: it runs. Booted: the host was started with it. Default: the profile
	// points at it.
	Current bool `json:"current,omitempty"`
	Booted  bool `json:"booted,omitempty"`
	Default bool `json:"default,omitempty"`
	// Specialisations that it offers, and the one that runs, "" for none.
	Specialisations []string `json:"specialisations,omitempty"`
	Specialisation  string   `json:"specialisation,omitempty"`
	// Missing are the parts without which it cannot be activated or started: a
	// generation is complete when there are none.
	Missing []string `json:"missing,omitempty"`
}

// Complete tells whether all that activating and booting needs is there.
func (g Generation) Complete() bool { return len(g.Missing) == 0 }

// Diff is what is another in one system than in the other.
type Diff struct {
	From Generation `json:"from"`
	To   Generation `json:"to"`
	// Packages that were added, removed, changed or resized, by name. Where Nix
	// could not be asked, PackagesUnknown says why.
	Packages        []PackageChange `json:"packages"`
	PackagesUnknown string          `json:"packages_unknown,omitempty"`
	// ClosureFrom and ClosureTo are the sizes of all that each needs; -1 where it is
	// unknown.
	ClosureFrom Bytes `json:"closure_from"`
	ClosureTo   Bytes `json:"closure_to"`
	// Kernel, Initrd, Modules and Parameters tell which parts of what the loader
	// loads are another: with any of them, a reboot makes the change whole.
	Kernel     bool `json:"kernel"`
	Initrd     bool `json:"initrd"`
	Modules    bool `json:"modules"`
	Parameters bool `json:"parameters"`
	// Units are the unit files that differ.
	Units UnitChanges `json:"units"`
}

// BootParts names what the loader loads and what is another, in words.
func (d Diff) BootParts() []string {
	var parts []string
	for _, p := range []struct {
		differs bool
		name    string
	}{{d.Kernel, "kernel"}, {d.Initrd, "initrd"}, {d.Modules, "kernel modules"}, {d.Parameters, "kernel parameters"}} {
		if p.differs {
			parts = append(parts, p.name)
		}
	}
	return parts
}

// PackageChange is one name in two closures, as `nix store diff-closures` groups
// store paths.
type PackageChange struct {
	Name string `json:"name"`
	// Before are the versions that only the first has, After those that only the
	// second has; "" is a path without a version. Both empty: the size alone changed.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
	// Bytes is how much larger it became; 0 where it changed by less than 8 KiB.
	Bytes Bytes `json:"bytes,omitempty"`
}

// String is the change in words: "linux: 6.18.16 → 6.18.17, -434 KiB". "∅" is
// none, "ε" a path without a version.
func (c PackageChange) String() string {
	var parts []string
	if len(c.Before)+len(c.After) > 0 {
		parts = append(parts, versions(c.Before)+" → "+versions(c.After))
	}
	switch {
	case c.Bytes > 0:
		parts = append(parts, "+"+c.Bytes.String())
	case c.Bytes < 0:
		parts = append(parts, c.Bytes.String())
	}
	return c.Name + ": " + strings.Join(parts, ", ")
}

func versions(vs []string) string {
	if len(vs) == 0 {
		return "∅"
	}
	out := make([]string, len(vs))
	for i, v := range vs {
		if out[i] = v; v == "" {
			out[i] = "ε"
		}
	}
	return strings.Join(out, ", ")
}

// UnitChanges compares the unit files of two systems, by name, sorted. Unknown says
// why they could not be compared.
type UnitChanges struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Unknown string   `json:"unknown,omitempty"`
}

// Drift is how the running host relates to what its profile says, as far as there
// is evidence.
type Drift struct {
	Current Generation `json:"current"`
	Booted  Generation `json:"booted"`
	Profile Generation `json:"profile"`
	// BootDefault is the store path that the loader would start, "" with the reason
	// in BootDefaultUnknown.
	BootDefault        string `json:"boot_default,omitempty"`
	BootDefaultUnknown string `json:"boot_default_unknown,omitempty"`
	// Kept is how many different systems the profile has that lack nothing.
	Kept     int       `json:"kept"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing that was compared.
type Finding struct {
	What string `json:"what"` // "running system", "/etc"
	// Text says what was found, in words.
	Text string `json:"text"`
	// State is NotOK for drift, Unknown where there is no evidence.
	State bot.ReadingState `json:"state"`
	// Source is where the evidence is.
	Source string `json:"source"`
}

// Generations asks a host for the generations that its system profile keeps, the
// newest first.
func Generations(ctx context.Context, l bot.Looker, host string) ([]Generation, error) {
	return ask[[]Generation](ctx, l, host, LookGenerations, nil)
}

// Differences asks a host what is another in the system to than in from: each a
// generation's number, "current", "booted" or "profile".
func Differences(ctx context.Context, l bot.Looker, host, from, to string) (Diff, error) {
	return ask[Diff](ctx, l, host, LookDiff, bot.Arguments{"from": {from}, "to": {to}})
}

// DriftOf asks a host how far it is from what its profile says.
func DriftOf(ctx context.Context, l bot.Looker, host string) (Drift, error) {
	return ask[Drift](ctx, l, host, LookDrift, nil)
}
