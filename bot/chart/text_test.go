package chart

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"watchstander/bot"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"  two\n\nlines\t ":           "two lines",
		"\u202egnp.exe\u202c":         "gnp.exe",
		"a\u200fb\u2066c\u2069\ufeff": "abc",
		"\x1b[31mred\x00":             "[31mred",
		"a\xffb":                      "a?b",
		"日本":                          "??",
		"Z\u0338a":                    "Za",
		"δίσκος диск ñ é":             "δίσκος диск ñ é",
		strings.Repeat("x", 1000):     strings.Repeat("x", maxRunes) + ellipsis,
		strings.Repeat(" ", 1000):     "",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestFit(t *testing.T) {
	long := "prometheus-node-exporter.service@vulcan.example.org:9100"
	for w := 5.0; w < 400; w += 7 {
		for _, f := range []func(string, float64, style) string{fit, fitMiddle} {
			got := f(long, w, nameType)
			if width(got, nameType) > w && got != ellipsis {
				t.Fatalf("%q is wider than %v", got, w)
			}
		}
	}
	if got := fitMiddle(long, 200, nameType); !strings.HasPrefix(got, "prometheus") || !strings.HasSuffix(got, ":9100") {
		t.Error(got)
	}
	if got := fit(long, 1000, nameType); got != long {
		t.Error(got)
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"HostHighLoad": "HostHighLoad.png", "": "graph.png", "../../etc/passwd": "etc-passwd.png",
		"δ": "graph.png", "a  b": "a-b.png", strings.Repeat("x", 300): strings.Repeat("x", 60) + ".png",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Whatever a label holds, the picture is made, its text is clean, and the size
// does not depend on it.
func FuzzLabels(f *testing.F) {
	f.Add("vulcan", "bytes", 1.0, 2.0)
	f.Add("\u202e\x00\n", "\xff\xfe", -1e308, 5e-324)
	f.Add(strings.Repeat("🚀\u0338", 300), strings.Repeat("w", 300), 1e300, -1e300)
	f.Add("", "timestamp", 1.7e9, 1.8e9)
	f.Add("", "seconds", 0.1, 1e-9)
	f.Add("", "ratio", 253402300799.0, 253402300798.0)
	base := -1
	f.Fuzz(func(t *testing.T, text, unit string, a, b float64) {
		g := bot.Graph{
			Title: text, Start: testEnd.Add(-time.Hour), End: testEnd, Step: time.Minute, Since: testEnd.Add(-30 * time.Minute),
			Panels: []bot.Panel{{Expr: text, Unit: unit, Thresholds: []bot.Threshold{{Op: bot.Comparison(text), Value: b}, {Op: bot.Above, Value: a}},
				Series: []bot.Series{
					{Name: text, Points: []bot.Point{{At: testEnd.Add(-time.Minute), Value: a}, {At: testEnd, Value: b}}},
					{Name: "x" + text, Points: []bot.Point{{At: testEnd, Value: 1}}},
				}}},
		}
		pic, err := Draw(g, Options{Width: minWidth})
		if err != nil {
			t.Fatal(err)
		}
		if base < 0 {
			base = pic.Height
		}
		// A series may have no drawable name or value; rows come whole.
		if d := pic.Height - base; d > 60 || d < -60 {
			t.Errorf("the height depends on a label: %d, %d", pic.Height, base)
		}
		if !utf8.ValidString(pic.Alt) || strings.ContainsFunc(pic.Alt, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
			t.Errorf("unclean: %q", pic.Alt)
		}
	})
}
