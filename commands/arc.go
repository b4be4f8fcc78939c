package commands

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// zfsARC tells how the cache serves, draws how it did, and says what speaks for
// other limits.
func zfsARC(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	a, err := host.ARCOf(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	m := bot.Message{Title: bot.Line(bot.B(arcHeadline(a)))}
	m.Blocks = append(m.Blocks, bot.Fields{Fields: arcFields(a)})
	if items := parameterItems(a); len(items) > 0 {
		m.Tone = bot.ToneWarning
		m.Blocks = append(m.Blocks, bot.List{Items: items})
	}
	var items []bot.Text
	for _, s := range a.Signs {
		items = append(items, append(bot.Line(bot.B(signWord(s.For)+": ")), bot.Quoted(s.Text)...))
	}
	if len(items) > 0 {
		m.Blocks = append(append(m.Blocks, bot.Para{Text: bot.Line(bot.B("What speaks for other limits, and what does not"))}), lists(items)...)
	}
	m.Blocks = append(m.Blocks, arcPictures(ctx, call, name)...)
	m.Note = bot.Quoted("`zfs arc set max SIZE min SIZE` asks to change the limits.")
	return of(name, call, m), nil
}

func signWord(direction string) string {
	switch direction {
	case "raise":
		return "for raising"
	case "lower":
		return "for lowering"
	case "keep":
		return "for keeping"
	}
	return "unknown"
}

func arcHeadline(a host.ARC) string {
	title := fmt.Sprintf("ARC: %s of at most %s", a.Size, a.Max)
	r := a.Boot.All
	since := "since ZFS was loaded"
	if a.Sample != nil && a.Sample.All.Total() > 0 {
		r, since = a.Sample.All, fmt.Sprintf("within %d s", a.SampleSeconds)
	}
	if text, ok := ratio(r); ok {
		title += ", " + text + " hits " + since
	}
	return title
}

// ratio is the share of hits, rounded down so that nothing becomes 100 % that is
// not.
func ratio(s host.Share) (string, bool) {
	r, ok := s.Ratio()
	if !ok {
		return "", false
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(int(r*10))/10, 'f', 1, 64), ".0") + " %", true
}

func arcFields(a host.ARC) []bot.Field {
	var out []bot.Field
	add := func(name, value string) { out = append(out, bot.Field{Name: name, Value: bot.Line(bot.T(value))}) }
	known := func(b *host.Bytes) string {
		if b == nil {
			return "unknown"
		}
		return b.String()
	}
	add("Limits that hold", fmt.Sprintf("%s to %s", a.Min.Precise(), a.Max.Precise()))
	add("Target now", a.Target.String())
	add("Metadata in it", known(a.Meta))
	add("Memory of the host", known(a.RAM)+usable(a.RAM))
	add("Memory free for it", known(a.Available))
	throttled := "unknown"
	if a.Throttled != nil {
		throttled = phrase.Count(int(*a.Throttled), "time", "times") + " since ZFS was loaded"
	}
	add("Writes that waited for memory", throttled)
	add("Reads since ZFS was loaded", readsText(a.Boot))
	if a.Sample != nil {
		add(fmt.Sprintf("Reads within %d s", a.SampleSeconds), readsText(*a.Sample))
	} else {
		add("Reads just now", "not measured")
	}
	return out
}

// usable tells that the figure is less than what is built in: the kernel keeps some
// for itself.
func usable(ram *host.Bytes) string {
	if ram == nil {
		return ""
	}
	return " that can be used"
}

// readsText is "98.7 % of 1000000 were hits (demand data 99 %, …), 12000 were misses".
func readsText(r host.Reads) string {
	text, ok := ratio(r.All)
	if !ok {
		return "none"
	}
	var parts []string
	for _, p := range []struct {
		name string
		s    *host.Share
	}{{"data", r.DemandData}, {"metadata", r.DemandMetadata}, {"prefetched data", r.PrefetchData}, {"prefetched metadata", r.PrefetchMetadata}} {
		if p.s == nil {
			continue
		}
		if part, ok := ratio(*p.s); ok {
			parts = append(parts, p.name+" "+part)
		}
	}
	out := fmt.Sprintf("%s of %d were hits", text, r.All.Total())
	if len(parts) > 0 {
		out += " (" + strings.Join(parts, ", ") + ")"
	}
	out += fmt.Sprintf("; %d were misses", r.All.Misses)
	if n := r.All.IOHits; n > 0 {
		out += fmt.Sprintf(", and %d joined a read that was on its way", n)
	}
	return out
}

// parameterItems tell of what somebody wrote and the kernel did not obey.
func parameterItems(a host.ARC) []bot.Text {
	var out []bot.Text
	for _, p := range a.Parameters {
		switch p.State {
		case host.ParamIgnored:
			out = append(out, bot.Line(bot.M(p.Name), bot.T(fmt.Sprintf(" holds %s, which the kernel ignores (%s); %s holds", p.Written.Precise(), p.Why, p.Effective.Precise()))))
		case host.ParamUnknown:
			out = append(out, bot.Line(bot.M(p.Name), bot.T(" is unknown: "+p.Why)))
		}
	}
	return out
}

// arcSpan is what the pictures show.
const arcSpan = 24 * time.Hour

// arcPictures draw the share of hits and the size over a day, from what
// node_exporter tells; where that cannot be, why.
func arcPictures(ctx context.Context, call bot.Call, name string) []bot.Block {
	at := ""
	if name != "" {
		at = "{instance=~" + strconv.Quote(regexp.QuoteMeta(name)+`(\..*)?(:[0-9]+)?`) + "}"
	}
	var out []bot.Block
	for _, expr := range []string{
		// Reads that joined one under way count as in the figure; before ZFS 2.2 they
		// were hits.
		fmt.Sprintf("100 * rate(node_zfs_arc_hits%[1]s[5m]) / (rate(node_zfs_arc_hits%[1]s[5m]) + rate(node_zfs_arc_misses%[1]s[5m])"+
			" + (rate(node_zfs_arc_iohits%[1]s[5m]) or 0 * rate(node_zfs_arc_hits%[1]s[5m])))", at),
		fmt.Sprintf("node_zfs_arc_size%[1]s <= node_zfs_arc_c_max%[1]s", at),
	} {
		picture, err := call.World.Graph(ctx, expr, arcSpan)
		if err != nil {
			return append(out, bot.Para{Text: append(bot.Line(bot.F("No picture over time: ")), bot.Quoted(bot.ForPeople(err))...)})
		}
		out = append(out, picture)
	}
	return out
}

// zfsARCSet asks for a plan; what the limits may be, the agent knows.
func zfsARCSet(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	args := bot.Arguments{}
	for _, limit := range []string{host.ARCMax, host.ARCMin} {
		if v, ok := call.Args[limit]; ok {
			args[limit] = []string{v.Text}
		}
	}
	if len(args) == 0 {
		return nil, bot.Errorf(bot.CodeInvalid, "zfs arc set: say which limit; e.g. `zfs arc set max 32G min 4G`. `zfs arc` shows those that hold.")
	}
	return bot.Ask{Thread: call.Thread, Host: name, Operation: host.ARCSetOperation, Arguments: args}, nil
}
