package systemd

import (
	"context"
	"fmt"

	"watchstander/bot"
)

// system reads the state of the whole, as `systemctl is-system-running` does.
func (p *Probe) system(ctx context.Context, conn Conn) bot.Reading {
	const what = "systemd"
	property, err := conn.SystemStateContext(ctx)
	if err != nil {
		return unknown(what, reason(err))
	}
	if property == nil {
		return unknown(what, "it told no state")
	}
	state, ok := property.Value.Value().(string)
	if !ok {
		return unknown(what, "its state is not a word")
	}
	r := bot.Reading{What: what, Value: line(state), State: bot.NotOK}
	switch state {
	case "running":
		r.State = bot.OK
	case "degraded":
		r.Note = "units have failed"
	case "maintenance":
		r.Note = "it is in rescue or emergency mode"
	case "stopping":
		r.Note = "the host is going down"
	case "initializing", "starting":
		r.State, r.Note = bot.Unknown, "it is still starting, or a job waits for ever"
	default:
		r.State, r.Note = bot.Unknown, fmt.Sprintf("systemd itself calls it %q", line(state))
	}
	return r
}
