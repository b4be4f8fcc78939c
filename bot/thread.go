package bot

import (
	"fmt"
	"strings"
	"time"
)

// Thread is one thing that people are told of: what its root shows is a
// function of the state, and Version counts the changes of it.
type Thread struct {
	ID   ThreadID
	Kind ThreadKind
	// Subject is what the thread is about; one subject has many threads over the
	// years, at most one of them open.
	Subject string
	// Version rises with every change of what the root shows.
	Version int64
	// LastSeq is the number of the newest log entry.
	LastSeq  int64
	Severity Severity
	OpenedAt time.Time
	// ClosedAt is zero while the thread is open.
	ClosedAt time.Time
	// NextAt is when the thread is due for a look by itself (a reminder, an
	// absence); zero when nothing waits.
	NextAt time.Time
	// Former is the thread of the same subject before this one.
	Former ThreadID
	State  ThreadState
}

// Open tells whether the thread still says something that may change.
func (t Thread) Open() bool { return t.ClosedAt.IsZero() }

// ThreadKind is the kind of a thread; bot/view has a function for each.
type ThreadKind string

const (
	ThreadAlert        ThreadKind = "alert"        // one episode of a group of alerts
	ThreadHeartbeat    ThreadKind = "heartbeat"    // a heartbeat that is missed
	ThreadSilence      ThreadKind = "silence"      // a silence made elsewhere that covers no open thread
	ThreadReboot       ThreadKind = "reboot"       // what fired just after a host's reboot
	ThreadDigest       ThreadKind = "digest"       // what was not worth a thread each
	ThreadStorm        ThreadKind = "storm"        // what a room is behind with
	ThreadNotice       ThreadKind = "notice"       // the bot's own troubles
	ThreadConversation ThreadKind = "conversation" // the answer to a command outside threads
	ThreadPlan         ThreadKind = "plan"         // an operation that was asked for, and what became of it
	ThreadChecklist    ThreadKind = "checklist"    // one run of a checklist, an incident's too
	ThreadMaintenance  ThreadKind = "maintenance"  // a maintenance that somebody opened by hand
	ThreadBrief        ThreadKind = "brief"        // what the night brought
)

// ThreadState holds the one member that belongs to the thread's kind.
type ThreadState struct {
	Alert        *AlertState        `json:",omitempty"`
	Heartbeat    *HeartbeatState    `json:",omitempty"`
	Silence      *Silence           `json:",omitempty"`
	Reboot       *RebootState       `json:",omitempty"`
	Digest       *DigestState       `json:",omitempty"`
	Storm        *StormState        `json:",omitempty"`
	Notice       *NoticeState       `json:",omitempty"`
	Conversation *ConversationState `json:",omitempty"`
	Plan         *PlanState         `json:",omitempty"`
	Checklist    *ChecklistState    `json:",omitempty"`
	Maintenance  *MaintenanceState  `json:",omitempty"`
	Brief        *BriefState        `json:",omitempty"`
}

// AlertState is what we know of a group beside its episodes.
type AlertState struct {
	Alertmanager string // which of the configured ones is asked about it
	// LastNumber is the highest number that an alert of the thread has.
	LastNumber  int `json:",omitempty"`
	Receiver    string
	GroupLabels Labels
	ExternalURL string
	GroupKey    string
	Truncated   int
	Ack         *Ack `json:",omitempty"`
	// Host is the configured host that the alerts speak of, "" when unclear.
	Host string
	// Reopened counts how often the thread was closed and fired again.
	Reopened int
	// RemindAt is when a forgotten ack reminds, zero for never.
	RemindAt time.Time `json:",omitzero"`
	// Reminded counts the reminders of this ack; each waits twice as long as the
	// one before, up to a day.
	Reminded int `json:",omitempty"`
	// Digests are the rooms whose digest tells of it, where no route gives it a
	// thread.
	Digests []RoomID `json:",omitempty"`
	// Gathered is the after-reboot thread that speaks for this one until its
	// grace ends.
	Gathered ThreadID `json:",omitempty"`
	// Rooms are those that its routes name, beside the ones that show everything.
	Rooms []RoomID `json:",omitempty"`
	// Repairs are the last uses of standing approvals for its alerts, the newest last.
	Repairs []Repair `json:",omitempty"`
}

// Repair is what became of a standing approval that one alert of a thread asked for.
type Repair struct {
	Key       EffectKey
	Episode   EpisodeID
	Host      string
	Standing  string
	Operation OperationName
	Arguments Arguments
	At        time.Time // when it was asked for
	// Plan that the agent made, "" before, and where there is none; State is the plan's.
	Plan  PlanID        `json:",omitempty"`
	State ProposalState `json:",omitempty"`
	// Why says what came of it, or why nothing was done.
	Why string `json:",omitempty"`
	// EndedAt is when nothing more came of it.
	EndedAt time.Time `json:",omitzero"`
}

// Over tells whether nothing more will come of it.
func (r Repair) Over() bool { return !r.EndedAt.IsZero() }

// Ack is somebody's word that they are on it. It covers the episodes that fired
// when it was given, and falls on a new one or a higher severity.
type Ack struct {
	By       PersonID
	At       time.Time
	Comment  string
	Covers   []EpisodeID
	Severity Severity
	// Press is the reaction that gave it, so that taking the reaction back takes
	// the ack back; "" for a typed one.
	Press MessageID `json:",omitempty"`
}

