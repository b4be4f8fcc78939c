package units

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Restart is the operation service.restart. It has no undo: what a restart ended
// is over.
type Restart struct{ k *Keeper }

var (
	_ bot.Operation = Restart{}
	_ bot.Prover    = Restart{}
)

// Restart is the operation on this host.
func (k *Keeper) Restart() Restart { return Restart{k} }

// Name is service.restart.
func (Restart) Name() bot.OperationName { return host.RestartOperation }

// Parse wants one "unit" that is on the list of those that may be restarted, and
// gives it its full name.
func (r Restart) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	name, err := unitOf(args, string(host.RestartOperation))
	if err != nil {
		return nil, err
	}
	if !r.k.restartable[name] {
		return nil, r.k.notRestartable(name)
	}
	return bot.Arguments{host.UnitArgument: {name}}, nil
}

func (k *Keeper) notRestartable(name string) error {
	if len(k.restartable) == 0 {
		return bot.Errorf(bot.CodeForbidden, "%s is not on the list of what may be restarted on %s: that is empty.", name, k.h.Name)
	}
	return bot.Errorf(bot.CodeForbidden, "%s is not on the list of what may be restarted on %s: %s.", name, k.h.Name, listed(k.restartable))
}

// Proves names the reading of the unit itself.
func (Restart) Proves(args bot.Arguments) []string {
	return []string{Evidence(args.One(host.UnitArgument))}
}

// Facts of a plan, by their names.
const (
	factInvocation = "invocation"
	factFile       = "unit file"
	factFollow     = "restarts with it"
	factEnds       = "stops with it, or may, and stays so"
)

const nothing = "nothing"

// Plan looks at the unit and at what systemd would restart with it.
func (r Restart) Plan(ctx context.Context, args bot.Arguments) (bot.Draft, error) {
	k, name := r.k, args.One(host.UnitArgument)
	if !k.restartable[name] {
		return bot.Draft{}, k.notRestartable(name)
	}
	u, err := k.unit(ctx, name)
	if err != nil {
		return bot.Draft{}, err
	}
	if u.Load != "loaded" {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s cannot be restarted: systemd says that it is %s.", name, line(u.Load))
	}
	if u.Fragment == "" {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s has no unit file, so a plan cannot name what it would start.", name)
	}
	file, err := k.h.Files.Resolve(u.Fragment)
	if err != nil {
		return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "The unit file of %s, %s, cannot be found.", name, line(u.Fragment)).Because(err)
	}
	d := bot.Draft{
		Summary: fmt.Sprintf("restart %s on %s", name, k.h.Name),
		Steps: []string{
			"have systemd restart " + name,
			fmt.Sprintf("look at it %s later and %s later: it must run, started since, with the same main process both times", phrase.Duration(k.o.Settle), phrase.Duration(2*k.o.Settle)),
		},
		Irreversible: []string{"Connections to it, and work that it has begun, end."},
		Undo:         "A restart cannot be undone. If it does not come up, `service " + strings.TrimSuffix(name, ".service") + "` and `logs` show why.",
		Takes:        "some seconds", Limit: bot.SecondsOf(5 * time.Minute),
		Bound: []bot.Fact{{Name: factInvocation, Value: u.Invocation}, {Name: factFile, Value: line(file)}},
		Locks: []string{"unit " + name},
	}
	if u.Active == "failed" {
		d.Steps[0] = "have systemd forget that " + name + " failed, and restart it"
	}
	d.Conditions = append(d.Conditions, running(u))
	bonds, err := k.bonds(ctx, name)
	follow := bot.Condition{Text: "nothing else stops or restarts with it"}
	fact := nothing
	switch {
	case err != nil:
		follow.State, follow.Found = bot.Unknown, "systemctl did not tell: "+bot.ForPeople(err)
		fact = "unknown"
	case bonds.cut:
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "More than %d units would stop or restart with %s; that is for a person on the host.", mostFollowers, name)
	case len(bonds.follow)+len(bonds.ends) > 0:
		for _, f := range slices.Concat(bonds.follow, bonds.ends) {
			if vital(f) {
				return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s would stop or restart with %s, and the host needs it; that is for a person on the host.", f, name)
			}
		}
		var found []string
		if n := len(bonds.follow); n > 0 {
			fact = strings.Join(bonds.follow, " ")
			found = append(found, "these restart: "+strings.Join(bonds.follow, ", "))
			d.Steps[0] += ", which restarts " + phrase.Count(n, "other unit", "other units") + " too"
		}
		if n := len(bonds.ends); n > 0 {
			found = append(found, "these stop, or may, and are not started again: "+strings.Join(bonds.ends, ", "))
			d.Steps[0] += "; that stops, or may stop, " + phrase.Count(n, "other unit", "other units") + " and starts none of them again"
		}
		follow.State, follow.Found = bot.NotOK, strings.Join(found, "; ")
	default:
		follow.State, follow.Found = bot.OK, "nothing does"
	}
	d.Conditions = append(d.Conditions, follow)
	if err == nil {
		c := bot.Condition{Text: "systemd has read the unit file that is there now", Found: "it has", State: bot.OK}
		if bonds.stale {
			c.Found, c.State = "it has not: the restart uses the older one", bot.NotOK
		}
		d.Conditions = append(d.Conditions, c)
	}
	d.Observed = []bot.Fact{{Name: factFollow, Value: fact}, {Name: "state", Value: u.Active + " (" + u.Sub + ")"}}
	if len(bonds.ends) > 0 {
		d.Observed = append(d.Observed, bot.Fact{Name: factEnds, Value: strings.Join(bonds.ends, " ")})
	}
	return d, nil
}

// running tells how the unit is before the restart, and what the restart does to it.
func running(u sys.Unit) bot.Condition {
	c := bot.Condition{Text: "it runs now", Found: stateWords(u), State: bot.NotOK}
	switch st, why := standingOf(u); {
	case st == runs:
		c.State = bot.OK
	case st == ended && why == "":
		c.Text, c.State = "it runs now, or its last run ended well", bot.OK
		c.Found += "; the restart runs it once more"
	case u.Active == "failed" || u.Active == "inactive" && u.Type != "oneshot":
		c.Found += "; the restart starts it" // the state says the rest
	case u.Active == "activating" && st == between:
		c.Found += "; " + why + ": the restart cuts that off, and begins anew"
	default:
		c.Found += "; " + why + "; the restart starts it"
	}
	return c
}

// stateWords is "active (running), main process 812".
func stateWords(u sys.Unit) string {
	s := line(u.Active + " (" + u.Sub + ")")
	if u.MainPID > 0 {
		s += fmt.Sprintf(", main process %d", u.MainPID)
	}
	if u.Result != "" && u.Result != "success" {
		s += ", ended last with " + line(u.Result)
	}
	if u.Restarts > 0 {
		s += ", restarted by systemd " + phrase.Count(u.Restarts, "time", "times")
	}
	return s
}
