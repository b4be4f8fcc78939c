package restic

import (
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

// threeTwoOne is a desk where everything is as it should be: the photos lie on
// tank, and are backed up to usb and, off-site, to b2.
func threeTwoOne(t *testing.T) (*desk, string) {
	t.Helper()
	photos := filepath.Join(t.TempDir(), "photos")
	must(t, os.Mkdir(photos, 0o755))
	d := newDesk(t, Config{
		Repositories: []Repository{
			{Name: "usb", Location: "1", Medium: "usb"},
			{Name: "b2", Location: "2", Medium: "b2", OffSite: true, Exclude: []string{"/var/cache", photos + "/.thumbs"}},
		},
		Datasets: []Dataset{{Name: "photos", Paths: []string{photos}, Medium: "tank"}},
	})
	d.run.snapshots["1"] = []host.Snapshot{snapshotOf(1, 6*time.Hour, photos)}
	d.run.snapshots["2"] = []host.Snapshot{snapshotOf(2, 5*time.Hour, "/")}
	d.run.snapshots["2"][0].Excludes = []string{"*.tmp"}
	for _, n := range []string{"usb", "b2"} {
		d.verified(t, n, 3*day, func(v *host.Verification) {
			v.Datasets = []host.DatasetCount{{Name: "photos", Files: 1204, Bytes: 7 * host.GiB}}
		})
	}
	return d, photos
}

func TestThreeTwoOne(t *testing.T) {
	for _, tt := range []struct {
		name           string
		given          func(t *testing.T, d *desk, photos string)
		state          bot.ReadingState
		count, media   int
		offSite        int
		where          string // the copy that is looked at
		copy           bot.ReadingState
		why, uncovered string
	}{
		{name: "as it should be", given: func(*testing.T, *desk, string) {}, state: bot.OK, count: 3, media: 3, offSite: 1, where: "b2", copy: bot.OK, uncovered: "PHOTOS/.thumbs, *.tmp"},
		{name: "a stale snapshot", given: func(_ *testing.T, d *desk, photos string) { d.run.snapshots["2"][0].At = noon.Add(-3 * day) },
			state: bot.NotOK, count: 2, media: 2, where: "b2", copy: bot.NotOK, why: "its snapshot is 3 d old, more than 1 d 2 h", uncovered: "PHOTOS/.thumbs, *.tmp"},
		{name: "a snapshot that shrank", given: func(_ *testing.T, d *desk, _ string) {
			d.run.snapshots["2"] = []host.Snapshot{holding(snapshotOf(2, 5*time.Hour, "/"), 400, 1<<30), holding(snapshotOf(3, 29*time.Hour, "/"), 1600, 9<<30)}
		}, state: bot.Unknown, count: 2, media: 2, where: "b2", copy: bot.Unknown, why: "the snapshot with PHOTOS holds less than half of what one before it held", uncovered: "PHOTOS/.thumbs"},
		{name: "never verified", given: func(t *testing.T, d *desk, _ string) { must(t, os.RemoveAll(filepath.Join(d.reportsDir(), "b2"))) },
			state: bot.Unknown, count: 2, media: 2, where: "b2", copy: bot.Unknown, why: "the repository was never verified as a whole", uncovered: "PHOTOS/.thumbs, *.tmp"},
		{name: "verified long ago", given: func(t *testing.T, d *desk, _ string) {
			must(t, os.RemoveAll(filepath.Join(d.reportsDir(), "b2")))
			d.verified(t, "b2", 30*day, nil)
		}, state: bot.Unknown, count: 2, media: 2, where: "b2", copy: bot.Unknown, why: "last verified 30 d ago, more than 9 d", uncovered: "PHOTOS/.thumbs, *.tmp"},
		{name: "found broken", given: func(t *testing.T, d *desk, _ string) {
			d.verified(t, "b2", day, func(v *host.Verification) { v.Structure.State = bot.NotOK })
		}, state: bot.NotOK, count: 2, media: 2, where: "b2", copy: bot.NotOK, why: "found it wrong", uncovered: "PHOTOS/.thumbs, *.tmp"},
		{name: "not backed up", given: func(_ *testing.T, d *desk, _ string) { d.run.snapshots["1"][0].Paths = []string{"/etc"} },
			state: bot.NotOK, count: 2, media: 2, offSite: 1, where: "usb", copy: bot.NotOK, why: "PHOTOS is not backed up into it"},
		{name: "left out", given: func(_ *testing.T, d *desk, _ string) { d.run.snapshots["2"][0].Excludes = []string{"photos"} },
			state: bot.NotOK, count: 2, media: 2, where: "b2", copy: bot.NotOK, why: "PHOTOS is left out by the pattern photos", uncovered: "PHOTOS/.thumbs"},
		{name: "left out, perhaps", given: func(_ *testing.T, d *desk, photos string) {
			d.run.snapshots["2"][0].Excludes = []string{"photos", "!" + photos}
		}, state: bot.Unknown, count: 2, media: 2, where: "b2", copy: bot.Unknown, why: "others take some of it in again", uncovered: "PHOTOS/.thumbs"},
		{name: "only a part", given: func(_ *testing.T, d *desk, photos string) {
			d.run.snapshots["1"][0].Paths = []string{photos + "/2026"}
		}, state: bot.NotOK, count: 2, media: 2, offSite: 1, where: "usb", copy: bot.NotOK, why: "only a part of PHOTOS", uncovered: "PHOTOS but for PHOTOS/2026"},
		{name: "empty when it was backed up", given: func(t *testing.T, d *desk, _ string) {
			d.verified(t, "usb", day, func(v *host.Verification) { v.Datasets = []host.DatasetCount{{Name: "photos"}} })
		}, state: bot.NotOK, count: 2, media: 2, offSite: 1, where: "usb", copy: bot.NotOK, why: "found no file of it in the snapshots"},
		{name: "never reached", given: func(_ *testing.T, d *desk, _ string) {
			d.run.fail["2"] = sys.Output{Exit: 1, Stderr: []byte("Fatal: dial tcp: i/o timeout")}
		}, state: bot.Unknown, count: 2, media: 2, where: "b2", copy: bot.Unknown, why: "was never found out: the repository does not answer"},
		{name: "the live one is gone", given: func(t *testing.T, _ *desk, photos string) { must(t, os.Remove(photos)) },
			state: bot.NotOK, count: 2, media: 2, offSite: 1, where: host.LiveCopy, copy: bot.NotOK, why: "PHOTOS does not exist"},
		{name: "on one medium", given: func(_ *testing.T, d *desk, _ string) {
			for i := range d.c.Repositories {
				d.c.Repositories[i].Medium = "tank"
			}
		}, state: bot.NotOK, count: 3, media: 1, offSite: 1, where: "usb", copy: bot.OK},
		{name: "nothing off-site", given: func(_ *testing.T, d *desk, _ string) { d.c.Repositories[1].OffSite = false },
			state: bot.NotOK, count: 3, media: 3, where: "usb", copy: bot.OK},
		{name: "another host's snapshot", given: func(_ *testing.T, d *desk, _ string) { d.run.snapshots["1"][0].Host = "mars" },
			state: bot.NotOK, count: 2, media: 2, offSite: 1, where: "usb", copy: bot.NotOK, why: "is not backed up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, photos := threeTwoOne(t)
			tt.given(t, d, photos)
			all := d.ThreeTwoOne(t.Context())
			got := all.Datasets[0]
			if got.State != tt.state || got.Count != tt.count || len(got.Media) != tt.media || got.OffSite != tt.offSite || (got.State == bot.OK) != (len(got.Why) == 0) {
				t.Errorf("%s: %d copies, media %q, %d off-site: %q", got.State, got.Count, got.Media, got.OffSite, got.Why)
			}
			i := slices.IndexFunc(got.Copies, func(c host.Copy) bool { return c.Where == tt.where })
			c := got.Copies[i]
			short := func(s []string) string { return strings.ReplaceAll(strings.Join(s, ", "), photos, "PHOTOS") }
			if c.State != tt.copy || !strings.Contains(short(c.Why), tt.why) || (tt.why == "") != (len(c.Why) == 0) || short(c.Uncovered) != tt.uncovered {
				t.Errorf("the copy in %s is %s: %q, without %q", c.Where, c.State, short(c.Why), short(c.Uncovered))
			}
			if len(all.Unknown) == 0 {
				t.Error("what cannot be known is not said")
			}
		})
	}
}

// The oldest of the snapshots that are needed is the copy's age; a newer one of
// other paths does not count for it.
func TestCopyOfSeveralPaths(t *testing.T) {
	d := Dataset{Name: "mail", Paths: []string{"/srv/mail", "/etc/mail"}, Medium: "tank"}
	r := host.Repository{Name: "b2", Host: "vulcan", Reach: bot.OK, AskedAt: noon, VerifiedAt: noon, MaxAge: bot.SecondsOf(26 * time.Hour), VerifyAge: bot.SecondsOf(9 * day),
		Newest: []host.Snapshot{snapshotOf(1, time.Hour, "/etc"), snapshotOf(2, 2*time.Hour, "/home"), snapshotOf(3, 20*time.Hour, "/srv", "/etc/mail/x")}}
	c := copyIn(d, r, nil, noon)
	if c.State != bot.OK || !c.Snapshot.Equal(noon.Add(-20*time.Hour)) || len(c.Uncovered) != 0 {
		t.Errorf("%+v", c)
	}
}
