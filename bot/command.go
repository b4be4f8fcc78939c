package bot

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// Command is one thing that people can type. Commands decide; they touch
// nothing themselves: Run reads the World and returns an Outcome.
type Command struct {
	Name    string
	Aliases []string
	Family  string // heading in `help`
	Summary string // one line, imperative
	Args    []Arg
	// Examples are whole lines as people type them.
	Examples []string
	// Role that the asker must hold; "" means any configured person.
	Role Role
	// Gated: it has consequences, whoever may give it: what comes late is asked
	// about, and only a whole and valid line among people's talk is one.
	Gated bool
	Run   func(context.Context, Call) (Outcome, error)
}

// Arg is one argument. Arguments are read in order; the parser gives each its
// type and points at the word that does not fit.
type Arg struct {
	Name     string
	Kind     ArgKind
	Optional bool
	Help     string
}

// ArgKind is an argument's type.
type ArgKind string

const (
	ArgWord     ArgKind = "word"     // one word or quoted string
	ArgRest     ArgKind = "rest"     // all that follows, as it was typed
	ArgDuration ArgKind = "duration" // 2h, 1d12h, or `until 18:00`
	ArgThread   ArgKind = "thread"   // a thread's id or its short form
	ArgAlert    ArgKind = "alert"    // #3: one alert of the thread
	ArgNumber   ArgKind = "number"
)

// Call is one command as it was given.
type Call struct {
	Request RequestID
	Command string // the name, aliases resolved
	By      Person
	Room    RoomID
	// Thread it was said in, "" outside threads. A command without a subject
	// means it.
	Thread ThreadID
	Args   map[string]Value
	// At is when it was said, and what "until 18:00" counts from.
	At time.Time
	// Now is when it is run; much later than At when the chat was away.
	Now   time.Time
	World World
}

// Value is one argument's value; the member of its kind is set.
type Value struct {
	Text     string // as typed, without its quotes
	Until    time.Time
	Duration time.Duration
	Number   int
}

// Outcome is what a command decided. It is sealed.
type Outcome interface{ outcome() }

type (
	// Say is an answer, and nothing else happens.
	Say struct{ Message Message }
	// TakeAck acknowledges what fires in a thread now.
	TakeAck struct {
		Thread  ThreadID
		Comment string
	}
	// DropAck takes an acknowledgement back.
	DropAck struct{ Thread ThreadID }
	// MakeSilence has Alertmanager hold notices back.
	MakeSilence struct {
		Thread       ThreadID // to be told of it; "" outside threads
		Alertmanager string
		Silence      Silence // ID, State, CreatedBy and UpdatedAt are not set
		// Note is what people should know of it beside its end; it goes with the
		// answer, once the silence is made.
		Note string `json:",omitempty"`
	}
	// EndSilence expires silences.
	EndSilence struct {
		Thread       ThreadID
		Alertmanager string
		IDs          []string
	}
	// DrawGraph puts a picture of a thread's expression into its log.
	DrawGraph struct {
		Thread ThreadID
		// Episode that is drawn, "" for the worst that fires.
		Episode EpisodeID
	}
	// Ask has an agent plan an operation, which then waits for its approvals.
	Ask struct {
		// Thread that it was asked in, "" outside threads.
		Thread    ThreadID
		Host      string // "" for the only one with an agent
		Operation OperationName
		Arguments Arguments
		// Item of the checklist's run Thread that offers it, 0 for none.
		Item int `json:",omitempty"`
	}
	// Decide is a person's word on a plan.
	Decide struct {
		Plan    PlanID
		Verdict Verdict
		Reason  string
		// Code is a time-based code, Signature an armored SSH signature: the agent
		// checks them.
		Code      string `json:",omitempty"`
		Signature string `json:",omitempty"`
	}
	// Cancel takes back what was asked for, before it runs.
	Cancel struct {
		Plan   PlanID
		Reason string
	}
	// Confirm says that all is well after a run that waits for it.
	Confirm struct {
		Plan PlanID
		// Code and Signature are a proof, as Decide's.
		Code      string `json:",omitempty"`
		Signature string `json:",omitempty"`
	}
	// Trigger has an agent use a standing approval while an alert fires.
	Trigger struct {
		Thread    ThreadID // the alert's
		Episode   EpisodeID
		Host      string
		Standing  string
		Operation OperationName
		Arguments Arguments
		// Alert are the labels of the one that fires, and Since when it does.
		Alert Labels
		Since time.Time
	}
	// ShowPlan tells the agent that a plan stands in a room whole.
	ShowPlan struct {
		Plan PlanID
		At   time.Time
	}
	// LookForChanges asks an agent what changed on its host, for the threads of its
	// alerts.
	LookForChanges struct{ Host string }
	// EraseMessage takes a message that holds a code out of its room.
	EraseMessage struct {
		Room    RoomID
		Message MessageID
	}
	// SpendCodes has an agent use up codes that were shown in a chat and brought to it
	// with no word.
	SpendCodes struct {
		Host  string
		Codes []string `json:",omitempty"`
	}
	// SetItem puts an item of a checklist's run where a person says.
	SetItem struct {
		Thread ThreadID
		Number int
		Status ItemStatus
		Reason string
		// Until is when a deferred item comes back.
		Until time.Time
	}
	// CommentItem adds what somebody says of an item.
	CommentItem struct {
		Thread ThreadID
		Number int
		Text   string
	}
	// AssignItem says who should do an item, "" for nobody in particular.
	AssignItem struct {
		Thread ThreadID
		Number int
		To     PersonID
	}
	// Measure looks at the evidence of a run again; Number 0 for every item.
	Measure struct {
		Thread ThreadID
		Number int
	}
	// RunChecklist begins a run now, beside its schedule.
	RunChecklist struct {
		Name string
		Why  string
	}
	// MakeReport tells of a month as a whole, or of what changed in a longer time.
	MakeReport struct {
		// Thread that gets it, "" for the conversation in which it was asked for.
		Thread ThreadID
		// From and To bound the time; To is at most now.
		From, To time.Time
		// Since: it is for a review, which asks what is otherwise than at From.
		Since bool `json:",omitempty"`
	}
	// PauseSchedule stops the firings of a checklist, or with Resume lets them go on.
	PauseSchedule struct {
		Name   string
		Until  time.Time // zero: until somebody resumes it
		Reason string
		Resume bool
	}
	// TakeBack withdraws a decision whose reaction or message is gone.
	TakeBack struct {
		Plan     PlanID
		Decision string
	}
)

