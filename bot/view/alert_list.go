package view

import (
	"fmt"
	"maps"
	"strings"

	"watchstander/bot"
)

// alertItems lists the alerts by what tells them apart. A single alert that has
// nothing of its own to say is told by the fields already.
func alertItems(f bot.ThreadFacts, s Style, common bot.Labels) []bot.Text {
	total := f.Counts.Live() + f.Counts.Resolved
	shared := commonLabels(f)
	if total == 1 && len(f.Episodes) == 1 {
		e := f.Episodes[0]
		own := ownLabels(e.Labels, shared, f.Thread.State.Alert.GroupLabels)
		if plain := !e.Doubt && len(e.MutedBy)+len(e.InhibitedBy) == 0; plain && (own == "" || own == "instance="+e.Labels["instance"]) {
			return nil
		}
	}
	limit := s.limit(20)
	var items []bot.Text
	for i, e := range f.Episodes {
		if i == limit {
			break
		}
		items = append(items, alertItem(e, f, s, shared, common))
	}
	if rest := total - len(items); rest > 0 {
		items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more; ", rest)), bot.M("alerts "+string(f.Thread.ID)), bot.F(" lists them")))
	}
	return items
}

func alertItem(e bot.Episode, f bot.ThreadFacts, s Style, shared, common bot.Labels) bot.Text {
	style := bot.Plain
	if e.Resolved {
		style = bot.Struck
	}
	line := bot.Text{bot.F(fmt.Sprintf("#%d ", e.Number))}
	hidden := maps.Clone(shared)
	if e.Severity == f.Thread.Severity {
		hidden["severity"] = e.Labels["severity"]
	}
	own := ownLabels(e.Labels, hidden, f.Thread.State.Alert.GroupLabels)
	if own == "" {
		own = e.Name()
	}
	line = append(line, bot.Span{Text: own, Style: style})
	if e.Severity != f.Thread.Severity {
		line = append(line, bot.T(", "+e.Severity.String()))
	}
	switch {
	case e.Resolved && e.Ended == bot.EndedByMove:
		line = append(line, bot.T(", in another thread since "+s.Time(e.EndsAt)))
	case e.Resolved && e.Ended == bot.EndedByAbsence:
		line = append(line, bot.T(", no longer listed since "+s.Time(e.EndsAt)))
	case e.Resolved:
		line = append(line, bot.T(", resolved "+s.Time(e.EndsAt)))
	default:
		line = append(line, bot.T(", since "+s.Time(e.Since())))
	}
	switch {
	case e.Resolved:
	case e.Doubt:
		line = append(line, bot.T(" (in doubt)"))
	case len(e.SilencedBy) > 0:
		line = append(line, bot.T(" (silenced)"))
	case len(e.MutedBy) > 0:
		line = append(line, bot.T(" (muted by "+strings.Join(e.MutedBy, ", ")+")"))
	case len(e.InhibitedBy) > 0:
		line = append(line, bot.T(" (inhibited by another alert)"))
	}
	for _, name := range []string{"summary", "description"} {
		if text := e.Annotations[name]; text != "" && common[name] == "" {
			line = append(line, bot.T(": "+text))
			break
		}
	}
	return line
}

// ownLabels are the labels that tell an alert from the others of its group.
func ownLabels(l, shared, group bot.Labels) string {
	var parts []string
	for _, n := range l.Names() {
		if _, grouped := group[n]; grouped {
			continue
		}
		if v, same := shared[n]; same && v == l[n] && n != "instance" {
			continue
		}
		parts = append(parts, n+"="+l[n])
	}
	return strings.Join(parts, ", ")
}

func commonLabels(f bot.ThreadFacts) bot.Labels {
	return common(whole(f), func(e bot.Episode) bot.Labels { return e.Labels })
}

func commonAnnotations(f bot.ThreadFacts) bot.Labels {
	return common(whole(f), func(e bot.Episode) bot.Labels { return e.Annotations })
}

// whole are the episodes where the facts hold all of them: of some alone it
// cannot be said what all have in common.
func whole(f bot.ThreadFacts) []bot.Episode {
	if len(f.Episodes) < f.Counts.Live()+f.Counts.Resolved {
		return nil
	}
	return f.Episodes
}

func common(es []bot.Episode, of func(bot.Episode) bot.Labels) bot.Labels {
	out := bot.Labels{}
	for i, e := range es {
		l := of(e)
		if i == 0 {
			for n, v := range l {
				out[n] = v
			}
			continue
		}
		for n, v := range out {
			if l[n] != v {
				delete(out, n)
			}
		}
	}
	return out
}
