package prometheus

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
)

// pastOf is a series with a point an hour for so many days, that ended some hours ago.
func pastOf(labels string, days int, ended time.Duration, value float64) string {
	var ps []string
	for at := to.Add(-time.Duration(days) * 24 * time.Hour); !at.After(to.Add(-ended)); at = at.Add(time.Hour) {
		ps = append(ps, fmt.Sprintf(`[%d,"%g"]`, at.Unix(), value))
	}
	return fmt.Sprintf(`{"metric":{%s},"values":[%s]}`, labels, strings.Join(ps, ","))
}

func TestTrends(t *testing.T) {
	var asked atomic.Int32
	down := "" // set between the questions
	c, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		q := r.FormValue("query")
		if down != "" && strings.Contains(q, down) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if !strings.Contains(q, `{host="a"`) && !strings.Contains(q, `,host="a"`) {
			says(matrix())(w, r)
			return
		}
		disk := func(mount, device, fstype string, ended time.Duration) string {
			return pastOf(fmt.Sprintf(`"mountpoint":%q,"device":%q,"fstype":%q`, mount, device, fstype), 14, ended, 61)
		}
		switch {
		case strings.Contains(q, "cpu"):
			says(matrix(pastOf("", 1, 0, 5)))(w, r)
		case strings.Contains(q, "MemAvailable"):
			says(matrix(pastOf("", 7, 5*time.Hour, 5)))(w, r)
		case strings.Contains(q, "filesystem"):
			says(matrix(disk("/nix/store", "sda1", "ext4", 0), disk("/", "sda1", "ext4", 0), disk("/media/stick", "sdb1", "vfat", 30*time.Hour), disk("/home", "rpool/home", "zfs", 0)))(w, r)
		case strings.Contains(q, "zfs_pool"):
			says(matrix(pastOf(`"pool":"rpool"`, 14, 0, 40), pastOf(`"pool":"tank"`, 14, 0, 82)))(w, r)
		}
	})
	p := c.Trends(func() []TrendHost { return []TrendHost{{"a", `host="a"`, 70}, {"b", `host="b"`, 70}} })
	now := to
	p.now = func() time.Time { return now }
	read := func() string {
		var out []string
		for _, r := range p.Read(t.Context()) {
			if r.Source == "" || r.At.IsZero() {
				t.Errorf("%+v", r)
			}
			out = append(out, fmt.Sprintf("%s %s | %s | %s", r.Host, r.What, r.State, r.Value))
		}
		return strings.Join(out, "\n")
	}
	// A host of which nothing is measured has no readings; what was unmounted has none.
	want := `a cpu 7 d | unknown | 
a memory 7 d | unknown | 
a forecast / | ok | 61 %, not filling, by the line over 14 d
a forecast pool rpool | ok | 40 %, not filling, by the line over 14 d
a forecast pool tank | ok | 82 %, not filling, by the line over 14 d`
	// The fake has a point an hour, and was asked for one every 56 minutes.
	want = strings.ReplaceAll(want, " by the line over 14 d", " by the line over 14 d, of which 13 d 3 h were measured")
	if got := read(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := asked.Load(); n != 8 {
		t.Errorf("%d questions", n)
	}
	now = now.Add(9 * time.Minute)
	if got := read(); got != want || asked.Load() != 8 {
		t.Errorf("it asked again, %d times in all:\n%s", asked.Load(), got)
	}
	now, down = now.Add(time.Minute), "zfs_pool"
	if got := read(); !strings.Contains(got, "a forecast pools | unknown | ") || !strings.Contains(got, "b forecast pools | unknown | ") || !strings.Contains(got, "a forecast / | ok") {
		t.Error(got)
	}
	// What failed is asked for again at once.
	down = ""
	if got := read(); got != want {
		t.Errorf("got\n%s", got)
	}
	// A host that is configured anew is asked about anew.
	before := asked.Load()
	p.hosts = func() []TrendHost { return []TrendHost{{"a", `host="a"`, 60}, {"b", `host="b"`, 70}} }
	if read(); asked.Load() != before+4 {
		t.Errorf("%d questions more", asked.Load()-before)
	}
	var none bot.Probe = c.Trends(func() []TrendHost { return nil })
	if rs := none.Read(t.Context()); rs == nil || len(rs) != 0 || none.Name() != "trends" {
		t.Errorf("%v", rs)
	}
}

// A host in use as much as its bound says, or more, is not well, however even it is.
func TestTrendsOfABusyHost(t *testing.T) {
	value := 0.0
	c, _ := fake(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.FormValue("query"); {
		case strings.Contains(q, "cpu"), strings.Contains(q, "MemAvailable"):
			says(matrix(pastOf("", 7, 0, value)))(w, r)
		default:
			says(matrix())(w, r)
		}
	})
	for _, x := range []struct {
		value, below float64
		want         string
	}{
		{69.5, 70, "ok | "}, {70, 70, "not ok | not below 70 %, which is the most that is wanted"}, {99, 70, "not ok | not below 70 %, which is the most that is wanted"},
		{80, 85, "ok | "}, {85.25, 85, "not ok | not below 85 %, which is the most that is wanted"},
	} {
		value = x.value
		p := c.Trends(func() []TrendHost { return []TrendHost{{"a", `host="a"`, x.below}} })
		p.now = func() time.Time { return to }
		rs := p.Read(t.Context())
		if len(rs) != 2 || rs[0].What != "cpu 7 d" || rs[1].What != "memory 7 d" {
			t.Fatalf("%+v", rs)
		}
		for _, r := range rs {
			if got := string(r.State) + " | " + r.Note; got != x.want || r.Figure != x.value {
				t.Errorf("%s of %v, to be below %v: %s, %s", r.What, x.value, x.below, r.Value, got)
			}
		}
	}
}
