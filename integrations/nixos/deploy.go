package nixos

import (
	"context"
	"encoding/json"
	"path"
	"regexp"
	"strconv"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// proposed names the proposed system beside generations' numbers.
const proposed = "proposed"

// Proposed is where somebody leaves a newer system. Whoever may write there says what
// people are asked to run as root: they see what differs, and not each of its programs.
type Proposed struct {
	// Link leads to the system in the store, and keeps it from collection; "" for none.
	Link string
	// Report is a JSON file on it, "" for none: {"path": store path, "vm": it came up in a
	// VM, "before", "after": known holes of what ran then and of it, or null, "commit" of
	// its configuration, "clean": nothing beside that is in it}.
	Report string
}

// Deploy is the operation that activates a system which was built and proposed, and
// makes it the profile's newest generation. Rollback's steps are its own, but two: of a
// proposed system nothing is run, and no link of it followed out of the store, before
// people have agreed to it.
type Deploy struct{ activating }

var (
	_ bot.Operation = (*Deploy)(nil)
	_ bot.Undoer    = (*Deploy)(nil)
	_ bot.Committer = (*Deploy)(nil)
)

// Deploy makes the operation.
func (n *NixOS) Deploy() *Deploy { return &Deploy{activatingOf(n)} }

// Name is "nixos.deploy".
func (d *Deploy) Name() bot.OperationName { return host.DeployOperation }

// Parse fills in which system is proposed now.
func (d *Deploy) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	for name := range args {
		if name != host.SystemArgument {
			return nil, bot.Errorf(bot.CodeInvalid, "A deploy has no argument %q; it is of the system that is proposed.", tame(name))
		}
	}
	at, err := d.n.proposed()
	if err != nil {
		return nil, err
	}
	if asked, given := args[host.SystemArgument]; given && (len(asked) != 1 || asked[0] != at) {
		return nil, bot.Errorf(bot.CodeConflict, "On %s another system is proposed now: %s.", d.n.o.Host.Name, tame(path.Base(at)))
	}
	return bot.Arguments{host.SystemArgument: {at}}, nil
}

// Plan looks at both systems. It runs nothing of the proposed one.
func (d *Deploy) Plan(ctx context.Context, args bot.Arguments) (bot.Draft, error) {
	n := d.n
	at, err := n.proposed()
	if err != nil {
		return bot.Draft{}, err
	}
	if at != args.One(host.SystemArgument) {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "On %s another system is proposed now: %s.", n.o.Host.Name, tame(path.Base(at)))
	}
	s, err := n.look()
	if err != nil {
		return bot.Draft{}, err
	}
	boot, err := n.bootID()
	if err != nil {
		return bot.Draft{}, err
	}
	// Only what Nix knows is whole, and stays as it is.
	seen, err := n.within(ctx, at)
	if ctx.Err() != nil {
		return bot.Draft{}, late(ctx.Err())
	} else if err != nil {
		return bot.Draft{}, err
	}
	p := planning{n: n, s: s, current: n.at(s, s.current), target: seen.at(s, at), to: goal{system: at}, report: n.report(at)}
	if err := p.refuse(); err != nil {
		return bot.Draft{}, err
	}
	p.diff, _ = n.compare(ctx, p.current, p.target)
	if err := ctx.Err(); err != nil {
		return bot.Draft{}, late(err)
	}
	draft := p.draft(ctx)
	draft.Bound = p.bound(boot)
	return draft, nil
}

// proposed is the store path of the system that is proposed.
func (n *NixOS) proposed() (string, error) {
	link := n.o.Proposed.Link
	if link == "" {
		return "", bot.Errorf(bot.CodeNotFound, "On %s nothing proposes systems (nixos.proposed in the agent's file).", n.o.Host.Name)
	}
	at, err := n.o.Host.Files.Resolve(link)
	switch {
	case isMissing(err):
		return "", bot.Errorf(bot.CodeNotFound, "On %s no system is proposed.", n.o.Host.Name)
	case err != nil:
		return "", bot.Errorf(bot.CodeUnavailable, "Which system is proposed on %s cannot be read.", n.o.Host.Name).Because(err)
	}
	if !isStorePath(at, n.o.Store) {
		return "", bot.Errorf(bot.CodeForbidden, "What is proposed on %s is no path of its store.", n.o.Host.Name)
	}
	return at, nil
}

