package nixos

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Names of bound facts. The operation reads them back from the plan.
const (
	factTarget     = "target system"
	factGeneration = "target generation"
	factCurrent    = "running system"
	factProfile    = "profile's system"
	factNumber     = "profile's generation"
	factBooted     = "booted system"
	factBoot       = "boot id"
)

// lock is the only one there is of generations: one run at a time.
const lock = "nixos"

// Plan looks at both systems and says what a rollback would do. Of the host's state
// it changes nothing; the target's own dry run is run.
func (r *Rollback) Plan(ctx context.Context, args bot.Arguments) (bot.Draft, error) {
	n := r.n
	number, err := strconv.Atoi(args.One(host.GenerationArgument))
	if err != nil {
		return bot.Draft{}, bot.Errorf(bot.CodeInvalid, "A rollback takes one generation's number.")
	}
	s, err := n.look()
	if err != nil {
		return bot.Draft{}, err
	}
	boot, err := n.bootID()
	if err != nil {
		return bot.Draft{}, err
	}
	l, ok := s.find(number)
	if !ok {
		return bot.Draft{}, n.noGeneration(s, number)
	}
	p := planning{n: n, s: s, current: n.at(s, s.current), target: n.system(l.target), to: goal{system: l.target, number: number}}
	n.place(&p.target.Generation, l, s)
	if err := p.refuse(); err != nil {
		return bot.Draft{}, err
	}
	if p.dry, err = n.dry(ctx, p.to); err != nil {
		return bot.Draft{}, err
	}
	if p.dry.Systemd && !p.seesSystemd() {
		p.dry.Systemd = p.otherSystemd()
	}
	p.diff, _ = n.compare(ctx, p.current, p.target)
	if err := ctx.Err(); err != nil {
		return bot.Draft{}, late(err)
	}
	d := p.draft(ctx)
	d.Bound = p.bound(boot)
	return d, nil
}

// bound are the facts by which it is known, when it starts, that all is as it was.
func (p *planning) bound(boot string) []bot.Fact {
	facts := []bot.Fact{{Name: factTarget, Value: p.to.system}}
	if p.to.number > 0 {
		facts = append(facts, bot.Fact{Name: factGeneration, Value: strconv.Itoa(p.to.number)})
	}
	return append(facts,
		bot.Fact{Name: factCurrent, Value: p.s.current},
		bot.Fact{Name: factProfile, Value: p.s.target},
		bot.Fact{Name: factNumber, Value: strconv.Itoa(p.s.profile)},
		bot.Fact{Name: factBooted, Value: p.s.booted},
		bot.Fact{Name: factBoot, Value: boot},
	)
}

// planning is what one Plan has found.
type planning struct {
	n               *NixOS
	s               state
	current, target system
	to              goal
	dry             activation // of a proposed system there is none
	report          report     // of a proposed system, what its proposer says
	diff            host.Diff
}

