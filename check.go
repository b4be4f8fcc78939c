package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/phrase"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/matrix"
	prom "watchstander/integrations/prometheus"
)

func checkCommand() *cobra.Command {
	var file, agentFile, unit string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for faults of the configuration, and whether all outside answers",
		Long: `Tell every fault of the configuration with its line, and then whether each thing
that the bot leans on is as it needs it: the state, the webhooks' address, the
console's socket, the homeserver with the token and the rooms, Slack with the tokens,
the scopes and the channels, Alertmanager, Prometheus, the certificates. Nothing is changed anywhere.

As root, --unit watchstander takes the secrets from where systemd would take them for
that unit, whether it runs or not.

Where this host has an agent, its file is looked at too: its faults, where it and
the bot's file do not go together, who may agree to what, and what a captured bot
could run.

The exit code is 1 when anything is wrong. What could not be looked at is named
as unknown, and counted in the last line.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), file, unit, findAgent(agentFile), cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().StringVar(&unit, "unit", "", "the `unit` of systemd's that hands the bot its secrets")
	cmd.Flags().StringVar(&agentFile, "agent-config", "", "the agent's `file`; "+config.AgentFile+" if it is there")
	if err := cmd.MarkFlagFilename("agent-config", "yaml", "yml"); err != nil {
		panic(err) // the flag was made on the line before
	}
	return cmd
}

// checkTime bounds the questions to all things outside.
const checkTime = 40 * time.Second

// check tells all that it finds; unit is "" where secrets are not a unit's, and agent is nil
// where there is none.
func check(ctx context.Context, file, unit string, agent *agentCheck, w io.Writer) error {
	if agent == nil {
		agent = &agentCheck{} // of which nothing is told
	}
	agent.w = w
	lookAtAgent := func(c *config.Config) {
		if agent.file != "" {
			agent.look(c, time.Now())
		}
	}

	var warnings config.Faults
	o := config.Options{Getenv: os.Getenv, Offer: grammar.Offered, Warn: func(w config.Faults) { warnings = w }}
	handed, err := handedBy(ctx, unit, &o)
	if err != nil {
		return err
	}
	c, err := config.Load(file, o)
	tellWarnings := func() {
		for _, x := range warnings {
			fmt.Fprintln(w, "warning", x)
		}
	}
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, f := range faults {
			fmt.Fprintln(w, "fault  ", f)
		}
		tellWarnings()
		lookAtAgent(nil)
		tellReadings(w, handed)
		fmt.Fprintf(w, "\n%s, %s; what is outside was not asked.\n", phrase.Count(len(faults)+agent.faults, "fault", "faults"), phrase.Count(len(warnings)+agent.warnings, "warning", "warnings"))
		return exitCode(1)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	tellWarnings()
	lookAtAgent(c)
	readings := append(handed, outside(ctx, c, agent.codes(c))...)
	bad, unknown := tellReadings(w, readings)
	unknown += agent.unread
	said := ""
	if agent.faults > 0 {
		said = phrase.Count(agent.faults, "fault", "faults") + ", "
	}
	fmt.Fprintf(w, "\n%d looked at: %d wrong, %d unknown; %s%s.\n", len(readings)+agent.unread, bad, unknown, said, phrase.Count(len(warnings)+agent.warnings, "warning", "warnings"))
	if bad+agent.faults > 0 {
		return exitCode(1)
	}
	return nil
}

// tellReadings writes a line for each.
func tellReadings(w io.Writer, readings []bot.Reading) (bad, unknown int) {
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
		line := mark + " " + r.What + ": " + cmp.Or(r.Value, "no value")
		if r.Note != "" {
			line += " (" + r.Note + ")"
		}
		fmt.Fprintln(w, line)
	}
	return bad, unknown
}

// outside asks everything that the bot will lean on.
func outside(ctx context.Context, c *config.Config, codes matrix.Codes) []bot.Reading {
	quiet := slog.New(slog.DiscardHandler)
	out := []bot.Reading{checkState(ctx, c), checkListen(ctx, "webhooks' address", c.Listen)}
	for _, ch := range c.Chats {
		switch {
		case ch.Matrix != nil:
			out = append(out, checkMatrix(ctx, c, ch, codes, quiet)...)
		case ch.Slack != nil:
			out = append(out, checkSlack(ctx, c, ch, codes, "", quiet)...)
		case ch.Console != nil:
			out = append(out, checkConsole(ctx, string(ch.ID), ch.Console.Socket))
		}
	}
	out = append(out, checkAlertmanagers(ctx, c, quiet)...)
	if c.Prometheus != nil {
		out = append(out, checkPrometheus(ctx, c.Prometheus))
	}
	if c.Grafana != nil {
		g := newGrafana(c.Grafana)
		out = append(out, g.Read(ctx)...)
		g.Close()
	}
	named := certificates{hosts: func() []config.Host { return c.Hosts }, zone: func() *time.Location { return c.Zone }}
	return append(out, named.Read(ctx)...)
}

// wrong is a part that could not be made. Its error is shown whole, to whoever
// may read the configuration: where it is none for people, its own text.
func wrong(what string, err error) bot.Reading {
	note := err.Error()
	if _, ok := errors.AsType[*bot.Error](err); ok {
		note = bot.ForPeople(err)
	}
	return read(what, bot.NotOK, "cannot be used", note)
}

func read(what string, state bot.ReadingState, value, note string) bot.Reading {
	return bot.Reading{What: what, Value: value, Note: note, At: time.Now(), State: state}
}

func checkMatrix(ctx context.Context, c *config.Config, ch config.Chat, codes matrix.Codes, log *slog.Logger) []bot.Reading {
	token, err := ch.Matrix.Token.Read()
	if err != nil {
		return []bot.Reading{wrong("chat "+string(ch.ID), err)}
	}
	o := matrix.Options{Chat: ch.ID, Homeserver: ch.Matrix.Homeserver, User: ch.Matrix.User, Token: token, Rooms: map[bot.RoomID]string{}, Codes: codes, Log: log}
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

// checkAlertmanagers asks all at once, each for itself and for the alerts that the bot would
// miss.
func checkAlertmanagers(ctx context.Context, c *config.Config, log *slog.Logger) []bot.Reading {
	var heartbeats []alertmanager.Heartbeat
	for i, r := range c.Routes {
		if r.As == config.AsHeartbeat {
			heartbeats = append(heartbeats, alertmanager.Heartbeat{Name: r.Match.String(), AbsentAfter: r.AbsentAfter, Fits: func(l bot.Labels) bool {
				return slices.ContainsFunc(c.Route(l), func(d config.Decision) bool { return d.RouteIndex == i })
			}})
		}
	}
	readings := make([][]bot.Reading, len(c.Alertmanagers))
	beats := make([][]alertmanager.Beat, len(c.Alertmanagers))
	var asking sync.WaitGroup
	for i, a := range c.Alertmanagers {
		client, err := newAlertmanager(a, 0, log)
		if err != nil {
			readings[i] = []bot.Reading{wrong("alertmanager "+a.Name, err)}
			continue
		}
		defer client.Close()
		asking.Go(func() { readings[i] = client.Check(ctx) })
		asking.Go(func() { beats[i] = client.CheckHeartbeats(ctx, heartbeats) })
	}
	asking.Wait()
	out := slices.Concat(readings...)
	for h := range heartbeats {
		// One that has it is enough, unless none has.
		var having, lacking []bot.Reading
		for _, of := range beats {
			switch {
			case len(of) == 0: // it could not be made
			case of[h].Elsewhere:
				lacking = append(lacking, of[h].Reading)
			default:
				having = append(having, of[h].Reading)
			}
		}
		if len(having) == 0 {
			having = lacking
		}
		out = append(out, having...)
	}
	return out
}

func checkPrometheus(ctx context.Context, p *config.Prometheus) bot.Reading {
	client, err := newPrometheus(p)
	if err != nil {
		return wrong("prometheus", err)
	}
	defer func() { _ = client.Close() }() // nothing is on its way any more
	v, err := client.Ready(ctx)
	switch {
	case errors.Is(err, prom.ErrTimeout), errors.Is(err, prom.ErrUnavailable):
		return read("prometheus", bot.NotOK, "no answer", bot.ForPeople(err))
	case err != nil:
		return wrong("prometheus", err)
	}
	return read("prometheus", bot.OK, "answers, version "+cmp.Or(v, "unknown"), "")
}