// HeartbeatState is a heartbeat that is, or was, missed.
type HeartbeatState struct {
	Name     string
	LastAt   time.Time // the last delivery
	Every    time.Duration
	Returned time.Time `json:",omitzero"`
	// Stopped: Alertmanager itself said that it resolved.
	Stopped bool `json:",omitempty"`
}

// RebootState gathers what fires while a host comes up.
type RebootState struct {
	Host  string
	At    time.Time // of the boot
	Until time.Time // end of the grace
	Over  bool
	// Still is how many groups fired on when the grace time ended.
	Still int `json:",omitempty"`
	// Threads are the alert threads that it spoke for.
	Threads []ThreadID
}

// DigestState is one digest of one room.
type DigestState struct {
	Room  RoomID
	Since time.Time
	Until time.Time
	// Threads that it tells of.
	Threads []ThreadID
	// Heads are where the journals end, so that one that is rewritten later is found
	// out: "bot, entry 12" and the hash.
	Heads []Fact `json:",omitempty"`
}

// BriefState is what one night brought, as it was known in the morning.
type BriefState struct {
	Since, Until time.Time
	// Threads of alerts that began, or ended, in that time.
	Threads []ThreadID
	// Before is how many others fired all the time.
	Before int
	// Done are the changes of hosts and the plans that ended, Waits what waits for people,
	// a line each.
	Done, Waits []string
}

// StormState is a room's backlog while it lasts.
type StormState struct {
	Room RoomID
	// Peak is the most threads that waited at once.
	Peak int
	// EditAt is when the message was last told to change.
	EditAt time.Time
}

// NoticeState is one of the bot's own troubles, told in plain words.
type NoticeState struct {
	Tone  Tone
	Title string
	Text  string
	Count int // how often it happened
	Last  time.Time
}

// ConversationState is the message that a command came in.
type ConversationState struct {
	Room RoomID
	// Message that is answered.
	Message MessageID
	// Root of the thread that it was said in, "" outside threads.
	Root MessageID `json:",omitempty"`
	// About is our thread that it was said in, "" outside ours.
	About ThreadID `json:",omitempty"`
	By    PersonID
	// Press: it was a reaction or a button, not a line.
	Press bool `json:",omitempty"`
	// Lost: what it was said below is gone, and it is answered in the room.
	Lost bool `json:",omitempty"`
	// Account that it was said from, and when.
	Account UserID    `json:",omitempty"`
	At      time.Time `json:",omitzero"`
}

// PlanState is a proposal as its agent told it last, and how far people know it.
type PlanState struct {
	Host     string
	Proposal Proposal
	// Rendered is the whole plan in words, as the rooms get it.
	Rendered string
	// PlanSeq is the log entry that holds it.
	PlanSeq int64
	// Shown tells since when each room has had all of it. A decision counts from a
	// room that has.
	Shown map[RoomID]time.Time `json:",omitempty"`
	// Told are the progress lines, decisions and withdrawals that the log has.
	Told PlanTold
	// Closed says why no approval is taken here, whatever the agent says; "" while
	// it is.
	Closed string `json:",omitempty"`
	// Mends is the alert's thread for which a standing approval lets it run, "" where
	// people are asked.
	Mends ThreadID `json:",omitempty"`
}

// PlanTold counts what of a proposal stands in its thread's log.
type PlanTold struct {
	Progress, Decisions, Drift int
	// Withdrawn are the ids of decisions whose withdrawal was told.
	Withdrawn []string `json:",omitempty"`
}

// Entry is one line of a thread's log, said as a reply.
type Entry struct {
	Thread ThreadID
	Seq    int64
	At     time.Time
	// By is who did it, "" for the bot itself.
	By      PersonID
	Message Message
}

// ChangesBefore is how far back an alert's thread tells what changed on its host.
const ChangesBefore = 6 * time.Hour

// ThreadFacts is a thread with all that its root is made of.
type ThreadFacts struct {
	Thread Thread
	// Counts over all episodes.
	Counts EpisodeCounts
	// Episodes are those shown, the worst first; there may be more than these.
	Episodes []Episode
	// Silences that hold any of the episodes back.
	Silences []Silence
	// Kept are silences that go on, though they hold none of the episodes now:
	// made in the thread, or left over when its alerts ended.
	Kept []Silence
	// Remade: the former root was deleted in the room that this is rendered for.
	Remade bool
	// Changes on the thread's host in the ChangesBefore before it opened, the oldest
	// first; for an incident that is about none, on all hosts.
	Changes []Change
	// FollowUps of an incident, by their numbers.
	FollowUps []FollowUp
	// Gathered are the threads an after-reboot thread speaks for, the waiting
	// ones that a storm message lists, those that a digest tells.
	Gathered []ThreadFacts
}

// EpisodeCounts counts a thread's episodes.
type EpisodeCounts struct {
	Firing    int // not suppressed
	Silenced  int // fire, but silenced or muted
	Inhibited int
	Resolved  int
	Moved     int // of the resolved: they go on in another thread
	Doubt     int
	Since     time.Time // the oldest start of those that fire
	LastEnd   time.Time // the newest end
}

// Words are the episodes by their state, as in "2 firing, 1 resolved"; "" of none.
func (c EpisodeCounts) Words() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Firing, "firing"}, {c.Silenced, "silenced"}, {c.Inhibited, "inhibited"}, {c.Resolved, "resolved"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// Live counts the episodes that are not over.
func (c EpisodeCounts) Live() int { return c.Firing + c.Silenced + c.Inhibited }
