package nixos

import (
	"context"
	"strconv"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Rollback is the operation that activates another generation. One value serves a
// whole run.
type Rollback struct{ activating }

var (
	_ bot.Operation = (*Rollback)(nil)
	_ bot.Undoer    = (*Rollback)(nil)
	_ bot.Committer = (*Rollback)(nil)
)

// Rollback makes the operation.
func (n *NixOS) Rollback() *Rollback {
	return &Rollback{activatingOf(n)}
}

// Name is "nixos.rollback".
func (r *Rollback) Name() bot.OperationName { return host.RollbackOperation }

// Parse makes a number of what is asked for: without an argument, the generation
// before the one that runs.
func (r *Rollback) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	for name, values := range args {
		if name != host.GenerationArgument {
			return nil, bot.Errorf(bot.CodeInvalid, "A rollback has no argument %q; it takes a generation's number alone.", tame(name))
		}
		if len(values) != 1 {
			return nil, bot.Errorf(bot.CodeInvalid, "A rollback takes one generation's number.")
		}
	}
	s, err := r.n.look()
	if err != nil {
		return nil, err
	}
	var number int
	if text := args.One(host.GenerationArgument); text != "" {
		if number, err = strconv.Atoi(text); err != nil || number < 1 {
			return nil, bot.Errorf(bot.CodeInvalid, "%q is no generation's number. %s keeps %s.", tame(text), r.n.o.Host.Name, s.numbers())
		}
	} else if number, err = r.n.before(s); err != nil {
		return nil, err
	}
	if _, ok := s.find(number); !ok {
		return nil, r.n.noGeneration(s, number)
	}
	return bot.Arguments{host.GenerationArgument: {strconv.Itoa(number)}}, nil
}

// before is the generation before the one that runs. Where the profile points at
// another one, nobody can know which of the two is meant.
func (n *NixOS) before(s state) (int, error) {
	current, _ := n.generation(s, s.current)
	switch {
	case current == 0:
		return 0, bot.Errorf(bot.CodeConflict, "What runs on %s is no generation of its profile, so that none is before it. Name one: it keeps %s.", n.o.Host.Name, s.numbers())
	case s.profile != current:
		return 0, bot.Errorf(bot.CodeConflict, "%s runs generation %d, but its profile points at %d. Say to which you want to go, e.g. `rollback %d`.", n.o.Host.Name, current, s.profile, current)
	}
	for _, l := range s.links { // the newest first
		if l.number < current {
			return l.number, nil
		}
	}
	return 0, bot.Errorf(bot.CodeConflict, "%s has no generation before %d. It keeps %s.", n.o.Host.Name, current, s.numbers())
}
