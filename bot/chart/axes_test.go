package chart

import (
	"math"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestValuesForPeople(t *testing.T) {
	for _, c := range []struct {
		unit string
		v    float64
		want string
	}{
		{"", 0, "0"}, {"", 4.213, "4.21"}, {"", 42.13, "42.1"}, {"", 421.3, "421"}, {"", 4213, "4.21k"},
		{"", 1234567, "1.23M"}, {"", -1.5, "−1.5"}, {"", 0.0123, "0.0123"}, {"", 3.2e-9, "3.2e-9"}, {"", 84e21, "84e21"},
		{"bytes", 0, "0 B"}, {"bytes", 1023, "1023 B"}, {"bytes", 1536, "1.5 KiB"}, {"bytes", 5 << 30, "5 GiB"},
		{"bytes/s", 3 << 20, "3 MiB/s"},
		{"percent", 93.14, "93.1%"}, {"ratio", 0.9314, "93.1%"}, {"ratio", 1, "100%"},
		{"seconds", 0.25, "250 ms"}, {"seconds", 0.0000012, "1.2 µs"}, {"seconds", 1.5, "1.5 s"}, {"seconds", 90, "1.5 min"},
		{"seconds", 5400, "1.5 h"}, {"seconds", 14 * 86400, "14 d"},
		{"/s", 1200, "1.2k/s"}, {"celsius", 71.5, "71.5 °C"}, {"hertz", 2.4e9, "2.4 GHz"}, {"watts", 0.5, "500 mW"},
		{"pages", 12, "12 pages"}, {"furlongs per fortnight", 12, "12"},
		{"timestamp", 1795489620, "24 Nov 2026 03:07"}, {"timestamp", -1, "−1"},
		{"bytes", 1e300, "1e300 B"},
	} {
		if got := unitOf(c.unit).value(c.v, 3, time.UTC); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestValueNeverContradictsItsThreshold(t *testing.T) {
	p := &panel{unit: unitOf(bot.UnitRatio), thresholds: []bot.Threshold{{Op: bot.Above, Value: 0.9}}}
	if got := p.told(0.900004, time.UTC); got != "90.0004%" {
		t.Error(got)
	}
	if got := p.told(0.9, time.UTC); got != "90%" {
		t.Error(got)
	}
}

func TestVerticalAxis(t *testing.T) {
	for _, c := range []struct {
		unit   string
		lo, hi float64
		limits []float64
		want   string
	}{
		{"", 0, 5.7, nil, "0 1 2 3 4 5"},
		{"percent", 7, 84, []float64{10}, "0% 20% 40% 60% 80%"},
		{"ratio", 0.906, 0.952, []float64{0.9}, "90% 91% 92% 93% 94% 95%"},
		{"bytes", 5 << 30, 24 << 30, nil, "0 4 GiB 8 GiB 12 GiB 16 GiB 20 GiB 24 GiB"},
		{"seconds", 0, 90, nil, "0 15 s 30 s 45 s 60 s 75 s 90 s"},
		{"seconds", 0.01, 0.06, []float64{0.1}, "0 20 ms 40 ms 60 ms 80 ms 100 ms"},
		{"seconds", 0, 30 * 3600, nil, "0 6 h 12 h 18 h 24 h 30 h"},
		{"", 0, 0, nil, "0 1"},
		{"", 3, 3, nil, "0 1 2 3"},
		{"", -3e-9, 6e-9, nil, "−2e-9 0 2e-9 4e-9 6e-9"},
	} {
		p := &panel{unit: unitOf(c.unit), min: c.lo, max: c.hi, whole: c.lo == math.Trunc(c.lo) && c.hi == math.Trunc(c.hi)}
		for _, v := range c.limits {
			p.thresholds = append(p.thresholds, bot.Threshold{Op: bot.Above, Value: v})
		}
		a := vertical(p, &model{zone: time.UTC}, 1)
		var got []string
		for _, k := range a.ticks {
			got = append(got, k.label)
			if k.at < a.lo || k.at > a.hi {
				t.Errorf("%v..%v: tick %v is outside", c.lo, c.hi, k)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v..%v %s: %s, want %s", c.lo, c.hi, c.unit, s, c.want)
		}
		if !(a.lo < c.lo && a.hi > c.hi) {
			t.Errorf("%v..%v does not fit in %v..%v", c.lo, c.hi, a.lo, a.hi)
		}
	}
}

func TestTimeAxisInTheReadersZone(t *testing.T) {
	zone := pacific()
	kathmandu, err := time.LoadLocation("Asia/Kathmandu") // UTC+05:45
	if err != nil {
		t.Fatal(err)
	}
	day1 := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC) // the clock goes back at 09:00 UTC
	for _, c := range []struct {
		start time.Time
		span  time.Duration
		zone  *time.Location
		want  string
	}{
		{testEnd.Add(-6 * time.Hour), 6 * time.Hour, zone, "14:00 16:00 18:00"},
		{testEnd.Add(-24 * time.Hour), 24 * time.Hour, zone, "Mon 23 06:00 12:00 18:00"},
		{testEnd.Add(-time.Hour), time.Hour, kathmandu, "08:00 08:15 08:30 08:45"},
		{testEnd.Add(-time.Minute), time.Minute, zone, "19:06:00 19:06:15 19:06:30 19:06:45 19:07:00"},
		{day1, 12 * time.Hour, zone, "21:00 Sun 1 03:00 06:00"},
		{testEnd.Add(-7 * day), 7 * day, zone, "Tue 17 Thu 19 Sat 21 Mon 23"},
		{testEnd.Add(-90 * day), 90 * day, zone, "1 Sep 1 Oct 1 Nov"},
	} {
		var got []string
		for _, k := range horizontal(c.start, c.start.Add(c.span), c.zone, 5) {
			got = append(got, k.label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v from %v: %q, want %q", c.span, c.start, s, c.want)
		}
	}
}

func TestZoneIsNamed(t *testing.T) {
	zone := pacific()
	sao, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		start, end time.Time
		zone       *time.Location
		want       string
	}{
		{testEnd.Add(-time.Hour), testEnd, zone, "Mon 23 Nov 2026, 18:07 – 19:07 PST"},
		{testEnd.Add(-time.Hour), testEnd, time.UTC, "Tue 24 Nov 2026, 02:07 – 03:07 UTC"},
		{testEnd.Add(-time.Hour), testEnd, sao, "Mon 23 Nov 2026, 23:07 – Tue 24 Nov 2026, 00:07 UTC-03"},
		{time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), zone,
			"Sat 31 Oct, 23:00 – Sun 1 Nov 2026, 04:00 PDT/PST"},
	} {
		m := &model{start: c.start, end: c.end, zone: c.zone}
		want := strings.Replace(c.want, "Mon 23 Nov 2026, 23:07", "Mon 23 Nov, 23:07", 1)
		if got := m.span(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
