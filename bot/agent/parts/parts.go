// Package parts makes of the agent's checked file what an agent is made of: whom
// it knows and what may be asked of it (agent.Settings), and the fixed lists of
// operations, looks and probes, with the file's allow-lists and bounds.
//
// It is a joiner, like main, which uses it for the real host, as the demo and the
// stories do for the simulated one. It decides nothing.
package parts

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/config"
	"watchstander/bot/host"
	"watchstander/bot/sys"
	"watchstander/integrations/certs"
	"watchstander/integrations/documents"
	"watchstander/integrations/dumps"
	"watchstander/integrations/nixos"
	"watchstander/integrations/restic"
	"watchstander/integrations/units"
	"watchstander/integrations/zfs"
)

// Parts are what main hands to the agent, and to the workers of its runs.
type Parts struct {
	Operations []bot.Operation
	Looks      []bot.Look
	Probes     []bot.Probe
	// LastSwitch is the agent's option of that name.
	LastSwitch func() *bot.Change
	// Tasks are what the agent does beside answering, each until its context is over.
	// Workers leave them alone.
	Tasks []func(context.Context)
	// AskBackups asks the repositories what is in them, from a process that may reach
	// them; nil where there are none.
	AskBackups func(context.Context) error
}

// Options are what parts need beside the file.
type Options struct {
	// Output is told what switch-to-configuration and its kin write; nil: nobody is.
	Output func(line string)
	// AskBackups has AskBackups done in another process, and waits for its end; nil:
	// whoever wants to know asks the repositories itself. The agent has no network.
	AskBackups func(context.Context) error
	// Confined: this process is the agent's own, which has no network and may write
	// nothing but its state; its runs are not confined. Looking at a host's own
	// addresses from within says nothing about it.
	Confined bool
	// Looks is how much time passes between two looks at units after a switch or a
	// restart; 0 for the usual. The demo has less of it.
	Looks time.Duration
}

// Settings are the people, the policy and the standing approvals of the file.
func Settings(c *config.Agent) agent.Settings {
	s := agent.Settings{Policy: c.Policy, Standing: c.Standing, Source: c.File, Digest: c.Digest}
	for _, p := range c.People {
		q := agent.Person{Person: p.Person, UIDs: p.UIDs, Keys: p.Keys}
		if p.Seed != nil {
			q.Seed = p.Seed.Read
		}
		s.People = append(s.People, q)
	}
	return s
}

// Parse has the file's own operation give arguments their normal form, and name what
// proves that it has helped, nil where it does not say. The host is looked at only
// where the operation needs it.
func Parse(ctx context.Context, c *config.Agent, h sys.Host, name bot.OperationName, args bot.Arguments) (_ bot.Arguments, proves []string, err error) {
	made, err := Of(c, h, Options{})
	if err != nil {
		return nil, nil, bot.Errorf(bot.CodeUnavailable, "the agent would not start: %v", err).Because(err)
	}
	i := slices.IndexFunc(made.Operations, func(o bot.Operation) bool { return o.Name() == name })
	if i < 0 {
		return nil, nil, bot.Errorf(bot.CodeInvalid, "this file has no section for it, so that the agent does not have it.")
	}
	if args, err = made.Operations[i].Parse(ctx, args); err != nil {
		return nil, nil, err
	}
	if p, ok := made.Operations[i].(bot.Prover); ok {
		proves = p.Proves(args)
	}
	return args, proves, nil
}

// Of makes the parts for a host. What the file has no section for does not exist.
func Of(c *config.Agent, h sys.Host, o Options) (Parts, error) {
	var p Parts
	// In the order in which status tells what is equally bad: data first.
	for _, add := range []func(*config.Agent, sys.Host, Options) error{p.zfs, p.units, p.backup, p.dumps, p.nixos, p.certificates, p.documents} {
		if err := add(c, h, o); err != nil {
			return Parts{}, err
		}
	}
	return p, nil
}

func (p *Parts) nixos(c *config.Agent, h sys.Host, o Options) error {
	if c.NixOS == nil {
		return nil
	}
	n := c.NixOS
	opts := nixos.Options{Host: h, Loader: n.Loader, StateVersion: n.StateVersion, AllowUnmarked: n.AllowUnmarked, MinGenerations: n.KeepGenerations,
		Vulnix:   nixos.Vulnix{Result: n.Vulnix, MaxAge: n.VulnixMaxAge},
		Stateful: n.Stateful, OwnFiles: n.OwnFiles, Busy: c.Busy, Settle: n.Settle, Between: o.Looks, Output: o.Output, Confined: o.Confined}
	if x := n.Proposed; x != nil {
		opts.Proposed = nixos.Proposed(*x)
	}
	if x := n.Build; x != nil {
		opts.Build = nixos.Build{Unit: x.Unit, Result: x.Result, Commit: x.Commit, MaxAge: x.MaxAge}
	}
	if l := n.BuildLock; l != nil {
		opts.BuildLock = sys.Lock{Path: l.Path, Format: sys.LockFormat(l.Format), Wait: l.Wait}
	}
	for _, x := range n.Checks {
		opts.Checks = append(opts.Checks, nixos.Check{Name: x.Name, Unit: x.Unit, URL: x.URL, Argv: x.Argv, Limit: x.Limit})
	}
	made, err := nixos.New(opts)
	if err != nil {
		return fmt.Errorf("nixos: %w", err)
	}
	p.Operations = append(p.Operations, made.Rollback())
	if n.Proposed != nil {
		p.Operations = append(p.Operations, made.Deploy())
	}
	p.Looks = append(p.Looks, made.Looks()...)
	p.Probes = append(p.Probes, made.Probe())
	return nil
}

