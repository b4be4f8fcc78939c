package chart

import "image/color"

// theme is a set of colours for one background. The series' colours began as the
// Okabe–Ito set and were shifted, by a search over the distances that
// theme_test.go measures, until each stands at least 3:1 against its background
// and any two of them stay apart for people with protanopia, deuteranopia and
// tritanopia. Red is the threshold's alone, and its
// line is dashed, so that colour is never the only thing that tells.
type theme struct {
	back, ink, muted, faint, grid color.NRGBA
	limit, since                  color.NRGBA
	series                        [NamedSeries]color.NRGBA
	rest                          color.NRGBA // lines without a legend line
	breach                        uint8       // opacity of the tint beyond a threshold
	area                          uint8       // opacity under a single line
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}

var light = theme{
	back: rgb(0xFFFFFF), ink: rgb(0x1A1D21), muted: rgb(0x59636E), faint: rgb(0x8A939D), grid: rgb(0xE3E7EB),
	limit: rgb(0xC2070A), since: rgb(0x1A1D21),
	series: [NamedSeries]color.NRGBA{
		rgb(0x016FC3), rgb(0xD97005), rgb(0x49A089), rgb(0x934575), rgb(0x00317D), rgb(0x272920),
	},
	rest:   rgb(0xB9C0C7),
	breach: 16,
	area:   24,
}

var dark = theme{
	back: rgb(0x1A1D21), ink: rgb(0xEDEFF2), muted: rgb(0xA9B2BC), faint: rgb(0x7F8892), grid: rgb(0x31363D),
	limit: rgb(0xEC624E), since: rgb(0xEDEFF2),
	series: [NamedSeries]color.NRGBA{
		rgb(0x219DFA), rgb(0xFDA32C), rgb(0x52D7AB), rgb(0xB770A6), rgb(0xFFE709), rgb(0xDBFFFF),
	},
	rest:   rgb(0x565E67),
	breach: 26,
	area:   34,
}
