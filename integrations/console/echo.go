package console

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"watchstander/bot"
)

// echo is where a typed line stands on the terminal: the rows are counted from
// the first that this session wrote.
type echo struct {
	row, rows int
	upset     int64 // the editor's, when it was typed
}

// maxEchoes bounds how many are remembered.
const maxEchoes = 50

// wrote counts rows of the terminal.
func (s *session) wrote(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += rows
}

// echoed counts the rows of a line that was typed just now.
func (s *session) echoed(text string, err error) (e echo) {
	if s.edits == nil || err != nil && !errors.Is(err, errPasted) {
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The editor goes on to the next row as soon as one is full.
	e = echo{row: s.rows, rows: 1 + widthOf(s.prompt+text)/widthOfTerminal(s.edits.out), upset: s.edits.upset.Load()}
	s.rows += e.rows
	return e
}

func (s *session) keepEcho(id bot.MessageID, e echo) {
	if len(s.echoes) >= maxEchoes {
		clear(s.echoes)
	}
	if e.rows > 0 {
		s.echoes[id] = e
	}
}

// erased takes a line of the person's own off the screen, if it still stands where
// it was typed. (Those of others came here without what was to be hidden.)
func (s *session) erased(x said) error {
	e, ok := s.echoes[x.ID]
	if !ok || s.edits == nil {
		return nil
	}
	delete(s.echoes, x.ID)
	s.mu.Lock()
	up := s.rows - e.row
	s.mu.Unlock()
	// A few rows are left for what is being typed.
	if e.upset != s.edits.upset.Load() || int64(up) > s.edits.height.Load()-4 {
		return s.print(s.paint.note("a line of yours was deleted: it held a code; where you typed it, this terminal may still show it"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\x1b7\x1b[%dA\r\x1b[2K-- %s", up, cleanLine(x.Text))
	for range e.rows - 1 {
		b.WriteString("\x1b[B\r\x1b[2K")
	}
	b.WriteString("\x1b8")
	_, err := io.WriteString(s.out, b.String())
	return err
}
