package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// units reads a list of units' names, ".service" implied.
func (b *agentBuilder) units(l list[given[string]]) []string {
	var out []string
	for _, g := range l.items {
		name := b.unit(g)
		if name == "" {
			continue
		}
		if slices.Contains(out, name) {
			b.fault(g.place, "%s stands twice", short(name))
			continue
		}
		out = append(out, name)
	}
	return out
}

func (b *agentBuilder) unit(g given[string]) string {
	if !g.ok {
		return ""
	}
	name, err := host.UnitName(g.v)
	if err != nil {
		b.fault(g.place, "%s is no unit's name: write it like nginx.service or restic-backup.timer, without *", short(g.v))
		return ""
	}
	return name
}

var stateVersionForm = regexp.MustCompile(`^[0-9]{2}\.(05|11)$`)

// leastGenerations is what a host needs to have somewhere to go back to.
const leastGenerations = 3

func (b *agentBuilder) nixos() {
	k := b.keys.NixOS
	if k == nil {
		return
	}
	n := &NixOS{Loader: k.Loader.v, StateVersion: k.StateVersion.v, KeepGenerations: k.Keep.or(leastGenerations), AllowUnmarked: k.Unmarked.v, Settle: k.Settle.or(time.Minute), Stateful: texts(k.Stateful)}
	b.cfg.NixOS = n
	if v := k.Vulnix; v != nil {
		n.Vulnix, n.VulnixMaxAge = b.path(v.Result, ""), v.MaxAge.or(8*day)
		b.atLeast(v.MaxAge, time.Hour)
	}
	if v := k.Build; v != nil {
		n.Build = &ConfigurationBuild{Unit: b.unit(v.Unit), Result: b.path(v.Result, ""), Commit: b.path(v.Commit, ""), MaxAge: v.MaxAge.or(2 * day)}
		b.atLeast(v.MaxAge, time.Hour)
		if n.Build.Unit != "" && !strings.HasSuffix(n.Build.Unit, ".service") {
			b.fault(v.Unit.place, "is no service: name what builds, as in nixos-config-build.service, and not what starts it")
		}
	}
	for _, g := range k.OwnFiles.items {
		at := b.path(g, "")
		if at != "" && !strings.HasPrefix(at, "/etc/") {
			b.fault(g.place, "is not below /etc: of other places no drift is told")
		}
		n.OwnFiles = append(n.OwnFiles, at)
	}
	if v := k.Proposed; v != nil {
		n.Proposed = &ProposedSystem{Link: b.path(v.Link, ""), Report: b.path(v.Report, "")}
	}
	if loaders := []string{"grub", "systemd-boot", "generic-extlinux-compatible", "init-script"}; k.Loader.ok && !slices.Contains(loaders, n.Loader) {
		b.fault(k.Loader.place, "there is no boot loader %s%s", short(n.Loader), choose(n.Loader, loaders...))
	}
	if k.StateVersion.ok && !stateVersionForm.MatchString(n.StateVersion) {
		b.fault(k.StateVersion.place, "%s is no state version: write system.stateVersion's value, as in \"25.05\"", short(n.StateVersion))
	}
	switch {
	case k.Keep.ok && k.Keep.v < 1:
		b.fault(k.Keep.place, "must be at least 1: a host without a generation does not boot")
	case k.Keep.ok && k.Keep.v < leastGenerations && !k.KeepFewer.v:
		b.fault(k.Keep.place, "must be at least %d, or there may be nothing to go back to; if you mean it, write keep_fewer: true", leastGenerations)
	}
	b.atLeast(k.Settle, time.Second)
	if l := k.BuildLock; l != nil {
		b.lock = l.Path
		n.BuildLock = &BuildLock{Path: b.path(l.Path, ""), Format: l.Format.v, Wait: l.Wait.or(5 * time.Minute)}
		if formats := []string{"flock", "fcntl", "pidfile", "directory"}; l.Format.ok && !slices.Contains(formats, l.Format.v) {
			b.fault(l.Format.place, "there is no format %s%s", short(l.Format.v), choose(l.Format.v, formats...))
		}
	}
	known := newNames("health check")
	for i := range k.Checks.items {
		c := &k.Checks.items[i]
		b.named(c.Name)
		known.add(&b.judge, c.Name)
		n.Checks = append(n.Checks, b.check(c))
	}
}

