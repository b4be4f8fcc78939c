package bot

import (
	"slices"
	"strings"
	"time"
)

// Checklist is a list of tasks that comes round, as its file says (package
// schedules). What is open of it now is a thread's ChecklistState.
type Checklist struct {
	// Name is what people type: "daily".
	Name string
	// Title heads its threads: "Daily checklist".
	Title string
	// Cron has five fields and is read in Zone (an IANA name); "" is for one that comes
	// by After alone.
	Cron string
	Zone string
	// Missed says what becomes of a firing while the bot was away.
	Missed MissedFiring
	// After are the kinds of change of a host after which it is run: a switch, a reboot.
	After []ChangeKind
	// Lasts is how long a run without a Cron stays open; of the others, one ends when
	// the next begins.
	Lasts time.Duration
	// Remind is how long before a run's end what is open is reminded of; 0 for never.
	Remind time.Duration
	// Timed: it never comes round. People open it as an incident or a drill, several at
	// once if need be, and work through it against the clock: how long each step took is
	// told, and in the end all of them with what was found and what is to be done. A run
	// without Lasts is open until somebody closes it, and Remind is then how often it is
	// told that it is open still.
	Timed bool
	// Report: when a run begins, the month that it looks back on is told as a whole:
	// figures, trends, and a file.
	Report bool
	// Since: when a run begins, what changed since the run before it is told: a review
	// looks at that first.
	Since bool
	Rooms []RoomID
	Items []Item
}

// MissedFiring is what becomes of a firing that came while the bot was away.
type MissedFiring string

const (
	// CatchUp runs the newest of what was missed, once, and tells of the others.
	CatchUp MissedFiring = "catch up"
	// SkipMissed runs none; the next run tells of them.
	SkipMissed MissedFiring = "skip"
)

// Item is one task of a checklist.
type Item struct {
	// ID is short and stays when its words change; unique in its checklist.
	ID string
	// Task is one line, as an order: "Check that last night's backups are whole".
	Task string
	// Plan is the task of the host's plan that it is from, in the plan's words.
	Plan string `json:",omitempty"`
	// Look says what exactly to look at, a line each; Why what it is good for.
	Look []string `json:",omitempty"`
	Why  string   `json:",omitempty"`
	// Runbook of that name has more.
	Runbook string `json:",omitempty"`
	// Role that should do it; "" for anybody.
	Role Role `json:",omitempty"`
	// Evidence are the readings that tell, by their What; * stands for any letters
	// ("backup *", "disk /*"), and | stands between two ways to be called, where what is
	// well is called otherwise than what is not ("failed units|unit *").
	Evidence []string `json:",omitempty"`
	// Optional evidence is looked at where it is measured, and not missed where it is not.
	Optional []string `json:",omitempty"`
	// Person says why only a person can tick it; "" where evidence alone does.
	Person string `json:",omitempty"`
	// Offer is the command that does it: "backup verify b2".
	Offer string `json:",omitempty"`
}

// Fits tells whether a reading is evidence of the item.
func (x Item) Fits(r Reading) bool {
	fits := func(pattern string) bool { return matches(pattern, r.What) }
	return slices.ContainsFunc(x.Evidence, fits) || slices.ContainsFunc(x.Optional, fits)
}

// Judge chooses the readings that are evidence of the item and tells what they come to
// together: not ok where one is, unknown where one is, or where one of Evidence is
// missing, which then stands among them as unknown. Without evidence it is unknown.
//
// A blank reading says of nothing that it is well: what was measured there before (known,
// by Host and What) and is not now is unknown, and so is what is needed of its host.
func (x Item) Judge(all, known []Reading, now time.Time) ([]Reading, ReadingState) {
	var out, blank []Reading
	for _, r := range all {
		if x.Fits(r) {
			out = append(out, r)
		}
		if r.Blank {
			blank = append(blank, r)
		}
	}
	for _, b := range blank {
		out = append(out, x.missing(out, known, b)...)
	}
	for _, p := range x.Evidence {
		if !slices.ContainsFunc(out, func(r Reading) bool { return matches(p, r.What) }) {
			what, _, _ := strings.Cut(p, "|")
			out = append(out, Reading{What: strings.TrimSpace(what), Note: "nothing measures it here", At: now, State: Unknown})
		}
	}
	state := Unknown
	for i, r := range out {
		switch {
		case i == 0, r.State == NotOK:
			state = r.State
		case state == OK && r.State != OK:
			state = Unknown
		}
		if state == NotOK {
			break
		}
	}
	return out, state
}

// missing are the item's readings that a blank one stands for, beside those that are there.
func (x Item) missing(there, known []Reading, b Reading) []Reading {
	var out []Reading
	for _, k := range known {
		same := func(r Reading) bool { return r.Host == k.Host && r.What == k.What }
		if x.Fits(k) && (b.Host == "" || k.Host == b.Host) && !slices.ContainsFunc(there, same) {
			out = append(out, Reading{Host: k.Host, What: k.What, Note: b.Note, Source: b.What, At: b.At, State: Unknown})
		}
	}
	if b.Host == "" {
		return out
	}
	for _, p := range x.Evidence {
		fits := func(r Reading) bool { return (r.Host == b.Host || r.Host == "") && matches(p, r.What) }
		if !slices.ContainsFunc(there, fits) && !slices.ContainsFunc(out, fits) {
			what, _, _ := strings.Cut(p, "|")
			out = append(out, Reading{Host: b.Host, What: strings.TrimSpace(what), Note: b.Note, Source: b.What, At: b.At, State: Unknown})
		}
	}
	return out
}

