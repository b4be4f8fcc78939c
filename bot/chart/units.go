package chart

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"watchstander/bot"
)

// unit writes values for people.
type unit struct {
	name string
	// times turns a value into what the scales count (100 for a ratio).
	times  float64
	scales []scale
	ladder ladder
	// suffix is appended to every value, after the scale's symbol.
	suffix string
	// word is a unit too long to stand beside every value.
	word string
}

// scale is one size of a unit: values from factor upwards are written in it.
type scale struct {
	factor float64
	symbol string
}

// ladder is how steps between ticks grow.
type ladder int

const (
	tens   ladder = iota // 1, 2, 5, 10, …
	twos                 // 1, 2, 4, 8, …
	sixths               // quarters and sixths of an hour, a minute
)

var (
	plain = []scale{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}}
	si    = []scale{{1e-9, " n"}, {1e-6, " µ"}, {1e-3, " m"}, {1, " "}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}, {1e12, " T"}}
	sizes = []scale{
		{1, " B"}, {1 << 10, " KiB"}, {1 << 20, " MiB"}, {1 << 30, " GiB"},
		{1 << 40, " TiB"}, {1 << 50, " PiB"}, {1 << 60, " EiB"},
	}
	times = []scale{
		{1e-9, " ns"}, {1e-6, " µs"}, {1e-3, " ms"}, {1, " s"},
		{60, " min"}, {3600, " h"}, {86400, " d"},
	}
	alone = []scale{{1, ""}}
)

func unitOf(name string) unit {
	u := unit{name: name, times: 1, scales: plain}
	switch name {
	case bot.UnitNone, bot.UnitTimestamp:
	case bot.UnitBytes:
		u.scales, u.ladder = sizes, twos
	case bot.UnitBytesPerSecond:
		u.scales, u.ladder, u.suffix = sizes, twos, "/s"
	case bot.UnitSeconds:
		u.scales, u.ladder = times, sixths
	case bot.UnitPercent:
		u.scales, u.suffix = alone, "%"
	case bot.UnitRatio:
		u.scales, u.suffix, u.times = alone, "%", 100
	case bot.UnitPerSecond:
		u.suffix = "/s"
	case bot.UnitCelsius:
		u.scales, u.suffix = alone, " °C"
	case bot.UnitHertz:
		u.scales, u.suffix = si, "Hz"
	case bot.UnitVolts:
		u.scales, u.suffix = si, "V"
	case bot.UnitAmperes:
		u.scales, u.suffix = si, "A"
	case bot.UnitWatts:
		u.scales, u.suffix = si, "W"
	case bot.UnitJoules:
		u.scales, u.suffix = si, "J"
	default:
		if w := clean(name); utf8.RuneCountInString(w) <= 6 {
			u.suffix = " " + w
		} else {
			u.word = w
		}
	}
	return u
}

// scaleFor is the size in which a value, already multiplied by times, is told.
func (u unit) scaleFor(v float64) scale {
	v = math.Abs(v)
	if v == 0 || math.IsInf(v, 0) {
		return u.unity()
	}
	// Powers of ten take over where the words end: below a thousandth of the
	// smallest and above a thousand of the largest.
	first, last := u.scales[0], u.scales[len(u.scales)-1]
	if v < first.factor/1000 || v >= last.factor*1e6 {
		e := 3 * math.Floor(math.Log10(v)/3)
		return scale{math.Pow(10, e), "e" + strconv.Itoa(int(e)) + u.unity().symbol}
	}
	s := first
	for _, c := range u.scales {
		if v >= c.factor {
			s = c
		}
	}
	return s
}

func (u unit) unity() scale {
	for _, s := range u.scales {
		if s.factor == 1 {
			return s
		}
	}
	return scale{1, ""}
}

// value writes one value with so many significant digits.
func (u unit) value(v float64, digits int, zone *time.Location) string {
	if u.name == bot.UnitTimestamp {
		if t, ok := instant(v); ok {
			return t.In(zone).Format("2 Jan 2006 15:04")
		}
	}
	v *= u.times
	s := u.scaleFor(v)
	return digitsOf(v/s.factor, digits) + s.symbol + u.suffix
}

// digitsOf writes v with so many significant digits, without an exponent and
// without idle zeros; digits before the point are never rounded away.
func digitsOf(v float64, digits int) string {
	after := digits
	if v != 0 {
		after = digits - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	}
	return decimals(v, min(max(after, 0), 12))
}

func decimals(v float64, after int) string {
	s := strconv.FormatFloat(v, 'f', after, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		return "\u2212" + rest // a minus sign: a hyphen is lost on a small screen
	}
	return s
}

// told writes a measured value, with as many digits as it takes to tell it from
// the thresholds: "90%" beside "> 90%" would contradict the alert.
func (p *panel) told(v float64, zone *time.Location) string {
	for digits := 3; ; digits++ {
		s := p.unit.value(v, digits, zone)
		clash := false
		for _, t := range p.thresholds {
			clash = clash || (v != t.Value && s == p.unit.value(t.Value, digits, zone))
		}
		if !clash || digits == 9 {
			return s
		}
	}
}

// condition writes a threshold as the reader says it.
func (p *panel) condition(t bot.Threshold, zone *time.Location) string {
	sign := map[bot.Comparison]string{
		bot.AtLeast: "≥", bot.AtMost: "≤", bot.Equal: "=", bot.Other: "≠",
		bot.Above: ">", bot.Below: "<",
	}[t.Op]
	s := p.unit.value(t.Value, 4, zone)
	if sign == "" {
		return s
	}
	return sign + " " + s
}

// instant reads seconds since 1970 that could be a date of our age.
func instant(v float64) (time.Time, bool) {
	if v < 0 || v > 253402300799 { // the year 9999
		return time.Time{}, false
	}
	return time.Unix(int64(v), 0), true
}