// refuse says what must not be done at all.
func (p *planning) refuse() error {
	name, t, c := p.n.o.Host.Name, p.target, p.current
	no := func(format string, args ...any) error { return p.n.refused(p.to, format, args...) }
	switch {
	case p.s.profile == 0 || p.s.target == "":
		return no("where its profile points cannot be read, so that nobody could go back.")
	case t.StorePath == p.s.current && p.s.target == p.s.current && p.to.number == 0:
		return bot.Errorf(bot.CodeConflict, "What is proposed runs on %s already. There is nothing to do.", name)
	case t.Number > 0 && t.Specialisation != "" && p.to.number == 0:
		return bot.Errorf(bot.CodeConflict, "What is proposed is the specialisation %s of generation %d of %s, which is activated by hand.", t.Specialisation, t.Number, name)
	case t.Number > 0 && p.to.number == 0:
		return bot.Errorf(bot.CodeConflict, "What is proposed is generation %d of %s already. `rollback %d` activates it.", t.Number, name, t.Number)
	case t.StorePath == p.s.current && p.s.profile == t.Number && p.to.number > 0:
		return bot.Errorf(bot.CodeConflict, "Generation %d runs on %s already, and its profile points at it. There is nothing to do.", t.Number, name)
	case !t.Complete():
		return no("it is not whole: %s missing. It may have been collected.", phrase.Some(t.Missing, 5)+are(len(t.Missing)))
	}
	// The loader stays what it is; nothing that is unknown counts as the same.
	keep := p.n.o.Loader
	if keep == "" {
		keep = c.Loader
	}
	switch {
	case keep == "":
		return no("which boot loader this host has cannot be told: %s.", c.loaderWhy)
	case t.Loader == "":
		return no("which boot loader it would install cannot be told: %s.", t.loaderWhy)
	case t.Loader != keep:
		return no("it would install the boot loader %s, and this host has %s. The bot never changes how a host boots.", tame(t.Loader), tame(keep))
	}
	if t.mark == nil && !p.n.o.AllowUnmarked {
		return no("%s, so that its state version and its bot are unknown.", t.markWhy)
	}
	keep = p.n.o.StateVersion
	if keep == "" {
		keep = c.StateVersion
	}
	switch {
	case t.mark != nil && t.mark.Host != name:
		return no("it was built for the host %s.", t.mark.Host)
	case t.mark != nil && keep == "" && !p.n.o.AllowUnmarked:
		return no("which system.stateVersion this host has is unknown: of the running system, %s.", c.markWhy)
	case t.StateVersion != "" && keep != "" && t.StateVersion != keep:
		return no("its system.stateVersion is %s, and this host's is %s. The bot never changes it.", t.StateVersion, keep)
	}
	if schema, known := p.schema(); t.Bot != "" && known && t.Schema < schema {
		return no("it brings the bot back to %s, which reads states up to schema %d; the state has %d.", t.Bot, t.Schema, schema)
	}
	switch {
	case c.initInterface != "" && t.initInterface != "" && c.initInterface != t.initInterface:
		return no("its init (%s) is not compatible with the running one (%s): it can only be booted into, and the bot never reboots.", t.initInterface, c.initInterface)
	case len(inhibited(c, t)) > 0:
		return no("it changes what must not change under a running system (%s): it can only be booted into, and the bot never reboots.", phrase.Some(inhibited(c, t), 10))
	}
	return nil
}

