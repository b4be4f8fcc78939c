package commands

import (
	"cmp"
	"slices"
	"strings"

	"watchstander/bot"
)

// topic is a word that people use for several figures.
type topic struct {
	// words that mean it; the first is the one that is told.
	words []string
	// begin are the beginnings of the figures' names, in small letters.
	begin []string
	// more is the command that tells most of it, "" for none.
	more string
}

// topics of status.
var topics = []topic{
	{[]string{"zfs"}, []string{"pool", "dataset ", "arc", "snapshots"}, "zfs status"},
	{[]string{"arc"}, []string{"arc"}, "zfs arc"},
	{[]string{"pools", "pool"}, []string{"pool", "dataset "}, "zfs status"},
	{[]string{"backup", "backups"}, []string{"backup ", "backups ", "restore "}, "backup status"},
	{[]string{"dumps", "dump"}, []string{"dump "}, ""},
	{[]string{"restore", "restores"}, []string{"restore "}, "backup status"},
	{[]string{"units", "unit", "services", "systemd"}, []string{"unit ", "units ", "failed units", "flapping units", "systemd"}, "service NAME"},
	{[]string{"nixos", "generation", "generations", "booted"}, []string{"nixos ", "generation", "booted system", "drift", "nixpkgs", "vulnerabilities", "configuration build"}, "generations"},
	{[]string{"drift"}, []string{"drift", "booted system"}, "drift"},
	{[]string{"security", "ssh", "logins"}, []string{"ssh ", "sudo ", "audit ", "apparmor ", "fail2ban", "security "}, ""},
	{[]string{"prometheus"}, []string{"prometheus", "rules without"}, ""},
	{[]string{"grafana", "dashboards"}, []string{"grafana"}, ""},
	{[]string{"documents", "document", "docs"}, []string{"document ", "alert runbooks"}, ""},
	{[]string{"forecasts", "forecast", "trends"}, []string{"forecast", "cpu 7 d", "memory 7 d", "trends"}, ""},
	{[]string{"certificates", "certificate", "certs", "cert"}, []string{"certificate"}, ""},
	{[]string{"disks", "disk"}, []string{"disk"}, ""},
	{[]string{"memory"}, []string{"memory", "swap"}, ""},
	{[]string{"alertmanager"}, []string{"alertmanager"}, ""},
	{[]string{"agent", "agents"}, []string{"agent ", "what its agent"}, ""},
}

func topicOf(word string) (topic, bool) {
	i := slices.IndexFunc(topics, func(t topic) bool { return slices.Contains(t.words, strings.ToLower(word)) })
	if i < 0 {
		return topic{}, false
	}
	return topics[i], true
}

// means tells whether the topic has this figure.
func (t topic) means(r bot.Reading) bool {
	name := strings.ToLower(r.What)
	return slices.ContainsFunc(t.begin, func(b string) bool { return strings.HasPrefix(name, b) })
}

// ownWord means the figures of the bot itself.
const ownWord = "bot"

// topic reads a word for one or more figures. In ordinary talk only those are meant
// that people know from the list; an order may name any part of a figure's name.
func (p *parser) topic(w word) (v bot.Value, fits bool) {
	if w.is("on") || w.text == "" {
		return v, false
	}
	if _, known := topicOf(w.text); p.shape && !known && !w.is(ownWord) {
		return v, false
	}
	return bot.Value{Text: w.text}, true
}

// statusOf tells of some figures alone, with where each comes from.
func statusOf(call bot.Call, readings, health []bot.Reading) (bot.Outcome, error) {
	host, word := on(call), call.Args[argTopic.Name].Text
	all := slices.Concat(readings, health)
	if hosts := hostsOf(all); host == "" && slices.Contains(hosts, word) {
		host, word = word, "" // "status vulcan"
	}
	about, known := topicOf(word)
	meant := func(r bot.Reading) bool {
		switch {
		case host != "" && r.Host != host:
			return false
		case word == "":
			return true
		case known:
			return about.means(r)
		}
		return strings.Contains(strings.ToLower(r.What), strings.ToLower(word))
	}
	var chosen []bot.Reading
	switch {
	case host != "" && !slices.ContainsFunc(all, func(r bot.Reading) bool { return r.Host == host }):
		return nil, bot.Errorf(bot.CodeNotFound, "Nothing is measured on %s; there is %s.", host, orWords(hostsOf(all)))
	case strings.EqualFold(word, ownWord) && host == "":
		chosen = health
	default:
		for _, r := range all {
			if meant(r) {
				chosen = append(chosen, r)
			}
		}
	}
	if len(chosen) == 0 {
		var words []string
		for _, t := range topics {
			words = append(words, "`"+t.words[0]+"`")
		}
		return nil, bot.Errorf(bot.CodeNotFound, "No figure is called %s. I know %s, and every name that `status` tells.", word, strings.Join(words, ", "))
	}
	var t tally
	for _, r := range chosen {
		t.add(r)
	}
	title := strings.TrimSpace(cmp.Or(word, "all figures") + " " + strings.TrimSpace(map[bool]string{true: "on " + host}[host != ""]))
	m := bot.Message{Tone: summary{}.tone(t), Title: bot.Line(bot.B(title), bot.T(": "+t.String()))}
	for _, of := range byHost(chosen) {
		var items []bot.Text
		for _, r := range of {
			items = append(items, sourced(r, call))
		}
		m.Blocks = append(append(m.Blocks, bot.Para{Text: bot.Line(bot.B(cmp.Or(of[0].Host, "The bot, and what it asks")))}), lists(items)...)
	}
	if known && about.more != "" {
		m.Note = bot.Quoted("`" + about.more + "` tells more.")
	}
	return bot.Say{Message: m}, nil
}

// sourced is a reading with where it comes from, and as of when where that is not
// now.
func sourced(r bot.Reading, call bot.Call) bot.Text {
	t := readingItem(r)
	var from []string
	if r.Source != "" {
		from = append(from, "from "+r.Source)
	}
	if age := call.Now.Sub(r.At); !r.At.IsZero() && age > 2*bot.ProbeTime {
		from = append(from, "as of "+ago(r.At, call))
	}
	if len(from) > 0 {
		t = append(t, bot.F(" · "+strings.Join(from, ", ")))
	}
	return t
}

func hostsOf(rs []bot.Reading) []string {
	var out []string
	for _, r := range rs {
		if r.Host != "" && !slices.Contains(out, r.Host) {
			out = append(out, r.Host)
		}
	}
	slices.Sort(out)
	return out
}

// orWords is "mars or vulcan".
func orWords(words []string) string {
	if len(words) == 0 {
		return "no host that is"
	}
	return strings.Join(words, " or ")
}