func (b *agentBuilder) check(k *checkKeys) HealthCheck {
	c := HealthCheck{Name: k.Name.v, Unit: b.unit(k.Unit), Argv: texts(k.Command), Limit: k.Limit.or(10 * time.Second)}
	b.atLeast(k.Limit, time.Second)
	kinds := 0
	for _, set := range []bool{k.Unit.set, k.URL.set, k.Command.set} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		b.fault(k.place, "is of more than one kind: write exactly one of unit, url and command")
	case kinds == 0 && k.line > 0 && !b.open(k.field, "unit", "url", "command"):
		b.fault(k.place, "is of no kind: write exactly one of unit, url and command")
	}
	if u := b.address(k.URL); u != nil {
		c.URL = k.URL.v
		if !loopback(u.Hostname()) {
			b.fault(k.URL.place, "leads to another machine: a check asks this host alone, as in http://127.0.0.1:8080/healthz")
		}
	}
	if k.Command.empty() {
		b.fault(k.Command.place, "is empty: write the program's absolute path and its arguments")
	}
	if len(k.Command.items) > 0 && k.Command.items[0].ok {
		// Whoever can write what root runs is root.
		program := k.Command.items[0]
		b.trusted(program, false)
		if base := filepath.Base(program.v); slices.Contains([]string{"sh", "bash", "zsh", "dash", "env", "sudo"}, base) {
			b.warn(program.place, "%s runs whatever it is told: name the program itself", base)
		}
	}
	return c
}

func (b *agentBuilder) zfs() {
	k := b.keys.ZFS
	if k == nil {
		return
	}
	z := &ZFS{Max: Range(k.ARC.Max.v), Min: Range(k.ARC.Min.v), CapacityUsed: k.Capacity.or(80), QuotaUsed: k.Quota.or(90), ScrubWithin: k.ScrubWithin.or(35 * day)}
	b.cfg.ZFS = z
	// OpenZFS ignores what is less.
	const leastMax, leastMin = 64 * host.MiB, 32 * host.MiB
	for _, x := range []struct {
		g     given[sizes]
		least host.Bytes
	}{{k.ARC.Max, leastMax}, {k.ARC.Min, leastMin}} {
		if x.g.ok && (x.g.v.To < x.least || x.g.v.From > 0 && x.g.v.From < x.least) {
			b.fault(x.g.place, "holds less than the %s below which ZFS ignores it", x.least)
		}
	}
	if z.Max.To > 0 && z.Min.From > z.Max.To {
		b.fault(k.ARC.Min.place, "begins above all that max may be")
	}
	b.percent(k.Capacity)
	b.percent(k.Quota)
	b.atLeast(k.ScrubWithin, day)
	for _, d := range k.Snapshots.items {
		switch {
		case !d.ok:
		case !datasetName.MatchString(d.v):
			b.fault(d.place, "is no name of a dataset: write it as zfs list has it, like rpool/home")
		case slices.Contains(z.Snapshots, d.v):
			b.fault(d.place, "stands twice")
		default:
			z.Snapshots = append(z.Snapshots, d.v)
		}
	}
}

