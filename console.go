package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/commands"
	"watchstander/integrations/console"
)

func consoleCommand() *cobra.Command {
	var file, socket string
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Talk to the running bot in this terminal",
		Long: `Join the bot's conversation over its Unix socket: the same threads and commands
as in the chat, also when the chat is down. Who you are is your user on this host.

Pipes work too: echo status | watchstander console. The exit code is 1 when a
line was not taken; what the bot answers does not count.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if socket == "" {
				path, err := socketOf(file)
				if err != nil {
					return err
				}
				socket = path
			}
			return console.Attach(cmd.Context(), socket, cmd.InOrStdin(), cmd.OutOrStdout(), console.ClientOptions{Hide: withoutCode})
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().StringVar(&socket, "socket", "", "the bot's `socket`, instead of the configuration's")
	return cmd
}

// socketOf is the console's socket in a configuration. A person who may use the
// console need not be able to read the bot's secrets.
func socketOf(file string) (string, error) {
	c, err := config.Load(file, config.Options{Getenv: os.Getenv, WithoutSecrets: true})
	if err != nil {
		return "", bot.Errorf(bot.CodeInvalid, "The configuration %s cannot be used; name the socket with --socket.", file).Because(err)
	}
	for _, ch := range c.Chats {
		if ch.Console != nil {
			return ch.Console.Socket, nil
		}
	}
	return "", bot.Errorf(bot.CodeNotFound, "The configuration %s has no console; name the socket with --socket.", file)
}

// console makes the server half. Only people in the configuration in force may
// read along.
func (h *house) console(ch config.Chat) (*console.Chat, error) {
	room := bot.RoomID(ch.ID)
	for _, r := range h.config.Rooms {
		if r.Chat == ch.ID {
			room = r.ID
		}
	}
	return console.New(console.Options{ID: ch.ID, Room: room, Socket: ch.Console.Socket,
		Log:  filepath.Join(filepath.Dir(h.config.State.Path), string(ch.ID)+".transcript"),
		Zone: h.zone, Completions: completions, Threaded: threaded, Hide: withoutCode, Logger: h.log,
		Person: func(u bot.UserID) (string, bool) {
			p, ok := h.current.Load().Person(ch.ID, u)
			return string(p.ID), ok
		},
	})
}

// grammar understands lines where nothing is obeyed.
var grammar = commands.New(commands.All())

// withoutCode is a typed line as others may read it.
func withoutCode(line string) string {
	masked, _ := grammar.WithoutCode(line)
	return masked
}

// completions are what the Tab key offers.
func completions() []string {
	var out []string
	for _, x := range commands.All() {
		out = append(out, x.Name)
	}
	return out
}

// threaded are the commands that can be aimed at a thread, by all their names: those
// that take one, and those that take a plan, which mean that of the thread they are
// said in. What a command takes, its usage says.
func threaded() []string {
	var out []string
	for _, x := range commands.All() {
		usage := strings.FieldsFunc(commands.Usage(&x), func(r rune) bool { return !unicode.IsLetter(r) })
		if slices.Contains(usage, "THREAD") || slices.Contains(usage, "PLAN") {
			out = append(append(out, x.Name), x.Aliases...)
		}
	}
	return out
}
