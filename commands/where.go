package commands

import (
	"context"

	"watchstander/bot"
)

// whose is the host that a command is about: the one that it names, the one that
// its thread is about, or "" for the only one. A thread about mars must not be
// answered with vulcan's nginx.
func whose(ctx context.Context, call bot.Call) (string, error) {
	if name := on(call); name != "" || call.Thread == "" {
		return name, nil
	}
	f, err := call.World.Thread(ctx, call.Thread)
	if err != nil {
		if notFound(err) {
			return "", nil // said in a thread that is none of ours
		}
		return "", err
	}
	switch st := f.Thread.State; {
	case st.Alert != nil:
		return st.Alert.Host, nil
	case st.Reboot != nil:
		return st.Reboot.Host, nil
	}
	return "", nil
}
