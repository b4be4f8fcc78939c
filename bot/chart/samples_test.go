package chart

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"watchstander/bot"
)

// The samples are the cases that decide whether the pictures are good. Tests
// check what can be checked; WATCHSTANDER_PICTURES=folder writes them for eyes.

var testEnd = time.Date(2026, 11, 24, 3, 7, 0, 0, time.UTC) // 19:07 PST the day before

func pacific() *time.Location {
	z, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	return z
}

// wave makes a series of n points that end at testEnd.
func wave(name string, span time.Duration, n int, f func(x float64) float64) bot.Series {
	s := bot.Series{Name: name}
	step := span / time.Duration(n)
	for i := 0; i <= n; i++ {
		s.Points = append(s.Points, bot.Point{At: testEnd.Add(-span + time.Duration(i)*step), Value: f(float64(i) / float64(n))})
	}
	return s
}

func noise(seed uint64) func() float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	return r.NormFloat64
}

func graph(span time.Duration, n int, p ...bot.Panel) bot.Graph {
	return bot.Graph{Title: "Graph", Start: testEnd.Add(-span), End: testEnd, Step: span / time.Duration(n), Panels: p}
}

func samples() map[string]bot.Graph {
	const h = time.Hour
	out := map[string]bot.Graph{}

	z := noise(1)
	g := graph(6*h, 360, bot.Panel{Expr: "node_load1", Thresholds: []bot.Threshold{{Op: bot.Above, Value: 4}},
		Series: []bot.Series{wave("", 6*h, 360, func(x float64) float64 {
			return 1.2 + 0.15*z() + 4.2/(1+math.Exp(-(x-0.8)*40))
		})}})
	g.Title, g.Since = "HostHighLoad", testEnd.Add(-64*time.Minute)
	out["one"] = g

	z = noise(2)
	p := bot.Panel{Expr: "node_filesystem_avail_bytes / node_filesystem_size_bytes * 100", Unit: bot.UnitPercent,
		Thresholds: []bot.Threshold{{Op: bot.Below, Value: 10}}}
	for i, name := range []string{"/", "/boot", "/nix/store", "/tank/media", "/var/lib/postgresql"} {
		s := wave(name, 24*h, 360, func(x float64) float64 {
			v := 20 + 15*float64(i) + 3*math.Sin(x*9+float64(i)) + 0.2*z()
			if i == 2 {
				v = 48 - 41*x + 0.2*z()
			}
			return v
		})
		s.Firing = i == 2
		p.Series = append(p.Series, s)
	}
	g = graph(24*h, 360, p)
	g.Title, g.Since = "FilesystemAlmostFull", testEnd.Add(-105*time.Minute)
	out["five"] = g

	z = noise(3)
	p = bot.Panel{Expr: `rate(container_network_receive_bytes_total[5m])`, Unit: bot.UnitBytesPerSecond,
		Thresholds: []bot.Threshold{{Op: bot.Above, Value: 40 << 20}}}
	for i := range 20 {
		k := float64((i * 7) % 20)
		p.Series = append(p.Series, wave(fmt.Sprintf("container-%02d.service", i), 6*h, 360, func(x float64) float64 {
			return math.Abs((k*k*0.13+1+0.05*k*z())*(1+0.4*math.Sin(x*(5+k/3)+k))) * (1 << 20)
		}))
	}
	g = graph(6*h, 360, p)
	g.Title, g.Since = "ContainerTrafficHigh", testEnd.Add(-7*h)
	out["twenty"] = g

	z = noise(4)
	hole := func(from, to float64, f func(float64) float64) func(float64) float64 {
		return func(x float64) float64 {
			if x > from && x < to {
				return math.NaN()
			}
			return f(x)
		}
	}
	a := wave("nas", 3*h, 180, hole(0.3, 0.45, func(x float64) float64 { return 0.02 + 0.004*z() }))
	b := wave("vulcan", 3*h, 180, hole(0.7, 2, func(x float64) float64 { return 0.05 + 0.01*math.Sin(x*20) }))
	c := wave("pi", 3*h, 180, func(x float64) float64 {
		if math.Mod(x*180, 12) < 11 {
			return math.NaN()
		}
		return 0.09
	})
	g = graph(3*h, 180, bot.Panel{Expr: "probe_duration_seconds", Unit: bot.UnitSeconds, Series: []bot.Series{a, b, c},
		Thresholds: []bot.Threshold{{Op: bot.AtLeast, Value: 0.1}}})
	g.Title = "ProbeSlow"
	out["gaps"] = g

	g = graph(6*h, 360, bot.Panel{Expr: "increase(node_edac_correctable_errors_total[1h])",
		Series: []bot.Series{wave("", 6*h, 360, func(float64) float64 { return 0 })}})
	g.Title = "MemoryErrors"
	out["zero"] = g

	g = graph(6*h, 360, bot.Panel{Expr: "up", Thresholds: []bot.Threshold{{Op: bot.Equal, Value: 0}},
		Series: []bot.Series{
			wave("vulcan:9100", 6*h, 360, func(x float64) float64 {
				if x > 0.42 && x < 0.47 || x > 0.93 {
					return 0
				}
				return 1
			}),
		}})
	g.Title, g.Since = "TargetDown", testEnd.Add(-25*time.Minute)
	g.Panels[0].Series[0].Firing = true
	out["up"] = g

	g = graph(7*24*h, 336, bot.Panel{Expr: "tiny", Series: []bot.Series{wave("", 7*24*h, 336, func(x float64) float64 { return 3.2e-9 * (1 + x) })}})
	g.Title = "Tiny"
	out["tiny"] = g
	g = graph(7*24*h, 336, bot.Panel{Expr: "huge", Thresholds: []bot.Threshold{{Op: bot.Above, Value: 1e23}},
		Series: []bot.Series{wave("a", 7*24*h, 336, func(x float64) float64 { return 4.2e22 * (1 + x) }), wave("b", 7*24*h, 336, func(x float64) float64 { return -2e22 * x })}})
	g.Title = "Huge"
	out["huge"] = g

	z = noise(6)
	p = bot.Panel{Expr: "node_memory_MemAvailable_bytes", Unit: bot.UnitBytes}
	for i, n := range []string{"vulcan", "hera"} {
		p.Series = append(p.Series, wave(n, 12*h, 360, func(x float64) float64 {
			return (24 - 10*float64(i) + 0.3*z() - 9*x) * (1 << 30)
		}))
	}
	p.Series = append(p.Series, bot.Series{Name: "0.1 × MemTotal", Limit: true, Points: wave("", 12*h, 360, func(float64) float64 { return 6.2 * (1 << 30) }).Points})
	g = graph(12*h, 360, p,
		bot.Panel{Expr: "rate(node_vmstat_pgmajfault[5m])", Unit: bot.UnitPerSecond, Thresholds: []bot.Threshold{{Op: bot.Above, Value: 500}},
			Series: []bot.Series{wave("vulcan", 12*h, 360, func(x float64) float64 { return 80 + 30*z() + 900*math.Max(0, x-0.7) })}})
	g.Title, g.Since = "HostMemoryPressure", testEnd.Add(-50*time.Minute)
	g.Note = "One of 3 conditions is not drawn."
	out["panels"] = g

	evil := "\u202egnp.exe\u202c \x1b[31mred\x00 line\nbreak\ttab " + fmt.Sprint(make([]int, 300))
	g = graph(h, 60, bot.Panel{Expr: evil, Unit: "furlongs per fortnight", Series: []bot.Series{
		wave(evil, h, 60, func(x float64) float64 { return x }),
		wave("日本語ホスト 🚀 Z̸̢̛a̸l̵g̷o", h, 60, func(x float64) float64 { return 1 - x }),
		wave("δίσκος-диск-ñ", h, 60, func(x float64) float64 { return x * x }),
	}})
	g.Title, g.Note = evil, evil
	out["hostile"] = g

	z = noise(9)
	g = graph(3*h, 180, bot.Panel{Expr: "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", Unit: bot.UnitRatio,
		Thresholds: []bot.Threshold{{Op: bot.Above, Value: 0.9}},
		Series:     []bot.Series{wave("", 3*h, 150, func(x float64) float64 { return math.Min(1, 0.93+0.01*z()) })}})
	g.Title = "HostCpuBusyForALongTimeAndWithALongName"
	g.Since = testEnd.Add(-20 * time.Minute)
	out["ratio"] = g
	return out
}
