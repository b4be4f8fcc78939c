// Package api is what can be asked of an agent: the Agent interface, its
// questions and answers as they travel (JSON over a Unix socket, or a plain call
// within one process), and their bounds. It decides nothing.
//
// Neighbours: bot/agent answers (Core, Server), bot/agent/client asks over the
// socket; whoever needs an agent (main, the tests) takes an Agent.
package api

import (
	"context"
	"encoding/json"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
)

// Bounds of what travels, and for how long.
const (
	// MaxRequest is the longest question, in bytes.
	MaxRequest = 64 << 10
	// MaxAnswer is the longest answer, in bytes. A page of proposals is shorter.
	MaxAnswer = 8 << 20
	// MaxWait is the longest that Proposals waits for news.
	MaxWait = 30 * time.Second
	// MaxReason is the longest reason, in characters.
	MaxReason = 500
	// MaxCodes is how many codes Spend takes at once.
	MaxCodes = 4
)

// Agent is one host's agent, as seen by one caller: who that is, the agent knows
// by itself. Errors are *bot.Error. Whatever changes a proposal gives it as it is
// afterwards; what comes too late is CodeConflict and says what the end was.
type Agent interface {
	// Propose has an operation planned. The same key gives the same proposal.
	Propose(context.Context, Propose) (bot.Proposal, error)
	// Shown says that a plan was shown whole. The first call counts.
	Shown(context.Context, Shown) (bot.Proposal, error)
	// Decide is a person's word on a plan. The same decision's id counts once.
	Decide(context.Context, Decide) (bot.Proposal, error)
	// Withdraw takes a word back, until the run starts.
	Withdraw(context.Context, Withdraw) (bot.Proposal, error)
	// Cancel takes a request back, until the run starts; of a run that waits to be
	// confirmed it says that all is not well.
	Cancel(context.Context, Cancel) (bot.Proposal, error)
	// Confirm says that all is well after a run that waits for it.
	Confirm(context.Context, Confirm) (bot.Proposal, error)
	// Spend uses up codes that a person showed in a chat and that came with no word
	// on a plan. Nobody is told whether one was right.
	Spend(context.Context, Spend) (Nothing, error)
	// Statement makes what a person may sign.
	Statement(context.Context, Statement) (bot.Statement, error)
	// Proposals gives those that changed since a stamp, and waits for some.
	Proposals(context.Context, Since) (Page, error)
	// Look asks one of the fixed questions about the host; the answer is JSON of a
	// type of bot/host.
	Look(context.Context, Look) (json.RawMessage, error)
	// Readings asks all probes.
	Readings(context.Context, Nothing) ([]bot.Reading, error)
	// Heads tells the head of the bot's journal, and gives that of the agent's.
	Heads(context.Context, Heads) (journal.Head, error)
	// Trigger uses a standing approval for an alert that fires. The same key gives
	// the same proposal. What is fine already, by the approval's own evidence, is
	// CodeConflict; so is what another run is doing just now.
	Trigger(context.Context, Trigger) (bot.Proposal, error)
	// BreakGlass plans an operation without the policy, for root alone; BreakGlassRun
	// starts it, once root has seen the plan.
	BreakGlass(context.Context, BreakGlass) (bot.Proposal, error)
	BreakGlassRun(context.Context, BreakGlassRun) (bot.Proposal, error)
}

// Said is where and by which account of a chat something was said, for the
// journal alone.
type Said struct {
	Door    string        `json:"door,omitempty"`
	Account bot.UserID    `json:"account,omitempty"`
	Message bot.MessageID `json:"message,omitempty"`
}

