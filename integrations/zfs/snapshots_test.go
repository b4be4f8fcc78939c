package zfs

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

func TestSnapshots(t *testing.T) {
	at(t, func(t *testing.T) {
		now := time.Now()
		taken := func(dataset, form string, n int, every, age time.Duration) string {
			var b strings.Builder
			for i := range n {
				made := now.Add(-age - time.Duration(i)*every)
				fmt.Fprintf(&b, "%s@%s\t%d\n", dataset, strings.Replace(form, "DATE", made.UTC().Format("2006-01-02_15:04:05"), 1), made.Unix())
			}
			return b.String()
		}
		const h, d, ask = time.Hour, 24 * time.Hour, "/run/booted-system/sw/bin/zfs list -Hp -t snapshot -o name,creation"
		hourly, daily, monthly := "autosnap_DATE_hourly", "autosnap_DATE_daily", "autosnap_DATE_monthly"
		for name, c := range map[string]struct{ out, want string }{
			"well": {taken("rpool/home", hourly, 36, h, 20*time.Minute) + taken("rpool/home", daily, 30, d, 10*h) + taken("rpool/root", hourly, 24, h, 20*time.Minute) + taken("rpool/home", monthly, 3, 30*d, 10*d) +
				taken("rpool/home", "autosnap_DATE_frequently", 4, 15*time.Minute, time.Minute) + taken("rpool/home", "before-update", 1, h, h),
				"ok | snapshots rpool | 24 hourly back 23 h (rpool/root), 30 daily back 29 d 10 h in 1, 3 monthly back 70 d in 1 at least, in each of 2 datasets |  | 93 1\n"},
			"two pools, and another program": {taken("tank", "zfs-auto-snap_daily-DATE", 7, d, 2*h) + taken("rpool", hourly, 2, h, 0),
				"ok | snapshots rpool | 2 hourly back 1 h |  | 2 1\nok | snapshots tank | 7 daily back 6 d 2 h |  | 7 1\n"},
			"no new ones": {taken("rpool/a", hourly, 3, h, 151*time.Minute) + taken("rpool/b", hourly, 3, h, 5*h) + taken("rpool/c", hourly, 3, h, h) + taken("rpool/a", daily, 3, d, 37*h),
				"not ok | snapshots rpool | 3 hourly back 3 h (rpool/c), 3 daily back 3 d 13 h in 1 at least, in each of 3 datasets | the newest hourly one of rpool/b is 5 h old | 12 1\n"},
			"none":           {"", "unknown | snapshots of all pools |  | there are none by the names of sanoid or zfs-auto-snapshot; whether there should be some is not known here | 0 \n"},
			"made by people": {taken("rpool", "my_DATE_hourly", 3, h, h) + "rpool@x\n", "unknown | snapshots of all pools |  | there are none by"},
		} {
			m := vulcan()
			m.programs[ask], m.programs[askDatasets] = stdout(c.out), stdout("")
			if got := depthOf(t, New(m.host(), Options{}).Snapshots()); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s\ngot\n%s\nwant\n%s", name, got, c.want)
			}
		}
		m := vulcan()
		m.programs[ask] = sys.Output{Stdout: []byte("x"), Cut: true}
		if got := depthOf(t, New(m.host(), Options{}).Snapshots()); got != "unknown | snapshots of all pools |  | zfs list said more on vulcan than I read. | 0 \n" {
			t.Error(got)
		}
	})
}

const askDatasets = "/run/booted-system/sw/bin/zfs list -Hp -t filesystem,volume -o name"

// A dataset is not hidden by the others of its pool: neither one that has little, nor one
// whose snapshots are all gone.
func TestADatasetIsNotHiddenByOthers(t *testing.T) {
	at(t, func(t *testing.T) {
		const ask = "/run/booted-system/sw/bin/zfs list -Hp -t snapshot -o name,creation"
		now := time.Now()
		hourly := func(dataset string, n int) string {
			var b strings.Builder
			for i := range n {
				made := now.Add(-10*time.Minute - time.Duration(i)*time.Hour)
				fmt.Fprintf(&b, "%s@autosnap_%s_hourly\t%d\n", dataset, made.UTC().Format("2006-01-02_15:04:05"), made.Unix())
			}
			return b.String()
		}
		m := vulcan()
		m.programs[ask], m.programs[askDatasets] = stdout(hourly("tank/a", 700)+hourly("tank/b", 1)), stdout("tank\ntank/a\ntank/b\ntank/c\n")
		p := New(m.host(), Options{}).Snapshots()
		if got, want := depthOf(t, p), "ok | snapshots tank | 1 hourly back 10 min (tank/b) at least, in each of 2 datasets; none of tank, tank/c |  | 701 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		m.programs[ask] = stdout(hourly("tank/a", 700))
		if got, want := depthOf(t, p), "not ok | snapshots tank | 700 hourly back 29 d 3 h; none of tank, tank/c | tank/b had some, and has none any more | 700 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		m.programs[ask] = stdout("") // of the whole host
		if got, want := depthOf(t, p), "not ok | snapshots tank | none; none of tank, tank/c | tank/a had some, and has none any more; tank/b had some, and has none any more | 0 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		// What is destroyed has no snapshots to be missed.
		m.programs[ask], m.programs[askDatasets] = stdout(hourly("tank/a", 3)), stdout("tank\ntank/a\n")
		if got, want := depthOf(t, p), "ok | snapshots tank | 3 hourly back 2 h; none of tank |  | 3 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		// The configuration knows which ought to have some, also after a restart.
		p = New(m.host(), Options{Snapshots: []string{"tank/a", "tank", "rpool/home"}}).Snapshots()
		if got, want := depthOf(t, p), "not ok | snapshots rpool | none | rpool/home ought to have some, and is not there itself | 0 1\nnot ok | snapshots tank | 3 hourly back 2 h | tank ought to have some, and has none | 3 1\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		delete(m.programs, askDatasets)
		if got := depthOf(t, New(m.host(), Options{}).Snapshots()); !strings.HasPrefix(got, "unknown | snapshots tank | 3 hourly back 2 h | whether a dataset has none is unknown: ") {
			t.Error(got)
		}
	})
}

func depthOf(t *testing.T, p bot.Probe) string {
	t.Helper()
	var b strings.Builder
	for _, r := range p.Read(t.Context()) {
		if r.Host != "vulcan" || r.Source == "" || r.At.IsZero() {
			t.Errorf("%+v", r)
		}
		fmt.Fprintf(&b, "%s | %s | %s | %s | %v %s\n", r.State, r.What, r.Value, r.Note, r.Figure, r.Unit)
	}
	return b.String()
}

// The simulated sanoid keeps what ours keeps.
func TestSnapshotsOfTheSimulatedHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := simulated.New(simulated.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		time.Sleep(100*24*time.Hour + 90*time.Minute)
		p := New(h.Sys(), Options{}).Snapshots()
		want := "ok | snapshots rpool | 36 hourly back 1 d 11 h, 30 daily back 29 d 1 h, 3 monthly back 69 d 1 h at least, in each of 2 datasets; none of rpool/nix |  | 138 1\n" +
			"ok | snapshots tank | 36 hourly back 1 d 11 h, 30 daily back 29 d 1 h, 3 monthly back 69 d 1 h; none of tank/backups |  | 69 1\n"
		if got := depthOf(t, p); got != want || p.Name() != "snapshots vulcan" {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
