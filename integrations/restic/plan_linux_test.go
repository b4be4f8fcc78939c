package restic

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func TestConfigCheck(t *testing.T) {
	good := Config{
		Program: "/bin/restic", State: "/var/lib/x", Scratch: "/scratch", Parts: 12, Busy: []string{"pg-dump.service"},
		Repositories: []Repository{{Name: "b2", Location: "b2:x", PasswordFile: "/run/secrets/p", Unit: "restic-b2"}},
		Datasets:     []Dataset{{Name: "photos", Paths: []string{"/srv/photos"}, Medium: "tank"}},
	}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	full := good.withDefaults("vulcan")
	if r := full.Repositories[0]; r.Host != "vulcan" || r.Medium != "b2" || r.Unit != "restic-b2.service" || r.MaxAge != 26*time.Hour || good.Repositories[0].Host != "" {
		t.Errorf("%+v", r)
	}
	for part, spoil := range map[string]func(*Config){
		"restic's program":           func(c *Config) { c.Program = "restic" },
		"its state directory":        func(c *Config) { c.State = "" },
		"the scratch directory":      func(c *Config) { c.Scratch = "/a/../b" },
		"parts must be":              func(c *Config) { c.Parts = 257 },
		"a restore drill takes":      func(c *Config) { c.DrillFiles = 10_001 },
		"there is no repository":     func(c *Config) { c.Repositories = nil },
		"a repository's name":        func(c *Config) { c.Repositories[0].Name = "../x" },
		"the data itself":            func(c *Config) { c.Repositories[0].Name = "live" },
		"two repositories b2":        func(c *Config) { c.Repositories = append(c.Repositories, c.Repositories[0]) },
		"a file with a location":     func(c *Config) { c.Repositories[0].LocationFile = "/l" },
		"has no location":            func(c *Config) { c.Repositories[0].Location = "" },
		"a line break":               func(c *Config) { c.Repositories[0].Location = "x\ny" },
		"the password file":          func(c *Config) { c.Repositories[0].PasswordFile = "p" },
		"the unit of repository b2":  func(c *Config) { c.Repositories[0].Unit = "--now" },
		"the download limit":         func(c *Config) { c.Repositories[0].LimitDownload = -1 },
		"an empty pattern":           func(c *Config) { c.Repositories[0].Exclude = []string{""} },
		"names of their own":         func(c *Config) { c.Datasets = append(c.Datasets, c.Datasets[0]) },
		"dataset photos has no path": func(c *Config) { c.Datasets[0].Paths = nil },
		"a path of dataset photos":   func(c *Config) { c.Datasets[0].Paths = []string{"srv"} },
		"what it lies on":            func(c *Config) { c.Datasets[0].Medium = "" },
		"a busy unit":                func(c *Config) { c.Busy = []string{"a b"} },
	} {
		c := good
		c.Repositories, c.Datasets = slices.Clone(good.Repositories), slices.Clone(good.Datasets)
		spoil(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not found: %v", part, err)
		}
		if _, err := New(sys.Host{}, c); err == nil {
			t.Errorf("with %q it is taken", part)
		}
	}
}

