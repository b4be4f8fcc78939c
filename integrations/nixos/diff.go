package nixos

import (
	"context"
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Diff compares two systems, each named by a generation's number, "current",
// "booted", "profile" or "proposed".
func (n *NixOS) Diff(ctx context.Context, from, to string) (host.Diff, error) {
	s, err := n.look()
	if err != nil {
		return host.Diff{}, err
	}
	a, err := n.choose(s, from)
	if err != nil {
		return host.Diff{}, err
	}
	b, err := n.choose(s, to)
	if err != nil {
		return host.Diff{}, err
	}
	x, err := n.named(ctx, s, from, a)
	if err != nil {
		return host.Diff{}, err
	}
	y, err := n.named(ctx, s, to, b)
	if err != nil {
		return host.Diff{}, err
	}
	d, _ := n.compare(ctx, x, y)
	if err := ctx.Err(); err != nil {
		return host.Diff{}, late(err)
	}
	return d, nil
}

// choose finds the store path that somebody names.
func (n *NixOS) choose(s state, what string) (string, error) {
	missing := func() error {
		return bot.Errorf(bot.CodeUnavailable, "Which system is the %s one on %s cannot be read.", what, n.o.Host.Name)
	}
	switch what {
	case "current":
		return s.current, nil
	case "booted":
		if s.booted == "" {
			return "", missing()
		}
		return s.booted, nil
	case "profile":
		if s.target == "" {
			return "", missing()
		}
		return s.target, nil
	}
	if what == proposed {
		return n.proposed()
	}
	number, err := strconv.Atoi(what)
	if err != nil {
		return "", bot.Errorf(bot.CodeInvalid, "`%s` is no generation: write its number, `current`, `booted`, `profile` or `proposed`.", tame(strings.ReplaceAll(what, "`", "'")))
	}
	l, ok := s.find(number)
	if !ok {
		return "", n.noGeneration(s, number)
	}
	return l.target, nil
}

// named reads the system that somebody named.
func (n *NixOS) named(ctx context.Context, s state, name, at string) (system, error) {
	if name != proposed {
		return n.at(s, at), nil
	}
	seen, err := n.within(ctx, at)
	if ctx.Err() != nil {
		return system{}, late(ctx.Err())
	} else if err != nil {
		return system{}, err
	}
	return seen.at(s, at), nil
}

func (n *NixOS) noGeneration(s state, number int) error {
	return bot.Errorf(bot.CodeNotFound, "%s has no generation %d. It keeps %s.", n.o.Host.Name, number, s.numbers())
}

// compare tells what is another in b than in a; unknown are the boot parts that
// cannot be compared.
func (n *NixOS) compare(ctx context.Context, a, b system) (d host.Diff, unknown []string) {
	d, unknown = bootParts(a, b)
	d.From, d.To = a.Generation, b.Generation
	var err error
	if d.Packages, err = n.packages(ctx, a.StorePath, b.StorePath); err != nil {
		d.PackagesUnknown = "Nix cannot compare the two: " + tame(err.Error())
	}
	d.ClosureFrom, d.ClosureTo = n.closure(ctx, a.StorePath), n.closure(ctx, b.StorePath)
	d.Units = unitChanges(a, b)
	return d, unknown
}