// datasetName is what ZFS takes as one, but for spaces.
var datasetName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]*(/[A-Za-z0-9_.:-]+)*$`)

func (b *agentBuilder) dumps() {
	for _, k := range b.keys.Dumps.items {
		d := Dump{Name: k.Name.v, Files: b.pattern(k.Files, "/var/backup/postgresql/*.sql.gz"), MaxAge: k.MaxAge.or(26 * time.Hour), MinSize: host.Bytes(k.MinSize.or(size(host.KiB)))}
		if k.Name.ok && slices.ContainsFunc(b.cfg.Dumps, func(o Dump) bool { return o.Name == d.Name }) {
			b.fault(k.Name.place, "stands twice")
		}
		b.atLeast(k.MaxAge, time.Hour)
		b.cfg.Dumps = append(b.cfg.Dumps, d)
	}
}

// pattern is an absolute path whose last part may be a pattern.
func (b *agentBuilder) pattern(g given[string], as string) string {
	p := b.path(g, "")
	dir, pattern := filepath.Split(p)
	if _, err := filepath.Match(pattern, ""); g.ok && (err != nil || strings.ContainsAny(dir, "*?[")) {
		b.fault(g.place, "is no such pattern: * and ? may stand in the last part alone, as in %s", as)
	}
	return p
}

func (b *agentBuilder) documents() {
	k := b.keys.Documents
	if k == nil {
		return
	}
	out := &Documents{Git: b.trusted(k.Git, false)}
	if k.Texts.empty() {
		b.fault(k.Texts.place, "is empty: name a document, or leave documents out")
	}
	for _, x := range k.Texts.items {
		d := Document{Name: x.Name.v, WorkTree: b.path(x.WorkTree, ""), MaxAge: x.MaxAge.or(365 * day)}
		if x.Files.empty() {
			b.fault(x.Files.place, "is empty: name a file")
		}
		for _, g := range x.Files.items {
			if !g.ok {
				continue
			}
			p := b.pattern(g, "/etc/nixos/docs/*.md")
			if tree := strings.TrimSuffix(d.WorkTree, "/") + "/"; x.WorkTree.ok && filepath.IsAbs(p) && !strings.HasPrefix(p, tree) {
				b.fault(g.place, "is not in its work tree, %s", d.WorkTree)
			}
			d.Files = append(d.Files, p)
		}
		if x.Name.ok && slices.ContainsFunc(out.Texts, func(o Document) bool { return o.Name == d.Name }) {
			b.fault(x.Name.place, "stands twice")
		}
		b.atLeast(x.MaxAge, day)
		out.Texts = append(out.Texts, d)
	}
	b.cfg.Documents = out
}

func (b *agentBuilder) security() {
	k := b.keys.Security
	if k == nil {
		return
	}
	b.cfg.Security = &Security{BanAfter: k.BanAfter.or(5)}
	if k.BanAfter.ok && (k.BanAfter.v < 1 || k.BanAfter.v > 100) {
		b.fault(k.BanAfter.place, "must be from 1 to 100 failed logins")
	}
}

func (b *agentBuilder) percent(g given[int]) {
	if g.ok && (g.v < 1 || g.v > 100) {
		b.fault(g.place, "must be from 1 to 100 percent")
	}
}

// withPassword finds a password in a repository's location.
var withPassword = regexp.MustCompile(`//[^/@]*:[^/@]*@`)

func (b *agentBuilder) backup() {
	k := b.keys.Backup
	if k == nil {
		return
	}
	c := &Backup{
		Program:    b.trusted(k.Program, false),
		Scratch:    b.path(k.Scratch, ""),
		SearchPath: strings.Join(texts(k.SearchPath), ":"),
		Drill:      Drill{Files: k.Drill.Files.or(40), Bytes: host.Bytes(k.Drill.Bytes.or(2 << 30)), Time: k.Drill.Time.or(30 * time.Minute)},
		Check:      RepositoryCheck{Parts: k.Check.Parts.or(12), Time: k.Check.Time.or(4 * time.Hour), LockWait: k.Check.LockWait.or(5 * time.Minute)},
		Ask:        Asking{Every: k.Ask.Every.or(2 * time.Hour), AtMost: k.Ask.AtMost.or(5 * time.Minute), Time: k.Ask.Time.or(time.Minute)},
	}
	b.cfg.Backup = c
	for _, g := range k.SearchPath.items {
		switch dir := b.path(g, ""); {
		case strings.Contains(g.v, ":"):
			b.fault(g.place, "holds a colon: write each directory as a member of its own")
		case g.ok && filepath.IsAbs(dir):
			// Whoever can write there chooses what root runs.
			b.directories = append(b.directories, trustedFile{path: dir, at: g.place})
		}
	}
	if k.Drill.Files.ok && (c.Drill.Files < 1 || c.Drill.Files > 10_000) {
		b.fault(k.Drill.Files.place, "must be from 1 to 10000 files")
	}
	if k.Check.Parts.ok && (c.Check.Parts < 1 || c.Check.Parts > 256) {
		b.fault(k.Check.Parts.place, "must be from 1 to 256 parts")
	}
	b.atLeast(k.Drill.Time, time.Minute)
	b.atLeast(k.Check.Time, time.Minute)
	b.atLeast(k.Ask.AtMost, time.Minute)
	b.atLeast(k.Ask.Time, 5*time.Second)
	switch a := c.Ask; {
	case a.Every >= a.AtMost:
	case k.Ask.Every.ok:
		b.fault(k.Ask.Every.place, "must not be less than at_most_every (%s)", spelt(a.AtMost))
	default:
		b.fault(k.Ask.AtMost.place, "must not be more than every (%s)", spelt(a.Every))
	}
	known := newNames("repository")
	for i := range k.Repositories.items {
		r := &k.Repositories.items[i]
		if b.named(r.Name); r.Name.v != strings.ToLower(r.Name.v) {
			b.fault(r.Name.place, "must be in small letters")
		}
		known.add(&b.judge, r.Name)
		c.Repositories = append(c.Repositories, b.repository(r))
	}
	if k.Repositories.empty() {
		b.fault(k.Repositories.place, "is empty: name a repository, or leave backup out")
	}
	sets := newNames("dataset")
	for i := range k.Datasets.items {
		d := &k.Datasets.items[i]
		b.named(d.Name)
		sets.add(&b.judge, d.Name)
		set := Dataset{Name: d.Name.v, Medium: d.Medium.v}
		for _, g := range d.Paths.items {
			if g.ok {
				set.Paths = append(set.Paths, b.path(g, ""))
			}
		}
		if d.Paths.empty() {
			b.fault(d.Paths.place, "is empty: name the directories that belong to it")
		}
		c.Datasets = append(c.Datasets, set)
	}
}