func TestParseVerify(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("tank"), remote("usb")}})
	o := verify{d.Backups}
	for _, tt := range []struct {
		args bot.Arguments
		want string
	}{
		{nil, "b2 tank usb, 2026-W48, 5/12"},
		{bot.Arguments{"repository": {"usb", "b2"}}, "b2 usb, 2026-W48, 5/12"},
		{bot.Arguments{"part": {"3/7"}, "week": {"2025-W01"}}, "b2 tank usb, 2025-W01, 3/7"},
		{bot.Arguments{"week": {"2026-W49"}}, "b2 tank usb, 2026-W49, 6/12"},
	} {
		got, err := o.Parse(t.Context(), tt.args)
		must(t, err)
		text := strings.Join(got["repository"], " ") + ", " + got.One("week") + ", " + got.One("part")
		if text != tt.want || len(got) != 3 {
			t.Errorf("%v is %v", tt.args, got)
		}
		if again, err := o.Parse(t.Context(), got); err != nil || strings.Join(again["repository"], " ") != strings.Join(got["repository"], " ") || again.One("part") != got.One("part") {
			t.Errorf("%v does not stay what it is: %v %v", got, again, err)
		}
	}
	for _, args := range []bot.Arguments{
		{"repository": {"b2", "b2"}}, {"repository": {"nas"}}, {"repository": {"$(reboot)"}}, {"part": {"13/12"}}, {"part": {"1/12", "2/12"}}, {"week": {"now"}},
		{"sample": {"all"}}, {"part": {"10%"}},
	} {
		got, err := o.Parse(t.Context(), args)
		e, ok := errors.AsType[*bot.Error](err)
		if !ok || e.Code != bot.CodeInvalid && e.Code != bot.CodeNotFound || strings.Contains(e.Message, "reboot") {
			t.Errorf("%v is %v: %v", args, got, err)
		}
	}
}

func TestPlanVerify(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("tank")}, Busy: []string{"pg-dump.service", "restic-b2.service"}})
	d.withScratch(t)
	d.c.Repositories[1].Location = "rest:https://u:s3cretpass@host/"
	o := verify{d.Backups}
	args, err := o.Parse(t.Context(), nil)
	must(t, err)
	draft, err := o.Plan(t.Context(), args)
	must(t, err)
	if draft.Summary != "verify b2, tank on vulcan: structure, data part 5/12, restore drill" || d.run.count() != 0 {
		t.Errorf("%q; %d calls of restic", draft.Summary, d.run.count())
	}
	if got := strings.Join(draft.WaitFor, " "); got != "restic-b2.service restic-tank.service pg-dump.service" {
		t.Errorf("it waits for %s", got)
	}
	if got := strings.Join(draft.Locks, ", "); got != "backup verification, restic b2, restic tank" {
		t.Errorf("its locks are %s", got)
	}
	if c := draft.Conditions[0]; c.State != bot.OK || !strings.HasPrefix(c.Found, "tmpfs on scratch, ") {
		t.Errorf("%+v", c)
	}
	if draft.Limit.Duration() < 9*time.Hour || len(draft.Steps) != 3 || !strings.Contains(draft.Steps[1], "40 files (at most 2 GiB) of week 2026-W48") {
		t.Errorf("%+v", draft)
	}
	bound := map[string]string{}
	for _, f := range draft.Bound {
		bound[f.Name] = f.Value
		if strings.Contains(f.Value, "s3cret") {
			t.Errorf("a fact tells %q", f.Value)
		}
	}
	if bound["repositories"] != "b2 tank" || bound["data part"] != "5/12" || bound["week"] != "2026-W48" || len(bound["configuration of tank"]) != 64 {
		t.Errorf("it is bound to %v", bound)
	}
	// A rotated password changes nothing; another place does.
	same := func() bool {
		again, err := o.Plan(t.Context(), args)
		must(t, err)
		return slices.Equal(again.Bound, draft.Bound)
	}
	if d.c.Repositories[1].Location = "rest:https://u:other@host/"; !same() {
		t.Error("a rotated password makes the plan another one")
	}
	if d.c.Repositories[1].Location = "rest:https://u:other@elsewhere/"; same() {
		t.Error("another place is the same plan")
	}
	// Without a scratch place people see what will be missing.
	d.c.Scratch = ""
	draft, err = o.Plan(t.Context(), args)
	must(t, err)
	if c := draft.Conditions[0]; c.State != bot.NotOK || !strings.Contains(c.Found, "the verification stays incomplete") || len(draft.Steps) != 2 || strings.Contains(draft.Summary, "drill") {
		t.Errorf("without a scratch place: %+v", draft)
	}
	for part, spoil := range map[string]func(d *desk){
		"The repository b2 cannot be opened: restic could not start: its environment file cannot be read.": func(d *desk) { d.c.Repositories[0].EnvironmentFile = "/nowhere" },
		"is not there":              func(d *desk) { d.c.Program = "/nowhere/restic" },
		"is not a mount of its own": func(d *desk) { d.files.mounts = nil },
	} {
		d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
		d.withScratch(t)
		spoil(d)
		_, err := verify{d.Backups}.Plan(t.Context(), bot.Arguments{"repository": {"b2"}})
		if e, ok := errors.AsType[*bot.Error](err); !ok || !strings.Contains(e.Message, part) {
			t.Errorf("%v, want %q", err, part)
		}
	}
}

