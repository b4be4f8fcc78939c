package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/config"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// journalFlags say which journal is read.
type journalFlags struct {
	config string
	// named: the configuration was named on the command line.
	named bool
	state string
	file  string
}

func journalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Read and check the record of who did what",
		Long: `Read and check the journal: who asked, what was planned and shown, who agreed,
what ran, and what came of it. It is that of the bot in the configuration's state,
or with --file the one of an agent, or an export. Whoever writes it may go on
meanwhile; nothing is changed.`,
		// With something to run, a subcommand that does not exist is an error, and no help.
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(journalVerifyCommand(), journalShowCommand(), journalExportCommand())
	return cmd
}

// journalRun makes a subcommand that reads one journal.
func journalRun(cmd *cobra.Command, run func(ctx context.Context, f journalFlags, out, errors io.Writer) error) *cobra.Command {
	var f journalFlags
	cmd.Args = flagsAlone
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.named = cmd.Flags().Changed("config")
		return run(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.state, "state", "", "the bot's state, instead of the configuration's: its `path`")
	cmd.Flags().StringVar(&f.file, "file", "", "an agent's journal or an export, instead of the bot's: its `path`")
	cmd.MarkFlagsMutuallyExclusive("state", "file")
	return cmd
}

// flagsAlone refuses words, and says what they would have to be.
func flagsAlone(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if cmd.Flags().Lookup("subject") != nil {
		hint = fmt.Sprintf(" One plan's are shown with --subject %[1]s, those that hold a word with --words %[1]s.", args[0])
	}
	return bot.Errorf(bot.CodeInvalid, "%s takes flags alone, and not %q.%s See %s --help.", cmd.CommandPath(), args[0], hint, cmd.CommandPath())
}

func journalVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := journalRun(&cobra.Command{
		Use:   "verify",
		Short: "Look whether the journal is what was written",
		Long: `Look whether every entry is as it was written and in its place. The exit code is 1
when one is not, and the place is named.

Entries that were cut off at the end, and a journal that was written anew as a
whole, show only against what is known from elsewhere. Keep the head that is
printed, and give it again with --known. With --agent-file the bot's and an
agent's journal are checked against each other: each logs the other's head.`,
		Example: `  watchstander journal verify
  watchstander journal verify --agent-file /var/lib/watchstander-agent/journal
  watchstander journal verify --known 128:6f0c…`,
	}, func(ctx context.Context, f journalFlags, out, _ io.Writer) error {
		return verifyJournals(ctx, f, o, out)
	})
	cmd.Flags().StringVar(&o.agentFile, "agent-file", "", "an agent's journal, to be checked against the bot's: its `path`")
	cmd.Flags().StringVar(&o.host, "host", "", "the agent's `host`, where it cannot be told from its journal")
	cmd.Flags().StringArrayVar(&o.known, "known", nil, "a head that was kept: its `number:hash`; may be given several times")
	return cmd
}

func journalShowCommand() *cobra.Command {
	var o showOptions
	cmd := journalRun(&cobra.Command{
		Use:   "show",
		Short: "Show entries, the newest last",
		Long: `Show entries for people, the newest last, with times in the configuration's zone.
An entry that is not what was written is named instead of shown, and the exit code
is 1 then.`,
		Example: `  watchstander journal show --subject pln_K7QF
  watchstander journal show --kind decision,refusal --by alice --since 7d
  watchstander journal show --since "2026-03-01 22:00" --until 2026-03-02 --words "rollback"`,
	}, func(ctx context.Context, f journalFlags, out, errors io.Writer) error {
		return showJournal(ctx, f, o, time.Now(), out, errors)
	})
	flags := cmd.Flags()
	flags.StringSliceVar(&o.kinds, "kind", nil, "only these `kinds`: "+kindNames())
	flags.StringVar(&o.by, "by", "", "only what this `person` did")
	flags.StringVar(&o.host, "host", "", "only what is about this `host`")
	flags.StringVar(&o.subject, "subject", "", "only what is about this plan, thread or request: the beginning of its `id`")
	flags.StringVar(&o.since, "since", "", "only from this `time` on: a duration back from now (7d), a date, or a date and time")
	flags.StringVar(&o.until, "until", "", "only before this `time`")
	flags.StringVar(&o.words, "words", "", "only where all these `words` are")
	flags.IntVarP(&o.limit, "lines", "n", 50, "at most this `number` of entries, the newest; 0 for all")
	return cmd
}

