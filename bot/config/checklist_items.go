package config

import (
	"slices"
	"strings"

	"watchstander/bot"
)

const (
	mostLetters = 200 // of a task, which stands in a list with the others
	mostWords   = 500 // letters of what explains it
	mostLines   = 20  // of what to look at, and names of evidence
)

// personDefault is the reason of an item of one's own that has no evidence.
const personDefault = "Nothing measures it."

// items lays the items that are given over those that are there: an id that is known
// changes its item, another one is a new item at the end.
func (l *lister) items(k *checklistKeys, known bool) {
	seen := newNames("item")
	for i := range k.Items.items {
		x := &k.Items.items[i]
		l.judge.named(x.ID)
		if !seen.add(l.judge, x.ID) {
			continue
		}
		at := slices.IndexFunc(l.c.Items, func(have bot.Item) bool { return have.ID == x.ID.v })
		switch {
		case x.Off.v && at < 0:
			hint := ""
			if known {
				hint = meant(x.ID.v, l.ids())
			}
			l.judge.fault(x.ID.place, "there is no item %s that could be off%s", short(x.ID.v), hint)
		case x.Off.v:
			l.c.Items = slices.Delete(l.c.Items, at, at+1)
		case at >= 0:
			l.item(x, &l.c.Items[at])
		default:
			var item bot.Item
			if !x.Task.set && !l.judge.open(x.field, "task") {
				hint := "write what is to be done, as an order"
				if near := meant(x.ID.v, l.ids()); known && near != "" {
					hint = "there is no item " + short(x.ID.v) + " to change" + near
				}
				l.judge.fault(x.key("task"), "is missing: %s", hint)
			}
			l.item(x, &item)
			if item.Person == "" && len(item.Evidence)+len(item.Optional) == 0 {
				item.Person = personDefault
			}
			l.c.Items = append(l.c.Items, item)
		}
	}
}

func (l *lister) ids() (out []string) {
	for _, x := range l.c.Items {
		out = append(out, x.ID)
	}
	return out
}

func (l *lister) item(x *itemKeys, to *bot.Item) {
	to.ID = x.ID.v
	for _, f := range []struct {
		g    given[string]
		to   *string
		most int
	}{
		{x.Task, &to.Task, mostLetters}, {x.Plan, &to.Plan, mostLetters}, {x.Why, &to.Why, mostWords},
		{x.Person, &to.Person, mostWords}, {x.Offer, &to.Offer, mostLetters}, {x.Runbook, &to.Runbook, 64},
	} {
		if f.g.ok {
			l.line(f.g, f.most)
			*f.to = strings.TrimSpace(f.g.v)
		}
	}
	if x.Runbook.ok {
		l.judge.named(x.Runbook)
		if all := l.b.runbooks; all != nil && !slices.Contains(all, x.Runbook.v) {
			l.judge.fault(x.Runbook.place, "there is no runbook %s%s", short(x.Runbook.v), meant(x.Runbook.v, all))
		}
	}
	l.offered(x.Offer)
	if x.Role.ok {
		role := bot.Role(x.Role.v)
		switch {
		case !roleForm.MatchString(x.Role.v):
			l.judge.fault(x.Role.place, "%s is no role: write observer, operator, approver, admin, or a word of your own in small letters", short(x.Role.v))
		case !slices.ContainsFunc(l.b.cfg.People, func(p bot.Person) bool { return p.Has(role) }) && !x.Off.v:
			l.judge.warn(x.Role.place, "nobody has the role %s: give it to somebody, or leave it out for anybody", short(x.Role.v))
		}
		to.Role = role
	}
	if x.Look.set {
		to.Look = l.lines(x.Look, mostLetters)
	}
	if x.Evidence.set {
		to.Evidence = l.evidence(x.Evidence)
	}
	if x.Optional.set {
		to.Optional = l.evidence(x.Optional)
	}
	if (x.Evidence.set || x.Optional.set) && len(to.Evidence)+len(to.Optional) == 0 && to.Person == "" {
		to.Person = personDefault
	}
}

func (l *lister) lines(g list[given[string]], most int) (out []string) {
	if len(g.items) > mostLines {
		l.judge.fault(g.place, "has %d members, more than the %d that can be shown", len(g.items), mostLines)
	}
	for _, x := range g.items {
		if x.ok {
			l.line(x, most)
			out = append(out, strings.TrimSpace(x.v))
		}
	}
	return out
}

// evidence are names of readings, and patterns of them.
func (l *lister) evidence(g list[given[string]]) []string {
	for _, x := range g.items {
		if !x.ok {
			continue
		}
		for way := range strings.SplitSeq(x.v, "|") {
			switch way = strings.TrimSpace(way); {
			case way == "":
				l.judge.fault(x.place, "%s has nothing on one side of a |: write the names of a reading that both count", short(x.v))
			case strings.Trim(way, "*") == "":
				l.judge.fault(x.place, "%s fits every reading there is: write the name of one, as `status` shows it, such as \"disk *\"", short(x.v))
			}
		}
	}
	return l.lines(g, mostLetters)
}