// withScratch gives the desk a scratch place.
func (d *desk) withScratch(t *testing.T) {
	t.Helper()
	d.c.Scratch = filepath.Join(d.dir, "scratch")
	must(t, os.MkdirAll(d.c.Scratch, 0o700))
	d.files.mounts = []sys.Mount{{Source: "rpool/root", Target: "/", Type: "zfs"}, {Source: "scratch", Target: d.c.Scratch, Type: "tmpfs"}}
}

func TestScratch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given func(t *testing.T, d *desk)
		part  string // of the refusal, "" for none
		local []string
	}{
		{name: "as it should be", given: func(*testing.T, *desk) {}},
		{name: "none", given: func(_ *testing.T, d *desk) { d.c.Scratch = "" }, part: "There is no scratch place"},
		{name: "gone", given: func(t *testing.T, d *desk) { must(t, os.Remove(d.c.Scratch)) }, part: "does not exist"},
		{name: "a link", given: func(t *testing.T, d *desk) {
			must(t, os.Remove(d.c.Scratch))
			must(t, os.Symlink(d.dir, d.c.Scratch))
		}, part: "leads through a link"},
		{name: "not mounted", given: func(_ *testing.T, d *desk) { d.files.mounts = d.files.mounts[:1] }, part: "nothing is mounted there"},
		{name: "read-only", given: func(_ *testing.T, d *desk) { d.files.mounts[1].ReadOnly = true }, part: "mounted read-only"},
		{name: "covered by another mount", given: func(_ *testing.T, d *desk) {
			d.files.mounts = append(d.files.mounts, sys.Mount{Target: d.c.Scratch, ReadOnly: true})
		}, part: "mounted read-only"},
		{name: "full", given: func(_ *testing.T, d *desk) {
			free := int64(2 * host.GiB)
			d.files.free = &free
		}, part: "has 2 GiB free, and a drill needs 2.3 GiB"},
		{name: "backed up", given: func(_ *testing.T, d *desk) {
			d.c.Datasets = []Dataset{{Name: "x", Paths: []string{d.dir}}}
		}, part: "which is backed up, and no repository's `exclude` names it"},
		{name: "backed up, as a snapshot tells", given: func(t *testing.T, d *desk) {
			must(t, d.putFacts("b2", facts{Snapshots: []host.Snapshot{snapshotOf(1, 0, "/")}}))
		}, part: "lies below /"},
		{name: "backed up by another host", given: func(t *testing.T, d *desk) {
			s := snapshotOf(1, 0, "/")
			s.Host = "mars"
			must(t, d.putFacts("b2", facts{Snapshots: []host.Snapshot{s}}))
		}},
		{name: "left out of the backups", given: func(t *testing.T, d *desk) {
			must(t, d.putFacts("b2", facts{Snapshots: []host.Snapshot{snapshotOf(1, 0, "/")}}))
			d.c.Repositories[0].Exclude = []string{"*.tmp", d.c.Scratch}
		}},
		{name: "left out by a pattern that may miss it", given: func(t *testing.T, d *desk) {
			must(t, d.putFacts("b2", facts{Snapshots: []host.Snapshot{snapshotOf(1, 0, "/")}}))
			d.c.Repositories[0].Exclude = []string{d.dir + "/s*"}
		}, part: "lies below /"},
		{name: "above what is backed up", given: func(_ *testing.T, d *desk) {
			d.c.Datasets = []Dataset{{Name: "x", Paths: []string{d.c.Scratch + "/x"}}}
		}, part: "which is backed up"},
		{name: "in a repository", given: func(*testing.T, *desk) {}, local: []string{"/"}, part: "lie within each other"},
		{name: "with snapshots", given: func(t *testing.T, d *desk) {
			d.files.mounts[1].Type = "zfs"
			must(t, os.MkdirAll(filepath.Join(d.c.Scratch, ".zfs", "snapshot", "autosnap_hourly"), 0o700))
		}, part: "has snapshots (autosnap_hourly, …)"},
		{name: "of ZFS, without snapshots", given: func(_ *testing.T, d *desk) { d.files.mounts[1].Type = "zfs" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
			d.withScratch(t)
			tt.given(t, d)
			found, err := d.scratch(tt.local)
			if tt.part == "" {
				if err != nil || !strings.Contains(found, " free") {
					t.Errorf("%q: %v", found, err)
				}
				return
			}
			if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeConflict || !strings.Contains(e.Message, tt.part) {
				t.Errorf("%q: %v, want %q", found, err, tt.part)
			}
		})
	}
}

