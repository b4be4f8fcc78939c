package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"

	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/store"
	"watchstander/integrations/matrix"
	"watchstander/integrations/slack"
)

func slackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slack",
		Short: "What an administrator of Slack needs",
		Args:  cobra.NoArgs, // asked only of what can be run
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var address string
	manifest := &cobra.Command{
		Use:   "manifest",
		Short: "Print the manifest of the Slack app",
		Long: `Print the manifest from which Slack makes the app (https://api.slack.com/apps,
"Create New App", "From a manifest"): what it is called, hears and may, each with the
reason beside it.

It is that of an app that calls Slack (Socket Mode). With --http it is that of an app
that Slack calls: at that address, of a proxy that speaks TLS, with the path /slack/NAME,
in which NAME is the chat's in the configuration.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := slack.Manifest(address)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	manifest.Flags().StringVar(&address, "http", "", "the `URL` at which Slack calls the bot, as in https://bot.example.org/slack/NAME")
	cmd.AddCommand(manifest)
	return cmd
}

// slackOptions are what the configuration says of a chat, with its secrets.
func slackOptions(c *config.Config, ch config.Chat, log *slog.Logger) (o slack.Options, err error) {
	s := ch.Slack
	o = slack.Options{Chat: ch.ID, Team: s.Team, Rooms: map[bot.RoomID]string{}, Connections: s.Connections,
		RoomPerSecond: s.PerSecond, RoomBurst: s.Burst, ChatPerSecond: s.WorkspacePerSecond, ChatBurst: max(s.Burst, int(math.Ceil(s.WorkspacePerSecond))), Log: log, Behind: grammar.Agrees}
	if o.BotToken, err = s.BotToken.Read(); err != nil {
		return o, err
	}
	if s.AppToken != nil {
		if o.AppToken, err = s.AppToken.Read(); err != nil {
			return o, err
		}
	}
	if s.HTTP != nil {
		if o.SigningSecret, err = s.HTTP.SigningSecret.Read(); err != nil {
			return o, err
		}
	}
	for _, r := range c.Rooms {
		if r.Chat == ch.ID {
			o.Rooms[r.ID] = r.PlatformID
		}
	}
	return o, nil
}

func (h *house) slack(ctx context.Context, ch config.Chat, api string) (*slack.Chat, error) {
	o, err := slackOptions(h.config, ch, h.log)
	if err != nil {
		return nil, err
	}
	o.API = api
	err = h.store.View(ctx, func(tx *store.Tx) (err error) {
		o.Cursor, err = tx.Cursor(string(ch.ID))
		return err
	})
	if err != nil {
		return nil, err
	}
	chat, err := slack.New(o)
	if err != nil {
		return nil, err
	}
	h.closers = append(h.closers, func() error { chat.Close(); return nil })
	if s := ch.Slack.HTTP; s != nil {
		h.called = append(h.called, called{address: s.Listen, path: slackPath(ch.ID), handler: chat.Handler()})
	}
	return chat, nil
}

// slackPath is where Slack's requests for a chat arrive.
func slackPath(chat bot.ChatID) string { return "/slack/" + string(chat) }

// called is what a platform calls us at.
type called struct {
	address string // IP and port; the configuration's Listen where it is the webhooks', too
	path    string
	handler http.Handler
}

// checkSlack asks Slack; api is "" for Slack's own.
func checkSlack(ctx context.Context, c *config.Config, ch config.Chat, codes matrix.Codes, api string, log *slog.Logger) (out []bot.Reading) {
	what := "chat " + string(ch.ID)
	if codes != matrix.CodesNever {
		// Nothing that anybody can mend: people have to know another way.
		r := read(what+": deleting codes", bot.OK, "left to their writers", "for information: Slack lets no app delete what others wrote; give codes as /ws approve PLAN CODE, which nobody else sees")
		if codes == matrix.CodesPerhaps {
			r.Note += "; whether a rule wants codes (step_up: totp) is in the agent's file, which was not read"
		}
		out = append(out, r)
	}
	if s := ch.Slack.HTTP; s != nil && s.Listen != c.Listen {
		out = append(out, checkListen(ctx, fmt.Sprintf("%s: address", what), s.Listen))
	}
	o, err := slackOptions(c, ch, log)
	if err != nil {
		return append(out, wrong(what, err))
	}
	o.API = api
	chat, err := slack.New(o)
	if err != nil {
		return append(out, wrong(what, err))
	}
	defer chat.Close()
	return append(out, chat.Check(ctx)...)
}
