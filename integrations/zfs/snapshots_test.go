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
				"ok | snapshots rpool | 24 hourly back 1 d 11 h, 30 daily back 29 d 10 h, 3 monthly back 70 d at least, in each of 2 datasets |  | 93 1\n"},
			"two pools, and another program": {taken("tank", "zfs-auto-snap_daily-DATE", 7, d, 2*h) + taken("rpool", hourly, 2, h, 0),
				"ok | snapshots rpool | 2 hourly back 1 h |  | 2 1\nok | snapshots tank | 7 daily back 6 d 2 h |  | 7 1\n"},
			"no new ones": {taken("rpool/a", hourly, 3, h, 151*time.Minute) + taken("rpool/b", hourly, 3, h, 5*h) + taken("rpool/c", hourly, 3, h, h) + taken("rpool/a", daily, 3, d, 37*h),
				"not ok | snapshots rpool | 3 hourly back 7 h, 3 daily back 3 d 13 h at least, in each of 3 datasets | the newest hourly one of rpool/b is 5 h old | 12 1\n"},
			"none":           {"", "unknown | snapshots of all pools |  | there are none by the names of sanoid or zfs-auto-snapshot; whether there should be some is not known here | 0 \n"},
			"made by people": {taken("rpool", "my_DATE_hourly", 3, h, h) + "rpool@x\n", "unknown | snapshots of all pools |  | there are none by"},
		} {
			m := vulcan()
			m.programs[ask] = stdout(c.out)
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
		want := "ok | snapshots rpool | 36 hourly back 1 d 11 h, 30 daily back 29 d 1 h, 3 monthly back 69 d 1 h at least, in each of 2 datasets |  | 138 1\n" +
			"ok | snapshots tank | 36 hourly back 1 d 11 h, 30 daily back 29 d 1 h, 3 monthly back 69 d 1 h |  | 69 1\n"
		if got := depthOf(t, p); got != want || p.Name() != "snapshots vulcan" {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
