package journal

import (
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// Filter chooses entries. What is empty does not choose.
type Filter struct {
	Kinds []Kind
	Host  string
	By    bot.PersonID
	// Subject is the beginning of one: people type the beginning of a plan's id.
	Subject string
	// Since and Until bound At: from Since on, before Until.
	Since, Until time.Time
	// Words must all be somewhere in what the entry says, in any case of letters.
	Words string
}

// Match tells whether the filter chooses the entry.
func (f Filter) Match(e Entry) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
		f.Host != "" && f.Host != e.Host,
		f.By != "" && f.By != e.By,
		!strings.HasPrefix(e.Subject, f.Subject),
		!f.Since.IsZero() && e.At.Before(f.Since),
		!f.Until.IsZero() && !e.At.Before(f.Until):
		return false
	}
	words := strings.Fields(strings.ToLower(f.Words))
	if len(words) == 0 {
		return true
	}
	said := []string{string(e.Kind), e.Host, string(e.By), e.Subject, e.Text}
	for name, value := range e.Fields {
		said = append(said, name, value)
	}
	all := strings.ToLower(strings.Join(said, "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all, w) })
}
