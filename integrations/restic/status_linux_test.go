package restic

import (
	"context"
	"errors"
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

func remote(name string) Repository {
	return Repository{Name: name, Location: "b2:" + name, Medium: name, OffSite: true, Unit: "restic-" + name}
}

const day = 24 * time.Hour

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given func(t *testing.T, d *desk)
		state bot.ReadingState
		why   []string
	}{
		{"as it should be", func(*testing.T, *desk) {}, bot.OK, nil},
		{"the newest snapshot is old", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"] = []host.Snapshot{snapshotOf(1, 2*day, "/")}
		}, bot.NotOK, []string{"the newest snapshot is 2 d old, more than 1 d 2 h"}},
		{"half of it is gone", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"] = []host.Snapshot{
				holding(snapshotOf(9, 6*time.Hour, "/home", "/etc"), 12, 3<<20),
				holding(snapshotOf(8, 30*time.Hour, "/home", "/etc"), 12, 3<<20), // nor did it come back by itself
				holding(snapshotOf(7, 54*time.Hour, "/etc", "/home"), 48000, 210<<30),
				holding(snapshotOf(6, 78*time.Hour, "/home", "/etc"), 47000, 209<<30),
			}
		}, bot.NotOK, []string{"its snapshot " + id(9)[:8] + " of /home, /etc has 12 files, 3 MiB, less than half of what " + id(7)[:8] + " had 2 d before (48000 files, 210 GiB): a source may not have been mounted"}},
		{"half of the files, which are small", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"] = []host.Snapshot{holding(snapshotOf(9, 6*time.Hour, "/"), 20000, 200<<30), holding(snapshotOf(8, 30*time.Hour, "/"), 48000, 210<<30)}
		}, bot.NotOK, []string{"its snapshot"}},
		{"somewhat less, and more of others", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"] = []host.Snapshot{
				holding(snapshotOf(9, 6*time.Hour, "/"), 30000, 110<<30), holding(snapshotOf(8, 30*time.Hour, "/"), 48000, 210<<30),
				holding(snapshotOf(7, 30*time.Hour, "/srv"), 480000, 2100<<30),        // another set
				{ID: id(6), At: noon.Add(-day), Host: "vulcan", Paths: []string{"/"}}, // an older restic's
			}
		}, bot.OK, nil},
		{"long ago half of another set was gone", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"] = append(d.run.snapshots["b2:b2"], holding(snapshotOf(9, 90*day, "/old"), 1, 1), holding(snapshotOf(8, 91*day, "/old"), 100, 100))
		}, bot.OK, nil},
		{"no snapshot", func(_ *testing.T, d *desk) { d.run.snapshots["b2:b2"] = nil }, bot.NotOK, []string{"there is no snapshot"}},
		{"only another host's", func(_ *testing.T, d *desk) {
			d.run.snapshots["b2:b2"][0].Host, d.run.snapshots["b2:b2"][1].Host = "mars", "mars"
		}, bot.NotOK, []string{"there is no snapshot of vulcan, only of mars"}},
		{"never asked with success", func(_ *testing.T, d *desk) {
			d.run.fail["b2:b2"] = sys.Output{Exit: 1, Stderr: []byte("Fatal: dial tcp: lookup b2: no such host")}
		}, bot.Unknown, []string{"the repository does not answer (exit code 1): dial tcp: lookup b2: no such host"}},
		{"the wrong password", func(_ *testing.T, d *desk) {
			d.run.fail["b2:b2"] = sys.Output{Exit: 12, Stderr: []byte("Fatal: wrong password or no key found")}
		}, bot.NotOK, []string{"the password is wrong (exit code 12)"}},
		{"the unit failed", func(_ *testing.T, d *desk) {
			d.units.set(sys.Unit{Name: "restic-b2.service", Load: "loaded", Active: "failed", Result: "exit-code", Started: noon.Add(-time.Hour)})
		}, bot.NotOK, []string{"restic-b2.service failed: exit-code"}},
		{"no unit", func(_ *testing.T, d *desk) { delete(d.units.known, "restic-b2.service") }, bot.Unknown, []string{"restic-b2.service: there is no such unit"}},
		{"no systemd", func(_ *testing.T, d *desk) { d.units.broken = errors.New("dbus") }, bot.Unknown, []string{"restic-b2.service: systemd cannot be asked"}},
		{"never verified", func(t *testing.T, d *desk) { must(t, os.RemoveAll(filepath.Join(d.reportsDir(), "b2"))) }, bot.Unknown, []string{"it was never verified"}},
		{"verified long ago", func(t *testing.T, d *desk) {
			must(t, os.RemoveAll(filepath.Join(d.reportsDir(), "b2")))
			d.verified(t, "b2", 10*day, nil)
		}, bot.NotOK, []string{"it was last verified 10 d ago, more than 9 d"}},
		{"skipped since, and verified before", func(t *testing.T, d *desk) {
			d.verified(t, "b2", day, func(v *host.Verification) { v.Drill.State = bot.Unknown })
		}, bot.OK, nil},
		{"found broken since", func(t *testing.T, d *desk) {
			d.verified(t, "b2", day, func(v *host.Verification) { v.Data.State = bot.NotOK })
		}, bot.NotOK, []string{"its last verification, 1 d ago, found it wrong"}},
		{"a report that nobody can read", func(t *testing.T, d *desk) {
			must(t, os.WriteFile(filepath.Join(d.reportsDir(), "b2", "20260101T000000.000Z.json"), []byte("{"), 0o600))
		}, bot.Unknown, []string{"some reports of earlier verifications cannot be read"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("tank")}})
			for _, n := range []string{"b2", "tank"} {
				d.run.snapshots["b2:"+n] = []host.Snapshot{snapshotOf(1, 6*time.Hour, "/"), snapshotOf(2, 900*day, "/old")}
				d.units.set(sys.Unit{Name: "restic-" + n + ".service", Load: "loaded", Active: "inactive", Result: "success", Started: noon.Add(-6 * time.Hour)})
				d.verified(t, n, 3*day, nil)
			}
			tt.given(t, d)
			s := d.Status(t.Context())
			r := s.Repositories[0]
			if r.State != tt.state || !slices.EqualFunc(r.Why, tt.why, strings.HasPrefix) {
				t.Errorf("it is %s: %q, want %s: %q", r.State, r.Why, tt.state, tt.why)
			}
			// The other one has nothing to do with it.
			if other := s.Repositories[1]; d.units.broken == nil && (other.State != bot.OK || other.Name != "tank" || len(other.PartsRead) != 1 || other.PartsRead[0] != 5) {
				t.Errorf("the other one is %s: %q", other.State, other.Why)
			}
		})
	}
}

