package bot

import "time"

// Graph is a picture that has not been drawn yet: what an expression gave over a
// span of time, and what the eye should compare it with. A source of metrics
// fills it; bot/chart draws it. It holds instants, not clock times: the zone
// belongs to the reader, and so to the drawing.
type Graph struct {
	// Title is one line, such as the alert's name.
	Title string
	// Start and End bound the time axis; data outside is not drawn.
	Start, End time.Time
	// Step is the usual distance between two points. Points further apart than
	// one and a half steps have a gap between them, which stays open. Zero: the
	// smallest distance found.
	Step time.Duration
	// Since is when the alert began; zero draws no mark.
	Since time.Time
	// Panels stand above each other on one time axis, so that values that are
	// not comparable (a ratio and a count) never share a scale. The first is the
	// alert's main condition.
	Panels []Panel
	// Note is what the reader must know to read the picture rightly ("one
	// condition of four is not drawn"); mostly empty.
	Note string
}

// Panel is one expression on one scale.
type Panel struct {
	// Expr stands above the panel: what is measured, as the rule's author wrote it,
	// with the other side where that is drawn too.
	Expr string
	// Unit is one of the Unit constants, or a word to stand beside the values.
	Unit   string
	Series []Series
	// Omitted counts the series that the source left out for their number.
	Omitted    int
	Thresholds []Threshold
}

// Series is one line. Its points are in the order of time.
type Series struct {
	// Name is made of the labels that tell it from its neighbours; empty when it
	// has none.
	Name   string
	Points []Point
	// Firing: the alert that is being drawn speaks of this series.
	Firing bool
	// Limit: this is not a measurement but what one is compared with.
	Limit bool
}

// Point is one sample. NaN and infinite values are no data: they break the line.
type Point struct {
	At    time.Time
	Value float64
}

// Threshold is a constant that a series is compared with. The alert's condition
// reads "series Op Value".
type Threshold struct {
	Op    Comparison
	Value float64
}

// Comparison is how a value stands to its threshold when the condition is met.
type Comparison string

// The comparisons, as PromQL writes them.
const (
	Above   Comparison = ">"
	AtLeast Comparison = ">="
	Below   Comparison = "<"
	AtMost  Comparison = "<="
	Equal   Comparison = "=="
	Other   Comparison = "!="
)

// Units that drawings write in human terms. UnitRatio is shown as a percentage;
// UnitTimestamp is seconds since 1970.
const (
	UnitNone           = ""
	UnitBytes          = "bytes"
	UnitBytesPerSecond = "bytes/s"
	UnitSeconds        = "seconds"
	UnitTimestamp      = "timestamp"
	UnitPercent        = "percent"
	UnitRatio          = "ratio"
	UnitPerSecond      = "/s"
	UnitCelsius        = "celsius"
	UnitHertz          = "hertz"
	UnitVolts          = "volts"
	UnitAmperes        = "amperes"
	UnitWatts          = "watts"
	UnitJoules         = "joules"
)