type (
	// Nothing is the question without words.
	Nothing struct{}

	Propose struct {
		// Key is the effect's, and makes it idempotent.
		Key       bot.EffectKey     `json:"key"`
		Host      string            `json:"host,omitempty"` // "" for the agent's own
		Operation bot.OperationName `json:"operation"`
		Arguments bot.Arguments     `json:"arguments,omitempty"`
		Requester bot.PersonID      `json:"requester"`
		Said      Said              `json:"said,omitzero"`
	}

	Shown struct {
		Plan bot.PlanID `json:"plan"`
		// At is when it stood in the chat whole.
		At time.Time `json:"at"`
	}

	Decide struct {
		Plan bot.PlanID `json:"plan"`
		// Digest is the one that was agreed to. An approval without the plan's own is
		// refused; a denial needs none.
		Digest string `json:"digest,omitempty"`
		// ID de-duplicates: of the press, the message or the signature.
		ID      string       `json:"id"`
		Person  bot.PersonID `json:"person,omitempty"` // "" at the host: who that is, is known
		Verdict bot.Verdict  `json:"verdict"`
		Reason  string       `json:"reason,omitempty"`
		// Code is a time-based code, Signature an armored SSH signature.
		Code      string `json:"code,omitempty"`
		Signature string `json:"signature,omitempty"`
		// At is when it was said. The agent goes by when it came.
		At   time.Time `json:"at,omitzero"`
		Said Said      `json:"said,omitzero"`
	}

	Withdraw struct {
		Plan   bot.PlanID   `json:"plan"`
		ID     string       `json:"id"` // of the decision
		Person bot.PersonID `json:"person,omitempty"`
		Said   Said         `json:"said,omitzero"`
	}

	Cancel struct {
		Plan   bot.PlanID   `json:"plan"`
		Person bot.PersonID `json:"person,omitempty"`
		Reason string       `json:"reason,omitempty"`
		Said   Said         `json:"said,omitzero"`
	}

	// Confirm needs as much proof as an approval under the plan's rule, unless it
	// comes from the host.
	Confirm struct {
		Plan      bot.PlanID   `json:"plan"`
		Person    bot.PersonID `json:"person,omitempty"`
		Code      string       `json:"code,omitempty"`
		Signature string       `json:"signature,omitempty"`
		Said      Said         `json:"said,omitzero"`
	}

	// Spend has what may be a code of that person's: six digits each, MaxCodes at most.
	Spend struct {
		Person bot.PersonID `json:"person"`
		Codes  []string     `json:"codes"`
		Said   Said         `json:"said,omitzero"`
	}

	Statement struct {
		Plan    bot.PlanID   `json:"plan"`
		Person  bot.PersonID `json:"person,omitempty"`
		Verdict bot.Verdict  `json:"verdict"`
		Reason  string       `json:"reason,omitempty"`
	}

	Since struct {
		// Stamp is the Top of the page before, 0 for all that is kept.
		Stamp int64 `json:"stamp"`
		// Wait is how long to wait for news, at most MaxWait; 0 answers at once.
		Wait time.Duration `json:"wait,omitempty"`
	}

	// Page are proposals in the order of their stamps.
	Page struct {
		Proposals []bot.Proposal `json:"proposals"`
		// Top is the last stamp that the page covers.
		Top int64 `json:"top"`
		// More: there is another page to be had at once.
		More bool `json:"more,omitempty"`
		// State is which state of the agent's this is of: another one once it was lost and
		// begun anew, "" of agents that do not know. Stamps of one state say nothing of
		// another's, whose first page begins at 0.
		State string `json:"state,omitempty"`
		// Standing are the standing approvals of the host as they are now, all of them,
		// in the order of the agent's file.
		Standing []bot.Standing `json:"standing,omitempty"`
		// Switch is what the running system came by: the last switch to it, or, of the kind
		// reboot, the boot that began with it. Nil where that is unknown.
		Switch *bot.Change `json:"switch,omitempty"`
		// Locks are those of codes after too many wrong ones.
		Locks []Lock `json:"locks,omitempty"`
	}

	// Lock says whose codes are not looked at, and until when: "person alice", or
	// "plan pln_…". Approvals at the host and by signature are not touched by it.
	Lock struct {
		Of    string    `json:"of"`
		Until time.Time `json:"until"`
	}

	Look struct {
		Name      string        `json:"name"`
		Arguments bot.Arguments `json:"arguments,omitempty"`
	}

	Heads struct {
		Head journal.Head `json:"head"`
	}

	Trigger struct {
		Key bot.EffectKey `json:"key"`
		// Standing is the approval's name.
		Standing string `json:"standing"`
		// Alert are the labels of the one that fires, and Since when it does.
		Alert bot.Labels `json:"alert"`
		Since time.Time  `json:"since"`
	}

	BreakGlass struct {
		Operation bot.OperationName `json:"operation"`
		Arguments bot.Arguments     `json:"arguments,omitempty"`
		Reason    string            `json:"reason"`
	}

	BreakGlassRun struct {
		Plan   bot.PlanID `json:"plan"`
		Digest string     `json:"digest"`
	}
)
