package prometheus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// TrendHost is a host whose figures of many days are looked at.
type TrendHost struct {
	Name string
	// Match are the matchers that choose the host's series, as PromQL has them between
	// braces: `instance=~"vulcan(:[0-9]+)?"`.
	Match string
	// Below is what the week's means of its processor and memory are to stay below, in
	// percent.
	Below float64
}

const (
	// meanSpan is what means are made over, and fillSpan what a forecast is made from.
	meanSpan = 7 * 24 * time.Hour
	fillSpan = 14 * 24 * time.Hour
	// leastData is how much there must be measured of either.
	leastData = 2 * 24 * time.Hour
	// lost is how long ago the last figure may be.
	lost = 2 * time.Hour
	// soon is how long before it is full a filesystem or a pool is not ok.
	soon = 30 * 24 * time.Hour
	// trendKept is for how long an answer is given again: what is measured over days
	// changes slowly, and to ask costs the server some work.
	trendKept = 10 * time.Minute
)

// What is asked of a host's series, chosen by %[1]s, and what the figures come from.
const (
	exprCPU    = `100 * (1 - sum(rate(node_cpu_seconds_total{mode=~"idle|iowait",%[1]s}[1h])) / count(node_cpu_seconds_total{mode="idle",%[1]s}))`
	exprMemory = `100 * avg(1 - (node_memory_MemAvailable_bytes{%[1]s} + (clamp_min(node_zfs_arc_size{%[1]s} - node_zfs_arc_c_min{%[1]s}, 0) or 0 * node_memory_MemAvailable_bytes{%[1]s})) / node_memory_MemTotal_bytes{%[1]s})`
	exprDisks  = `100 * (node_filesystem_size_bytes{%[1]s,%[2]s} - node_filesystem_free_bytes{%[1]s,%[2]s}) / (node_filesystem_size_bytes{%[1]s,%[2]s} - node_filesystem_free_bytes{%[1]s,%[2]s} + node_filesystem_avail_bytes{%[1]s,%[2]s})`
	exprPools  = `100 * zfs_pool_allocated_bytes{%[1]s} / zfs_pool_size_bytes{%[1]s}`
	// notDisks are filesystems that do not fill up over days.
	notDisks = `fstype!~"tmpfs|ramfs|devtmpfs|overlay|squashfs|nsfs|iso9660|fuse[.].*|nfs.*|cifs"`

	// What the readings are called; where there are no forecasts, what is told of all is
	// called so that who waits for "forecast *" hears of it.
	readCPU, readMemory  = "cpu 7 d", "memory 7 d"
	noForecasts, noPools = "forecast filesystems", "forecast pools"

	nodeExporter = "node_exporter's figures in Prometheus"
	zfsExporter  = "zfs_exporter's figures in Prometheus"
)

// Trends tells of each host how busy it was over a week, and when its filesystems and
// pools will be full. A host of which there is nothing in Prometheus has no readings.
type Trends struct {
	c     *Client
	hosts func() []TrendHost
	now   func() time.Time

	mu   sync.Mutex
	kept map[string]told // by host
}

type told struct {
	at time.Time
	of TrendHost // another one of its name is asked for again
	rs []bot.Reading
}

var _ bot.Probe = (*Trends)(nil)

// Trends is for status and checklists; the hosts are asked for at each reading.
func (c *Client) Trends(hosts func() []TrendHost) *Trends {
	return &Trends{c: c, hosts: hosts, now: time.Now, kept: map[string]told{}}
}

// Name is "trends".
func (t *Trends) Name() string { return "trends" }

// Tells are what its readings are called (bot/probing, Teller).
func (t *Trends) Tells() []string { return []string{readCPU, readMemory, noForecasts, noPools} }

// Read gives the readings of all hosts, two of them asked for at once. They are at
// most ten minutes old, and say how old.
func (t *Trends) Read(ctx context.Context) []bot.Reading {
	hosts := t.hosts()
	found := make([][]bot.Reading, len(hosts))
	slots := make(chan struct{}, 2)
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = t.host(ctx, h)
		})
	}
	all.Wait()
	return append([]bot.Reading{}, slices.Concat(found...)...)
}

func (t *Trends) host(ctx context.Context, h TrendHost) []bot.Reading {
	now := t.now().UTC().Truncate(time.Millisecond)
	t.mu.Lock()
	last := t.kept[h.Name]
	t.mu.Unlock()
	if age := now.Sub(last.at); last.of == h && age >= 0 && age < trendKept {
		return slices.Clone(last.rs)
	}
	asked := []struct {
		read func(context.Context, TrendHost, time.Time) ([]bot.Reading, error)
		what string // names the reading where there is no answer
		from string
	}{{t.cpu, readCPU, nodeExporter}, {t.memory, readMemory, nodeExporter}, {t.disks, noForecasts, nodeExporter}, {t.pools, noPools, zfsExporter}}
	found, failed := make([][]bot.Reading, len(asked)), make([]bool, len(asked))
	var all sync.WaitGroup
	for i, x := range asked {
		all.Go(func() {
			rs, err := x.read(ctx, h, now)
			if err != nil {
				rs, failed[i] = []bot.Reading{untold(x.what, x.from, err)}, true
			}
			found[i] = rs
		})
	}
	all.Wait()
	rs := slices.Concat(found...)
	for i := range rs {
		rs[i].Host, rs[i].At = h.Name, now
	}
	if !slices.Contains(failed, true) {
		t.mu.Lock()
		t.kept[h.Name] = told{now, h, slices.Clone(rs)}
		t.mu.Unlock()
	}
	return rs
}

