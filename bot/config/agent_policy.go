package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/gate"
)

// policy builds the rules, and lets the gate look for what is wrong with them: it
// knows what they mean, and this file where they stand.
func (b *agentBuilder) policy() {
	for i := range b.keys.Policy.items {
		b.cfg.Policy.Rules = append(b.cfg.Policy.Rules, b.rule(&b.keys.Policy.items[i]))
	}
	if len(b.keys.Policy.items) == 0 && !b.keys.Policy.bad && !b.open("", "policy") {
		at := b.keys.Policy.place
		if !b.keys.Policy.set {
			at = b.keys.key("policy")
		}
		b.warn(at, "there are no rules, and what no rule allows is refused: nothing can be asked for")
	}
	for _, f := range b.cfg.Policy.Faults(b.o.Operations, b.cfg.Approvers()) {
		b.take(fmt.Sprintf("policy[%d]", f.Rule), f)
	}
}

func (b *agentBuilder) rule(k *policyKeys) gate.PolicyRule {
	b.named(k.Name)
	r := gate.PolicyRule{
		Arguments:     k.Arguments.lists(),
		ArgumentsOnly: k.ArgumentsOnly.v,
		Hosts:         texts(k.Hosts),
		Rule: bot.Rule{
			Name:          k.Name.v,
			Risk:          bot.Risk(k.Risk.v),
			Requesters:    b.roles(k.Requesters),
			Count:         1,
			ApproveWithin: bot.SecondsOf(k.ApproveWithin.or(30 * time.Minute)),
			ValidFor:      bot.SecondsOf(k.ValidFor.or(2 * time.Hour)),
			ConfirmWithin: bot.SecondsOf(k.ConfirmWithin.v),
		},
	}
	for _, o := range texts(k.Operations) {
		r.Operations = append(r.Operations, bot.OperationName(o))
	}
	if !k.Hosts.set && b.cfg.Host != "" {
		r.Hosts = []string{b.cfg.Host}
	} else if !k.Hosts.set {
		r.Hosts = []string{"*"} // that the host has no name is told; nothing runs then
	} else if b.cfg.Host != "" && !slices.ContainsFunc(r.Hosts, func(h string) bool { return gate.Match(h, b.cfg.Host) }) && len(r.Hosts) > 0 {
		b.warn(k.Hosts.place, "does not name this host (%s): the rule never applies here", b.cfg.Host)
	}
	if a := k.Approvers; a != nil {
		r.Rule.Approvers = b.roles(a.Roles)
		r.Rule.RequesterCounts = a.RequesterCounts.v
		r.Rule.Count = bot.Count(a.Count.or(1))
	}
	for _, s := range texts(k.StepUp) {
		r.Rule.StepUp = append(r.Rule.StepUp, bot.StepUp(s))
	}
	for i := range k.Windows.items {
		r.Rule.Windows = append(r.Rule.Windows, b.window(&k.Windows.items[i]))
	}
	switch k.Outside.or("refuse") {
	case "refuse":
	case "queue":
		r.Rule.Queue = true
	default:
		b.fault(k.Outside.place, "there is no way %s%s", short(k.Outside.v), choose(k.Outside.v, "refuse", "queue"))
	}
	return r
}

// window builds one of either form. What the one or the other lacks is told here, and
// what a value means by the gate.
func (b *agentBuilder) window(k *windowKeys) bot.Window {
	w := bot.Window{Zone: b.zone(k.Zone, b.cfg.Zone).String()}
	if k.Start.set || k.Lasts.set {
		w.Start, w.Lasts = k.Start.v, bot.SecondsOf(k.Lasts.v)
		for _, x := range []struct {
			name  string
			there bool
		}{{"days", k.Days.set}, {"from", k.From.set}, {"to", k.To.set}} {
			if x.there {
				b.fault(b.places[join(k.field, x.name)], "does not go with start and lasts: a window has days, from and to, or those")
			}
		}
		b.lacks(k.place, "start", k.Start.set, "when it opens, as in \"0 2 * * *\"")
		b.lacks(k.place, "lasts", k.Lasts.set, "how long it is open from then on, as in 2h")
		return w
	}
	w.Days, w.From, w.To = texts(k.Days), k.From.v.String(), k.To.v.String()
	b.lacks(k.place, "from", k.From.set, "when it opens, as in \"02:00\"; or write start and lasts")
	b.lacks(k.place, "to", k.To.set, "when it ends, as in \"04:00\"; or write start and lasts")
	return w
}

// lacks tells of a key that is not there, unless one that is unknown may mean it.
func (b *agentBuilder) lacks(at place, key string, there bool, need string) {
	if !there && !b.strange[at.field] {
		b.fault(at.key(key), "is missing: %s", need)
	}
}

