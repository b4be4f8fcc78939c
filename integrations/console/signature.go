package console

import (
	"errors"
	"io"
	"regexp"
	"strings"
)

// What proves an approval with a key is a block of lines, and a console speaks in
// lines. So those of a signature are gathered, with the command that stands before
// it, as `watchstander approve` prints them, and become one message.
const (
	signatureBegin = "-----BEGIN SSH SIGNATURE-----"
	signatureEnd   = "-----END SSH SIGNATURE-----"
	// gatherPrompt stands before what is typed while lines are missing, wholePrompt
	// when none is, and it was pasted.
	gatherPrompt = "signature, Esc drops it> "
	wholePrompt  = "Enter sends the signature, Esc drops it> "
)

// errDropped: the person gave a signature up.
var errDropped = errors.New("console: dropped")

// unfit is why a signature cannot be sent, in words for people.
type unfit string

func (u unfit) Error() string { return string(u) }

const (
	errHalf  unfit = "a signature without its end"
	errAlone unfit = "a signature with no command before it. Paste all that `watchstander approve` printed, from `approve PLAN` on."
	errMore  unfit = "something else stands behind the signature. Paste it again, to its END line and no further."
)

// passes tells whether more can be read behind an error.
func passes(err error) bool {
	_, u := errors.AsType[unfit](err)
	return u || errors.Is(err, errPasted) || errors.Is(err, errLong) || errors.Is(err, errDropped)
}

// entry reads a line, or all of those that end with a signature.
func (s *session) entry() input {
	text, err := s.keys.read()
	in := input{text, err, s.echoed(text, err)}
	begins := strings.Contains(text, signatureBegin)
	if err != nil && !errors.Is(err, errPasted) || strings.Contains(text, signatureEnd) || !begins && !s.keys.follows(signatureBegin) {
		return in
	}
	back := s.prompts(gatherPrompt)
	defer back()
	if s.edits != nil {
		s.edits.gather(true)
		defer s.edits.gather(false)
	}
	in.text, in.err = s.gather(strings.TrimSpace(text))
	in.echo = echo{} // it holds no code that would have to go
	return in
}

// gather reads on behind the first line of a signature, or the command before it.
func (s *session) gather(text string) (string, error) {
	alone, begun, long := strings.HasPrefix(text, signatureBegin), strings.Contains(text, signatureBegin), false
	for {
		l, err := s.keys.read()
		s.echoed(l, err)
		switch {
		case errors.Is(err, errLong):
			long = true
		case errors.Is(err, io.EOF):
			return "", errHalf // the next read tells that there is no more
		case err != nil && !errors.Is(err, errPasted):
			return "", err
		}
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		begun = begun || l == signatureBegin
		if long = long || len(text)+1+len(l) > maxText; !long {
			text += "\n" + l
		}
		if !begun || l != signatureEnd {
			continue
		}
		switch {
		case long:
			return "", errLong
		case alone:
			return "", errAlone
		case errors.Is(err, errPasted):
			return text, s.agreed()
		}
		return text, nil
	}
}

// agreed waits for an Enter of the person's own: what was pasted is not sent by
// itself.
func (s *session) agreed() error {
	defer s.prompts(wholePrompt)()
	for {
		l, err := s.keys.read()
		s.echoed(l, err)
		switch {
		case strings.TrimSpace(l) != "":
			return errMore
		case errors.Is(err, errPasted):
			continue
		case errors.Is(err, io.EOF):
			return errDropped
		}
		return err
	}
}

// prompts puts another prompt before what is typed next, and gives the way back.
func (s *session) prompts(text string) (back func()) {
	if s.edits == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.prompt
	s.prompt = text
	s.edits.term.SetPrompt(text)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.prompt = before
		s.edits.term.SetPrompt(before)
	}
}

// signed is a signature at a text's end: the only thing that may have ends of
// lines in it.
var signed = regexp.MustCompile(`[ \t]*\n?` + signatureBegin + `\n[A-Za-z0-9+/=\n]*` + signatureEnd + `$`)

// withoutSignature is a text with a word in the place of the signature.
func withoutSignature(text string) string {
	return signed.ReplaceAllLiteralString(text, " [signature]")
}
