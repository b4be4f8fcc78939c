package bot

import "time"

// Metric is one of the plan's measures of success (package bot/scorecard has them all).
type Metric struct {
	// ID is short and stays when the words change: "ssh".
	ID string
	// Name and Plan are the plan's own words: "SSH Security", "Zero successful root login
	// attempts".
	Name, Plan string
	// Target is what the figure must be: "0", "over 95 %".
	Target string
	// How says exactly what is counted, and what is not; Source where it comes from.
	How, Source string
	// Readings are the names of those that it is measured by, as an Item's Evidence.
	Readings []string
}

// Score is what a Metric comes to in one month.
type Score struct {
	Metric Metric
	// Month begins at From; Until is its end, or now while it goes on.
	From, Until time.Time
	// Value is for people: "none", "97.5 %"; "" where nothing is known.
	Value string
	// Figure is the value as a number, Unit what it counts; where Unit is "" there is none.
	Figure float64
	Unit   string
	State  ReadingState
	// Note says why it is not ok or unknown, and how much of the month was measured.
	Note string
}
