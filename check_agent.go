package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/gate"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/integrations/matrix"
)

// agentOperations are what an agent can be asked to do, with the names of their
// arguments: what its policy may speak of. A test holds them against the real ones.
var agentOperations = []gate.Known{
	{Name: host.RollbackOperation, Arguments: []string{host.GenerationArgument}},
	{Name: host.DeployOperation, Arguments: []string{host.SystemArgument}, Seen: true},
	{Name: host.ARCSetOperation, Arguments: []string{host.ARCMax, host.ARCMin}},
	{Name: host.RestartOperation, Arguments: []string{host.UnitArgument}, NoUndo: true},
	{Name: host.BackupVerifyOperation, Arguments: []string{host.RepositoryArgument, host.PartArgument, host.WeekArgument}, NoUndo: true},
	{Name: host.BackupRunOperation, Arguments: []string{host.RepositoryArgument}, NoUndo: true},
}

// agentCheck looks at an agent's file beside the bot's.
type agentCheck struct {
	file string
	// found: nobody named the file; it is there.
	found             bool
	trust, trustState func(path string) error // nil: they must be root's
	// withoutSecrets: this user may not read them.
	withoutSecrets bool

	// read is the file, nil while it could not be.
	read *config.Agent

	w                        io.Writer
	faults, warnings, unread int
}

// findAgent gives the check of the named file, or of the usual one if it is there;
// nil when there is nothing to look at.
func findAgent(named string) *agentCheck {
	a := &agentCheck{file: named, withoutSecrets: os.Geteuid() != 0}
	if named == "" {
		if _, err := os.Lstat(config.AgentFile); err != nil {
			return nil
		}
		a.file, a.found = config.AgentFile, true
	}
	return a
}

// look tells all that there is to say of the file; the bot's is nil where it has
// faults.
func (a *agentCheck) look(c *config.Config, now time.Time) {
	if f, err := os.Open(a.file); a.found && errors.Is(err, os.ErrPermission) {
		a.unread++
		fmt.Fprintf(a.w, "unknown agent's file: %s (this user may not read it: check as root)\n", a.file)
		return
	} else if err == nil {
		_ = f.Close() // nothing was written
	}
	var warnings config.Faults
	cfg, err := config.LoadAgent(a.file, config.AgentOptions{Getenv: os.Getenv, Operations: agentOperations, Make: parts.Faults, Parse: parseHere, Trust: a.trust, TrustState: a.trustState,
		WithoutSecrets: a.withoutSecrets, Warn: func(w config.Faults) { warnings = w }})
	faults, _ := errors.AsType[config.Faults](err)
	for _, f := range faults {
		a.faults++
		fmt.Fprintln(a.w, "fault  ", f)
	}
	for _, x := range warnings {
		a.warnings++
		fmt.Fprintln(a.w, "warning", x)
	}
	if err != nil {
		return
	}
	a.read = cfg
	if a.withoutSecrets {
		a.unread++
		fmt.Fprintln(a.w, "unknown agent's secrets: not looked at (only root may read them: check as root)")
	}
	for _, s := range cfg.Standing {
		if !now.Before(s.Expires) {
			a.warn("the standing approval %s ended on %s: nothing is repaired by it any more", s.Name, s.Expires.In(cfg.Zone).Format(time.DateOnly))
		}
	}
	if c != nil {
		a.hosts(c, cfg)
		a.people(c, cfg)
	}
	a.rules(cfg)
	a.exposed(cfg)
}

// codes tells whether people may have to type time-based codes into the bot's
// rooms: what the agents want, only their own files say.
func (a *agentCheck) codes(c *config.Config) matrix.Codes {
	out := matrix.CodesNever
	for _, h := range c.Hosts {
		switch {
		case h.Agent == nil:
		case a.read == nil || a.read.Host != h.Name:
			out = matrix.CodesPerhaps
		}
	}
	if a.read != nil && slices.ContainsFunc(a.read.Policy.Rules, func(r gate.PolicyRule) bool { return slices.Contains(r.Rule.StepUp, bot.StepTOTP) }) {
		return matrix.CodesWanted
	}
	return out
}