func (b *agentBuilder) repository(k *repositoryKeys) Repository {
	r := Repository{
		Name: k.Name.v, Location: k.Repository.v,
		LocationFile: b.trusted(k.RepositoryFile, true), EnvironmentFile: b.trusted(k.EnvironmentFile, true), PasswordFile: b.trusted(k.PasswordFile, true),
		Medium: k.Medium.or(k.Name.v), OffSite: k.OffSite.v, SnapshotHost: k.Host.v, Unit: b.unit(k.Unit), Exclude: texts(k.Exclude),
		MaxAge: k.MaxAge.or(26 * time.Hour), VerifyAge: k.VerifyAge.or(9 * day), RunTime: k.RunTime.or(12 * time.Hour),
		LimitDownload: host.Bytes(k.LimitDownload.v),
	}
	switch {
	case k.Repository.set && k.RepositoryFile.set:
		b.fault(k.RepositoryFile.place, "stands beside repository: leave one of the two out")
	case !k.Repository.set && !k.RepositoryFile.set && !k.EnvironmentFile.set && k.line > 0 && !b.open(k.field, "repository", "repository_file", "environment_file"):
		b.fault(k.place, "has no place: write repository, repository_file, or an environment_file that names it")
	case k.Repository.ok && withPassword.MatchString(k.Repository.v):
		r.Location = ""
		b.fault(k.Repository.place, "holds a password; put the whole location into a file, and write repository_file with that file's path")
	}
	if !k.PasswordFile.set && !k.EnvironmentFile.set && k.line > 0 && !b.open(k.field, "password_file", "environment_file") {
		b.fault(k.place, "has no password: write password_file, or an environment_file that names one")
	}
	for _, g := range []given[time.Duration]{k.MaxAge, k.VerifyAge} {
		b.atLeast(g, time.Hour)
	}
	b.atLeast(k.RunTime, time.Minute)
	return r
}

// sizes is a range of amounts, as "8GiB..48GiB"; a single one is the upper end.
type sizes Range

func scanSizes(text string, dst *sizes) string {
	from, to, both := strings.Cut(text, "..")
	if !both {
		from, to = "", text
	}
	for _, x := range []struct {
		text string
		to   *host.Bytes
	}{{from, &dst.From}, {to, &dst.To}} {
		if x.text == "" && !both {
			continue
		}
		v, err := host.ParseBytes(x.text)
		if err != nil {
			return fmt.Sprintf("%s is no range of sizes: write one like \"8GiB..48GiB\" (%s)", short(text), strings.TrimSuffix(bot.ForPeople(err), "."))
		}
		*x.to = v
	}
	if dst.From > dst.To {
		return fmt.Sprintf("%s ends before it begins", short(text))
	}
	return ""
}
