package bot

import "time"

// Event is anything that happened. It is sealed: flow knows every kind, and
// each is taken in one transaction, at most once where it has an id.
type Event interface{ event() }

type (
	// Delivery is one webhook's body, as Alertmanager sent it.
	Delivery struct {
		Endpoint string // the configured endpoint's name
		Group    Group
		At       time.Time // when it arrived
	}

	// Refused is a delivery that was turned away for good (4xx, which
	// Alertmanager does not retry), and must be told to people.
	Refused struct {
		Endpoint string
		Reason   string // for people; holds nothing of the body
		Status   int    // the HTTP status that was answered
		At       time.Time
	}

	// Polled is Alertmanager's own account of its groups and silences.
	Polled struct {
		Alertmanager string
		Receivers    []string // those that count as ours
		// Mark is the state's change counter when the request began: rows that
		// changed since then know better than this answer.
		Mark int64
		// Settled: every peer has a full view, so that absence says something.
		Settled  bool
		Groups   []PolledGroup
		Silences []Silence
		At       time.Time
		// Failure tells that nothing was learnt, and why (for people); the rest
		// is then empty.
		Failure string
	}

	// Said is a person's message.
	Said struct {
		Chat    ChatID
		Room    RoomID
		ID      MessageID
		Root    MessageID // the thread it was said in, "" outside threads
		User    UserID
		Text    string
		At      time.Time // the platform's clock
		Private bool      // only the sender reads the room
		// Addressed: it was said to the bot (a mention, a prefix, a private
		// room), so that even what is no command deserves an answer.
		Addressed bool
	}

	// Pressed is a button's press, or a reaction.
	Pressed struct {
		Chat   ChatID
		Room   RoomID
		ID     MessageID // of the press itself, for de-duplication and withdrawal
		Target MessageID // the message that carries the button
		User   UserID
		Emoji  string // bare form, or
		Action string // an Action's Name
		At     time.Time
	}

	// Withdrawn is a reaction taken back, or a message deleted.
	Withdrawn struct {
		Chat   ChatID
		Room   RoomID
		ID     MessageID // of the withdrawal
		Target MessageID // what no longer counts: a press, a root of ours, …
		// User is whose it was, or who took it away; "" where the platform does not tell,
		// as of what it shows to be gone after an absence.
		User UserID
		At   time.Time
	}

	// Undecodable is an event that could not be decoded. It is kept and passed, so
	// that it blocks nothing behind it.
	Undecodable struct {
		Chat   ChatID
		ID     MessageID
		Reason string
		Body   []byte // at most 4 KiB of it
		At     time.Time
	}

	// Troubled is a trouble of the bot's own that people should know of (a
	// configuration that was not taken), or its end.
	Troubled struct {
		Subject string // the same for its beginning and its end
		Title   string
		Text    string
		Over    bool
		At      time.Time
	}

	// Answered is what a command came to.
	Answered struct {
		Request RequestID
		Outcome Outcome
		Err     error
		At      time.Time
	}

	// Affected is what an effect on the outside world came to.
	Affected struct {
		Key    EffectKey
		Result string // Alertmanager's silence id, …
		// Proposal is what an agent answered, nil for other effects.
		Proposal *Proposal
		// Err with Final false is tried again.
		Err   error
		Final bool
		At    time.Time
	}

	// Noted is something of consequence that happened outside of any thread, for
	// the journal: a configuration came into force.
	Noted struct {
		Kind   string // one of bot/journal's
		Text   string
		Fields map[string]string
		At     time.Time
	}

	// Told is what an agent says of its proposals: those that changed.
	Told struct {
		Host      string
		Proposals []Proposal
		// Standing are its standing approvals, all of them; nil when they were not asked
		// for, or are as they were.
		Standing *[]Standing
		// State is which state the agent has, where that is another one than before; ""
		// else. Kept are then all the plans that it knows, of which it told us since Since.
		State string
		Kept  []PlanID
		Since time.Time
		// Switch is what the host's running system came by, where that is another one than
		// we know of; nil else.
		Switch *Change
		// Head is the hash of the newest entry of its journal, HeadSeq its number; ""
		// when it was not asked.
		Head    string
		HeadSeq int64
		At      time.Time
	}

	// Drawn is a picture that was asked for, or the reason why there is none.
	Drawn struct {
		Key     EffectKey
		Picture *Picture
		Reason  string
		At      time.Time
	}

	// Looked is what an agent knows to have changed on its host.
	Looked struct {
		Key     EffectKey
		Changes []Change
		At      time.Time
	}

	// Measured is what the probes read for a checklist's run.
	Measured struct {
		Key      EffectKey
		Readings []Reading
		At       time.Time
	}

	// Reported is a month, or the time since a review, told as a whole.
	Reported struct {
		Key    EffectKey
		Report Report
		// Trends are pictures of what was measured, as far as there is enough of it.
		Trends []Picture
		At     time.Time
	}

	// Tick says that a due time has come.
	Tick struct{ At time.Time }

	// Started is the bot's own start.
	Started struct {
		Version string
		At      time.Time
	}

	// Booted tells which boot of a host this is. Another one than before is a
	// reboot; the first one ever told is not.
	Booted struct {
		Host string
		Boot string // the kernel's boot id
		At   time.Time
	}

	// Changed is something that changed on a host: a reboot, a switch, a
	// restart. Threads that open within six hours tell of it.
	Changed struct{ Change Change }
)

func (Delivery) event()    {}
func (Refused) event()     {}
func (Polled) event()      {}
func (Said) event()        {}
func (Pressed) event()     {}
func (Withdrawn) event()   {}
func (Undecodable) event() {}
func (Troubled) event()    {}
func (Answered) event()    {}
func (Affected) event()    {}
func (Told) event()        {}
func (Noted) event()       {}
func (Drawn) event()       {}
func (Looked) event()      {}
func (Measured) event()    {}
func (Reported) event()    {}
func (Tick) event()        {}
func (Started) event()     {}
func (Booted) event()      {}
func (Changed) event()     {}

// Change is one thing that changed on a host.
type Change struct {
	// ID de-duplicates: the same change told twice is one.
	ID   string
	Host string     // "" for the bot itself
	Kind ChangeKind //
	Text string     // one line, for people: "rebooted (boot 3f2a…, down 4 min)"
	At   time.Time
}

// ChangeKind is the kind of a Change.
type ChangeKind string

const (
	ChangeReboot  ChangeKind = "reboot"
	ChangeBot     ChangeKind = "bot"     // the bot's own restart
	ChangeSwitch  ChangeKind = "switch"  // another system generation
	ChangeRestart ChangeKind = "restart" // of a unit or container
	ChangeImage   ChangeKind = "image"   // a container's image
)
