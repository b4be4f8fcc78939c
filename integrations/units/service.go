package units

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// Service tells all that is known of one unit.
func (k *Keeper) Service(ctx context.Context, name string) (host.Unit, error) {
	u, err := k.unit(ctx, name)
	if err != nil {
		return host.Unit{}, err
	}
	out := host.Unit{
		At: now(), Name: u.Name, Description: line(u.Description), Type: u.Type, Load: u.Load, Active: u.Active, Sub: u.Sub, Fine: u.Fine(),
		Result: u.Result, Since: u.Since, Started: u.Started, Restarts: u.Restarts, MainPID: u.MainPID, ExitCode: u.ExitCode, Fragment: line(u.Fragment),
		Restartable: k.restartable[name],
	}
	if u.Memory >= 0 {
		out.Memory = new(host.Bytes(u.Memory))
	}
	bonds, err := k.bonds(ctx, name)
	if err != nil {
		out.Unknown = append(out.Unknown, "what starts it, and what restarts with it: "+bot.ForPeople(err))
	} else {
		out.TriggeredBy, out.Triggers, out.Follow, out.Ends, out.Stale = bonds.triggeredBy, bonds.triggers, bonds.follow, bonds.ends, bonds.stale
		if bonds.cut {
			out.Unknown = append(out.Unknown, "more stops or restarts with it than is told")
		}
	}
	if k.logged[name] {
		l, err := k.Logs(ctx, name, fewLines, 0)
		if err != nil {
			out.Unknown = append(out.Unknown, "its log: "+bot.ForPeople(err))
		}
		out.Log = l.Lines
	}
	return out, nil
}

// unit gives a unit that exists, or says that it does not, with what it may have
// been.
func (k *Keeper) unit(ctx context.Context, name string) (sys.Unit, error) {
	u, err := k.h.Units.Unit(ctx, name)
	if err != nil {
		return u, bot.Errorf(bot.CodeUnavailable, "systemd does not answer on %s.", k.h.Name).Because(err)
	}
	if u.Load != "not-found" {
		return u, nil
	}
	text := fmt.Sprintf("There is no unit %s on %s.", name, k.h.Name)
	if like := k.similar(ctx, name); len(like) > 0 {
		text += " There is: " + strings.Join(like, ", ") + "."
	}
	return u, bot.Errorf(bot.CodeNotFound, "%s", text)
}

// similar names a few loaded units that hold the name, or a part of it.
func (k *Keeper) similar(ctx context.Context, name string) []string {
	const most = 5
	stem, _, _ := strings.Cut(strings.TrimSuffix(name, ".service"), "@")
	if len(stem) < 3 || strings.ContainsAny(stem, `\*?[]`) {
		return nil
	}
	list, err := k.h.Units.List(ctx, "*"+stem+"*")
	if err != nil {
		return nil // a mere suggestion
	}
	var out []string
	for _, u := range list {
		if u.Load == "loaded" && len(out) < most {
			out = append(out, u.Name)
		}
	}
	slices.Sort(out)
	return out
}

// show asks systemctl for the properties of units: a block for each, with an empty
// line between.
func (k *Keeper) show(ctx context.Context, names []string) ([]map[string]string, error) {
	argv := append([]string{k.o.Systemctl, "show", "--no-pager", properties, "--"}, names...)
	out, err := k.run(ctx, 1<<20, argv...)
	if err != nil {
		return nil, err
	}
	var blocks []map[string]string
	var block map[string]string
	for l := range strings.Lines(string(out.Stdout)) {
		name, value, ok := strings.Cut(strings.TrimRight(l, "\n"), "=")
		if !ok {
			block = nil
			continue
		}
		if block == nil {
			block = map[string]string{}
			blocks = append(blocks, block)
		}
		block[name] = strings.ToValidUTF8(value, "\uFFFD")
	}
	if len(blocks) != len(names) {
		return nil, bot.Errorf(bot.CodeUnavailable, "systemctl told of %d units where %d were asked for.", len(blocks), len(names))
	}
	return blocks, nil
}
