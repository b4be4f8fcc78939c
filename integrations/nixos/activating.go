package nixos

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// activating is what the operations have in common once people have agreed: apply.go,
// verify.go, commit.go and undo.go. One value serves a whole run: it holds the host's
// build lock from Apply to Commit or Undo.
type activating struct {
	n *NixOS

	mu   *sync.Mutex
	held map[bot.PlanID]func() error
}

func activatingOf(n *NixOS) activating {
	return activating{n: n, mu: &sync.Mutex{}, held: map[bot.PlanID]func() error{}}
}

// goal is the system that a plan activates.
type goal struct {
	system string // store path
	// number is its generation's; 0: it is proposed, and no generation yet.
	number int
}

// goalOf is the one of a plan.
func goalOf(p bot.Plan) goal {
	number, _ := strconv.Atoi(bound(p, factGeneration)) // of a proposed one there is none
	return goal{system: bound(p, factTarget), number: number}
}

// String is "generation 41" or "the proposed system".
func (g goal) String() string {
	if g.number == 0 {
		return "the proposed system"
	}
	return "generation " + strconv.Itoa(g.number)
}

// first is the same at the beginning of a sentence.
func (g goal) first() string {
	s := g.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

// refused is the error of what must not be done.
func (n *NixOS) refused(to goal, format string, args ...any) *bot.Error {
	what := "No rollback to " + to.String() + " of "
	if to.number == 0 {
		what = "No deploy on "
	}
	return bot.Errorf(bot.CodeForbidden, "%s%s: %s", what, n.o.Host.Name, fmt.Sprintf(format, args...))
}

// dry asks a system what activating it would do. It is run as root for that.
func (n *NixOS) dry(ctx context.Context, to goal) (activation, error) {
	a, err := n.activate(ctx, to.system, "dry-activate", nil)
	switch {
	case err != nil:
		return a, bot.Errorf(bot.CodeUnavailable, "What %s would do cannot be found out: its dry run did not come to an end.", to).Because(err)
	case a.Locked: // for a moment, so that what was agreed to is not stale by it
		return a, bot.Errorf(bot.CodeUnavailable, "%s is being switched by somebody else right now. Try again when that is over.", n.o.Host.Name)
	case a.Exit == 100:
		return a, n.refused(to, "its init is not compatible with the running one: it can only be booted into, and the bot never reboots.")
	case a.Inhibited != "":
		return a, n.refused(to, "%s.", a.Inhibited)
	case a.Exit != 0:
		return a, n.refused(to, "its dry run ended with %s.", a.ended())
	}
	return a, nil
}

// touches says in one line what a dry run named.
func (a activation) touches() string {
	var parts []string
	for _, each := range []struct {
		verb  string
		units []string
	}{{"stops", a.Stop}, {"starts", a.Start}, {"restarts", a.Restart}, {"reloads", a.Reload}, {"leaves alone, though changed,", a.Skip}, {"turns off swap", a.Swap}} {
		if len(each.units) > 0 {
			parts = append(parts, each.verb+" "+phrase.Some(each.units, 20))
		}
	}
	switch {
	case !a.Activating || a.Odd > 0:
		parts = append(parts, "it says more in a form that I cannot read")
	case len(parts) == 0:
		return "it names no unit"
	}
	return strings.Join(parts, "; ")
}