// take tells a fault of the gate at the place that it means, unless something is
// told of that place already: the one then follows from the other.
func (b *agentBuilder) take(path string, f gate.Fault) {
	field := path
	if f.Field != "" {
		field = join(path, f.Field)
	}
	told := func(field string) bool {
		return slices.ContainsFunc(b.faults, func(o Fault) bool {
			return o.Field == field || strings.HasPrefix(o.Field, field+".") || strings.HasPrefix(o.Field, field+"[")
		})
	}
	switch parent := field[:max(0, strings.LastIndexByte(field, '.'))]; {
	case f.Field != "" && told(field), f.People && told("people"):
		return
	case b.strange[parent] && b.places[field].line == 0: // it may be there under a wrong name
		return
	}
	at, known := b.places[field]
	for up := field; !known; {
		// What was left out has no place: the nearest thing around it has.
		i := strings.LastIndexAny(up, ".[")
		if i < 0 {
			break
		}
		up = up[:i]
		if told(up) && len(up) > len(path) {
			return
		}
		at, known = b.places[up]
	}
	at.field = field
	if f.Warning {
		b.warn(at, "%s", f.Message)
	} else {
		b.fault(at, "%s", f.Message)
	}
}

func (b *agentBuilder) standing() {
	known := newNames("standing approval")
	for i := range b.keys.Standing.items {
		k := &b.keys.Standing.items[i]
		b.named(k.Name)
		known.add(&b.judge, k.Name)
		s := gate.Standing{Name: k.Name.v, Operation: bot.OperationName(k.Operation.v), Host: k.Host.or(b.cfg.Host), Evidence: k.Evidence.v, Expires: b.expiry(k.Expires)}
		if args := k.Arguments.lists(); args != nil {
			s.Arguments = args
		}
		if k.Host.ok && b.cfg.Host != "" && k.Host.v != b.cfg.Host {
			b.warn(k.Host.place, "is not this host (%s): the approval is never used here", b.cfg.Host)
		}
		ms, _ := b.matchers(k.When)
		for _, m := range ms {
			s.When = append(s.When, bot.Matcher{Name: m.Name, Op: m.Type.String(), Value: m.Value})
		}
		if k.Budget != nil {
			s.Budget = gate.Budget{Count: k.Budget.Count.v, Per: k.Budget.Per.v}
		}
		for _, f := range s.Faults(b.o.Operations) {
			b.take(fmt.Sprintf("standing[%d]", i), f)
		}
		b.cfg.Standing = append(b.cfg.Standing, s)
	}
}

// parseStanding has the operations read the arguments of standing approvals:
// nobody is there to see that they are wrong when one is used. What depends on how
// the host is now is no fault of the file.
func (b *agentBuilder) parseStanding() {
	if b.o.Parse == nil || len(b.faults) > 0 {
		return
	}
	for i := range b.cfg.Standing {
		s, k := &b.cfg.Standing[i], &b.keys.Standing.items[i]
		if s.Host != b.cfg.Host {
			continue // it is another agent's to say
		}
		args, proves, err := b.o.Parse(b.cfg, s.Operation, maps.Clone(s.Arguments))
		if err == nil {
			s.Arguments = args
			if len(proves) > 0 && !slices.Contains(proves, s.Evidence) {
				b.warn(k.Evidence.place, "is nothing that %s with these arguments is verified by: without a proof of its first use it is not used again; write %s", s.Operation, quoted(proves))
			}
			continue
		}
		at := k.key("arguments")
		if k.Arguments.set {
			at = k.Arguments.place
		}
		if one, known := b.places[join(at.field, onlyOne(k.Arguments.names))]; known {
			at = one
		}
		switch e, ok := errors.AsType[*bot.Error](err); {
		case ok && (e.Code == bot.CodeInvalid || e.Code == bot.CodeForbidden):
			b.fault(at, "%s takes no such arguments: %s", s.Operation, bot.ForPeople(err))
		default:
			b.warn(at, "as the host is now, %s does not take these: %s", s.Operation, bot.ForPeople(err))
		}
	}
}

func quoted(list []string) string {
	var out []string
	for _, x := range list {
		out = append(out, strconv.Quote(x))
	}
	return strings.Join(out, " or ")
}

// onlyOne is the one name that there is, "" where there are none or several.
func onlyOne(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return ""
}

// expiry reads a day, whose beginning in the host's zone is meant, or a moment.
func (b *agentBuilder) expiry(g given[string]) time.Time {
	if !g.ok {
		return time.Time{}
	}
	if t, err := time.ParseInLocation(time.DateOnly, g.v, b.cfg.Zone); err == nil {
		return t.UTC()
	}
	t, err := time.Parse(time.RFC3339, g.v)
	if err != nil {
		b.fault(g.place, "%s is no day: write one like \"2027-01-01\", or a moment like \"2027-01-01T06:00:00Z\"", short(g.v))
		return time.Time{}
	}
	return t.UTC()
}