// Many files are restored in several calls, each with no more than it may have; an
// error with one file ends none of them, and one with the repository all.
func TestRestoreInCalls(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
	c, err := d.open(&d.c.Repositories[0])
	must(t, err)
	var files []node
	for n := range 1200 {
		files = append(files, node{path: fmt.Sprintf("/srv/%s%d", strings.Repeat("*", 4000*(n%600/599)), n)})
	}
	must(t, c.restore(t.Context(), id(1), "/scratch/x", files))
	if d.run.count() != 3 {
		t.Errorf("%d calls for 1200 files", d.run.count())
	}
	d.run.fail["b2:b2"] = sys.Output{Exit: 1, Stderr: []byte("ignoring error for /srv/1: torn\nFatal: There were 1 errors")}
	if err := c.restore(t.Context(), id(1), "/scratch/x", files); err == nil || err.Error() != "restic: restic failed (exit code 1): torn" || d.run.count() != 6 {
		t.Errorf("%v, after %d calls", err, d.run.count())
	}
	d.run.fail["b2:b2"] = sys.Output{Exit: 12, Stderr: []byte("Fatal: wrong password")}
	if err := c.restore(t.Context(), id(1), "/scratch/x", files); err == nil || d.run.count() != 7 {
		t.Errorf("%v, after %d calls", err, d.run.count())
	}
}

// A report that is not there is no evidence.
func TestVerifyWithoutReport(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("tank"), remote("usb")}})
	o := verify{d.Backups}
	args, err := o.Parse(t.Context(), nil)
	must(t, err)
	w := newWork(t)
	w.notes["report-tank"] = `{"repository":"b2","part":"5/12","ended":"2026-11-27T12:00:00Z"}`
	w.notes["report-usb"] = `{"repository":"usb","part":"5/12","ended":"2026-11-27T12:00:00Z"}`
	got := readings(t, o, bot.Plan{Arguments: args}, w)
	want(t, got["backup b2"], bot.Unknown, "there is no report")
	want(t, got["backup tank"], bot.Unknown, "cannot be read")
	want(t, got["backup usb"], bot.Unknown) // nothing was found good in it
}