// matches tells whether one of a pattern's ways to be called is that of the reading.
func matches(pattern, what string) bool {
	for way := range strings.SplitSeq(pattern, "|") {
		if likeness(strings.TrimSpace(way), what) {
			return true
		}
	}
	return false
}

// likeness compares with a pattern in which * stands for any letters: the parts between
// stars must come in their order, the first at the beginning and the last at the end.
func likeness(pattern, what string) bool {
	first, rest, stars := strings.Cut(pattern, "*")
	if !stars {
		return pattern == what
	}
	what, ok := strings.CutPrefix(what, first)
	for ok && stars {
		var part string
		if part, rest, stars = strings.Cut(rest, "*"); !stars {
			return strings.HasSuffix(what, part)
		}
		_, what, ok = strings.Cut(what, part)
	}
	return false
}

// ChecklistState is one run of a checklist.
type ChecklistState struct {
	Name  string
	Title string
	// Firing is when it was to begin, by its schedule or what it comes after.
	Firing time.Time
	// Cause tells people why it began, where its schedule alone is not why.
	Cause string `json:",omitempty"`
	// Until is when it ends by itself; zero for never.
	Until time.Time `json:",omitzero"`
	// RemindAt is when what is open is reminded of; zero for never, or not again.
	RemindAt time.Time `json:",omitzero"`
	// Unmade tells of firings before this one that had no run of their own.
	Unmade string `json:",omitempty"`
	Items  []ItemState
	// MeasuredAt is when evidence was last looked at; zero before. Measuring is the
	// effect that looks now, "" when none does.
	MeasuredAt time.Time `json:",omitzero"`
	Measuring  EffectKey `json:",omitempty"`
	// LookAt is when it is looked at next by itself; zero for not again.
	LookAt time.Time `json:",omitzero"`
	// Incident is what a run has that people opened, nil for one that came round.
	Incident *IncidentState `json:",omitempty"`
	// Host that the run is about, "" for all.
	Host string `json:",omitempty"`
}

// ItemState is where an item of a run stands. Its Item is the one of when the run began.
type ItemState struct {
	Item   Item
	Number int // from 1, as people name it
	Status ItemStatus
	// By and At tell who put it there and when; By is "" for evidence.
	By     PersonID  `json:",omitempty"`
	At     time.Time `json:",omitzero"`
	Reason string    `json:",omitempty"`
	// Until is when a deferred one comes back.
	Until time.Time `json:",omitzero"`
	// Assigned is who should do it, "" for nobody in particular.
	Assigned PersonID `json:",omitempty"`
	// Evidence as it was last measured, and what it comes to.
	Evidence []Reading    `json:",omitempty"`
	Verdict  ReadingState `json:",omitempty"`
	// Before are the readings of the same things in the newest run before that had them.
	Before []Reading `json:",omitempty"`
	// Since is when the item was first left over, in an earlier run; Carried counts the
	// runs that it was carried through.
	Since   time.Time `json:",omitzero"`
	Carried int       `json:",omitempty"`
	// Comments are the last ones, the newest last.
	Comments []Comment `json:",omitempty"`
	// Plan is the operation that was offered and asked for, "" for none: its outcome
	// ticks the item.
	Plan PlanID `json:",omitempty"`
	// FollowUp is what the item is of, as it was when the run began; nil for those of the
	// list itself.
	FollowUp *FollowUp `json:",omitempty"`
}

// Comment is what somebody said of an item, or found in an incident.
type Comment struct {
	By   PersonID
	At   time.Time
	Text string
}

// ItemStatus is where an item stands.
type ItemStatus string

const (
	ItemOpen     ItemStatus = "open"
	ItemDone     ItemStatus = "done"
	ItemSkipped  ItemStatus = "skipped"
	ItemDeferred ItemStatus = "deferred"
)

// Left counts the items that are open, deferred ones left out.
func (s ChecklistState) Left() (n int) {
	for _, x := range s.Items {
		if x.Status == ItemOpen {
			n++
		}
	}
	return n
}

// Returns tells whether a deferred item is open again before the run ends.
func (s ChecklistState) Returns() bool {
	return slices.ContainsFunc(s.Items, func(x ItemState) bool {
		return x.Status == ItemDeferred && (s.Until.IsZero() || x.Until.Before(s.Until))
	})
}

// Schedule is how a checklist's firings stand.
type Schedule struct {
	Name string
	// Since is when it was first configured.
	Since time.Time `json:",omitzero"`
	// Rule is what Next follows: the cron and zone of when it was worked out.
	Rule string
	// Last is the newest firing that was dealt with, Next the one to come, zero for none.
	Last, Next time.Time
	// Ran is when a run last began, however it did.
	Ran time.Time
	// PausedBy stopped its firings until PausedUntil (zero: until resumed), for Reason.
	PausedBy    PersonID
	PausedUntil time.Time
	PausedAt    time.Time
	Reason      string
	// Unmade counts the firings since the last run that had none, from UnmadeFrom to
	// UnmadeTo, and says why.
	Unmade               int
	UnmadeFrom, UnmadeTo time.Time
	UnmadeWhy            string
}

// Paused tells whether its firings are passed over at a time.
func (s Schedule) Paused(now time.Time) bool {
	return s.PausedBy != "" && (s.PausedUntil.IsZero() || now.Before(s.PausedUntil))
}

// ScheduleFacts are a checklist with how it stands.
type ScheduleFacts struct {
	Checklist Checklist
	Schedule  Schedule
	// Run is the newest thread of it; its State.Checklist is nil where there was none.
	Run Thread
	// Open are all of its runs that are open, the oldest first: what comes after a change
	// of a host has one for each host.
	Open []Thread
}