func are(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// schema of the state as it is: what the running system's bot writes, by its mark.
func (p *planning) schema() (schema int, known bool) {
	return p.current.Schema, p.current.Schema > 0
}

// seesSystemd tells whether the dry run could see which systemd runs. In the agent's own unit,
// with few of root's rights, it cannot, takes it for another one, and says every time that it
// would be executed anew.
func (p *planning) seesSystemd() bool {
	_, err := p.n.o.Host.Files.Resolve("/proc/1/exe")
	return err == nil
}

// otherSystemd tells by their files whether two systems differ in what switch-to-configuration
// executes systemd anew for. What cannot be read counts as another one.
func (p *planning) otherSystemd() bool {
	return slices.ContainsFunc([]string{"systemd", "etc/systemd/system.conf"}, func(part string) bool {
		runs := p.n.resolved(p.current.StorePath, part)
		return runs == "" || runs != p.n.resolved(p.target.StorePath, part)
	})
}

// draft puts it into words.
func (p *planning) draft(ctx context.Context) bot.Draft {
	o, t := p.n.o, p.target
	d := bot.Draft{
		Summary: fmt.Sprintf("%s %s from %s to %s", p.verb(), o.Host.Name, named(p.current.Generation), named(t.Generation)),
		Undo: "The agent activates " + short(p.current.Generation) + " again by itself when anything fails, puts profile and boot menu back where they were touched, " +
			"and looks at the units again. " + p.afterwards(),
		Takes:       "2 to 10 minutes",
		Limit:       bot.SecondsOf(o.BuildLock.Wait + 2*o.SwitchLimit + o.Settle + o.Patience + o.Between + o.LookLimit),
		Steps:       p.steps(),
		Differences: p.differences(),
		Conditions:  p.conditions(ctx),
		Observed:    p.observed(),
		Irreversible: []string{
			"Only the system goes back: databases, the data of containers and all else in /var and /home stay as they are.",
			"Units that are stopped or restarted lose what they hold in memory, and their connections.",
		},
		Locks:   []string{lock},
		WaitFor: slices.Clone(o.Busy),
		Roots:   []string{t.StorePath, p.s.current},
	}
	if p.s.target != p.s.current {
		d.Roots = append(d.Roots, p.s.target)
	}
	if schema, known := p.schema(); known && t.Schema > schema {
		d.Irreversible = append(d.Irreversible, fmt.Sprintf("The bot that it brings takes its state from schema %d to %d as it starts, and keeps a copy of the former beside it. "+
			"Where all is undone after that, the bot of today does not start before the copy is put back by hand (`runbook bot-trouble`).", schema, t.Schema))
	}
	if p.to.number == 0 {
		d.Summary = fmt.Sprintf("deploy the proposed system to %s, over %s: %s", o.Host.Name, named(p.current.Generation), tame(path.Base(p.to.system)))
		d.Limit += bot.SecondsOf(o.SwitchLimit)
		d.Irreversible[0] = "Only the system can go back: what newer programs make of databases, of the data of containers and of all else in /var and /home stays."
	}
	return d
}

// afterwards is the way back once all is over. A bot that reads newer states closes it.
func (p *planning) afterwards() string {
	back := "`rollback " + strconv.Itoa(p.s.profile) + "`"
	if schema, known := p.schema(); known && p.target.Schema > schema {
		return fmt.Sprintf("Afterwards by hand alone: the bot that it brings has states of schema %d, the one of today reads up to %d, and so %s is refused.", p.target.Schema, schema, back)
	}
	return "Afterwards: " + back + "."
}

func (p *planning) verb() string {
	if p.current.Number == 0 || p.target.Number <= p.current.Number {
		return "roll back"
	}
	return "switch"
}

func (p *planning) steps() []string {
	o := p.n.o
	var steps []string
	if len(o.Busy) > 0 {
		steps = append(steps, "Wait until none of these is active: "+strings.Join(o.Busy, ", ")+".")
	}
	if o.BuildLock.Path != "" {
		steps = append(steps, "Take the host's build lock ("+o.BuildLock.Path+"), and hold it until all is over.")
	}
	look := "Leave the units alone for " + phrase.Duration(o.Settle) + ", then look at all of them"
	if len(o.Checks) > 0 {
		var names []string
		for _, c := range o.Checks {
			names = append(names, tame(c.Name))
		}
		look += " and at the health checks (" + strings.Join(names, ", ") + ")"
	}
	last := "Set the profile to " + p.to.String()
	if p.to.number == 0 {
		steps = append(steps, "Ask the proposed system for its dry run, say which units it names, and end there if it refuses. Before this step nothing of it is run.")
		last = "Make it the profile's newest generation"
	}
	return append(steps,
		"Activate "+p.to.String()+" with its own `switch-to-configuration test`. Profile and boot menu stay as they are: should the host lose power now, it starts what it starts today.",
		look+" until two looks, "+phrase.Duration(o.Between)+" apart, agree. What was fine before and fails in both is a failure.",
		last+", let it write its boot menu ("+tame(p.target.Loader)+"), and read both back.",
	)
}

// observed are the units that the dry run named, and sizes.
func (p *planning) observed() []bot.Fact {
	facts := []bot.Fact{}
	units := func(name string, us []string) {
		if len(us) > 0 {
			facts = append(facts, bot.Fact{Name: name, Value: strings.Join(us, ", ")})
		}
	}
	if p.to.number == 0 {
		units("unit files that come", p.diff.Units.Added)
		units("unit files that go", p.diff.Units.Removed)
		units("unit files that change", p.diff.Units.Changed)
	}
	units("stops", p.dry.Stop)
	units("starts", p.dry.Start)
	units("restarts", p.dry.Restart)
	units("reloads", p.dry.Reload)
	units("changed, but not stopped", p.dry.Skip)
	units("turns off swap", p.dry.Swap)
	if p.dry.Systemd {
		facts = append(facts, bot.Fact{Name: "systemd", Value: "is executed anew, without stopping units"})
	}
	if p.diff.ClosureFrom >= 0 && p.diff.ClosureTo >= 0 {
		facts = append(facts, bot.Fact{Name: "size of all it needs", Value: p.diff.ClosureFrom.String() + " → " + p.diff.ClosureTo.String()})
	}
	return facts
}
