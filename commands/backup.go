package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// backupStatus tells of every repository how old its newest snapshot is, how the
// last backup ended, and what the last verification found.
func backupStatus(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	b, err := host.BackupsOf(ctx, call.World, name)
	if err != nil {
		return nil, err
	}
	m := bot.Message{}
	m.Tone, m.Title = backupsHeadline(b)
	for _, r := range b.Repositories {
		m.Blocks = append(m.Blocks, repositoryBlocks(r, call)...)
	}
	m.Note = bot.Quoted("`backup verify` asks to check them and to restore a sample; `backup 321` tells which data has three copies.")
	return of(name, call, m), nil
}

// backupsHeadline is "2 repositories; b2 is not ok".
func backupsHeadline(b host.Backups) (bot.Tone, bot.Text) {
	var bad, unsure []string
	for _, r := range b.Repositories {
		switch r.State {
		case bot.OK:
		case bot.NotOK:
			bad = append(bad, r.Name)
		default:
			unsure = append(unsure, r.Name)
		}
	}
	if len(b.Repositories) == 0 {
		return bot.ToneUnknown, bot.Line(bot.B("No repository is configured"))
	}
	tone, title := bot.ToneOK, phrase.Count(len(b.Repositories), "repository", "repositories")
	switch {
	case len(bad) > 0:
		tone = bot.ToneWarning
		title += "; " + strings.Join(bad, ", ") + map[bool]string{true: " is", false: " are"}[len(bad) == 1] + " not ok"
	case len(unsure) > 0:
		tone = bot.ToneUnknown
	default:
		title += "; all is well"
	}
	if len(unsure) > 0 {
		title += "; not everything is known of " + strings.Join(unsure, ", ")
	}
	return tone, bot.Line(bot.B(title))
}

func repositoryBlocks(r host.Repository, call bot.Call) []bot.Block {
	head := bot.Line(bot.B(r.Name), bot.T(" on "+r.Medium))
	if r.OffSite {
		head = append(head, bot.T(", off-site"))
	}
	var items []bot.Text
	add := func(t ...bot.Span) { items = append(items, bot.Line(t...)) }
	for _, w := range r.Why {
		state := "unknown"
		if r.State == bot.NotOK {
			state = "not ok"
		}
		add(bot.B(state+": "), bot.T(w))
	}
	if s, ok := r.Own(); ok {
		text := "newest snapshot " + ago(s.At, call) + ": " + strings.Join(s.Paths, ", ")
		if s.Size != nil {
			text += ", " + s.Size.String()
		}
		add(bot.T(text+" "), bot.F("("+s.Short()+")"))
	}
	if others := otherSets(r); others != "" {
		add(bot.T(others))
	}
	if u := r.Unit; u != nil && u.Unknown == "" && u.Result != "" {
		text := u.Name + ": " + u.Result
		if !u.Began.IsZero() {
			text += ", started " + ago(u.Began, call)
		}
		add(bot.T(text))
	}
	if v := r.Last; v != nil {
		word := map[bot.ReadingState]string{bot.OK: "verified", bot.NotOK: "found wrong"}[v.State()]
		if word == "" {
			word = "not verified"
		}
		add(bot.T(word + " " + ago(v.Ended, call) + ": " + v.String()))
	}
	if v := r.Last; v != nil && v.State() != bot.OK && !r.VerifiedAt.IsZero() {
		add(bot.T("last verified in full " + ago(r.VerifiedAt, call)))
	}
	if r.Parts > 0 && len(r.PartsRead) > 0 {
		add(bot.T(fmt.Sprintf("data parts read within %s: %s", phrase.Count(r.Parts, "week", "weeks"), partsText(r.PartsRead, r.Parts))))
	}
	if age := call.Now.Sub(r.AskedAt); !r.AskedAt.IsZero() && age > 10*time.Minute {
		add(bot.F("its snapshots as of " + ago(r.AskedAt, call)))
	}
	return append([]bot.Block{bot.Para{Text: head}}, lists(items)...)
}

// ago is "Wed 14 Jan 09:00 CET (6 h ago)".
func ago(t time.Time, call bot.Call) string {
	return fmt.Sprintf("%s (%s ago)", clockText(t, call.World.Zone(), call.Now), phrase.Duration(call.Now.Sub(t)))
}

// otherSets counts what else lies in a repository.
func otherSets(r host.Repository) string {
	own := 0
	hosts := map[string]bool{}
	for _, s := range r.Newest {
		if s.Host == r.Host {
			own++
		} else {
			hosts[s.Host] = true
		}
	}
	var parts []string
	if own > 1 {
		parts = append(parts, phrase.Count(own-1, "other set of paths", "other sets of paths"))
	}
	if len(hosts) > 0 {
		parts = append(parts, "snapshots of "+phrase.Count(len(hosts), "other host", "other hosts"))
	}
	if len(parts) == 0 {
		return ""
	}
	return "it also holds " + strings.Join(parts, " and ")
}

// partsText is "11 of 12, not 4".
func partsText(read []int, parts int) string {
	text := fmt.Sprintf("%d of %d", len(read), parts)
	const most = 6
	var missing []string
	for n := 1; n <= parts; n++ {
		if !slices.Contains(read, n) {
			missing = append(missing, strconv.Itoa(n))
		}
	}
	if len(missing) > 0 && len(missing) <= most {
		text += ", not " + strings.Join(missing, ", ")
	}
	return text
}

func backupVerify(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	args := bot.Arguments{}
	if v, ok := call.Args[host.RepositoryArgument]; ok {
		args[host.RepositoryArgument] = strings.Fields(v.Text)
	}
	if v, ok := call.Args[host.PartArgument]; ok {
		args[host.PartArgument] = []string{v.Text}
	}
	return bot.Ask{Thread: call.Thread, Host: name, Operation: host.BackupVerifyOperation, Arguments: args}, nil
}

func backupRun(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	name, err := whose(ctx, call)
	if err != nil {
		return nil, err
	}
	repository := call.Args[host.RepositoryArgument].Text
	if repository == "" {
		if repository, err = onlyRepository(ctx, call, name); err != nil {
			return nil, err
		}
	}
	return bot.Ask{
		Thread: call.Thread, Host: name, Operation: host.BackupRunOperation,
		Arguments: bot.Arguments{host.RepositoryArgument: {repository}},
	}, nil
}

// onlyRepository is the one that can be meant where none is named.
func onlyRepository(ctx context.Context, call bot.Call, name string) (string, error) {
	b, err := host.BackupsOf(ctx, call.World, name)
	if err != nil {
		return "", err
	}
	names := make([]string, len(b.Repositories))
	for i, r := range b.Repositories {
		names[i] = r.Name
	}
	switch len(names) {
	case 0:
		return "", bot.Errorf(bot.CodeNotFound, "backup run: no repository is configured.")
	case 1:
		return names[0], nil
	}
	return "", bot.Errorf(bot.CodeInvalid, "backup run: into which repository? There are %s; write e.g. `backup run %s`.", strings.Join(names, ", "), names[0])
}
