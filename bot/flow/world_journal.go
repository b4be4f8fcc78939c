package flow

import (
	"cmp"
	"context"
	"slices"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// Journal reads the bot's own journal. What is not what was written stands among the
// others, without its words.
func (w *world) Journal(ctx context.Context, q bot.JournalQuery) ([]bot.JournalLine, error) {
	f := journal.Filter{By: q.By, Host: q.Host, Subject: q.Subject, Since: q.Since, Words: q.Words}
	if q.Kind != "" {
		if !slices.Contains(journal.Kinds(), journal.Kind(q.Kind)) {
			return nil, bot.Errorf(bot.CodeInvalid, "There is no kind `%s` of entries. There is %s.", q.Kind, phrase.Or(kindNames()))
		}
		f.Kinds = []journal.Kind{journal.Kind(q.Kind)}
	}
	if q.Host != "" && q.Kind == "" {
		// The heads of its agent's journal, one an hour, would bury all else.
		f.Kinds = slices.DeleteFunc(journal.Kinds(), func(k journal.Kind) bool { return k == journal.KindHead })
	}
	var out []bot.JournalLine
	err := w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		entries, broken, err := tx.JournalSearch(f, q.Most)
		out = nil
		for _, b := range broken {
			out = append(out, bot.JournalLine{Seq: b.Seq, Text: bot.NotAsWritten, Broken: true})
		}
		for _, e := range entries {
			out = append(out, bot.JournalLine{Seq: e.Seq, At: e.At, Kind: string(e.Kind), Host: e.Host, By: e.By, Subject: e.Subject, Text: e.Text, Hash: e.Hash})
		}
		slices.SortStableFunc(out, func(a, b bot.JournalLine) int { return cmp.Compare(b.Seq, a.Seq) })
		out = out[:min(len(out), q.Most)]
		return err
	})
	return out, err
}

func kindNames() []string {
	var out []string
	for _, k := range journal.Kinds() {
		out = append(out, string(k))
	}
	return out
}