func (a *agentCheck) warn(format string, args ...any) {
	a.warnings++
	fmt.Fprintf(a.w, "warning %s: %s\n", a.file, fmt.Sprintf(format, args...))
}

func (a *agentCheck) fault(format string, args ...any) {
	a.faults++
	fmt.Fprintf(a.w, "fault   %s: %s\n", a.file, fmt.Sprintf(format, args...))
}

// hosts: the bot must look for this agent where it listens.
func (a *agentCheck) hosts(c *config.Config, cfg *config.Agent) {
	i := slices.IndexFunc(c.Hosts, func(h config.Host) bool { return h.Name == cfg.Host })
	switch {
	case i < 0:
		a.fault("the bot's file has no host %q: the agent's host must be one of hosts, by the same name", cfg.Host)
	case c.Hosts[i].Agent == nil:
		a.warn("the bot's file gives the host %s no agent: write agent: {socket: %s} there", cfg.Host, cfg.Socket)
	case c.Hosts[i].Agent.Socket != cfg.Socket:
		// It may be passed on from another machine.
		a.warn("the bot calls the agent of %s at %s, and this one listens at %s", cfg.Host, c.Hosts[i].Agent.Socket, cfg.Socket)
	}
}

// people compares who is in both files. The agent's counts; where the bot's says
// something else, people are promised what they do not get.
func (a *agentCheck) people(c *config.Config, cfg *config.Agent) {
	bots := map[bot.PersonID]bot.Person{}
	var names []string
	for _, p := range c.People {
		bots[p.ID] = p
		names = append(names, string(p.ID))
	}
	owners := map[bot.UserID]bot.PersonID{}
	for _, p := range c.People {
		for _, u := range p.Users {
			owners[u.ID] = p.ID
		}
	}
	asked := rolesOf(cfg)
	for _, p := range cfg.People {
		for _, uid := range p.UIDs {
			if owner, taken := owners[config.ConsoleUser(uid)]; taken && owner != p.ID {
				a.fault("the user %d is %s here and %s in the bot's file: one human being has one name", uid, p.ID, owner)
			}
		}
		mine, known := bots[p.ID]
		if !known {
			a.warn("%s is not in the bot's file%s: no chat knows them, and they can agree only at the host or by signature", p.ID, alike(string(p.ID), names))
			continue
		}
		delete(bots, p.ID)
		if fewer, more := without(mine.Roles, p.Roles), without(p.Roles, mine.Roles); len(fewer)+len(more) > 0 {
			a.warn("%s has other roles in the bot's file (%s) than here (%s): these count for what the agent does", p.ID, roleWords(mine.Roles), roleWords(p.Roles))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(bots)) {
		if slices.ContainsFunc(asked, bots[id].Has) {
			a.warn("%s (%s) is in the bot's file alone: what they ask for or agree to, the agent refuses", id, roleWords(bots[id].Roles))
		}
	}
}

// rolesOf are the roles that the policy asks for.
func rolesOf(cfg *config.Agent) []bot.Role {
	var out []bot.Role
	for _, r := range cfg.Policy.Rules {
		out = append(append(out, r.Rule.Requesters...), r.Rule.Approvers...)
	}
	return out
}

func without(all, some []bot.Role) []bot.Role {
	return slices.DeleteFunc(slices.Clone(all), func(r bot.Role) bool { return slices.Contains(some, r) })
}

func roleWords(roles []bot.Role) string {
	if len(roles) == 0 {
		return "none"
	}
	return words(roles)
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return strings.Join(out, ", ")
}

// alike names somebody whose name differs in its letters' size alone.
func alike(name string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return fmt.Sprintf(" (%s is: names are compared exactly)", k)
		}
	}
	return ""
}

