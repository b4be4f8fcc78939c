package bot

import (
	"strconv"
	"time"
)

// Rule is one rule of the policy: who may ask for an operation, who must agree,
// and when it may run. bot/gate finds and judges by it.
type Rule struct {
	Name string `json:"name"`
	Risk Risk   `json:"risk"`
	// Requesters are the roles that may ask; any of them will do.
	Requesters []Role `json:"requesters"`
	// Approvers are the roles of those who count; any of them will do.
	Approvers []Role `json:"approvers"`
	// Count is how many distinct people must agree, at least 1.
	Count Count `json:"count"`
	// RequesterCounts: who asked may be one of them.
	RequesterCounts bool `json:"requester_counts"`
	// StepUp are the proofs of which an approval needs one; none needs none.
	StepUp []StepUp `json:"step_up"`
	// ApproveWithin counts from when the plan was shown whole.
	ApproveWithin Seconds `json:"approve_within"`
	// ValidFor counts from minting: it becomes the plan's NotAfter.
	ValidFor Seconds `json:"valid_for"`
	// Windows are when it may be started; none is always.
	Windows []Window `json:"windows"`
	// Queue: what was agreed to outside a window waits for the next one, and its
	// approval lives until that window ends.
	Queue bool `json:"queue"`
	// ConfirmWithin: after it was verified somebody must say that all is well,
	// with one of the proofs in StepUp or at the host, or it is undone; 0 where
	// nobody need.
	ConfirmWithin Seconds `json:"confirm_within"`
}

// Unasked tells that no role may agree, since nobody is asked to: root broke the glass, or
// a standing approval lets it run.
func (r Rule) Unasked() bool { return len(r.Approvers) == 0 }

// Standing is a standing approval as its agent tells it: so that the bot knows of
// which alerts to tell the agent. Whether it may be used is the agent's to say.
type Standing struct {
	Name      string        `json:"name"`
	Operation OperationName `json:"operation"`
	Arguments Arguments     `json:"arguments,omitempty"`
	// When are the matchers that one firing alert's labels all fulfil.
	When []Matcher `json:"when"`
}

// Risk is how a rule's operations are to be looked at.
type Risk string

