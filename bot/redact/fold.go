package redact

import (
	"strings"
	"unicode/utf8"
)

// hole stands for a marker while a text is worked on. It is a noncharacter of
// Unicode, so no real text holds it, and no rule takes it for part of a secret.
// Folding is what makes redaction idempotent: a rule cannot see, and so cannot
// eat or misread, the words inside a marker.
const hole = "\uFDD0"

const (
	markerOpen  = "[redacted: "
	markerClose = ']'
	maxName     = 48
)

// marker is what people see in place of a secret.
func marker(name string) string { return markerOpen + name + string(markerClose) }

// validName tells whether a rule's name can stand in a marker.
func validName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// fold makes s valid UTF-8 without holes of its own, and replaces each marker
// in it by a hole. names are the markers' names in order.
func fold(s string) (text string, names []string) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.Contains(s, hole) {
		s = strings.ReplaceAll(s, hole, "\uFFFD")
	}
	if !strings.Contains(s, markerOpen) {
		return s, nil
	}
	var b strings.Builder
	for {
		i := strings.Index(s, markerOpen)
		if i < 0 {
			b.WriteString(s)
			return b.String(), names
		}
		rest := s[i+len(markerOpen):]
		end := strings.IndexByte(rest[:min(len(rest), maxName+1)], markerClose)
		if end < 0 || !validName(rest[:end]) {
			b.WriteString(s[:i+len(markerOpen)])
			s = rest
			continue
		}
		b.WriteString(s[:i])
		b.WriteString(hole)
		names = append(names, rest[:end])
		s = rest[end+1:]
	}
}

// unfold is fold's inverse.
func unfold(text string, names []string) string {
	if len(names) == 0 {
		return text
	}
	var b strings.Builder
	for _, name := range names {
		i := strings.Index(text, hole)
		b.WriteString(text[:i])
		b.WriteString(marker(name))
		text = text[i+len(hole):]
	}
	b.WriteString(text)
	return b.String()
}

// cutRunes returns the first part of a text that has more than limit runes,
// with room for one hole. Runes of the folded text are counted, as a marker
// counts for one: so redaction never makes a text longer, and what was cut
// once is not cut again.
func cutRunes(text string, limit int) (string, bool) {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text, false
	}
	n := 0
	for i := range text {
		if n == limit-1 {
			text = text[:i]
			break
		}
		n++
	}
	// A cut inside a line could leave half a secret, too short for its rule.
	if i := strings.LastIndexByte(text, '\n'); i > len(text)-4096 && i > 0 {
		text = text[:i+1]
	} else if i := strings.LastIndexAny(text, " \t"); i > len(text)-4096 && i > 0 {
		text = text[:i+1]
	}
	return text, true
}
