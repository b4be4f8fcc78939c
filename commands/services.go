package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

const hour = time.Hour

// service tells how one unit is.
func service(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	u, err := host.UnitOf(ctx, call.World, name, call.Args["name"].Text)
	if err != nil {
		return nil, err
	}
	m := bot.Message{}
	m.Tone, m.Title = unitHeadline(u, call)
	m.Blocks = append(m.Blocks, bot.Fields{Fields: unitFields(u, call)})
	if len(u.Log) > 0 {
		m.Blocks = append(m.Blocks, bot.Pre{Body: logText(u.Log, call, mostLogText)})
	}
	m.Blocks = append(m.Blocks, doubts(u.Unknown)...)
	if u.Restartable {
		m.Note = bot.Quoted("`service restart " + strings.TrimSuffix(u.Name, ".service") + "` asks to restart it.")
	}
	return of(name, call, m), nil
}

// unitHeadline is "nginx.service: active (running) since Mon 12 Jan 13:00 CET (2 d)".
func unitHeadline(u host.Unit, call bot.Call) (bot.Tone, bot.Text) {
	state := fmt.Sprintf(": %s (%s)", u.Active, u.Sub)
	if u.Load != "loaded" {
		state += ", " + u.Load
	}
	if !u.Since.IsZero() {
		state += fmt.Sprintf(" since %s (%s)", clockText(u.Since, call.World.Zone(), call.Now), phrase.Duration(call.Now.Sub(u.Since)))
	}
	tone := bot.ToneOK
	switch {
	case u.Active == "failed":
		tone = bot.ToneCritical
	case !u.Fine:
		tone = bot.ToneWarning
	case u.Active == "inactive":
		tone = bot.ToneMuted
	}
	return tone, bot.Line(bot.B(u.Name), bot.T(state))
}

func unitFields(u host.Unit, call bot.Call) []bot.Field {
	var out []bot.Field
	add := func(name, value string) {
		if value != "" {
			out = append(out, bot.Field{Name: name, Value: bot.Line(bot.T(value))})
		}
	}
	if u.Description != u.Name {
		add("Description", u.Description)
	}
	if u.Result != "" && u.Result != "success" {
		add("Ended last with", fmt.Sprintf("%s (exit code %d)", u.Result, u.ExitCode))
	}
	if !u.Started.IsZero() {
		add("Last start", clockText(u.Started, call.World.Zone(), call.Now))
	}
	if u.MainPID > 0 {
		add("Main process", fmt.Sprint(u.MainPID))
	}
	if u.Memory != nil {
		add("Memory", u.Memory.String())
	}
	if u.Restarts > 0 {
		add("Restarted by systemd", phrase.Count(u.Restarts, "time", "times"))
	}
	add("Started by", strings.Join(u.TriggeredBy, ", "))
	add("Starts", strings.Join(u.Triggers, ", "))
	add("Restarts with it", strings.Join(u.Follow, ", "))
	add("Stops with it, or may, and stays so", strings.Join(u.Ends, ", "))
	if u.Stale {
		add("Unit file", u.Fragment+", changed since systemd has read it")
	} else {
		add("Unit file", u.Fragment)
	}
	return out
}

// mostLogText is how much of a log one answer shows, in bytes: some screens.
const mostLogText = 8000

// logText writes lines one below the other, as many of the newest as fit. The day
// is said where it changes.
func logText(lines []host.LogLine, call bot.Call, most int) string {
	zone := call.World.Zone()
	out := make([]string, 0, len(lines))
	day := ""
	for _, l := range lines {
		clock := "--:--:--"
		if !l.At.IsZero() {
			at := l.At.In(zone)
			clock = at.Format("15:04:05")
			if d := at.Format("Mon 2 Jan"); d != day {
				day = d
				clock = d + " " + clock
			}
		}
		text := clock + " " + l.From + ": " + l.Text
		if l.Priority >= 0 && l.Priority <= 3 {
			text = clock + " " + l.From + " [error]: " + l.Text
		}
		out = append(out, text)
	}
	size := 0
	for i := len(out) - 1; i >= 0; i-- {
		if size += len(out[i]) + 1; size > most && i < len(out)-1 {
			return fmt.Sprintf("… %s before\n", phrase.Count(i+1, "line", "lines")) + strings.Join(out[i+1:], "\n")
		}
	}
	return strings.Join(out, "\n")
}

// logs shows the last lines of a listed unit.
func logs(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	const most = 200
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	lines, given := call.Args["lines"]
	if given && (lines.Number < 1 || lines.Number > most) {
		return nil, bot.Errorf(bot.CodeInvalid, "logs: `%s` is no number of lines from 1 to %d.", echo(lines.Text, echoWord), most)
	}
	l, err := host.LogsOf(ctx, call.World, name, call.Args["unit"].Text, lines.Number)
	if err != nil {
		return nil, err
	}
	if len(l.Lines) == 0 {
		return of(name, call, bot.Message{Title: bot.Line(bot.T("The journal has nothing of "), bot.M(l.Unit))}), nil
	}
	m := bot.Message{
		Title:  bot.Line(bot.B(phrase.Count(len(l.Lines), "line", "lines")), bot.T(" of "), bot.M(l.Unit)),
		Blocks: []bot.Block{bot.Pre{Body: logText(l.Lines, call, mostLogText)}},
	}
	if l.Cut {
		m.Note = bot.Line(bot.T("There was more than is told."))
	}
	return of(name, call, m), nil
}

// serviceRestart asks for a plan; what may be restarted, the agent knows.
func serviceRestart(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.Ask{Thread: call.Thread, Host: name, Operation: host.RestartOperation,
		Arguments: bot.Arguments{host.UnitArgument: {call.Args["name"].Text}}}, nil
}
