package chart

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func draw(t testing.TB, g bot.Graph, o Options) (bot.Picture, image.Image) {
	t.Helper()
	pic, err := Draw(g, o)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(pic.PNG))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != pic.Width || b.Dy() != pic.Height {
		t.Fatalf("told %d×%d, is %v", pic.Width, pic.Height, b)
	}
	return pic, img
}

// counts tells how many pixels each colour has.
func counts(img image.Image) map[color.NRGBA]int {
	out := map[color.NRGBA]int{}
	pix := img.(*image.RGBA).Pix // what png makes of an opaque picture
	for i := 0; i < len(pix); i += 4 {
		out[color.NRGBA{pix[i], pix[i+1], pix[i+2], pix[i+3]}]++
	}
	return out
}

// small keeps the tests quick where the size does not matter.
func small(dark bool) Options { return Options{Zone: pacific(), Dark: dark, Width: minWidth} }

func TestPicturesForEyes(t *testing.T) {
	dir := os.Getenv("WATCHSTANDER_PICTURES")
	if dir == "" {
		t.Skip("set WATCHSTANDER_PICTURES to a folder to look at the pictures")
	}
	for name, g := range samples() {
		for _, dark := range []bool{false, true} {
			pic, _ := draw(t, g, Options{Zone: pacific(), Dark: dark})
			file := name + map[bool]string{true: "-dark"}[dark] + ".png"
			if err := os.WriteFile(filepath.Join(dir, file), pic.PNG, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	for name, g := range samples() {
		a, _ := draw(t, g, small(false))
		b, _ := draw(t, g, small(false))
		if !bytes.Equal(a.PNG, b.PNG) || a.Alt != b.Alt || a.Name != b.Name {
			t.Errorf("%s: two drawings differ", name)
		}
	}
}

func TestEveryLineIsThere(t *testing.T) {
	t.Parallel()
	for _, dk := range []bool{false, true} {
		th := map[bool]theme{false: light, true: dark}[dk]
		for name, want := range map[string]struct {
			series int
			limit  bool
			rest   bool
		}{
			"one":    {1, true, false},
			"five":   {5, true, false},
			"twenty": {6, true, true},
			"gaps":   {3, true, false},
			"zero":   {1, false, false},
			"up":     {1, true, false},
			"tiny":   {1, false, false},
			"huge":   {2, true, false},
			"panels": {2, true, false},
		} {
			_, img := draw(t, samples()[name], small(dk))
			pixels := counts(img)
			for i, c := range th.series {
				if n := pixels[c]; (n > 40) != (i < want.series) {
					t.Errorf("%s dark=%v: colour %d has %d pixels; want %d lines", name, dk, i, n, want.series)
				}
			}
			if n := pixels[th.limit]; (n > 40) != want.limit {
				t.Errorf("%s dark=%v: the threshold has %d pixels", name, dk, n)
			}
			if n := pixels[th.rest]; (n > 40) != want.rest {
				t.Errorf("%s dark=%v: other lines have %d pixels", name, dk, n)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	g := samples()["one"]
	for _, c := range []struct{ w, h, width, least, most int }{
		{0, 0, DefaultWidth, 700, 1000},
		{800, 0, 800, 450, 700},
		{1200, 1500, 1200, 1498, 1502},
		{1200, 10, 1200, 500, 700}, // too low to read: raised
		{10, 0, minWidth, 300, 600},
		{1 << 20, 0, maxWidth, 1400, 2000},
	} {
		pic, _ := draw(t, g, Options{Width: c.w, Height: c.h})
		if pic.Width != c.width || pic.Height < c.least || pic.Height > c.most {
			t.Errorf("%d×%d gave %d×%d", c.w, c.h, pic.Width, pic.Height)
		}
	}
}

func TestNoDataIsAnError(t *testing.T) {
	nan := bot.Series{Points: []bot.Point{{At: testEnd.Add(-time.Minute), Value: math.NaN()}, {At: testEnd, Value: math.Inf(1)}}}
	old := bot.Series{Points: []bot.Point{{At: testEnd.Add(-48 * time.Hour), Value: 1}}}
	for name, p := range map[string][]bot.Panel{
		"nothing": nil, "no series": {{}}, "no points": {{Series: []bot.Series{{}}}},
		"NaN": {{Series: []bot.Series{nan}}}, "too old": {{Series: []bot.Series{old}}},
	} {
		pic, err := Draw(graph(time.Hour, 60, p...), Options{})
		if !errors.Is(err, ErrNoData) || pic.PNG != nil {
			t.Errorf("%s: %v, %d bytes", name, err, len(pic.PNG))
		}
	}
	if _, err := Draw(bot.Graph{}, Options{}); !errors.Is(err, ErrRange) {
		t.Errorf("no range: %v", err)
	}
}

// A gap must stay open: no pixel of the line's colour between its ends.
func TestGapsStayOpen(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]func(i int) (bot.Point, bool){
		"absent points": func(int) (bot.Point, bool) { return bot.Point{}, false },
		"NaN": func(i int) (bot.Point, bool) {
			return bot.Point{At: testEnd.Add(time.Duration(i-100) * time.Minute), Value: math.NaN()}, true
		},
	} {
		s := bot.Series{}
		for i := range 101 {
			if i > 40 && i < 60 {
				if p, ok := missing(i); ok {
					s.Points = append(s.Points, p)
				}
				continue
			}
			s.Points = append(s.Points, bot.Point{At: testEnd.Add(time.Duration(i-100) * time.Minute), Value: 5})
		}
		for _, step := range []time.Duration{0, time.Minute} {
			g := graph(100*time.Minute, 100, bot.Panel{Series: []bot.Series{s}})
			g.Step = step
			_, img := draw(t, g, small(false))
			if n := columns(img, light.series[0], 0.44, 0.58); n != 0 {
				t.Errorf("%s, step %v: the gap is bridged in %d columns", name, step, n)
			}
			if n := columns(img, light.series[0], 0.2, 0.4); n < 50 {
				t.Errorf("%s, step %v: no line before the gap", name, step)
			}
		}
	}
}

// columns counts the pixel columns within a part of the width that hold the
// colour.
func columns(img image.Image, c color.NRGBA, from, to float64) int {
	n, w := 0, float64(img.Bounds().Dx())
	for x := int(from * w); x < int(to*w); x++ {
		for y := range img.Bounds().Dy() {
			if at := img.(*image.RGBA).RGBAAt(x, y); at.R == c.R && at.G == c.G && at.B == c.B {
				n++
				break
			}
		}
	}
	return n
}

func TestSpikesSurviveThinning(t *testing.T) {
	run := make([]sample, 100000)
	for i := range run {
		run[i] = sample{t: float64(i), v: 1}
	}
	run[54321].v, run[77777].v = 99, -99
	got := thin(run, 100000, 500)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, s := range got {
		lo, hi = min(lo, s.v), max(hi, s.v)
		if i > 0 && s.t <= got[i-1].t {
			t.Fatal("out of order")
		}
	}
	if len(got) > 2100 || lo != -99 || hi != 99 || got[0] != run[0] || got[len(got)-1] != run[len(run)-1] {
		t.Errorf("%d samples from %v to %v", len(got), lo, hi)
	}
}

func TestWordsForThoseWhoCannotSeeIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"one":    {"HostHighLoad: Mon 23 Nov 2026, 13:07 – 19:07 PST.", "Alert when > 4.", "Alert began 18:03."},
		"five":   {"/nix/store 7.3%", "Alert when < 10%."},
		"twenty": {"and 14 more", "Alert when > 40 MiB/s."},
		"gaps":   {"vulcan 59.9 ms at 18:13"},
		"up":     {"vulcan:9100 0 (0 to 1)", "Alert when = 0."},
		"panels": {"One of 3 conditions is not drawn."},
	} {
		pic, _ := draw(t, samples()[name], small(false))
		for _, w := range want {
			if !strings.Contains(pic.Alt, w) {
				t.Errorf("%s: %q is not in %q", name, w, pic.Alt)
			}
		}
	}
}

func TestLegendCountsWhatItDoesNotName(t *testing.T) {
	g := samples()["twenty"]
	m, err := prepare(g, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	cells := newLegend(m.panels[0], m, true).cells
	if n := len(cells); n != 7 || cells[6].name != "and 14 more" {
		t.Fatalf("%+v", cells)
	}
	g.Panels[0].Omitted = 30
	m, _ = prepare(g, time.UTC)
	if last := newLegend(m.panels[0], m, true).cells[6].name; last != "and 44 more, 30 of them not drawn" {
		t.Error(last)
	}
	// The alert's own series is named, wherever it stands.
	g.Panels[0].Series[0].Firing = true
	m, _ = prepare(g, time.UTC)
	if first := m.panels[0].named[0]; first.name != "container-00.service" {
		t.Error(first.name)
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, name := range []string{"one", "five", "twenty", "panels"} {
		g := samples()[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Draw(g, Options{Zone: time.UTC}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