// A repository is not asked again and again; what it said last is kept, with its
// age, while it does not answer.
func TestStatusKeepsWhatIsKnown(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{{Name: "b2", Location: "b2:b2"}}})
	d.run.snapshots["b2:b2"] = []host.Snapshot{snapshotOf(1, 6*time.Hour, "/")}
	d.verified(t, "b2", 0, nil)
	read := func() (host.Repository, []bot.Reading) {
		return d.Status(t.Context()).Repositories[0], d.Probe().Read(t.Context())
	}
	r, readings := read()
	if d.run.count() != 1 || r.State != bot.OK || readings[0].Value != "newest snapshot 6 h ago" || readings[0].State != bot.OK || readings[1].State != bot.OK ||
		readings[1].Unit != bot.FigureSeconds ||
		readings[1].Value != "verified 0 s ago: 40 files (1.2 GiB) restored and compared with the live file, 0 differ; 1 of 12 data parts read lately" {
		t.Errorf("%d calls; %+v; %+v", d.run.count(), r, readings)
	}
	d.run.fail["b2:b2"] = sys.Output{Exit: 1, Stderr: []byte("Fatal: dial tcp: i/o timeout")}
	d.clock = noon.Add(time.Hour)
	readings = d.Probe().Read(t.Context()) // the probe is patient
	if d.run.count() != 1 || readings[0].Value != "newest snapshot 7 h ago, as of 1 h ago" || readings[0].State != bot.OK || !readings[0].At.Equal(noon) {
		t.Errorf("%d calls; %+v", d.run.count(), readings)
	}
	r, _ = read()
	if d.run.count() != 2 || r.Reach != bot.Unknown || r.State != bot.Unknown || len(r.Newest) != 1 || !r.AskedAt.Equal(noon) || !r.TriedAt.Equal(d.clock) {
		t.Errorf("%d calls; %+v", d.run.count(), r)
	}
	d.Status(t.Context())
	if d.run.count() != 2 {
		t.Error("what failed a moment ago is tried again")
	}
	// Too old to say that the newest snapshot is old.
	d.clock = noon.Add(2 * day)
	r, readings = read()
	if r.State != bot.Unknown || !strings.Contains(strings.Join(r.Why, "; "), "what is known of its snapshots is 2 d old") || readings[0].State != bot.Unknown {
		t.Errorf("%s %q %+v", r.State, r.Why, readings)
	}
	// A clock that went back does not keep it from being asked.
	d.clock = noon.Add(-time.Hour)
	before := d.run.count()
	if delete(d.run.fail, "b2:b2"); d.Status(t.Context()).Repositories[0].Reach != bot.OK || d.run.count() != before+1 {
		t.Errorf("%d calls after the clock was set back", d.run.count()-before)
	}
	if err := d.Refresh(t.Context()); err != nil || d.run.count() != before+2 {
		t.Errorf("refreshed: %v", err)
	}
	d.run.fail["b2:b2"] = sys.Output{Exit: 12, Stderr: []byte("Fatal: wrong password")}
	if err := d.Refresh(t.Context(), "b2"); err == nil || !strings.Contains(err.Error(), "b2: the password is wrong") {
		t.Errorf("refreshed in vain: %v", err)
	}
}

