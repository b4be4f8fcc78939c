package prometheus

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// show writes parts as "expr OP v OP v / limit [unit] else otherwise", joined by " | ".
func show(ps []Part) string {
	var out []string
	for _, p := range ps {
		var s strings.Builder
		s.WriteString(p.Expr)
		for _, t := range p.Thresholds {
			s.WriteString(fmt.Sprintf(" %s%v", t.Op, t.Value))
		}
		for _, l := range p.Limits {
			s.WriteString(" / " + l)
		}
		if p.Unit != "" {
			s.WriteString(" [" + p.Unit + "]")
		}
		if p.Otherwise != "" {
			s.WriteString(" else " + p.Otherwise)
		}
		out = append(out, s.String())
	}
	return strings.Join(out, " | ")
}

func TestTakeApart(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		// One comparison.
		{`node_load1 > 4`, `node_load1 >4`},
		{`4 < node_load1`, `node_load1 >4`},
		{`up == 0`, `up ==0`},
		{`up != 1`, `up !=1`},
		{`(up) == (0)`, `up ==0`},
		{`up{job="a"} == bool 0`, `up{job="a"} ==0`},
		{`x > bool 1`, `x >1`},
		{`x >= 2 * 1024 ^ 2`, `x >=2.097152e+06`},
		{`x < -5`, `x <-5`},
		{`x > 1e3`, `x >1000`},
		{`x > vector(3)`, `x >3`},
		{`node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 < 10`,
			`node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 <10 [percent]`},
		{"# a comment\nnode_load1\n  > 4 # more", `node_load1 >4`},
		{"sum(\n  rate(a[5m]) # why\n) > 1", `sum(rate(a[5m])) >1 [/s]`},
		// Between two thresholds.
		{`x > 1 and x < 5`, `x >1 <5`},
		{`1 < x < 5`, `x >1 <5`},
		{`(x > 1) < 5`, `x >1 <5`},
		{`x > 1 and x > 1`, `x >1`},
		{`(x > bool 1) == 1`, `x >1`},
		{`(x > bool 1) == 0`, `x > bool 1 ==0`},
		// Several conditions.
		{`x > 0.9 and y < 3`, `x >0.9 | y <3`},
		{`x > 1 or y > 2 or z > 3`, `x >1 | y >2 | z >3`},
		{`x > 1 and on(instance) up`, `x >1`},
		{`up and on(instance) x > 1`, `x >1`},
		{`x > 1 unless on() maintenance == 1`, `x >1`},
		{`x or y > 1`, `x or y > 1`},
		{`(x or vector(0)) > 5`, `x or vector(0) >5`},
		// Something that moves on the other side.
		{`x > y`, `x / y`},
		{`node_memory_MemAvailable_bytes < 0.1 * node_memory_MemTotal_bytes`,
			`node_memory_MemAvailable_bytes / 0.1 * node_memory_MemTotal_bytes [bytes]`},
		{`x > on(a) group_left y`, `x / y`},
		{`x != x`, `x`},
		{`(x > 1) > y`, `x > 1 / y`},
		{`((x > y) > 1) > 2`, `x > y >1 >2`},
		// Absence.
		{`absent(up{job="a"})`, `up{job="a"} else absent(up{job="a"})`},
		{`absent_over_time(up[5m]) == 1`, `absent_over_time(up[5m]) ==1`},
		{`absent_over_time(x_bytes[5m])`, `x_bytes [bytes] else absent_over_time(x_bytes[5m])`},
		{`absent(sum(up) > 0)`, `sum(up) > 0 else absent(sum(up) > 0)`},
		{`absent(x) or x > 5`, `x >5 else absent(x)`},
		// Constants that cannot be drawn.
		{`x == Inf`, `x`}, {`x > NaN`, `x`},
		{`1 > bool 2`, `1 > bool 2`}, {`vector(1)`, `vector(1)`},
		// No comparison.
		{`changes(x[5m])`, `changes(x[5m])`}, {`ALERTS{alertstate="firing"}`, `ALERTS{alertstate="firing"}`},
		{`count(up == 0) > 2`, `count(up == 0) >2`},
		// Names of any kind; what newer servers know.
		{`{"disk.temp", "host.name"="a"} > 50`, `{"disk.temp", "host.name"="a"} >50`},
		{`{__name__="node_memory_MemFree_bytes"} < 1`, `{__name__="node_memory_MemFree_bytes"} <1 [bytes]`},
		{`limitk(2, x) > 1`, `limitk(2, x) >1`},
		{`x offset 1d @ end() > 1`, `x offset 1d @ end() >1`},
		{`max_over_time(x[1h:1m]) > 1`, `max_over_time(x[1h:1m]) >1`},
		// Not PromQL.
		{`x >`, `x >`}, {`((((`, `((((`}, {``, ``}, {`"text"`, `"text"`}, {`x keep_metric_names > 1`, `x keep_metric_names > 1`},
	} {
		if got := show(TakeApart(c.expr)); got != c.want {
			t.Errorf("%s\n  got  %s\n  want %s", c.expr, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for expr, want := range map[string]string{
		`node_memory_MemFree_bytes`:               bot.UnitBytes,
		`node_zfs_arc_size <= node_zfs_arc_c_max`: bot.UnitBytes,
		`100 * rate(node_zfs_arc_hits[5m]) / (rate(node_zfs_arc_hits[5m]) + rate(node_zfs_arc_misses[5m]))`: bot.UnitPercent,
		`rate(node_network_receive_bytes_total[5m])`:                                                        bot.UnitBytesPerSecond,
		`sum by (a) (irate(x_bytes_total[5m]))`:                                                             bot.UnitBytesPerSecond,
		`increase(x_bytes_total[5m])`:                                                                       bot.UnitBytes,
		`x_bytes / 1024 / 1024`:                                                                             "",
		`rate(x_bytes_total[5m]) * 8`:                                                                       "",
		`0.1 * x_bytes`:                                                                                     bot.UnitBytes,
		`a_bytes / b_bytes`:                                                                                 bot.UnitRatio,
		`100 * a_bytes / b_bytes`:                                                                           bot.UnitPercent,
		`100 * (a_bytes / b_bytes)`:                                                                         bot.UnitPercent,
		`100 - (a_bytes * 100 / b_bytes)`:                                                                   bot.UnitPercent, `100 * x_bytes`: "",
		`(1 - a_bytes / b_bytes) * 100`: bot.UnitPercent,
		`x_percent / 100`:               bot.UnitRatio,
		`a / b * 100`:                   bot.UnitPercent,
		`sum(rate(e_total[5m])) / sum(rate(a_total[5m]))`:          "",
		`rate(node_cpu_seconds_total{mode="idle"}[5m])`:            bot.UnitRatio,
		`1 - avg(rate(node_cpu_seconds_total[5m]))`:                bot.UnitRatio,
		`100 - avg(rate(node_cpu_seconds_total[5m])) * 100`:        bot.UnitPercent,
		`rate(d_seconds_sum[5m]) / rate(d_seconds_count[5m])`:      bot.UnitSeconds,
		`histogram_quantile(0.9, sum(rate(d_seconds_bucket[5m])))`: bot.UnitSeconds,
		`time() - backup_last_success_timestamp_seconds`:           bot.UnitSeconds,
		`probe_ssl_earliest_cert_expiry - time()`:                  bot.UnitSeconds,
		`time() - x`:                                 bot.UnitSeconds,
		`x_timestamp_seconds`:                        bot.UnitTimestamp,
		`x_timestamp_seconds + 3600`:                 bot.UnitTimestamp,
		`(time() - x_timestamp_seconds) / 3600`:      "",
		`node_hwmon_temp_celsius`:                    bot.UnitCelsius,
		`rate(node_rapl_package_joules_total[1m])`:   bot.UnitWatts,
		`rate(node_vmstat_pgmajfault[5m])`:           bot.UnitPerSecond,
		`count(x_bytes)`:                             "",
		`d_seconds_count`:                            "",
		`up`:                                         "",
		`job:request_latency_seconds:mean5m`:         bot.UnitSeconds,
		`instance:node_network_receive_bytes:rate5m`: bot.UnitBytesPerSecond,
		`instance:node_cpu:ratio`:                    "",
		`zfs_arc_ratio`:                              bot.UnitRatio,
		`quantile_over_time(0.9, x_seconds[1h])`:     bot.UnitSeconds,
		`max(x_seconds) - min(x_seconds)`:            bot.UnitSeconds,
	} {
		e, err := promql.ParseExpr(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if got := measure(e).unit(); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestSlowExpressionsAreDrawnAsTheyAre(t *testing.T) {
	for name, expr := range map[string]string{
		"comparisons": "a > b" + strings.Repeat(" > 1", 1000),
		"selections":  "a" + strings.Repeat(" and a", 580),
		"conditions":  "a > 1" + strings.Repeat(" and a > 1", 370),
		"brackets":    strings.Repeat("(", 2000) + "a" + strings.Repeat(")", 2000),
		"minus":       strings.Repeat("-", 4000) + "a",
		"sums":        "1" + strings.Repeat("+1", 2000) + " > a",
		"too long":    "a" + strings.Repeat(" ", maxApart) + "> 1",
	} {
		start := time.Now()
		got := TakeApart(expr)
		if d := time.Since(start); d > 3*time.Second || len(got) == 0 || len(got) > 1 {
			t.Errorf("%s: %d parts after %v", name, len(got), d)
		}
	}
}

// Whatever comes in: there is a part, it reads back where the whole did, and
// nothing takes long.
func FuzzTakeApart(f *testing.F) {
	for _, s := range []string{`a / b * 100 < 10 and c == 1`, `absent(x[5m])`, `1 < x < 5 # c`, `x > bool 1`, "((", "\xff", `{"a b"} > {c="\""}`,
		`sum by (a) (rate(x[5m])) > on() group_left() y @ start()`, `-x ^ 2 >= -Inf`, `absent(-(x[5m:1m]))`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		start := time.Now()
		parts := TakeApart(s)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		if len(parts) == 0 {
			t.Fatal("nothing to draw")
		}
		if _, err := promql.ParseExpr(s); err != nil {
			return
		}
		for _, p := range parts {
			for _, e := range append(p.Limits, p.Expr) {
				if _, err := promql.ParseExpr(e); err != nil {
					t.Errorf("%q gave %q: %v", s, e, err)
				}
			}
		}
	})
}

func TestExpression(t *testing.T) {
	for url, want := range map[string]string{
		"http://vulcan:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1": "up == 0",
		"https://user:pw@host/p/query?g0.expr=node_load1+%3E+4": "node_load1 > 4",
		"/graph?g0.expr=up":                          "up",
		"http://h/graph?g0.expr=a%0A%3E+1&g0.expr=b": "a\n> 1",
		"http://h/graph?g0.expr=a&x=%zz":             "a",
		"":                                           "",
		"http://h/graph":                             "",
		"http://h/graph?g0.expr=":                    "",
		"http://h/graph?g0.expr=%ff":                 "",
		"http://h/graph?g0.expr=a%00b":               "",
		"http://[::1/graph?g0.expr=up":               "",
		"\x7f":                                       "",
		"https://grafana/alerting/grafana/abc/view?orgId=1":              "",
		"http://vm/vmalert/alert?group_id=1&alert_id=2":                  "",
		"http://h/graph?g0.expr=" + strings.Repeat("a", maxExpression+1): "",
		"http://h/graph?x=" + strings.Repeat("a", 1<<20) + "&g0.expr=up": "",
	} {
		got, err := Expression(url)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.80s: %q, %v", url, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "pw") || len(err.Error()) > 300) {
			t.Errorf("says too much: %v", err)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("http://h/graph?g0.expr=up&g0.tab=1")
	f.Add("://%zz?g0.expr=%ff;&&=")
	f.Fuzz(func(t *testing.T, url string) {
		expr, err := Expression(url)
		if (err == nil) != (expr != "") || len(expr) > maxExpression {
			t.Errorf("%q, %v", expr, err)
		}
	})
}
