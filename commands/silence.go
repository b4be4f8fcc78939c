package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// coveredTime bounds the question how many alerts a silence covers: the figure
// is good to have, and not worth a long wait.
const coveredTime = 5 * time.Second

// silence works out what is to be silenced, and until when.
func silence(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	target, _ := call.Args["target"]
	out := bot.MakeSilence{Silence: bot.Silence{StartsAt: call.Now, EndsAt: endOf(call)}}
	if !out.Silence.EndsAt.After(call.Now) {
		return nil, bot.Errorf(bot.CodeInvalid, "silence: `%s` has passed in the meantime.", echo(call.Args["duration"].Text, echoWord))
	}
	var err error
	if strings.HasPrefix(target.Text, "{") {
		out.Alertmanager, err = chosenAlertmanager(call)
		if err == nil {
			out.Silence.Matchers, err = parseMatchers(target.Text)
		}
	} else {
		err = aimAtThread(ctx, call, target, &out)
	}
	if err != nil {
		return nil, err
	}
	out.Silence.Comment = bareReason(call.Args["comment"].Text)
	reasonless := out.Silence.Comment == ""
	if reasonless {
		// Alertmanager wants a comment, and whoever finds the silence there should
		// not look for a reason that nobody gave.
		out.Silence.Comment = "no reason given"
	}
	if out.Thread != "" && !reasonless {
		return out, nil // the thread shows what it covers, so nobody is asked
	}
	n, known := covered(ctx, call, out)
	switch {
	case known && n == 0 && out.Thread == "":
		out.Note = "It covers no alert that fires now. If it should, compare its matchers with the labels in `alerts THREAD`."
	case known && n > 0 && reasonless:
		out.Silence.Comment += "; covered " + phrase.Count(n, "alert", "alerts")
	}
	return out, nil
}

// bareReason is a comment without the "because" in front of it: Alertmanager and the thread
// show it as a reason, and forms put the word there themselves.
func bareReason(comment string) string {
	const because = "because "
	if len(comment) > len(because) && strings.EqualFold(comment[:len(because)], because) {
		return unquoted(strings.TrimSpace(comment[len(because):]))
	}
	return comment
}

func endOf(call bot.Call) time.Time {
	v := call.Args["duration"]
	if !v.Until.IsZero() {
		return v.Until
	}
	return call.Now.Add(v.Duration)
}

// aimAtThread makes the matchers of a thread's group, or of one of its alerts.
func aimAtThread(ctx context.Context, call bot.Call, target bot.Value, out *bot.MakeSilence) error {
	if on, ok := call.Args["on"]; ok {
		return bot.Errorf(bot.CodeInvalid, "silence: `on %s` goes with matchers only; a thread knows its own Alertmanager.", echo(on.Text, echoWord))
	}
	id := call.Thread
	named := strings.HasPrefix(target.Text, "thr_")
	if named {
		id = bot.ThreadID(target.Text)
	}
	if id == "" {
		return bot.Errorf(bot.CodeInvalid, "Outside a thread, say what to silence: `silence THREAD 2h`, or `silence {alertname=\"DiskFull\"} 2h`. `alerts` lists the threads.")
	}
	f, err := call.World.Thread(ctx, id)
	if named && notFound(err) {
		return bot.Errorf(bot.CodeNotFound, "There is no thread `%s`. To silence by name: `silence {alertname=\"…\"} 2h`.", echo(target.Text, echoWord)).Because(err)
	}
	if err != nil {
		return err
	}
	a := f.Thread.State.Alert
	if a == nil {
		return bot.Errorf(bot.CodeInvalid, "This thread is about no alerts of Alertmanager, so there is nothing in it to silence.")
	}
	out.Thread = f.Thread.ID
	if out.Alertmanager, err = alertmanagerOf(call, f); err != nil {
		return err
	}
	if target.Number > 0 {
		e, err := numbered(f, target.Number)
		if err != nil {
			return err
		}
		if !anyValue(e.Labels) {
			return bot.Errorf(bot.CodeInvalid, "#%d has no labels, and a silence without labels would hold everything back.", e.Number)
		}
		out.Silence.Matchers = exactly(e.Labels)
		return nil
	}
	if !anyValue(a.GroupLabels) {
		return bot.Errorf(bot.CodeInvalid,
			"This group has no labels in common by which it could be silenced; a silence would hold everything back. Silence one alert: `silence #1 2h`.")
	}
	out.Silence.Matchers = exactly(a.GroupLabels)
	return nil
}

// alertmanagerOf is the one that a thread's alerts come from.
func alertmanagerOf(call bot.Call, f bot.ThreadFacts) (string, error) {
	all := call.World.Alertmanagers()
	if a := f.Thread.State.Alert; a != nil && a.Alertmanager != "" {
		return a.Alertmanager, nil
	}
	if len(all) == 0 {
		return "", noAlertmanager()
	}
	return all[0], nil
}

// chosenAlertmanager is the one that was named, else the first.
func chosenAlertmanager(call bot.Call) (string, error) {
	all := call.World.Alertmanagers()
	on, named := call.Args["on"]
	switch {
	case len(all) == 0:
		return "", noAlertmanager()
	case !named:
		return all[0], nil
	case !slices.Contains(all, on.Text):
		return "", bot.Errorf(bot.CodeNotFound, "There is no Alertmanager `%s`; there is %s.", echo(on.Text, echoWord), strings.Join(all, ", "))
	}
	return on.Text, nil
}

func noAlertmanager() error {
	return bot.Errorf(bot.CodeUnavailable, "No Alertmanager is configured, so there is nobody to ask for silence.")
}

// covered is how many alerts the silence covers now, where that can be found out.
func covered(ctx context.Context, call bot.Call, s bot.MakeSilence) (n int, known bool) {
	ctx, cancel := context.WithTimeout(ctx, coveredTime)
	defer cancel()
	n, err := call.World.Covered(ctx, s.Alertmanager, s.Silence.Matchers)
	return n, err == nil
}

// holding are the silences over a thread that hold now or will.
func holding(silences []bot.Silence, call bot.Call) []bot.Silence {
	var out []bot.Silence
	for _, s := range silences {
		if s.State != "expired" && s.EndsAt.After(call.Now) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b bot.Silence) int { return cmp.Or(a.EndsAt.Compare(b.EndsAt), cmp.Compare(a.ID, b.ID)) })
	return out
}

// silenceItem is a silence in one line of a list, with its short id.
func silenceItem(s bot.Silence, short string, call bot.Call) bot.Text {
	zone := call.World.Zone()
	t := bot.Line(bot.M(matchersText(s.Matchers)), bot.T(" by "), bot.B(s.CreatedBy))
	switch s.State {
	case "pending":
		t = append(t, bot.T(fmt.Sprintf(", from %s until %s", clockText(s.StartsAt, zone, call.Now), clockText(s.EndsAt, zone, call.Now))))
	case "expired":
		t = append(t, bot.T(", ended "+clockText(s.EndsAt, zone, call.Now)))
	default:
		t = append(t, bot.T(", until "+clockText(s.EndsAt, zone, call.Now)))
	}
	if c := withoutKey(s.Comment); c != "" {
		t = append(t, bot.T(": "+c))
	}
	return append(t, bot.T(" · "), bot.M(short))
}

// withoutKey leaves out the mark at a comment's end by which the bot finds a
// silence of its own again.
func withoutKey(comment string) string {
	if i := strings.LastIndex(comment, " [eff_"); i >= 0 && strings.HasSuffix(comment, "]") {
		return comment[:i]
	}
	return comment
}
