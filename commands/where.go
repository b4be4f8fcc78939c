package commands

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// on is the host that a command names, "" for none.
func on(call bot.Call) string { return call.Args["on"].Text }

// whose is the host that a command is about: the one that it names, the one that
// its thread is about, or "" for the only one with an agent. A thread about mars
// must not be answered with vulcan's nginx; where nothing tells which of several is
// meant, it is asked.
func whose(ctx context.Context, call bot.Call) (string, error) {
	if name := on(call); name != "" {
		return name, nil
	}
	why := ""
	if call.Thread != "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil:
			if name := spokenOf(f.Thread); name != "" {
				return name, nil
			}
			why = " This thread speaks of no one host."
		case !notFound(err): // else it is none of ours
			return "", err
		}
	}
	hosts := call.World.Agents()
	if len(hosts) < 2 {
		return "", nil
	}
	return "", bot.Errorf(bot.CodeInvalid, "%s: which host?%s Say it again with one behind it: %s.", call.Command, why, either(hosts))
}

// spokenOf is the host that a thread is about, "" where that is no one host.
func spokenOf(th bot.Thread) string {
	switch st := th.State; {
	case st.Alert != nil:
		return st.Alert.Host
	case st.Reboot != nil:
		return st.Reboot.Host
	case st.Plan != nil:
		return st.Plan.Host
	case st.Maintenance != nil:
		return st.Maintenance.Host
	}
	return ""
}

// either is "`on mars`, `on pluto` or `on vulcan`".
func either(hosts []string) string {
	words := make([]string, len(hosts))
	for i, h := range hosts {
		words[i] = "`on " + h + "`"
	}
	return phrase.Or(words)
}

// of is an answer about a host, which it names where there are several.
func of(host string, call bot.Call, m bot.Message) bot.Outcome {
	if host != "" && len(call.World.Agents()) > 1 {
		m.Title = append(bot.Line(bot.T(host+": ")), m.Title...)
	}
	return bot.Say{Message: m}
}
