package chart

import (
	"image"
	"image/color"
	"math"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	stdfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// paper is the width of every picture in layout units. Layout is done on a
// sheet as wide as a phone's screen in points, whatever the pixels: a type size
// in this package is about the size at which it is read on a phone.
const paper = 400.0

// pen draws on a sheet whose origin is the top left corner; lengths are layout
// units.
type pen struct {
	c      *vgimg.Canvas
	height float64
	th     theme
}

func newPen(widthPx int, height float64, th theme) *pen {
	// At 72 dots per inch a point of vgimg is a pixel, so that the size is exact;
	// the pen scales layout units to pixels itself.
	heightPx := int(math.Round(height * float64(widthPx) / paper))
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(widthPx), vg.Length(heightPx)), vgimg.UseDPI(72), vgimg.UseBackgroundColor(th.back))
	return &pen{c: c, height: float64(heightPx) * paper / float64(widthPx), th: th}
}

func (p *pen) image() image.Image { return p.c.Image() }

// k is pixels per layout unit.
func (p *pen) k() float64 { return float64(p.c.Image().Bounds().Dx()) / paper }

func (p *pen) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x * p.k()), Y: vg.Length((p.height - y) * p.k())}
}

type point struct{ x, y float64 }

type rect struct{ x0, y0, x1, y1 float64 } // y0 is the upper edge

func (r rect) has(q point) bool { return q.x >= r.x0 && q.x <= r.x1 && q.y >= r.y0 && q.y <= r.y1 }

func (p *pen) path(pts []point) vg.Path {
	var path vg.Path
	for i, q := range pts {
		if i == 0 {
			path.Move(p.at(q.x, q.y))
		} else {
			path.Line(p.at(q.x, q.y))
		}
	}
	return path
}

// stroke draws a line through the points; dashes are lengths on, off, ….
func (p *pen) stroke(pts []point, width float64, c color.NRGBA, dashes ...float64) {
	if len(pts) < 2 {
		return
	}
	ds := make([]vg.Length, len(dashes))
	for i, d := range dashes {
		ds[i] = vg.Length(d * p.k())
	}
	p.c.SetColor(c)
	p.c.SetLineWidth(vg.Length(width * p.k()))
	p.c.SetLineDash(ds, 0)
	p.c.Stroke(p.path(pts))
}

func (p *pen) fill(pts []point, c color.NRGBA) {
	path := p.path(pts)
	path.Close()
	p.c.SetColor(c)
	p.c.Fill(path)
}

func (p *pen) box(r rect, c color.NRGBA) {
	p.fill([]point{{r.x0, r.y0}, {r.x1, r.y0}, {r.x1, r.y1}, {r.x0, r.y1}}, c)
}

// mark draws the sign of the i-th series around a point, with a rim in the
// background's colour so that it stands out from the lines beneath.
func (p *pen) mark(i int, at point, size float64, c color.NRGBA) {
	p.shape(i, at, size+1.1, p.th.back)
	p.shape(i, at, size, c)
}

func (p *pen) shape(i int, at point, r float64, c color.NRGBA) {
	corners := func(n int, turn, r float64) {
		pts := make([]point, n)
		for j := range pts {
			s, k := math.Sincos(turn + 2*math.Pi*float64(j)/float64(n))
			pts[j] = point{at.x + r*k, at.y + r*s}
		}
		p.fill(pts, c)
	}
	switch i % NamedSeries {
	case 1:
		corners(4, math.Pi/4, r*1.25) // square
	case 2:
		corners(3, -math.Pi/2, r*1.4) // triangle
	case 3:
		corners(4, 0, r*1.4) // diamond
	case 4:
		corners(3, math.Pi/2, r*1.4) // triangle on its head
	case 5:
		corners(6, 0, r*1.2) // hexagon
	default:
		corners(36, 0, r) // disc
	}
}

// style is a size in layout units, and a weight.
type style struct {
	size float64
	bold bool
}

type align float64

const (
	left   align = 0
	centre align = 0.5
	right  align = 1
)

// text writes one line; y is the baseline. It reports the width.
func (p *pen) text(s string, x, y float64, st style, c color.NRGBA, a align) float64 {
	w := width(s, st)
	p.c.SetColor(c)
	p.c.FillString(face(style{st.size * p.k(), st.bold}), p.at(x-w*float64(a), y), s)
	return w
}

// width measures a line in layout units. It does not depend on the resolution,
// so that a picture has one layout at every size.
func width(s string, st style) float64 {
	f := face(st)
	return float64(f.Width(s))
}

// typeface is parsed once. sfnt fonts may be read from many goroutines.
var typeface = sync.OnceValue(func() *font.Cache {
	parse := func(ttf []byte) *opentype.Font {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic("chart: the embedded font does not parse: " + err.Error())
		}
		return f
	}
	return font.NewCache(font.Collection{
		{Font: font.Font{Typeface: "Liberation", Variant: "Sans"}, Face: parse(liberationsansregular.TTF)},
		{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: stdfont.WeightBold}, Face: parse(liberationsansbold.TTF)},
	})
})

func face(st style) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if st.bold {
		f.Weight = stdfont.WeightBold
	}
	return typeface().Lookup(f, vg.Length(st.size))
}

// drawable tells whether the font has a picture of the rune.
func drawable(r rune) bool {
	var b sfnt.Buffer
	i, err := face(style{size: 10}).Face.GlyphIndex(&b, r)
	return err == nil && i != 0
}