// One repository hangs; the others are told all the same, and what it is asked
// ends with its asker.
func TestStatusOfOneThatHangs(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{{Name: "one", Location: "1"}, {Name: "two", Location: "2"}}})
	d.run.hang["1"] = true
	d.run.snapshots["2"] = []host.Snapshot{snapshotOf(1, time.Hour, "/")}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s := d.Status(ctx)
	if one, two := s.Repositories[0], s.Repositories[1]; one.Reach != bot.Unknown || one.ReachWhy != "no time was left" || two.Reach != bot.OK || len(two.Newest) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestProbeReadings(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
	d.units.set(sys.Unit{Name: "restic-b2.service", Load: "loaded", Active: "failed", Result: "exit-code", Started: noon})
	d.run.snapshots["b2:b2"] = []host.Snapshot{snapshotOf(1, 6*time.Hour, "/")}
	d.verified(t, "b2", day, func(v *host.Verification) {
		v.Drill = host.Judgement{State: bot.NotOK, Text: "40 files (1.2 GiB) restored and compared, 1 differ: /a: torn"}
	})
	got := d.Probe().Read(t.Context())
	if len(got) != 2 || d.Probe().Name() != "backups vulcan" {
		t.Fatalf("%+v", got)
	}
	want(t, got[0], bot.NotOK, "newest snapshot 6 h ago", "restic-b2.service failed: exit-code")
	want(t, got[1], bot.NotOK, "1 differ: /a: torn")
	if got[0].Figure != (6*time.Hour).Seconds() || got[0].Unit != bot.FigureSeconds || got[1].Unit != "" {
		t.Errorf("%v %q, %v %q", got[0].Figure, got[0].Unit, got[1].Figure, got[1].Unit)
	}
	if strings.Contains(got[0].Note, "verif") {
		t.Errorf("the same is told twice: %q", got[0].Note)
	}
}

func TestReports(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
	for n := range mostReports + 5 {
		d.verified(t, "b2", time.Duration(n)*time.Hour, func(v *host.Verification) { v.PacksRead = n })
	}
	must(t, os.WriteFile(filepath.Join(d.reportsDir(), "b2", "notes.txt"), []byte("x"), 0o600))
	all, lost, err := d.reports(d.named("b2"))
	must(t, err)
	// The oldest ones are let go, so one that is put down late and old is let go at once.
	if len(all) != mostReports || lost != 0 || all[0].PacksRead != 0 || !slices.IsSortedFunc(all, func(a, b host.Verification) int { return b.Began.Compare(a.Began) }) {
		t.Errorf("%d reports, %d lost, the newest is number %d", len(all), lost, all[0].PacksRead)
	}
	if all, lost, err := d.reports(d.named("nothing")); len(all) != 0 || lost != 0 || err != nil {
		t.Errorf("of nothing there are %d: %v", len(all), err)
	}
	info, err := os.Stat(filepath.Join(d.reportsDir(), "b2"))
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
}

func TestLooks(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2")}})
	names := map[string]bool{}
	for _, l := range d.Looks() {
		names[l.Name] = true
		if _, err := l.Run(t.Context(), bot.Arguments{"x": {"y"}}); err == nil {
			t.Errorf("%s takes any argument", l.Name)
		}
		if _, err := l.Run(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
	}
	if !names[host.LookBackups] || !names[host.LookThreeTwoOne] || len(names) != 2 {
		t.Errorf("there are %v", names)
	}
}
