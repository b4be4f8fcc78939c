package bot

import "time"

// MaintenanceState is a maintenance that somebody opened by hand: a time in which a
// host's alerts are expected. It opens no window of any policy; an agent has its own.
type MaintenanceState struct {
	// Host that it is about, "" where somebody gave matchers instead.
	Host   string
	By     PersonID
	Reason string
	Since  time.Time
	// Until is when it ends by itself.
	Until time.Time
	// EndedAt is when it was over, zero before; EndedBy who ended it, "" for its time.
	EndedAt time.Time `json:",omitzero"`
	EndedBy PersonID  `json:",omitempty"`

	// Alertmanager that is asked for the silence, and what the silence holds back.
	Alertmanager string
	Matchers     []Matcher
	// Key is the effect that makes the silence until Until; Former are those of shorter
	// ones, each to be ended as soon as the longer one is there.
	Key    EffectKey
	Former []EffectKey `json:",omitempty"`
	// Silence is the id of the one that is there, "" for none, and SilenceUntil its end.
	Silence      string    `json:",omitempty"`
	SilenceUntil time.Time `json:",omitzero"`
	// Unsure: it is over, and whether its silence was made nobody knows yet.
	Unsure bool `json:",omitempty"`
	// Trouble says why the silence is not there, or cannot be ended; "" for none.
	Trouble string `json:",omitempty"`

	// Covers are the alerts that it covers, as Alertmanager told last; nil for unknown.
	Covers *Covered `json:",omitempty"`
	// Ran is what ran in it, the newest last, at most MaintenanceRan; RanMore counts
	// what came before.
	Ran     []RanIn `json:",omitempty"`
	RanMore int     `json:",omitempty"`
	// Still is what fires after its end; nil before Alertmanager has told.
	Still *Covered `json:",omitempty"`
}

// MaintenanceRan is how much of what ran a maintenance's root lists.
const MaintenanceRan = 20

// Covered counts alerts that matchers cover.
type Covered struct {
	Alerts   int
	Critical int
	// Names of them, each once, as far as they are listed.
	Names []string `json:",omitempty"`
	At    time.Time
}

// RanIn is one thing that ran in a maintenance.
type RanIn struct {
	At   time.Time
	Text string
}

type (
	// OpenMaintenance opens one, or has the one that is open go on for longer.
	OpenMaintenance struct {
		Host         string // "" for Matchers that somebody gave
		Alertmanager string
		Matchers     []Matcher // of the silence
		Until        time.Time
		Reason       string
		Covers       *Covered // nil for unknown
	}
	// CloseMaintenance ends one before its time.
	CloseMaintenance struct {
		Thread ThreadID
		Reason string
	}
)

func (OpenMaintenance) outcome()  {}
func (CloseMaintenance) outcome() {}
