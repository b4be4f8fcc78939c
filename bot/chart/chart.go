package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"time"

	"watchstander/bot"
)

// ErrNoData says that no series has a single finite value within the graph's
// time range. There is no picture then: an empty one would look like zero.
var ErrNoData = errors.New("no data to draw in this time range")

// ErrRange says that a graph's End is not after its Start.
var ErrRange = errors.New("the time range to draw is empty")

// Limits on what is drawn; what exceeds them is counted in the legend.
const (
	// NamedSeries is how many series of a panel get a colour and a legend line.
	NamedSeries = 6
	// DrawnSeries is how many lines a panel draws at most, the unnamed in grey.
	DrawnSeries = 60
	// MaxPanels is how many panels are drawn; the picture says when there are more.
	MaxPanels = 3
)

// Sizes of a picture, in pixels.
const (
	DefaultWidth = 1200
	minWidth     = 600
	maxWidth     = 2400
	maxHeight    = 3600
)

// Options are how a graph is shown. The zero value is a light picture, 1200
// pixels wide, in UTC.
type Options struct {
	// Zone is where the reader lives; nil means UTC.
	Zone *time.Location
	// Dark suits a chat with a dark background.
	Dark bool
	// Width in pixels, 600 to 2400; 0 means DefaultWidth. Type and lines scale
	// with it: a picture fills a phone's width whatever its resolution.
	Width int
	// Height in pixels; 0 means as much as the content needs. A height that would
	// make the plot illegible is raised.
	Height int
}

// Draw makes the picture. Errors are ErrNoData, ErrRange, or an encoder's.
func Draw(g bot.Graph, o Options) (bot.Picture, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Width == 0 {
		o.Width = DefaultWidth
	}
	o.Width = min(max(o.Width, minWidth), maxWidth)
	o.Height = min(max(o.Height, 0), maxHeight)

	m, err := prepare(g, o.Zone)
	if err != nil {
		return bot.Picture{}, err
	}
	th := light
	if o.Dark {
		th = dark
	}
	l := arrange(m, o)
	p := newPen(o.Width, l.height, th)
	paint(p, m, l)

	var buf bytes.Buffer
	if err := png.Encode(&buf, p.image()); err != nil {
		return bot.Picture{}, fmt.Errorf("encode the picture: %w", err)
	}
	size := p.image().Bounds()
	return bot.Picture{
		Name:   fileName(m.title),
		PNG:    buf.Bytes(),
		Alt:    describe(m),
		Width:  size.Dx(),
		Height: size.Dy(),
	}, nil
}