func (p *Parts) zfs(c *config.Agent, h sys.Host, _ Options) error {
	if c.ZFS == nil {
		return nil
	}
	z := zfs.New(h, zfs.Options{Max: zfs.Range(c.ZFS.Max), Min: zfs.Range(c.ZFS.Min), CapacityUsed: c.ZFS.CapacityUsed, QuotaUsed: c.ZFS.QuotaUsed,
		ScrubWithin: c.ZFS.ScrubWithin, Snapshots: c.ZFS.Snapshots})
	p.Operations = append(p.Operations, z.ARCSet())
	p.Looks = append(p.Looks, z.Looks()...)
	p.Probes = append(p.Probes, z.Probe(), z.Snapshots())
	return nil
}

// BackupState is where what is known of the backups is kept.
func BackupState(c *config.Agent) string { return filepath.Join(c.State, "backup") }

func (p *Parts) backup(c *config.Agent, h sys.Host, o Options) error {
	if c.Backup == nil {
		return nil
	}
	k := c.Backup
	made := restic.Config{
		Program: cmp.Or(k.Program, "/run/current-system/sw/bin/restic"), SearchPath: k.SearchPath, State: BackupState(c), Scratch: k.Scratch,
		Parts: k.Check.Parts, CheckTime: k.Check.Time, LockWait: k.Check.LockWait,
		DrillTime: k.Drill.Time, DrillBytes: k.Drill.Bytes, DrillFiles: k.Drill.Files, Busy: c.Busy,
		AskTime: k.Ask.Time, AskEvery: k.Ask.AtMost, ProbeEvery: k.Ask.Every, Elsewhere: o.AskBackups,
	}
	for _, r := range k.Repositories {
		made.Repositories = append(made.Repositories, restic.Repository{
			Name: r.Name, Location: r.Location, LocationFile: r.LocationFile, PasswordFile: r.PasswordFile, EnvironmentFile: r.EnvironmentFile,
			Medium: r.Medium, OffSite: r.OffSite, Host: r.SnapshotHost, Unit: r.Unit, Exclude: r.Exclude,
			MaxAge: r.MaxAge, VerifyAge: r.VerifyAge, RunTime: r.RunTime,
			LimitDownload: kibibytes(r.LimitDownload),
		})
	}
	for _, d := range k.Datasets {
		made.Datasets = append(made.Datasets, restic.Dataset(d))
	}
	b, err := restic.New(h, made)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	p.Operations = append(p.Operations, b.Operations()...)
	p.Looks = append(p.Looks, b.Looks()...)
	p.Probes = append(p.Probes, b.Probe())
	p.Tasks = append(p.Tasks, b.Keep)
	p.AskBackups = func(ctx context.Context) error { return b.Refresh(ctx) }
	return nil
}

// kibibytes is what restic counts in; what is less than one is one, since 0 is no
// limit.
func kibibytes(b host.Bytes) int {
	if b <= 0 {
		return 0
	}
	return int(max(1, b/host.KiB))
}

func (p *Parts) units(c *config.Agent, h sys.Host, o Options) error {
	k, err := units.New(h, units.Options{Restartable: c.Services.Restart, Logged: c.Services.Logs, Settle: o.Looks})
	if err != nil {
		return fmt.Errorf("services: %w", err)
	}
	p.Operations = append(p.Operations, k.Restart())
	p.Looks = append(p.Looks, k.Looks()...)
	p.Probes = append(p.Probes, k.Probe())
	p.LastSwitch = k.LastSwitch
	if c.Security != nil {
		p.Probes = append(p.Probes, k.Security(c.Security.BanAfter))
	}
	return nil
}

func (p *Parts) dumps(c *config.Agent, h sys.Host, _ Options) error {
	if len(c.Dumps) == 0 {
		return nil
	}
	var made []dumps.Dump
	for _, d := range c.Dumps {
		made = append(made, dumps.Dump{Name: d.Name, Files: d.Files, MaxAge: d.MaxAge, MinSize: int64(d.MinSize)})
	}
	probe := dumps.New(h, made)
	p.Probes = append(p.Probes, probe)
	p.Tasks = append(p.Tasks, probe.Keep)
	return nil
}

func (p *Parts) documents(c *config.Agent, h sys.Host, _ Options) error {
	if c.Documents == nil {
		return nil
	}
	o := documents.Options{Git: c.Documents.Git}
	for _, d := range c.Documents.Texts {
		o.Documents = append(o.Documents, documents.Document(d))
	}
	p.Probes = append(p.Probes, documents.New(h, o))
	return nil
}

// certificates are those in files; what is served the bot looks at, which has a
// network.
func (p *Parts) certificates(c *config.Agent, h sys.Host, _ Options) error {
	if len(c.Certificates) > 0 {
		p.Probes = append(p.Probes, certs.New(certs.Options{Host: h.Name, Files: c.Certificates, Read: h.Files.Read, Zone: func() *time.Location { return c.Zone }}))
	}
	return nil
}
