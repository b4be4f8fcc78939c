package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/matrix"
)

func checkCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for faults of the configuration, and whether all outside answers",
		Long: `Tell every fault of the configuration with its line, and then whether each thing
outside answers as the bot needs it: the homeserver, the token, the rooms,
Alertmanager, Prometheus, the state. Nothing is changed anywhere.

The exit code is 1 when anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), file, cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &file)
	return cmd
}

// checkTime bounds the questions to all things outside.
const checkTime = 40 * time.Second

func check(ctx context.Context, file string, w io.Writer) error {
	var warnings config.Faults
	c, err := config.Load(file, config.Options{Getenv: os.Getenv, Warn: func(w config.Faults) { warnings = w }})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, f := range faults {
			fmt.Fprintln(w, "fault  ", f)
		}
		for _, x := range warnings {
			fmt.Fprintln(w, "warning", x)
		}
		fmt.Fprintf(w, "\n%s, %s; what is outside was not asked.\n",
			phrase.Count(len(faults), "fault", "faults"), phrase.Count(len(warnings), "warning", "warnings"))
		return exitCode(1)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	for _, x := range warnings {
		fmt.Fprintln(w, "warning", x)
	}
	readings := outside(ctx, c)
	bad, unknown := 0, 0
	for _, r := range readings {
		mark := "ok     "
		switch r.State {
		case bot.NotOK:
			mark = "wrong  "
			bad++
		case bot.Unknown:
			mark = "unknown"
			unknown++
		}
		line := mark + " " + r.What + ": " + r.Value
		if r.Note != "" {
			line += " (" + r.Note + ")"
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\n%d looked at, %d wrong, %d unknown, %d warnings.\n", len(readings), bad, unknown, len(warnings))
	if bad > 0 {
		return exitCode(1)
	}
	return nil
}

// outside asks everything that the bot will lean on.
func outside(ctx context.Context, c *config.Config) []bot.Reading {
	quiet := slog.New(slog.DiscardHandler)
	out := []bot.Reading{checkState(ctx, c)}
	for _, ch := range c.Chats {
		if ch.Matrix == nil {
			continue
		}
		out = append(out, checkMatrix(ctx, c, ch, quiet)...)
	}
	for _, a := range c.Alertmanagers {
		auth, err := authOf(a.Credentials)
		if err != nil {
			out = append(out, wrong("alertmanager "+a.Name, err))
			continue
		}
		client, err := alertmanager.New(alertmanager.Options{Name: a.Name, URLs: a.URLs, Receivers: a.Receivers, Auth: auth, Log: quiet})
		if err != nil {
			out = append(out, wrong("alertmanager "+a.Name, err))
			continue
		}
		out = append(out, client.Check(ctx)...)
		client.Close()
	}
	if c.Prometheus != nil {
		out = append(out, checkPrometheus(ctx, c.Prometheus))
	}
	return out
}

func wrong(what string, err error) bot.Reading {
	return bot.Reading{What: what, Value: "cannot be used", Note: bot.ForPeople(err), At: time.Now(), State: bot.NotOK}
}

func checkMatrix(ctx context.Context, c *config.Config, ch config.Chat, log *slog.Logger) []bot.Reading {
	token, err := ch.Matrix.Token.Read()
	if err != nil {
		return []bot.Reading{wrong("chat "+string(ch.ID), err)}
	}
	o := matrix.Options{Chat: ch.ID, Homeserver: ch.Matrix.Homeserver, User: ch.Matrix.User, Token: token, Rooms: map[bot.RoomID]string{}, Log: log}
	for _, r := range c.Rooms {
		if r.Chat == ch.ID {
			o.Rooms[r.ID] = r.PlatformID
		}
	}
	chat, err := matrix.New(o)
	if err != nil {
		return []bot.Reading{wrong("chat "+string(ch.ID), err)}
	}
	defer chat.Close()
	return chat.Check(ctx)
}

func checkPrometheus(ctx context.Context, p *config.Prometheus) bot.Reading {
	client, err := newPrometheus(p)
	if err != nil {
		return wrong("prometheus", err)
	}
	defer func() { _ = client.Close() }() // nothing is on its way any more
	v, err := client.Ready(ctx)
	if err != nil {
		return wrong("prometheus", err)
	}
	return bot.Reading{What: "prometheus", Value: "answers, version " + v, At: time.Now(), State: bot.OK}
}

// checkState looks at the state without making or changing it.
func checkState(ctx context.Context, c *config.Config) bot.Reading {
	r := bot.Reading{What: "state", Value: c.State.Path, At: time.Now(), State: bot.OK}
	tables, known, err := store.Inspect(ctx, c.State.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.Note = "will be made at the first start"
	case err != nil:
		r.State, r.Note = bot.NotOK, err.Error()
	case tables > known:
		r.State, r.Note = bot.NotOK, fmt.Sprintf("written by a newer watchstander (tables %d, this one knows %d)", tables, known)
	case tables < known:
		r.Note = fmt.Sprintf("tables %d, will be brought to %d at the next start", tables, known)
	}
	return r
}
