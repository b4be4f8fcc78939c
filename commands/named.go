package commands

import (
	"strconv"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Kinds of argument with a grammar of their own that hosts' commands have.
const (
	kindHours bot.ArgKind = "hours" // 24, 24h, 2d
	kindSpan  bot.ArgKind = "span"  // 7d, 36h
	kindSize  bot.ArgKind = "size"  // NAME SIZE, in any order among their like
	kindUnit  bot.ArgKind = "unit"  // a systemd unit, ".service" implied
)

// named reads arguments that are known by their names, in whatever order they
// stand: "max 32G min 4G", and as on a command line "--min=4G --max 32G".
func (p *parser) named(args map[string]bot.Value) error {
	for {
		w, ok := p.r.peek()
		if !ok {
			return nil
		}
		a, rest := p.keyword(w)
		if a == nil {
			return nil
		}
		if _, twice := args[a.Name]; twice {
			return p.told(w, "is given twice.")
		}
		p.r.next()
		v, err := p.size(a.Name, w, rest)
		if err != nil {
			return err
		}
		args[a.Name] = v
	}
}

// keyword finds the argument that a word names; rest is what stands behind "=".
// Phones make one long dash of two short ones.
func (p *parser) keyword(w word) (a *bot.Arg, rest string) {
	if w.quoted {
		return nil, ""
	}
	name, rest, _ := strings.Cut(strings.TrimLeft(w.text, "-–—"), "=")
	for i := range p.command.Args {
		if c := &p.command.Args[i]; c.Kind == kindSize && strings.EqualFold(c.Name, name) {
			return c, rest
		}
	}
	return nil, ""
}

// size reads what stands behind a keyword, "32G" as well as "32 GiB".
func (p *parser) size(name string, keyword word, text string) (v bot.Value, err error) {
	w := keyword
	if text == "" {
		next, ok := p.r.next()
		if !ok {
			return v, p.fault("%s needs a size.", strings.ToUpper(name))
		}
		w, text = next, next.text
		if unit, ok := p.r.peek(); ok && onlyDigitsAndPoint(text) && !unit.quoted && isSizeUnit(unit.text) {
			p.r.next()
			text += unit.text
		}
	}
	b, err := host.ParseBytes(text)
	if err != nil {
		return v, p.told(w, "is no size. "+bot.ForPeople(err))
	}
	return bot.Value{Text: b.Exact()}, nil
}

func onlyDigitsAndPoint(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == ""
}

func isSizeUnit(s string) bool {
	switch strings.ToLower(s) {
	case "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib", "t", "tb", "tib", "b":
		return true
	}
	return false
}

// unit reads a unit's name. Where only the shape of a line counts, a word of
// everyday talk is none: "logs attached", "service window".
func (p *parser) unit(w word) (v bot.Value, fits bool, err error) {
	name, bad := host.UnitName(w.text)
	v.Text = strings.TrimSuffix(name, ".service")
	if p.shape {
		return v, bad == nil && !spoken[strings.ToLower(w.text)] && !w.is(talk...), nil
	}
	if bad != nil {
		return v, false, p.told(w, "is no unit's name; write e.g. `nginx` or `restic-backup.timer`.")
	}
	return v, true, nil
}

// mostHours is how far back an agent looks.
const mostHours = 7 * 24

// hours reads how many hours, alone or as a duration.
func (p *parser) hours(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	n := 0
	*ahead = p.r
	if d, _, ok := joinedDuration(ahead); ok {
		n = int(min((d+hour-1)/hour, mostHours+1))
	} else if n, fits = wholeNumber(w.text); fits {
		*ahead = p.r
		ahead.next()
	} else {
		return v, false, nil
	}
	if n < 1 || n > mostHours {
		return v, false, p.told(w, "is no span that I can look back; write from `1` to `168` hours, e.g. `24`, `2d`.")
	}
	return bot.Value{Text: w.text, Number: n}, true, nil
}

// span reads how far back, as a duration: a number alone could be hours or days.
func (p *parser) span(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	*ahead = p.r
	d, typed, ok := joinedDuration(ahead)
	switch {
	case !ok:
		return v, false, nil
	case d < hour || d > longest:
		return v, false, p.told(w, "is no span that I can look back; write from `1h` to `365d`.")
	}
	return bot.Value{Text: typed, Duration: d}, true, nil
}

func wholeNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// everyday tells commands whose names are words that people use among themselves:
// only a whole and valid line is one of these.
func everyday(c *bot.Command) bool {
	if c.Name == "deploy" || c.Family == familyBackup || c.Family == familyChecklists || c.Family == familyIncidents {
		return true
	}
	for _, a := range c.Args {
		if a.Kind == kindUnit || a.Kind == kindHours || a.Kind == kindSpan || a.Kind == kindRunbook {
			return true
		}
	}
	return false
}

// spoken are words that often stand behind "service", "logs" or "service restart"
// in a sentence, and are hardly ever a unit's name.
var spoken = setOf(
	"above", "account", "accounts", "across", "active", "affected", "after", "again", "agreement", "agreements", "all", "alone", "along", "also", "always",
	"animal", "announcement", "anyone", "anything", "anyway", "anywhere", "appreciated", "archive", "archived", "area", "around", "asap", "attached", "available",
	"away", "back", "bad", "before", "below", "better", "book", "both", "broke", "broken", "bus", "calls", "catalog", "catalogue", "center", "centre", "charge",
	"charges", "clean", "clear", "close", "closed", "collected", "coming", "contract", "contracts", "counter", "crash", "crashed", "crashes", "credits", "dead",
	"degraded", "delayed", "delays", "desk", "died", "different", "dies", "disabled", "discovery", "dog", "dogs", "down", "downtime", "during", "earlier", "empty",
	"ended", "ends", "entry", "error", "errors", "even", "ever", "every", "everywhere", "exit", "fails", "failing", "failure", "failures", "fast", "fee", "fees",
	"files", "fine", "first", "fix", "fixed", "fixes", "flapping", "folder", "following", "for", "full", "further", "get", "give", "go", "goes", "going", "gone", "good",
	"great", "green", "healthy", "helped", "hours", "how", "hung", "impact", "impacted", "important", "incident", "included", "incoming", "industry", "inside",
	"instead", "interrupted", "interruption", "into", "issue", "issues", "itself", "job", "jobs", "just", "keep", "kept", "last", "late", "later", "layer", "level",
	"levels", "life", "like", "line", "lines", "logs", "looking", "lost", "maintenance", "manager", "map", "maybe", "means", "merged", "mesh", "missing", "model",
	"more", "name", "names", "near", "need", "needs", "never", "next", "nice", "nobody", "noise", "noisy", "nope", "normal", "nothing", "notice", "now", "off",
	"offline", "ok", "okay", "old", "on", "once", "one", "only", "online", "open", "outage", "outages", "outside", "over", "owner", "owners", "panel", "pending",
	"plan", "plans", "point", "policy", "possible", "problem", "problems", "provider", "providers", "quality", "quick", "quiet", "quite", "rather", "ready", "really",
	"record", "red", "removed", "repeated", "request", "requests", "required", "restart", "restarted", "restarting", "restarts", "restored", "resumed", "reveal",
	"right", "road", "room", "rotate", "rotated", "rotation", "running", "runs", "same", "saved", "scheduled", "sector", "sent", "seriously", "shipped", "show",
	"showed", "showing", "shows", "simply", "since", "slow", "slowly", "some", "somehow", "something", "soon", "sorry", "spam", "standard", "started", "starting",
	"starts", "station", "stays", "stop", "stopped", "stops", "storm", "stuck", "suggest", "suspended", "switch", "tell", "terminated", "terms", "test", "thanks",
	"though", "today", "together", "tomorrow", "tonight", "took", "twice", "unavailable", "under", "unless", "until", "up", "uploaded", "usually", "very", "wanted",
	"well", "went", "where", "whenever", "window", "windows", "without", "worker", "workers", "working", "worse", "yesterday",
)
