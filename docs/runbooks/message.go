package runbooks

import (
	"strings"

	"watchstander/bot"
)

// note tells the two shells apart.
const note = "Lists of commands are for me, blocks are for the host's shell, as root; words in capitals are yours to fill in."

// Message is the whole runbook.
func (r Runbook) Message() bot.Message {
	m := bot.Message{Title: bot.Line(bot.B(r.Title), bot.F(" · "+r.Name)), Note: bot.Line(bot.T(note))}
	for _, s := range r.Sections {
		m.Blocks = append(m.Blocks, s.blocks()...)
	}
	return m
}

// Part is one section of the runbook as a message, in any case of its name; ok is false
// when there is no such section.
func (r Runbook) Part(name string) (m bot.Message, ok bool) {
	for _, s := range r.Sections {
		if strings.EqualFold(s.Name, name) {
			m = bot.Message{Title: bot.Line(bot.B(r.Title), bot.F(" · "+r.Name)), Note: bot.Line(bot.T(note))}
			m.Blocks = s.blocks()
			return m, true
		}
	}
	return m, false
}

// blocks is the section under its heading.
func (s Section) blocks() []bot.Block {
	return append([]bot.Block{bot.Para{Text: bot.Line(bot.B(s.Name))}}, s.Blocks...)
}