func TestRunOperation(t *testing.T) {
	const unit = "restic-b2.service"
	begun := noon.Add(-time.Hour)
	idle := sys.Unit{Name: unit, Load: "loaded", Active: "inactive", Sub: "dead", Result: "success", Started: begun, Invocation: "a", Fragment: "/etc/systemd/system/" + unit}
	for _, tt := range []struct {
		name     string
		start    func(d *desk) error
		after    func(d *desk)
		apply    string // part of its error
		unit     bot.ReadingState
		snapshot bot.ReadingState
		words    []string
	}{
		{name: "a new snapshot", unit: bot.OK, snapshot: bot.OK, words: []string{"success", "00000000 of /srv (3 GiB)"}},
		{name: "a new snapshot, in the log by its whole id", after: func(d *desk) {
			d.run.logged = []string{`{"message_type":"status"}`, `{"message_type":"summary","snapshot_id":"` + id(2) + `"}`}
		}, unit: bot.OK, snapshot: bot.OK, words: []string{"00000000 of /srv (3 GiB)"}},
		{name: "success without a snapshot", after: func(d *desk) {
			d.run.snapshots["b2:b2"], d.run.logged = []host.Snapshot{snapshotOf(1, time.Minute, "/srv")}, nil
		}, unit: bot.OK, snapshot: bot.NotOK, words: []string{"from 1 min before the start"}},
		{name: "another host's snapshot", after: func(d *desk) { d.run.snapshots["b2:b2"][0].Host = "mars"; d.run.logged = nil },
			unit: bot.OK, snapshot: bot.NotOK, words: []string{"there is no snapshot of vulcan"}},
		{name: "its snapshot is another host's", after: func(d *desk) { d.run.snapshots["b2:b2"][0].Host = "mars" },
			unit: bot.OK, snapshot: bot.NotOK, words: []string{"00000000, which restic-b2.service saved, is a snapshot of mars, and none of vulcan"}},
		{name: "its snapshot is an old one", after: func(d *desk) { d.run.snapshots["b2:b2"] = []host.Snapshot{snapshotOf(2, time.Minute, "/srv")} },
			unit: bot.OK, snapshot: bot.NotOK, words: []string{"00000000, which restic-b2.service saved, is from 1 min before the start"}},
		{name: "its snapshot is not there, and another's is", after: func(d *desk) { d.run.logged = []string{"snapshot abcdabcd saved"} },
			unit: bot.OK, snapshot: bot.NotOK, words: []string{"restic-b2.service says that it saved abcdabcd, and b2 has no such snapshot"}},
		{name: "another unit's snapshot", after: func(d *desk) { d.run.logged = []string{"nothing to back up"} },
			unit: bot.OK, snapshot: bot.Unknown, words: []string{"00000000 of /srv is newer than the start, but whether restic-b2.service made it is not known: the log of restic-b2.service names no snapshot"}},
		{name: "its log is too long", after: func(d *desk) { d.run.logged = make([]string, mostLogged) },
			unit: bot.OK, snapshot: bot.Unknown, words: []string{"the log of restic-b2.service does not tell: its end names no snapshot, and there is more than was read"}},
		{name: "its log cannot be read", after: func(d *desk) { d.run.logFails = errors.New("no") },
			unit: bot.OK, snapshot: bot.Unknown, words: []string{"is newer than the start", "the log of restic-b2.service does not tell: journalctl did not answer on vulcan"}},
		{name: "the repository does not answer", after: func(d *desk) {
			d.run.fail["b2:b2"] = sys.Output{Exit: 1, Stderr: []byte("Fatal: dial tcp: i/o timeout")}
		}, unit: bot.OK, snapshot: bot.Unknown, words: []string{"the repository does not answer"}},
		{name: "the job fails", start: func(*desk) error { return &sys.JobError{Unit: unit, Result: "failed"} }, apply: "restic-b2.service failed (the job's result is failed)"},
		{name: "systemd goes away", start: func(*desk) error { return context.DeadlineExceeded }, apply: "it may still run"},
		{name: "the unit failed after all", after: func(d *desk) {
			u := d.units.known[unit]
			u.Active, u.Result, u.ExitCode = "failed", "exit-code", 3
			d.units.set(u)
		}, unit: bot.NotOK, snapshot: bot.OK, words: []string{"exit-code", "with exit code 3"}},
		{name: "it was not started", after: func(d *desk) { d.units.set(idle) }, unit: bot.NotOK, snapshot: bot.OK, words: []string{"it was not started"}},
		{name: "systemd does not tell", after: func(d *desk) { d.units.broken = errors.New("dbus") }, unit: bot.Unknown, snapshot: bot.OK, words: []string{"systemd does not tell of it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{Repositories: []Repository{remote("b2"), {Name: "nas", Location: "x"}}, Busy: []string{unit, "pg-dump.service"}})
			d.units.set(idle)
			d.units.start = func(name string) error {
				if name != unit {
					t.Errorf("%s is started", name)
				}
				if tt.start != nil {
					return tt.start(d)
				}
				d.clock = noon.Add(time.Minute)
				u := idle
				u.Invocation, u.Started = "b", d.clock
				d.units.set(u)
				s := snapshotOf(2, -30*time.Second, "/srv")
				size := 3 * host.GiB
				s.Size = &size
				d.run.snapshots["b2:b2"] = []host.Snapshot{s}
				d.run.logged = []string{"processed 3 files, 3.000 GiB in 0:10", "snapshot " + id(2)[:60] + " saved"}
				return nil
			}
			o := run{d.Backups}
			p, w := planned(t, o, bot.Arguments{"repository": {"b2"}}), newWork(t)
			if strings.Join(p.Draft.WaitFor, " ") != "pg-dump.service" || d.run.count() != 0 || len(p.Draft.Irreversible) == 0 {
				t.Errorf("the plan is %+v", p.Draft)
			}
			err := o.Apply(t.Context(), p, w)
			if tt.apply != "" {
				if err == nil || !strings.Contains(bot.ForPeople(err), tt.apply) {
					t.Errorf("%v, want %q", err, tt.apply)
				}
				return
			}
			must(t, err)
			if tt.after != nil {
				tt.after(d)
			}
			got := readings(t, o, p, w)
			want(t, got[unit], tt.unit)
			want(t, got["new snapshot in b2"], tt.snapshot)
			all := got[unit].Value + got[unit].Note + got["new snapshot in b2"].Value + got["new snapshot in b2"].Note
			for _, part := range tt.words {
				if !strings.Contains(all, part) {
					t.Errorf("%q is not in %q", part, all)
				}
			}
			for _, argv := range d.run.logs {
				if got := strings.Join(argv[len(argv)-2:], " "); got != "_SYSTEMD_UNIT="+unit+" _SYSTEMD_INVOCATION_ID=b" && tt.name != "it was not started" {
					t.Errorf("the journal is asked for %s", got)
				}
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), {Name: "nas", Location: "x"}}})
	o := run{d.Backups}
	for _, args := range []bot.Arguments{nil, {"repository": {"b2", "nas"}}, {"repository": {"nas"}}, {"repository": {"zzz"}}, {"repository": {"b2"}, "force": {"yes"}}} {
		if _, err := o.Parse(t.Context(), args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
	args := bot.Arguments{"repository": {"b2"}}
	for _, tt := range []struct {
		u    sys.Unit
		part string
	}{
		{sys.Unit{Load: "masked", Active: "inactive"}, "no unit restic-b2.service that could be started (masked)"},
		{sys.Unit{Load: "loaded", Active: "activating", Sub: "start"}, "runs already; ask again"},
	} {
		tt.u.Name = "restic-b2.service"
		d.units.set(tt.u)
		if _, err := o.Plan(t.Context(), args); err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%v, want %q", err, tt.part)
		}
	}
	// It began to run after the plan was made.
	if err := o.Apply(t.Context(), bot.Plan{Arguments: args}, newWork(t)); err == nil || !strings.Contains(err.Error(), "nothing was started") {
		t.Errorf("%v", err)
	}
}
