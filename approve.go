package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
	"golang.org/x/term"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/plan"
)

// approving is what approve works with; tests bring their own.
type approving struct {
	in       io.Reader
	out      io.Writer
	terminal bool // in is one
	socket   string
	key      string
	yes      string
	denies   bool
	deny     string // with which reason
	confirm  bool
	asks     string        // what typing the digest means: "To agree"
	patience time.Duration // with an agent that says nothing; 0 for the usual
	signer   func(ctx context.Context, path string) (ssh.Signer, func() error, error)
}

func approveCommand() *cobra.Command {
	a := approving{signer: signer}
	var file string
	cmd := &cobra.Command{
		Use:   "approve [PLAN]",
		Short: "Agree to a plan, on its host or with your SSH key",
		Long: `On the host that the plan is for: show the agent's own plan, and agree to it or
deny it as the user that you are. Without PLAN it lists what waits, and whose codes
are locked. After a run that waits for somebody's word, --confirm says that all is
well, and --deny that it is not: then it is undone. --deny always needs a reason,
and goes with neither --yes nor --confirm.

Anywhere else, with --slip FILE (or - for standard input): show the plan in the
statement that the bot gave you ("statement PLAN" in the chat), ask, and sign what
was shown with your SSH key. What it prints goes back into the chat.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.in, a.out = cmd.InOrStdin(), cmd.OutOrStdout()
			if f, ok := a.in.(*os.File); ok {
				a.terminal = term.IsTerminal(int(f.Fd()))
			}
			a.denies = cmd.Flags().Changed("deny")
			if err := a.meant(cmd.Flags().Changed); err != nil {
				return err
			}
			if file != "" && len(args) > 0 {
				return bot.Errorf(bot.CodeInvalid, "A statement names its plan itself: leave out %s, or --slip.", args[0])
			}
			if file != "" {
				return a.sign(cmd.Context(), file)
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			if id == "" && (a.denies || a.yes != "" || a.confirm) {
				return bot.Errorf(bot.CodeInvalid, "Which plan? Name it; without any flag this lists what waits. Nothing was said to the agent.")
			}
			return a.here(cmd.Context(), id)
		},
	}
	cmd.Flags().StringVar(&a.socket, "socket", config.HumanSocket, "the agent's `socket` for people")
	cmd.Flags().StringVar(&file, "slip", "", "a `file` with the statement that the bot gave you, - for standard input")
	cmd.Flags().StringVarP(&a.key, "identity", "i", "", "the `file` of the private key; without it the ssh-agent's first that fits")
	cmd.Flags().StringVar(&a.yes, "yes", "", "the plan's whole `digest`: agree without being asked")
	cmd.Flags().StringVar(&a.deny, "deny", "", "deny it, or have a run undone that waits to be confirmed, with this `reason`")
	cmd.Flags().BoolVar(&a.confirm, "confirm", false, "say that all is well after the run")
	cmd.MarkFlagsMutuallyExclusive("deny", "confirm", "slip") // a statement has its verdict in it
	cmd.MarkFlagsMutuallyExclusive("deny", "yes")
	return cmd
}

// meant refuses flags that say less than they look like: a script's empty variable
// must not turn a "no" into something else.
func (a approving) meant(given func(flag string) bool) error {
	switch {
	case given("deny") && strings.TrimSpace(a.deny) == "":
		return bot.Errorf(bot.CodeInvalid, "--deny needs a reason in words. Nothing was said to the agent.")
	case given("yes") && a.yes == "":
		return bot.Errorf(bot.CodeInvalid, "--yes needs the plan's whole digest. Nothing was said to the agent.")
	}
	return nil
}

// agree asks for the plan's digest, or the beginning of it: nobody types that by
// accident.
func (a approving) agree(digest string) error {
	const enough = 8
	if a.yes != "" {
		if a.yes != digest {
			return bot.Errorf(bot.CodeConflict, "The digest that you gave is not that of this plan. Nothing was agreed to.")
		}
		return nil
	}
	if !a.terminal {
		return bot.Errorf(bot.CodeInvalid, "This is no terminal, so that nobody can be asked: give --yes and the plan's whole digest.")
	}
	fmt.Fprintf(a.out, "%s, type the first %d characters of the digest above (%s…): ", cmp.Or(a.asks, "To agree"), enough, digest[:4])
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	typed := strings.ReplaceAll(strings.TrimSpace(line), " ", "")
	if len(typed) < enough || !strings.HasPrefix(digest, typed) {
		return bot.Errorf(bot.CodeConflict, "That is not the beginning of the digest. Nothing was agreed to.")
	}
	return nil
}

// sign signs a statement, with what our own program shows of it.
func (a approving) sign(ctx context.Context, file string) error {
	text, err := a.slip(file)
	if err != nil {
		return err
	}
	s, err := plan.DecodeSlip(text)
	if err != nil {
		return err
	}
	shown, err := plan.RenderStatement(s.Statement, s.Plan)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, shown)
	if file == "-" && a.yes == "" {
		return bot.Errorf(bot.CodeInvalid, "Standard input is taken by the statement, so that nobody can be asked: save it to a file, or give --yes and the plan's whole digest.")
	}
	if s.Statement.Verdict == bot.AllIsWell {
		a.asks = allIsWell
	}
	if err := a.agree(s.Statement.Digest); err != nil {
		return err
	}
	key, done, err := a.signer(ctx, a.key)
	if err != nil {
		return err
	}
	armored, err := plan.Sign(s.Statement, key)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Paste this into the chat, all of it:\n\n%s %s\n%s\n", s.Statement.Verdict, s.Statement.Plan, strings.TrimSpace(armored))
	return nil
}

// maxSlip is the longest statement that is read, in bytes.
const maxSlip = 1 << 20

func (a approving) slip(file string) (string, error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxSlip+1))
	if err == nil && len(b) > maxSlip {
		err = bot.Errorf(bot.CodeInvalid, "That is longer than any statement.")
	}
	return string(b), err
}

// signer opens a private key: a file, or the first of the ssh-agent's that may
// sign.
func signer(ctx context.Context, path string) (ssh.Signer, func() error, error) {
	nothing := func() error { return nil }
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		key, err := ssh.ParsePrivateKey(b)
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
			return nil, nil, bot.Errorf(bot.CodeInvalid, "The key has a passphrase: add it to your ssh-agent (ssh-add), and leave --identity out.")
		}
		return key, nothing, err
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, bot.Errorf(bot.CodeInvalid, "There is no ssh-agent (SSH_AUTH_SOCK): give the key's file with --identity.")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, nil, bot.Errorf(bot.CodeUnavailable, "The ssh-agent does not answer.").Because(err)
	}
	keys, err := sshagent.NewClient(conn).Signers()
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	for _, k := range keys {
		if plan.KeyFault(k.PublicKey()) == nil {
			return k, conn.Close, nil
		}
	}
	return nil, nil, errors.Join(bot.Errorf(bot.CodeNotFound, "The ssh-agent has no key that may sign: ed25519, ecdsa, a security key, or rsa of 3072 bits."), conn.Close())
}