func (Say) outcome()            {}
func (TakeAck) outcome()        {}
func (DropAck) outcome()        {}
func (MakeSilence) outcome()    {}
func (EndSilence) outcome()     {}
func (DrawGraph) outcome()      {}
func (Ask) outcome()            {}
func (Decide) outcome()         {}
func (Cancel) outcome()         {}
func (Confirm) outcome()        {}
func (Trigger) outcome()        {}
func (ShowPlan) outcome()       {}
func (EraseMessage) outcome()   {}
func (SpendCodes) outcome()     {}
func (LookForChanges) outcome() {}
func (TakeBack) outcome()       {}
func (SetItem) outcome()        {}
func (CommentItem) outcome()    {}
func (AssignItem) outcome()     {}
func (Measure) outcome()        {}
func (RunChecklist) outcome()   {}
func (PauseSchedule) outcome()  {}
func (MakeReport) outcome()     {}

// World is what commands may read. Nothing in it changes anything.
type World interface {
	Looker
	// Zone is the operator's zone, for times people read and type.
	Zone() *time.Location
	// Commands are all that exist, for help.
	Commands() []Command
	// Thread gives one thread by its id; CodeNotFound when there is none.
	Thread(context.Context, ThreadID) (ThreadFacts, error)
	// OpenThreads are the open alert, heartbeat, reboot and notice threads, the
	// worst first, each with its worst episode alone.
	OpenThreads(context.Context) ([]ThreadFacts, error)
	// Untold counts the alerts that fire by the Alertmanagers' newest accounts, held back by
	// nothing, and that stand in no thread yet, since no webhook has told of them.
	Untold() int
	// FindThreads searches threads, closed ones too, for words in their labels
	// and annotations, the newest first.
	FindThreads(ctx context.Context, words string, limit int) ([]ThreadFacts, error)
	// Silences asks Alertmanager now.
	Silences(ctx context.Context, alertmanager string) ([]Silence, error)
	// Covered counts the alerts that fire now and that the matchers cover.
	Covered(ctx context.Context, alertmanager string, m []Matcher) (int, error)
	// Alertmanagers are the configured names, the default one first.
	Alertmanagers() []string
	// Agents are the hosts that have one, sorted: what a look or an operation can be
	// about.
	Agents() []string
	// Probes are what status reads. Of two readings of one thing the first counts, so
	// that who knows more comes first.
	Probes() []Probe
	// Graph draws a PromQL expression over the last span.
	Graph(ctx context.Context, expr string, span time.Duration) (Picture, error)
	// Health is the state of the bot itself.
	Health(context.Context) []Reading
	// Noise tells what fired how often since a moment, at most as far back as the state
	// reaches.
	Noise(ctx context.Context, since time.Time) (NoiseFacts, error)
	// Plan gives one proposal's thread by its plan's id, or a beginning of it that
	// only one has; CodeNotFound when there is none.
	Plan(context.Context, PlanID) (Thread, error)
	// Plans are the threads of the proposals that are not over, the oldest first.
	Plans(context.Context) ([]Thread, error)
	// Schedules are the checklists with how they stand, in the configuration's order.
	Schedules(context.Context) ([]ScheduleFacts, error)
	// Incidents are the open ones, the last closed one, and what is to be done after them.
	Incidents(context.Context) (IncidentFacts, error)
	// Scorecard is what the plan's measures of success come to in the month of an
	// instant, in Zone; the month that goes on is measured now as well.
	Scorecard(ctx context.Context, month time.Time) ([]Score, error)
	// Hosts are the configured ones, in the configuration's order.
	Hosts() []string
	// MaintenanceScope is what a silence over a host's alerts has as matchers, or over
	// what somebody gave: heartbeats are left out of it. CodeNotFound where there is no
	// such host, CodeInvalid where its matchers cannot be a silence.
	MaintenanceScope(host string, given []Matcher) ([]Matcher, error)
	// Maintenances are the threads of those that overlap a time, the oldest first; one
	// that is open goes on beyond any time.
	Maintenances(ctx context.Context, from, to time.Time) ([]Thread, error)
	// Windows asks a host's agent when its policy lets things start next.
	Windows(ctx context.Context, host string) ([]NextWindow, error)
	// Person finds one of the configuration as people call them in a chat: by their name
	// there, in any case, or by an account, with or without an @ before it.
	Person(called string) (Person, bool)
	// Journal reads what had a consequence, the newest first.
	Journal(context.Context, JournalQuery) ([]JournalLine, error)
	// Slip is what somebody takes to `watchstander approve` to sign a word on a
	// plan: an armored text.
	Slip(ctx context.Context, plan PlanID, by PersonID, v Verdict, reason string) (string, error)
}