const (
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// StepUp is a proof that goes beyond a chat account.
type StepUp string

const (
	// StepTOTP is a time-based code. It stops a stolen chat account, not a
	// captured bot.
	StepTOTP StepUp = "totp"
	// StepHost is an approval on the host itself, at the agent's own socket.
	StepHost StepUp = "host"
	// StepSSH is an SSH signature over the whole Statement.
	StepSSH StepUp = "ssh"
)

// Window is a time in which something may start: of the week, with From and To, or
// whenever a cron expression says, with Start and Lasts. It may cross midnight; it opens
// on its days.
type Window struct {
	// Days are "mon" … "sun"; none is every day.
	Days []string `json:"days"`
	// From and To are "15:04" in Zone; To at or before From is on the next day.
	From string `json:"from"`
	To   string `json:"to"`
	Zone string `json:"zone"` // IANA name
	// Start is a cron expression of five fields, read in Zone, by which it opens; "" for
	// one with From and To, whose plans have the form that they always had.
	Start string `json:"start,omitempty"`
	// Lasts is how long it is then open, by elapsed time: over a jump of the clock, too.
	Lasts Seconds `json:"lasts,omitempty"`
}

// Decision is one person's word on a plan.
type Decision struct {
	// ID de-duplicates: of the press, the message or the signature.
	ID      string   `json:"id"`
	Person  PersonID `json:"person"`
	Verdict Verdict  `json:"verdict"`
	// Reason is what a denial says.
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// StepUp is what was proven; "" for a chat's word alone.
	StepUp StepUp `json:"step_up,omitempty"`
	// Door is where it came in: a chat's name, "host" or "ssh".
	Door string `json:"door"`
	// Account and Message are the platform's own ids, for the journal.
	Account UserID    `json:"account,omitempty"`
	Message MessageID `json:"message,omitempty"`
	// Withdrawn is when it was taken back, before the run began.
	Withdrawn time.Time `json:"withdrawn,omitzero"`
}

// Verdict is yes or no.
type Verdict string

const (
	Approve Verdict = "approve"
	Deny    Verdict = "deny"
	// AllIsWell is said after a run that waits for it (Confirm). It is what a
	// Statement can say, and never a Decision's.
	AllIsWell Verdict = "confirm"
)

// Statement is what an approver signs: the plan as our own program shows it,
// and nothing that a chat said.
type Statement struct {
	Version   Count    `json:"version"` // PlanVersion
	Host      string   `json:"host"`
	MachineID string   `json:"machine_id"`
	Plan      PlanID   `json:"plan"`
	Nonce     string   `json:"nonce"`
	Digest    string   `json:"digest"` // of the plan's canonical form, SHA-256 in hexadecimal
	Verdict   Verdict  `json:"verdict"`
	Reason    string   `json:"reason"`
	Approver  PersonID `json:"approver"`
	Requester PersonID `json:"requester"`
	// NotAfter is the plan's.
	NotAfter time.Time `json:"not_after"`
	// From and Until are the statement's own life: ten minutes, or one window.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Rendered is the whole plan in words (bot/plan, Render).
	Rendered string `json:"rendered"`
}

// Proposal is a plan with what became of it, as its agent tells it.
type Proposal struct {
	Plan   Plan   `json:"plan"`
	Digest string `json:"digest"`
	// Key is the effect that asked for it.
	Key   EffectKey     `json:"key"`
	State ProposalState `json:"state"`
	// Why is a sentence on the state, for people: who denied, what has changed.
	Why string `json:"why,omitempty"`
	// CancelledBy is who cancelled it, "root" for root on the host; "" where nobody did, or
	// where the agent is of a version that says so in Why alone.
	CancelledBy PersonID `json:"cancelled_by,omitempty"`
	// ShownAt is when it was shown whole.
	ShownAt   time.Time  `json:"shown_at,omitzero"`
	Decisions []Decision `json:"decisions"`
	// QueuedFor is when the window opens that it waits for, and Until when its
	// approval ends.
	QueuedFor time.Time `json:"queued_for,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Progress are the lines of its run so far.
	Progress []Progress `json:"progress"`
	// Drift is what was observed otherwise when it was about to start.
	Drift []string `json:"drift,omitempty"`
	// Evidence are the readings of its verification, or of its undoing.
	Evidence []Reading `json:"evidence,omitempty"`
	// ConfirmBy is until when somebody must confirm that all is well.
	ConfirmBy time.Time `json:"confirm_by,omitzero"`
	// Unit is the systemd unit that it runs in.
	Unit string `json:"unit,omitempty"`
	// Stamp grows with every change of any proposal of one agent's state.
	Stamp int64 `json:"stamp"`
}

// Progress is one line that a run said.
type Progress struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// ProposalState is where a Proposal stands.
type ProposalState string

const (
	// Proposed: minted, not yet shown whole; no approval counts.
	Proposed ProposalState = "proposed"
	// Waiting for decisions.
	Waiting ProposalState = "waiting"
	// Queued: agreed to, and waits for its window.
	Queued ProposalState = "queued"
	// Running in its unit.
	Running ProposalState = "running"
	// Confirming: verified, and waits for somebody's word.
	Confirming ProposalState = "confirming"

	// Done: the evidence says that it succeeded.
	Done ProposalState = "done"
	// Failed: it did not go through, or the evidence is not there, and there was
	// nothing to undo or no way to.
	Failed ProposalState = "failed"
	// Undone: it failed, and evidence says that what was before is back.
	Undone ProposalState = "undone"
	// UndoFailed: it failed, and so did going back.
	UndoFailed ProposalState = "undo failed"
	// Interrupted: it was started, and what came of it nobody knows. It is never
	// run again.
	Interrupted ProposalState = "interrupted"
	// Denied by somebody.
	Denied ProposalState = "denied"
	// Expired: nobody decided in time.
	Expired ProposalState = "expired"
	// Cancelled by its requester.
	Cancelled ProposalState = "cancelled"
	// Stale: the host is no longer as the plan says, or its agent no longer has the plan.
	Stale ProposalState = "stale"
)

// Over tells whether nothing more will come of it.
func (s ProposalState) Over() bool {
	switch s {
	case Proposed, Waiting, Queued, Running, Confirming:
		return false
	}
	return true
}

// Open tells whether decisions are still taken.
func (s ProposalState) Open() bool { return s == Proposed || s == Waiting || s == Queued }

// Count is a whole number that is written as text, since a canonical form has
// no numbers.
type Count int

// MarshalJSON writes the number as text.
func (c Count) MarshalJSON() ([]byte, error) { return marshalInt(int64(c)) }

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else.
func (c *Count) UnmarshalJSON(b []byte) error {
	var n int64
	err := unmarshalInt(b, &n)
	*c = Count(n)
	return err
}

func marshalInt(n int64) ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(n, 10)), nil
}

func unmarshalInt(b []byte, n *int64) error {
	text, err := strconv.Unquote(string(b))
	if err != nil {
		return Errorf(CodeInvalid, "a number must be written as text")
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != text {
		return Errorf(CodeInvalid, "%q is no whole number in its plain form", text)
	}
	*n = v
	return nil
}
