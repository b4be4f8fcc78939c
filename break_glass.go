package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/config"
	"watchstander/bot/plan"
)

// breakingGlass is root's way past the policy.
type breakingGlass struct {
	approving
	reason string
}

func breakGlassCommand() *cobra.Command {
	var b breakingGlass
	cmd := &cobra.Command{
		Use:   "break-glass OPERATION [NAME=VALUE]...",
		Short: "Run an operation as root, without anybody's approval",
		Long: `Run an operation that the policy does not allow, or that nobody is there to agree
to. For root alone, on the host. The plan is shown and must be agreed to by its
digest, at a terminal; it runs in a unit of its own, is verified, and undone where
that fails.

It is written into the journal, with the reason, and the bot tells every room.`,
		Example: `  watchstander agent break-glass nixos.rollback generation=41 --reason "nobody answers, and nginx is down"`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.in, b.out = cmd.InOrStdin(), cmd.OutOrStdout()
			if f, ok := b.in.(*os.File); ok {
				b.terminal = term.IsTerminal(int(f.Fd()))
			}
			return b.run(cmd.Context(), args)
		},
	}
	cmd.Flags().StringVar(&b.socket, "socket", config.HumanSocket, "the agent's `socket` for people")
	cmd.Flags().StringVar(&b.reason, "reason", "", "why: everybody will read it")
	return cmd
}

func (b breakingGlass) run(ctx context.Context, args []string) error {
	if !b.terminal {
		return bot.Errorf(bot.CodeInvalid, "This is no terminal, so that nobody can be asked: the glass is broken by a person who has read the plan.")
	}
	q := api.BreakGlass{Operation: bot.OperationName(args[0]), Arguments: bot.Arguments{}, Reason: b.reason}
	for _, a := range args[1:] {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return bot.Errorf(bot.CodeInvalid, "%q is no argument: write NAME=VALUE.", a)
		}
		q.Arguments[name] = append(q.Arguments[name], value)
	}
	c := client.New(b.socket)
	defer c.Close()
	p, err := c.BreakGlass(ctx, q)
	if err != nil {
		return err
	}
	digest, err := show(b.out, p.Plan)
	if err != nil {
		return err
	}
	if err := b.agree(digest); err != nil {
		return err
	}
	if p, err = c.BreakGlassRun(ctx, api.BreakGlassRun{Plan: p.Plan.ID, Digest: digest}); err != nil {
		return err
	}
	return b.follow(ctx, c, p)
}

// follow tells what a run says, and how it ended: the exit code is 0 only when it
// is done and verified.
func (a approving) follow(ctx context.Context, c api.Agent, p bot.Proposal) error {
	told, state := 0, bot.ProposalState("")
	for since := p.Stamp; ; {
		for ; told < len(p.Progress); told++ {
			fmt.Fprintf(a.out, "%s  %s\n", p.Progress[told].At.Local().Format("15:04:05"), p.Progress[told].Text)
		}
		if p.State != state {
			state = p.State
			fmt.Fprintln(a.out, strings.TrimSpace(fmt.Sprintf("It is %s. %s", p.State, p.Why)))
		}
		if p.State.Over() {
			for _, r := range p.Evidence {
				fmt.Fprintf(a.out, "  %s: %s (%s) %s\n", r.What, r.Value, r.State, r.Note)
			}
			if p.State != bot.Done {
				return exitCode(1)
			}
			return nil
		}
		page, err := c.Proposals(ctx, api.Since{Stamp: since, Wait: api.MaxWait})
		if err != nil {
			return fmt.Errorf("the run %s goes on without us: %w", p.Plan.ID, err)
		}
		since = page.Top
		for _, x := range page.Proposals {
			if x.Plan.ID == p.Plan.ID {
				p = x
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the run %s goes on without us: %w", p.Plan.ID, ctx.Err())
		}
	}
}

// show shows a plan as it is made here of the plan itself, and gives its digest:
// nothing that came beside the plan counts.
func show(out io.Writer, p bot.Plan) (digest string, err error) {
	canonical, err := plan.Canonical(p)
	if err != nil {
		return "", err
	}
	rendered, err := plan.Render(p)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(out, rendered)
	return plan.Digest(canonical), nil
}