// rules tells who can ask for what, and who can agree.
func (a *agentCheck) rules(cfg *config.Agent) {
	for _, r := range cfg.Policy.Rules {
		var asking, agreeing []string
		for _, p := range cfg.People {
			if gate.Holds(p.Person, r.Rule.Requesters) {
				asking = append(asking, string(p.ID))
			}
			if !gate.Holds(p.Person, r.Rule.Approvers) {
				continue
			}
			proofs := p.Proofs()
			if len(r.Rule.StepUp) > 0 {
				proofs = slices.DeleteFunc(proofs, func(s bot.StepUp) bool { return !slices.Contains(r.Rule.StepUp, s) })
				if len(proofs) == 0 {
					continue
				}
				agreeing = append(agreeing, fmt.Sprintf("%s (%s)", p.ID, words(proofs)))
				continue
			}
			agreeing = append(agreeing, string(p.ID))
		}
		line := fmt.Sprintf("rule    %s (%s risk): %s; %s may ask, %d must agree of %s", r.Rule.Name, r.Rule.Risk, ruled(r), strings.Join(asking, ", "), r.Rule.Count, strings.Join(agreeing, ", "))
		if r.Rule.RequesterCounts {
			line += ", who asked included"
		}
		fmt.Fprintln(a.w, line)
	}
	for _, s := range cfg.Standing {
		fmt.Fprintf(a.w, "rule    standing approval %s: %s on %s%s, nobody is asked; at most %d in %s, until %s\n",
			s.Name, s.Operation, s.Host, argumentWords(s.Arguments), s.Budget.Count, phrase.Duration(s.Budget.Per), s.Expires.In(cfg.Zone).Format(time.DateOnly))
	}
}

// exposed lists what a captured bot could run. A standing approval is on the list,
// since that an alert fires is the bot's word.
func (a *agentCheck) exposed(cfg *config.Agent) {
	list := cfg.Policy.Exposed(agentOperations, cfg.Approvers())
	for _, e := range list {
		fmt.Fprintf(a.w, "exposed rule %s: a captured bot could run %s. %s\n", e.Rule, scope(gate.PolicyRule{Operations: e.Operations, Hosts: e.Hosts, Arguments: e.Arguments}), e.Why)
	}
	for _, s := range cfg.Standing {
		fmt.Fprintf(a.w, "exposed standing approval %s: a captured bot could run %s on %s%s, at most %s in %s, and not while %s is seen to be fine. That the alert fires is the bot's word.\n",
			s.Name, s.Operation, s.Host, argumentWords(s.Arguments), phrase.Count(s.Budget.Count, "time", "times"), phrase.Duration(s.Budget.Per), s.Evidence)
	}
	if len(list)+len(cfg.Standing) == 0 && len(cfg.Policy.Rules) > 0 {
		fmt.Fprintln(a.w, "exposed nothing: every approval needs somebody at the host, or a signature")
	}
}

// argumentWords is " (unit: nginx.service)", or nothing.
func argumentWords(args bot.Arguments) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		out = append(out, name+": "+words(args[name]))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// ruled is a rule's scope in its own words, and what those come to where they are a form:
// "zfs.* (zfs.arc.set) on vulcan". Who allowed all of a kind once hears what came to it.
func ruled(r gate.PolicyRule) string {
	if all := r.OperationsOf(agentOperations); slices.ContainsFunc(r.Operations, func(o bot.OperationName) bool { return strings.Contains(string(o), "*") }) {
		forms := r.Operations
		r.Operations = []bot.OperationName{bot.OperationName(fmt.Sprintf("%s (%s)", words(forms), words(all)))}
	}
	return scope(r)
}

// scope is "zfs.arc.set on vulcan (max: 8GiB..48GiB)".
func scope(r gate.PolicyRule) string {
	return words(r.Operations) + " on " + words(r.Hosts) + argumentWords(r.Arguments)
}
