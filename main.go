// Watchstander is a ChatOps bot for people who run NixOS hosts: one truthful
// thread per alert in Matrix or Slack (or a terminal), answered there.
//
// This package is the command line and the wiring: it reads the configuration,
// makes the parts, joins them (house.go), and ends them in the reverse order.
// bot/doc.go is the tour of the whole house.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones work on hosts without a zone database

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is main without the process: the exit code of a command line.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	fmt.Fprintln(root.ErrOrStderr(), "watchstander:", printed(err))
	return 1
}

// exitCode is an error that has been told already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "watchstander",
		Short: "Alerts as true threads in Matrix and Slack, and answers to them",
		Long: `Watchstander takes alerts from Alertmanager, keeps one truthful thread for each
in Matrix, Slack or a terminal, and obeys the people in its configuration there. What is
dangerous its agent plans, and does once the right people have agreed.

Try it: watchstander demo`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Version:           version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(demoCommand(), serveCommand(), agentCommand(), approveCommand(), readingsCommand(), consoleCommand(), checkCommand(), slackCommand(), journalCommand(), versionCommand(), manCommand())
	return root
}