func (t *Trends) cpu(ctx context.Context, h TrendHost, now time.Time) ([]bot.Reading, error) {
	return t.mean(ctx, readCPU, "busy", fmt.Sprintf(exprCPU, h.Match), h.Below, now)
}

func (t *Trends) memory(ctx context.Context, h TrendHost, now time.Time) ([]bot.Reading, error) {
	return t.mean(ctx, readMemory, "used", fmt.Sprintf(exprMemory, h.Match), h.Below, now)
}

// mean is the mean of an expression of one series in percent over meanSpan, which is a
// baseline that is to stay below a bound, and beside it that of the last day.
func (t *Trends) mean(ctx context.Context, what, verb, expr string, below float64, now time.Time) ([]bot.Reading, error) {
	got, err := t.c.Range(ctx, expr, now.Add(-meanSpan), now, nil)
	if err != nil || len(got.Series) == 0 {
		return nil, err
	}
	r := bot.Reading{What: what, Source: nodeExporter, State: bot.Unknown}
	ps := finite(got.Series[0].Points)
	data := time.Duration(len(ps)) * got.Step
	switch {
	case data < leastData:
		r.Note = fmt.Sprintf("there are figures of %s, and of less than %s a mean says little", phrase.Duration(data), phrase.Duration(leastData))
		return []bot.Reading{r}, nil
	case now.Sub(ps[len(ps)-1].At) > lost:
		r.Note = "the last figure is " + phrase.Duration(now.Sub(ps[len(ps)-1].At)) + " old"
		return []bot.Reading{r}, nil
	}
	since := slices.IndexFunc(ps, func(p bot.Point) bool { return p.At.After(now.Add(-24 * time.Hour)) })
	r.State = bot.OK
	r.Value = fmt.Sprintf("%.1f %% %s in the last 24 h, %.1f %% on average", average(ps[since:]), verb, average(ps)) + measuredOver(data, meanSpan)
	if average(ps) >= below {
		r.State, r.Note = bot.NotOK, fmt.Sprintf("not below %g %%, which is the most that is wanted", below)
	}
	return []bot.Reading{r.With(average(ps), bot.FigurePercent)}, nil
}

// measuredOver is " over 14 d", with what is missing of it.
func measuredOver(data, span time.Duration) string {
	if data >= span*95/100 {
		return " over " + phrase.Duration(span)
	}
	return fmt.Sprintf(" over %s, of which %s were measured", phrase.Duration(span), phrase.Duration(data.Truncate(time.Hour)))
}

// finite leaves out what is no number.
func finite(ps []bot.Point) []bot.Point {
	return slices.DeleteFunc(slices.Clone(ps), func(p bot.Point) bool { return math.IsNaN(p.Value) || math.IsInf(p.Value, 0) })
}

func average(ps []bot.Point) float64 {
	sum := 0.0
	for _, p := range ps {
		sum += p.Value
	}
	return sum / float64(len(ps))
}

func (t *Trends) disks(ctx context.Context, h TrendHost, now time.Time) ([]bot.Reading, error) {
	isZFS := func(l bot.Labels) bool { return l["fstype"] == "zfs" }
	got, err := t.c.Range(ctx, fmt.Sprintf(exprDisks, h.Match, notDisks), now.Add(-fillSpan), now, func(l bot.Labels) bool { return !isZFS(l) })
	if err != nil {
		return nil, err
	}
	// A filesystem is mounted at several points; its first one names it. What datasets
	// hold is not what their pool holds: pools tells of that.
	var disks []Stream
	for _, s := range got.Series {
		if isZFS(s.Labels) {
			continue
		}
		i := slices.IndexFunc(disks, func(o Stream) bool {
			return o.Labels["device"] == s.Labels["device"] && o.Labels["instance"] == s.Labels["instance"]
		})
		switch {
		case i < 0:
			disks = append(disks, s)
		case shorter(s.Labels["mountpoint"], disks[i].Labels["mountpoint"]) && last(s).Sub(last(disks[i])) > -lost:
			disks[i] = s
		}
	}
	rs := t.forecasts(disks, got, now, nodeExporter, func(l bot.Labels) string { return "forecast " + l["mountpoint"] })
	if got.Omitted > 0 || got.Cut {
		rs = append(rs, bot.Reading{What: noForecasts, Source: nodeExporter, State: bot.Unknown,
			Note: fmt.Sprintf("there are more filesystems than the %d that I look at", len(got.Series))})
	}
	return rs, nil
}

func shorter(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }

func last(s Stream) time.Time { return s.Points[len(s.Points)-1].At }

func (t *Trends) pools(ctx context.Context, h TrendHost, now time.Time) ([]bot.Reading, error) {
	got, err := t.c.Range(ctx, fmt.Sprintf(exprPools, h.Match), now.Add(-fillSpan), now, nil)
	if err != nil {
		return nil, err
	}
	return t.forecasts(got.Series, got, now, zfsExporter, func(l bot.Labels) string { return "forecast pool " + l["pool"] }), nil
}

// forecasts are those of all series that are still measured; one that ended while
// others went on was unmounted.
func (t *Trends) forecasts(series []Stream, of Ranged, now time.Time, source string, name func(bot.Labels) string) []bot.Reading {
	var newest time.Time
	for _, s := range series {
		if at := last(s); at.After(newest) {
			newest = at
		}
	}
	var rs []bot.Reading
	for _, s := range series {
		if newest.Sub(last(s)) > lost {
			continue
		}
		r := forecast(finite(s.Points), of.Step, now)
		r.What, r.Source = oneLine(name(s.Labels)), source
		if !slices.ContainsFunc(rs, func(o bot.Reading) bool { return o.What == r.What }) {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b bot.Reading) int { return strings.Compare(a.What, b.What) })
	return rs
}
