package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/clean"
)

const allIsWell = "To say that all is well, so that it lasts"

// here decides on the host, at the agent's socket for people.
func (a approving) here(ctx context.Context, id string) error {
	c := client.New(a.socket)
	defer c.Close()
	// systemd holds the socket of an agent that does not come up, so that nobody refuses
	// the call.
	asking, cancel := context.WithTimeout(ctx, cmp.Or(a.patience, 30*time.Second))
	defer cancel()
	all, locks, err := everything(asking, c)
	if errors.Is(err, api.ErrAway) && asking.Err() != nil && ctx.Err() == nil {
		return bot.Errorf(bot.CodeUnavailable, "The agent does not answer. Look at it: systemctl status watchstander-agent.").Because(err)
	}
	if errors.Is(err, api.ErrAway) && !errors.Is(err, fs.ErrPermission) && ctx.Err() == nil {
		return bot.Errorf(bot.CodeUnavailable, "No agent answers at %s (%s). This is for the host that is operated, where its agent runs: systemctl status watchstander-agent. Elsewhere, give the bot's statement with --slip.",
			a.socket, reason(err))
	}
	if err != nil {
		return err
	}
	if id == "" {
		a.list(all, locks)
		return nil
	}
	var found []bot.Proposal
	for _, p := range all {
		if strings.HasPrefix(string(p.Plan.ID), "pln_"+strings.ToUpper(strings.TrimPrefix(id, "pln_"))) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return bot.Errorf(bot.CodeNotFound, "The agent has no plan %s.", id)
	case len(found) > 1:
		return bot.Errorf(bot.CodeInvalid, "More than one plan begins with %s.", id)
	}
	p := found[0]
	digest, err := show(a.out, p.Plan)
	if err != nil {
		return err
	}
	a.locked(locks)
	switch {
	case p.State == bot.Confirming:
		return a.answer(ctx, c, p, digest)
	case a.confirm:
		return bot.Errorf(bot.CodeConflict, "There is nothing to confirm: it is %s. %s", p.State, clean.Line(p.Why, longLine))
	case !p.State.Open():
		return bot.Errorf(bot.CodeConflict, "Nothing can be decided any more: it is %s. %s", p.State, clean.Line(p.Why, longLine))
	}
	q := api.Decide{Plan: p.Plan.ID, Digest: digest, ID: "host " + rand.Text(), Verdict: bot.Approve, Reason: a.deny}
	if a.denies {
		q.Verdict = bot.Deny
	} else if err := a.agree(digest); err != nil {
		return err
	}
	p, err = c.Decide(ctx, q)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "The agent has your word: %s. It is %s. %s\n", q.Verdict, p.State, clean.Line(p.Why, longLine))
	return nil
}

// reason is why a socket does not answer, in the kernel's words where those say it.
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return bot.ForPeople(err)
}

// answer says of a run that waits for it whether all is well.
func (a approving) answer(ctx context.Context, c api.Agent, p bot.Proposal, digest string) error {
	for _, r := range p.Evidence {
		fmt.Fprintf(a.out, "  found: %s: %s (%s) %s\n", clean.Line(r.What, longLine), clean.Line(r.Value, longLine), r.State, clean.Line(r.Note, longLine))
	}
	fmt.Fprintf(a.out, "It ran, and is undone at %s unless somebody says that all is well.\n", p.ConfirmBy.Local().Format("15:04:05 MST"))
	switch {
	case a.denies:
		if _, err := c.Cancel(ctx, api.Cancel{Plan: p.Plan.ID, Reason: a.deny}); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "The agent has your word: all is not well, and it is undone.")
		return nil
	case !a.confirm:
		return bot.Errorf(bot.CodeInvalid, "Nothing was said: give --confirm, or --deny and a reason.")
	}
	a.asks = allIsWell
	if err := a.agree(digest); err != nil {
		return err
	}
	if _, err := c.Confirm(ctx, api.Confirm{Plan: p.Plan.ID}); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "The agent has your word: all is well.")
	return nil
}

// longLine is the longest line of others' words on a terminal, in characters.
const longLine = 2000

// list tells what waits or runs, one on a line, whatever a summary holds.
func (a approving) list(all []bot.Proposal, locks []api.Lock) {
	waits := 0
	for _, p := range all {
		if p.State.Over() {
			continue
		}
		waits++
		fmt.Fprintf(a.out, "%s  %s: %s (asked for by %s)\n", clean.Line(string(p.Plan.ID), longLine), p.State, clean.Line(p.Plan.Draft.Summary, longLine), clean.Line(string(p.Plan.Requester), longLine))
	}
	if waits == 0 {
		fmt.Fprintln(a.out, "Nothing waits for an approval, and nothing runs.")
	}
	a.locked(locks)
}

// locked tells whose codes are of no use for now: somebody tries to guess them, or
// to keep people from agreeing.
func (a approving) locked(locks []api.Lock) {
	for _, l := range locks {
		fmt.Fprintf(a.out, "Codes of %s are not looked at until %s: too many were wrong. The journal has each.\n", clean.Line(l.Of, longLine), l.Until.Local().Format("15:04:05 MST"))
	}
}

// everything is all that the agent still knows of, page by page, and whose codes
// are locked.
func everything(ctx context.Context, c api.Agent) (all []bot.Proposal, locks []api.Lock, err error) {
	for q := (api.Since{}); ; {
		page, err := c.Proposals(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, page.Proposals...)
		if q.Stamp = page.Top; !page.More {
			return all, page.Locks, nil
		}
	}
}