// JournalQuery chooses entries of the bot's journal. What is empty does not choose.
type JournalQuery struct {
	By      PersonID
	Kind    string
	Host    string // the one that it is about; heads of its agent's journal only by Kind
	Subject string // a plan's or a request's id, or the beginning of one
	Since   time.Time
	Words   string // all must be somewhere in the entry
	Most    int
}

// JournalLine is one entry, as people read it.
type JournalLine struct {
	Seq     int64
	At      time.Time
	Kind    string
	Host    string
	By      PersonID
	Subject string
	Text    string
	// Hash is the entry's, by which a rewritten journal is found out.
	Hash string
	// Broken: somebody changed the entry after it was written. Of it there are the
	// number and NotAsWritten.
	Broken bool
}

// NotAsWritten is said of an entry that somebody changed.
const NotAsWritten = "is not what was written"

// Probe measures something. It is bounded in time by its context, and says
// "unknown" with the reason rather than nothing; an empty list that is not nil says
// that there is nothing to look at.
type Probe interface {
	// Name is short and stable ("host vulcan", "alertmanager main").
	Name() string
	Read(context.Context) []Reading
}

// ProbeTime is how long people wait for the probes, which are asked all at once.
const ProbeTime = 10 * time.Second

// Reading is one measured figure with where it comes from.
type Reading struct {
	Host   string
	What   string // "load", "memory", "disk /", "pool rpool"
	Value  string // for people, with unit: "61 % of 64 GiB"
	Note   string // why it is not ok, or unknown
	Source string // "/proc/loadavg", "systemd over D-Bus"
	At     time.Time
	State  ReadingState
	// Figure is what was measured as a number, to be kept and compared with later
	// ones; Unit is what it counts. Where Unit is "" there is none. One What always
	// has the same Unit, and unknown readings may have a figure all the same: what
	// was measured before the doubt.
	Figure float64 `json:",omitempty"`
	Unit   string  `json:",omitempty"`
	// Blank: nothing at all could be read where this is from. It stands for whatever is
	// measured there otherwise: of Host, or where that is "" of any.
	Blank bool `json:",omitempty"`
}

// What a Reading's Figure counts. Ages and what is left of a time are in seconds,
// below 0 when it is over; FigureCount is for counts and for ratios without a unit.
const (
	FigurePercent = "%"
	FigureSeconds = "s"
	FigureBytes   = "B"
	FigureCount   = "1"
	FigureCelsius = "°C"
)

// With is the reading with a figure. What is no number, or infinite, is none.
func (r Reading) With(figure float64, unit string) Reading {
	if math.IsNaN(figure) || math.IsInf(figure, 0) {
		figure, unit = 0, ""
	}
	r.Figure, r.Unit = figure, unit
	return r
}

// ReadingState is the judgement on a Reading.
type ReadingState string

const (
	OK      ReadingState = "ok"
	NotOK   ReadingState = "not ok"
	Unknown ReadingState = "unknown"
)

// CountStates counts by the states that state gives: "3 ok, 1 not ok, 2 unknown".
func CountStates[T any](all []T, state func(T) ReadingState) string {
	n := map[ReadingState]int{}
	for _, x := range all {
		n[state(x)]++
	}
	var parts []string
	for _, s := range []ReadingState{OK, NotOK, Unknown} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}
