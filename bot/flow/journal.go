package flow

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// journal writes what has a consequence, in the transaction that has it.
func (c *change) journal(e journal.Entry) error {
	e.At = c.now
	return c.Journal(e)
}

// journalPlan writes what happened to a plan.
func (c *change) journalPlan(kind journal.Kind, th bot.Thread, by bot.PersonID, text string, fields map[string]string) error {
	st := th.State.Plan
	all := map[string]string{journal.FieldThread: string(th.ID), journal.FieldDigest: st.Proposal.Digest}
	maps.Copy(all, fields)
	return c.journal(journal.Entry{Kind: kind, Host: st.Host, By: by, Subject: string(st.Proposal.Plan.ID), Text: text, Fields: all})
}

// agentHead writes where an agent's journal ends: a rewritten one is found out.
func (c *change) agentHead(e bot.Told) error {
	if e.Head == "" {
		return nil
	}
	at := c.now
	entry := journal.HeadEntry("agent", e.Host, journal.Head{Seq: e.HeadSeq, Hash: e.Head})
	entry.At = at
	return c.Journal(entry)
}

// journalHeads are where the bot's journal ends, and those of the agents as they
// were told last: a room keeps them, whatever happens to the files. A row on the way
// that is not what was written is named; it is no reason to tell nothing else.
func (c *change) journalHeads() ([]bot.Fact, error) {
	head, err := c.JournalHead()
	if err != nil || head == (journal.Head{}) {
		return nil, err
	}
	fact := func(of string, h journal.Head) bot.Fact {
		return bot.Fact{Name: fmt.Sprintf("%s, entry %d", of, h.Seq), Value: h.Hash}
	}
	out := []bot.Fact{fact("bot", head)}
	for _, host := range slices.Sorted(maps.Keys(c.f.o.Agents)) {
		told, broken, err := c.JournalSearch(journal.Filter{Kinds: []journal.Kind{journal.KindHead}, Host: host}, 1)
		if err != nil {
			return nil, err
		}
		for _, b := range broken {
			out = append(out, bot.Fact{Name: fmt.Sprintf("bot, entry %d", b.Seq), Value: bot.NotAsWritten})
		}
		if len(told) == 0 && len(broken) >= store.BrokenMost {
			out = append(out, bot.Fact{Name: "agent of " + host, Value: fmt.Sprintf("was not looked for behind %d such entries", len(broken))})
		}
		for _, e := range told {
			if _, h, ok := e.Known(); ok {
				out = append(out, fact("agent of "+host, h))
			}
		}
	}
	return out, nil
}

// journalThread writes what somebody did to a thread.
func (c *change) journalThread(kind journal.Kind, th bot.Thread, by bot.PersonID, text string) error {
	return c.journal(journal.Entry{Kind: kind, Host: alertHost(th), By: by, Subject: string(th.ID), Text: text, Fields: map[string]string{journal.FieldThread: string(th.ID)}})
}

// alertHost is the host that a thread's alerts speak of, "" where that is no one host.
func alertHost(th bot.Thread) string {
	if st := th.State.Alert; st != nil {
		return st.Host
	}
	return ""
}

// journalSilence writes that somebody made a silence, or ended some.
func (c *change) journalSilence(kind journal.Kind, x store.Effect, text string) error {
	f := map[string]string{journal.FieldKey: string(x.Key), "alertmanager": alertmanagerOf(x.What)}
	switch o := x.What.(type) {
	case bot.MakeSilence:
		f["matchers"], f["silence"] = fmt.Sprint(o.Silence.Matchers), x.Result
	case bot.EndSilence:
		f["silences"] = strings.Join(o.IDs, " ")
	}
	about, _, err := c.Thread(aboutOf(x.What))
	if err != nil {
		return err
	}
	return c.journal(journal.Entry{Kind: kind, Host: alertHost(about), By: x.Person, Subject: string(x.Key), Text: text, Fields: f})
}

// noted writes what happened outside of any thread: a configuration came into
// force.
func (c *change) noted(e bot.Noted) error {
	return c.journal(journal.Entry{Kind: journal.Kind(e.Kind), Text: e.Text, Fields: e.Fields})
}
