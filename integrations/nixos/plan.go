package nixos

import (
	"context"
	"fmt"
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
	p := planning{n: n, s: s, current: n.at(s, s.current), target: n.system(l.target)}
	n.place(&p.target.Generation, l, s)
	if err := p.refuse(); err != nil {
		return bot.Draft{}, err
	}
	if p.dry, err = n.dry(ctx, p.target); err != nil {
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
	d.Bound = []bot.Fact{
		{Name: factTarget, Value: p.target.StorePath},
		{Name: factGeneration, Value: strconv.Itoa(number)},
		{Name: factCurrent, Value: s.current},
		{Name: factProfile, Value: s.target},
		{Name: factNumber, Value: strconv.Itoa(s.profile)},
		{Name: factBooted, Value: s.booted},
		{Name: factBoot, Value: boot},
	}
	return d, nil
}

// planning is what one Plan has found.
type planning struct {
	n               *NixOS
	s               state
	current, target system
	dry             activation
	diff            host.Diff
}

// refuse says what must not be done at all.
func (p *planning) refuse() error {
	name, t, c := p.n.o.Host.Name, p.target, p.current
	no := func(format string, args ...any) error {
		return bot.Errorf(bot.CodeForbidden, "No rollback to generation %d of %s: %s", t.Number, name, fmt.Sprintf(format, args...))
	}
	switch {
	case p.s.profile == 0 || p.s.target == "":
		return no("where its profile points cannot be read, so that nobody could go back.")
	case t.StorePath == p.s.current && p.s.profile == t.Number:
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

// dry asks the target what activating it would do.
func (n *NixOS) dry(ctx context.Context, t system) (activation, error) {
	a, err := n.activate(ctx, t.StorePath, "dry-activate", nil)
	no := func(format string, args ...any) error {
		return bot.Errorf(bot.CodeForbidden, "No rollback to generation %d of %s: %s", t.Number, n.o.Host.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case err != nil:
		return a, bot.Errorf(bot.CodeUnavailable, "What generation %d would do cannot be found out: its dry run did not come to an end.", t.Number).Because(err)
	case a.Locked: // for a moment, so that what was agreed to is not stale by it
		return a, bot.Errorf(bot.CodeUnavailable, "%s is being switched by somebody else right now. Try again when that is over.", n.o.Host.Name)
	case a.Exit == 100:
		return a, no("its init is not compatible with the running one: it can only be booted into, and the bot never reboots.")
	case a.Inhibited != "":
		return a, no("%s.", a.Inhibited)
	case a.Exit != 0:
		return a, no("its dry run ended with %s.", a.ended())
	}
	return a, nil
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
			"and looks at the units again. Afterwards: `rollback " + strconv.Itoa(p.s.profile) + "`.",
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
	return d
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
	number := strconv.Itoa(p.target.Number)
	return append(steps,
		"Activate generation "+number+" with its own `switch-to-configuration test`. Profile and boot menu stay as they are: should the host lose power now, it starts what it starts today.",
		look+" until two looks, "+phrase.Duration(o.Between)+" apart, agree. What was fine before and fails in both is a failure.",
		"Set the profile to generation "+number+", let it write its boot menu ("+tame(p.target.Loader)+"), and read both back.",
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