func journalExportCommand() *cobra.Command {
	var after int64
	cmd := journalRun(&cobra.Command{
		Use:   "export",
		Short: "Write the entries as JSON, one on a line",
		Long: `Write the entries in their canonical form, one on a line, as an agent's journal
file has them: "watchstander journal verify --file" reads it. An entry that is not
what was written is named instead, and the exit code is 1 then.`,
	}, func(ctx context.Context, f journalFlags, out, errors io.Writer) error {
		return exportJournal(ctx, f, after, out, errors)
	})
	cmd.Flags().Int64Var(&after, "after", 0, "only entries after this `number`")
	return cmd
}

func kindNames() string {
	var out []string
	for _, k := range journal.Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

// entries are a journal that can be read several times.
type entries func(use func(iter.Seq2[journal.Entry, error]) error) error

// journalOf finds the journal that the flags name, and the zone to tell times in.
func journalOf(ctx context.Context, f journalFlags) (read entries, name string, zone *time.Location, err error) {
	c, err := config.Load(f.config, config.Options{Getenv: os.Getenv, WithoutSecrets: true})
	switch {
	case err == nil:
		zone = c.Zone
	case f.file == "" && f.state == "" || f.named:
		return nil, "", nil, bot.Errorf(bot.CodeInvalid, "The configuration %s cannot be used; `watchstander check` says why.", f.config).Because(err)
	default:
		// An agent's host need not have a bot, and what happened must be readable
		// while somebody mends the configuration.
		zone = time.UTC
	}
	if f.file != "" {
		return journalFile(ctx, f.file), "journal " + f.file, zone, nil
	}
	path := f.state
	if path == "" {
		path = c.State.Path
	}
	return func(use func(iter.Seq2[journal.Entry, error]) error) (err error) {
		s, err := store.OpenReadOnly(ctx, path)
		if err != nil {
			return unreadable(path, err)
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return s.View(ctx, func(tx *store.Tx) error { return use(tx.JournalAll()) })
	}, "the bot's journal in " + path, zone, nil
}

// journalFile reads an agent's journal. A last line without its end may be one
// that is being written: it is looked at again.
func journalFile(ctx context.Context, path string) entries {
	return func(use func(iter.Seq2[journal.Entry, error]) error) error {
		if info, err := os.Stat(path); err != nil {
			return unreadable(path, err)
		} else if info.IsDir() {
			return bot.Errorf(bot.CodeInvalid, "%s is a folder; name the journal's file.", path)
		}
		for range 3 {
			if !torn(path) {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
		return use(journal.Read(path))
	}
}

func torn(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, end-1)
	return err == nil && last[0] != '\n'
}

func unreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bot.Errorf(bot.CodeNotFound, "There is no %s.", path)
	case errors.Is(err, fs.ErrPermission):
		return bot.Errorf(bot.CodeForbidden, "This user may not read %s; look as root, or as the user that writes it.", path)
	}
	return err
}

// parseHead reads "12:6f0c…".
func parseHead(s string) (journal.Head, error) {
	number, hash, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 1 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return journal.Head{}, bot.Errorf(bot.CodeInvalid, "%q is no head of a journal; write number:hash, as `watchstander journal verify` prints them.", s)
	}
	return journal.Head{Seq: seq, Hash: hash}, nil
}

func exportJournal(ctx context.Context, f journalFlags, after int64, out, errs io.Writer) error {
	read, _, _, err := journalOf(ctx, f)
	if err != nil {
		return err
	}
	var unread []error // entries that are not what was written
	var fault, failed error
	err = read(func(all iter.Seq2[journal.Entry, error]) error {
		// The chain is followed in the same reading, to its first fault; what is whole
		// is wanted all the more where something is not.
		following := func(yield func(journal.Entry, error) bool) {
			ask := true
			for e, err := range all {
				broken, ok := errors.AsType[*journal.Broken](err)
				switch {
				case ok:
					unread = append(unread, broken)
				case err != nil:
					failed = err
					return
				case e.Seq > after:
					if failed = written(out, e); failed != nil {
						return
					}
				}
				if ask {
					ask = yield(e, err)
				}
			}
		}
		_, fault = journal.Verify(following, journal.Head{})
		return failed
	})
	if err != nil {
		return err
	}
	if fault != nil && len(unread) == 0 {
		unread = append(unread, fault)
	}
	for _, x := range unread {
		fmt.Fprintf(errs, "watchstander: %s\n", clean.Text(x.Error()))
	}
	if len(unread) > 0 {
		return exitCode(1)
	}
	return nil
}

// written writes an entry in its one form.
func written(out io.Writer, e journal.Entry) error {
	line, err := journal.Encode(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

// instant is a time as the journal's reader sees it.
func instant(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2 Jan 2006 15:04:05 MST")
}

func entriesCount(n int64) string { return phrase.Count(int(n), "entry", "entries") }
