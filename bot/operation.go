package bot

import (
	"context"
	"encoding/json"
	"time"
)

// OperationName names one of the fixed list of things that an agent can do to
// its host: "nixos.rollback", "zfs.arc.set", "backup.verify".
type OperationName string

// Arguments are what an operation is given. Each name has one or more values,
// in an order that means something to the operation alone. All are text, so
// that a plan has one canonical form.
type Arguments map[string][]string

// One is the single value of a name, "" where there is none or several.
func (a Arguments) One(name string) string {
	if v := a[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// Operation is something dangerous that is planned, agreed to, done and
// verified. It lives with its integration, runs inside the agent (Parse, Plan)
// or in a unit that the agent starts (all else), and main hands it over.
//
// What it may also do: Undoer, Committer, Prover.
type Operation interface {
	Name() OperationName
	// Parse gives the arguments their one normal form, defaults filled in
	// ("rollback" alone becomes a numbered generation), or says which is wrong.
	// Names that the operation does not know are errors.
	Parse(context.Context, Arguments) (Arguments, error)
	// Plan looks at the host and works out what would be done. It changes
	// nothing. What must not be done at all is a *Error for people.
	Plan(context.Context, Arguments) (Draft, error)
	// Apply does it. The context ends when the plan's time is over. An error
	// says that it did not go through; what it changed so far is Undo's matter.
	Apply(context.Context, Plan, Work) error
	// Verify finds evidence of the outcome, after Apply without an error. Every
	// reading must be OK for the operation to have succeeded; no reading is no
	// evidence.
	Verify(context.Context, Plan, Work) ([]Reading, error)
}

// Undoer is an Operation that can bring back what was before. Undo follows an
// Apply, Verify or Commit that failed; its readings are the evidence that the
// former state is back.
type Undoer interface {
	Undo(context.Context, Plan, Work) ([]Reading, error)
}

// Committer is an Operation whose Apply only tries: what Verify found good is
// made to last by Commit, whose readings are what it read back. One that is not OK
// leads to Undo; one that is unknown is told, and leaves what was made to last.
type Committer interface {
	Commit(context.Context, Plan, Work) ([]Reading, error)
}

// Prover is an Operation that knows what the readings are called that prove that it
// has helped, as a standing approval names them.
type Prover interface {
	Proves(Arguments) []string
}

// Work is what a run may use beside the host.
type Work interface {
	// Say tells a line of progress, in plain words.
	Say(format string, args ...any)
	// Note remembers a value on the disk before it returns, for Verify and Undo.
	Note(name, value string) error
	// Noted is what was remembered last under the name, "" for nothing.
	Noted(name string) string
	// BeginBy is when Apply must have begun to change the host, or not at all: the end
	// of what was agreed to. Whoever waits for something before that keeps to it.
	BeginBy() time.Time
	// Stopping is closed when the run was told to stop, as a shutdown does. It is
	// killed some minutes later, so that Undo leaves out what can be left out.
	Stopping() <-chan struct{}
	// Dir is a directory of the run's own on the agent's disk, for what it must
	// keep. It is gone some time after the run.
	Dir() string
}

// Fact is one thing that was found on the host, by a short stable name.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Condition is something that was looked at before, and how it was found.
type Condition struct {
	Text  string       `json:"text"` // "at least 3 working generations remain"
	Found string       `json:"found"`
	State ReadingState `json:"state"`
}

// Draft is what an operation would do, as Plan found it. It holds text alone:
// every figure is in words, every text valid UTF-8 without control characters
// but newline.
type Draft struct {
	// Summary is one line: "roll vulcan back from generation 42 to 41".
	Summary string `json:"summary"`
	// Steps are what will be done, in order, in plain words.
	Steps []string `json:"steps"`
	// Differences are what will be another, one a line: "linux: 6.18.16 → 6.18.17".
	Differences []string `json:"differences"`
	// Conditions that were looked at. One that is not OK does not forbid the
	// plan (that is an error of Plan), but people must see it.
	Conditions []Condition `json:"conditions"`
	// Irreversible is what no undo brings back.
	Irreversible []string `json:"irreversible"`
	// Undo says how it is undone, and by whom.
	Undo string `json:"undo"`
	// Takes is how long it usually takes, in words; Limit is when it is given up.
	Takes string  `json:"takes"`
	Limit Seconds `json:"limit"`
	// Bound facts refuse the run when they are other ones by then: store paths,
	// versions, the boot id, the value that is to be changed.
	Bound []Fact `json:"bound"`
	// Observed facts are shown, and shown again when they have drifted.
	Observed []Fact `json:"observed"`
	// Locks are what only one run may hold at a time: "nixos", "zfs arc".
	Locks []string `json:"locks"`
	// WaitFor are units that the run waits for until they are no longer active. Nil leaves
	// it to the agent: in a window it waits for the host's busy units.
	WaitFor []string `json:"wait_for"`
	// Roots are store paths that must not be collected while the plan waits.
	Roots []string `json:"roots"`
}

// Seconds is a span of time that is written as text, since a canonical form
// has no numbers.
type Seconds int64

// Duration is the span in Go's own type.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// SecondsOf rounds a duration down to whole seconds.
func SecondsOf(d time.Duration) Seconds { return Seconds(d / time.Second) }

// MarshalJSON writes the number as text.
func (s Seconds) MarshalJSON() ([]byte, error) { return marshalInt(int64(s)) }

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else.
func (s *Seconds) UnmarshalJSON(b []byte) error { return unmarshalInt(b, (*int64)(s)) }

// Plan is what is to be done, frozen: minted and kept by the agent, shown to
// people, agreed to by its digest, and run at most once. bot/plan has its
// canonical form. Times are UTC, in whole milliseconds.
type Plan struct {
	Version   Count         `json:"version"` // PlanVersion
	ID        PlanID        `json:"id"`
	Host      string        `json:"host"`
	MachineID string        `json:"machine_id"`
	BootID    string        `json:"boot_id"`
	Operation OperationName `json:"operation"`
	Arguments Arguments     `json:"arguments"`
	Requester PersonID      `json:"requester"`
	// Rule is the policy's rule that lets it be asked for, as it was then.
	Rule     Rule      `json:"rule"`
	MintedAt time.Time `json:"minted_at"`
	// NotAfter is when it can no longer be started, whatever was decided.
	NotAfter time.Time `json:"not_after"`
	Draft    Draft     `json:"draft"`
}

// PlanVersion is the form of plans that this program writes.
const PlanVersion Count = 1

// Look is a question about a host that changes nothing, answered by the agent
// where root is needed. Looks are a fixed list; what Run returns is one of
// bot/host's types, and travels as JSON.
type Look struct {
	Name string
	Run  func(context.Context, Arguments) (any, error)
}

// Looker answers looks: the World, for one host.
type Looker interface {
	// Look asks the agent of a host ("" for the only one).
	Look(ctx context.Context, host, look string, args Arguments) (json.RawMessage, error)
}
