package nixos

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Looks are the questions that this integration answers.
func (n *NixOS) Looks() []bot.Look {
	return []bot.Look{
		{Name: host.LookGenerations, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := only(args); err != nil {
				return nil, err
			}
			return n.Generations(ctx)
		}},
		{Name: host.LookDiff, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := only(args, "from", "to"); err != nil {
				return nil, err
			}
			return n.Diff(ctx, args.One("from"), args.One("to"))
		}},
		{Name: host.LookDrift, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := only(args); err != nil {
				return nil, err
			}
			return n.Drift(ctx)
		}},
	}
}

// only wants each of the named arguments once, and no other.
func only(args bot.Arguments, names ...string) error {
	for _, name := range names {
		if len(args[name]) != 1 {
			return bot.Errorf(bot.CodeInvalid, "The argument %s is needed once.", name)
		}
	}
	if len(args) != len(names) {
		return bot.Errorf(bot.CodeInvalid, "There are arguments that nobody knows here.")
	}
	return nil
}