// report is what its proposer says of a proposed system.
type report struct {
	Path          string `json:"path"`
	VM            bool   `json:"vm"`
	Before, After *int64
	Commit        string `json:"commit"`
	Clean         bool   `json:"clean"`
	why           string // where there is none
}

var commitForm = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// report reads the one on a system. Nothing but figures and a commit is taken from it.
func (n *NixOS) report(at string) report {
	if n.o.Proposed.Report == "" {
		return report{why: "whoever proposes it leaves no report"}
	}
	data, err := n.o.Host.Files.Read(n.o.Proposed.Report, 64<<10)
	if err != nil {
		return report{why: "the report on it cannot be read"}
	}
	var r report
	switch err := json.Unmarshal(data, &r); {
	case err != nil:
		return report{why: "the report on it is no JSON of the expected form"}
	case r.Path != at:
		return report{why: "the report is on another system"}
	}
	if !commitForm.MatchString(r.Commit) {
		r.Commit = ""
	}
	return r
}

// proposalConditions are what can be said of a system of which nothing was run.
func (p *planning) proposalConditions(say condition) {
	by := "by what differs in the unit files"
	if p.diff.Units.Unknown != "" {
		by = "not even what differs in the unit files: " + p.diff.Units.Unknown
	}
	say("which units it touches is known", by+". Its own dry run is asked once people have agreed, and told before the switch", bot.Unknown)
	since := ""
	if made := p.n.proposedSince(); !made.IsZero() {
		since = ", since " + day(made)
	}
	say("it is known who proposes it", "whoever may write "+tame(p.n.o.Proposed.Link)+since, bot.OK)
	r := p.report
	switch {
	case r.why != "":
		say("it came up in a VM", r.why, bot.Unknown)
	case r.VM:
		say("it came up in a VM", "so its proposer says", bot.OK)
	default:
		say("it came up in a VM", "it was built, and tried nowhere", bot.NotOK)
	}
	if r.Before != nil && r.After != nil {
		st := bot.OK
		if *r.After > *r.Before {
			st = bot.NotOK
		}
		say("it has no more known holes", strconv.FormatInt(*r.Before, 10)+" before, "+strconv.FormatInt(*r.After, 10)+" in it, by its proposer's count", st)
	}
	const of = "its configuration is that of a commit"
	switch {
	case r.Commit == "":
		say(of, "its proposer does not say", bot.Unknown)
	case !r.Clean:
		say(of, r.Commit[:12]+", and what is in none", bot.NotOK)
	default:
		found := r.Commit[:12] + ", with newer inputs"
		if r.Commit == p.current.Revision {
			found += "; so is what runs"
		}
		say(of, found, bot.OK)
	}
	say("the host's configuration has the same inputs", "not looked at: unless its lock file is taken over, the next rebuild goes back to the older ones", bot.Unknown)
}

// proposedSince is when the link was made, zero where that cannot be read.
func (n *NixOS) proposedSince() time.Time {
	entries, err := n.o.Host.Files.List(path.Dir(n.o.Proposed.Link))
	if err != nil {
		return time.Time{}
	}
	for _, e := range entries {
		if e.Name() != path.Base(n.o.Proposed.Link) {
			continue
		}
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}

// madeFor is the generation that a deploy made of its system, 0 for none.
func (n *NixOS) madeFor(p bot.Plan) int {
	to := goalOf(p)
	s, err := n.look()
	if err != nil || to.number > 0 {
		return 0
	}
	for _, l := range s.links {
		if l.target == to.system {
			return l.number
		}
	}
	return 0
}
