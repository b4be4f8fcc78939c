package bot

import (
	"strconv"
	"strings"
	"time"
)

// IncidentState is what a run has that people opened, beside its steps: an incident, or a
// drill, which is one on purpose. Its clock runs from the run's Firing.
type IncidentState struct {
	// Name is what people call it by: "wiki". At most one of a name is open.
	Name string
	// What happened, as whoever opened it said.
	What string
	By   PersonID
	// Lead is who leads it: By, until somebody says otherwise.
	Lead PersonID
	// About is the alert's thread that it was opened from, "" for none, and AboutTitle how
	// that is called.
	About      ThreadID `json:",omitempty"`
	AboutTitle string   `json:",omitempty"`
	// Findings are at most MostFindings, the oldest first.
	Findings []Comment `json:",omitempty"`
	// FollowUps counts those that were written down; the state has them by its thread.
	FollowUps int `json:",omitempty"`
	// EndedBy closed it, "" for its time; Why is what they said.
	EndedBy PersonID `json:",omitempty"`
	Why     string   `json:",omitempty"`
	// Still is what fired when it was closed; nil while it is open.
	Still *Still `json:",omitempty"`
}

// IncidentName is what an incident or a drill is called: "Incident wiki". The run must be
// one.
func (s ChecklistState) IncidentName() string {
	if strings.EqualFold(s.Incident.Name, s.Name) {
		return s.Title
	}
	return s.Title + " " + s.Incident.Name
}

// MostFindings and MostFollowUps bound what one incident holds.
const (
	MostFindings  = 100
	MostFollowUps = 50
)

// MostFollowUp is how many letters a follow-up has at most: it stands in lists.
const MostFollowUp = 300

// Still counts the alerts that fired at a moment, as the bot knew it.
type Still struct {
	At time.Time
	// Alerts count those that are not over, silenced and inhibited ones too: the ones that
	// the incident was opened from, or all of them where it was from none.
	Alerts int
	// Others count those that it was not opened from.
	Others int `json:",omitempty"`
	// Names of their threads, as far as they are listed.
	Names []string `json:",omitempty"`
	// Unknown says why the count may be wrong, "" where it is known.
	Unknown string `json:",omitempty"`
}

// FollowUp is what is to be done after an incident. It becomes an item of the next run of
// a list that comes round, and goes on from run to run until somebody ends it.
type FollowUp struct {
	// Origin is the incident's thread, OriginTitle how that is called, and Number the
	// follow-up's own in it, from 1.
	Origin      ThreadID
	OriginTitle string
	Number      int
	Text        string
	By          PersonID
	At          time.Time
	// Owner should do it, "" for nobody yet; Due is by when, zero for no date.
	Owner PersonID  `json:",omitempty"`
	Due   time.Time `json:",omitzero"`
	// List is the checklist that was named for it, "" for the usual one.
	List string `json:",omitempty"`
	// Status is done or skipped once EndedBy has ended it, and open before.
	Status  ItemStatus
	EndedBy PersonID  `json:",omitempty"`
	EndedAt time.Time `json:",omitzero"`
	Reason  string    `json:",omitempty"`
}

// ItemID is the id of the items that it becomes.
func (f FollowUp) ItemID() string {
	return "followup " + string(f.Origin) + " " + strconv.Itoa(f.Number)
}

// Is tells whether both are one follow-up.
func (f FollowUp) Is(o FollowUp) bool { return f.Origin == o.Origin && f.Number == o.Number }

// IncidentFacts are the incidents as they stand.
type IncidentFacts struct {
	// Open are the open ones, the oldest first.
	Open []Thread
	// Last is the one that was closed last; its State.Checklist is nil where there is none.
	Last Thread
	// FollowUps are those of all incidents that nobody has ended, the oldest first; each
	// List is the one whose next run takes it, "" where none can.
	FollowUps []FollowUp
}

type (
	// OpenIncident opens one.
	OpenIncident struct {
		Name string
		// List has its steps.
		List     string
		What     string
		Severity Severity
		// About is the alert's thread that it was opened from, "" for none.
		About ThreadID
	}
	// CloseIncident ends one.
	CloseIncident struct {
		Thread ThreadID
		Why    string
	}
	// LeadIncident says who leads one.
	LeadIncident struct {
		Thread ThreadID
		To     PersonID
	}
	// AddFinding notes what was found in one.
	AddFinding struct {
		Thread ThreadID
		Text   string
	}
	// AddFollowUp notes what is to be done after one.
	AddFollowUp struct {
		Thread ThreadID
		Text   string
		Owner  PersonID  // "" for nobody yet
		Due    time.Time // zero for no date
		List   string    // "" for the usual one
	}
)

func (OpenIncident) outcome()  {}
func (CloseIncident) outcome() {}
func (LeadIncident) outcome()  {}
func (AddFinding) outcome()    {}
func (AddFollowUp) outcome()   {}
