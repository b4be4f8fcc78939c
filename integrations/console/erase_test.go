package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"watchstander/bot"
)

// hideCode stands for what main gives a console.
func hideCode(s string) string { return strings.ReplaceAll(s, "123456", "CODE") }

// TestEraseOnDisk: the file, its successor after a restart, and what is told of the
// past hold no word of it, and nothing else is lost.
func TestEraseOnDisk(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := serve(t, Options{Log: log})
	s.root("root", diskFull())
	a := s.attach(0)
	a.send(toServer{Say: &say{N: 1, Text: "status"}})
	a.send(toServer{Say: &say{N: 2, Thread: 1, Text: "approve pln_K7QF2M 123456"}})
	said := []bot.Said{<-s.sink.taken, <-s.sink.taken}
	for range 2 {
		if w := a.next(); w.Taken == nil {
			t.Fatalf("%s", line(w))
		}
	}
	if b, err := os.ReadFile(log); err != nil || !strings.Contains(string(b), "123456") {
		t.Fatalf("the code is not there to begin with: %v", err)
	}
	erase := func(s *server, id bot.MessageID) {
		t.Helper()
		if err := s.Erase(t.Context(), bot.Erasing{Key: "eff_1", Room: "console", Message: id}); err != nil {
			t.Fatal(err)
		}
	}
	erase(s, said[1].ID)
	if w := a.next(); w.Erased == nil || w.Erased.ID != said[1].ID || w.Erased.Text != erasedText || w.Erased.Thread != 1 {
		t.Errorf("the client is told %s", line(w))
	}
	erase(s, said[1].ID)
	erase(s, "say_NOBODY")
	if err := s.Erase(t.Context(), bot.Erasing{Key: "eff_1", Room: "elsewhere", Message: said[1].ID}); err == nil {
		t.Error("it erases in another room")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(log), "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "123456") {
			t.Errorf("%s holds the code", f)
		}
	}
	s = serve(t, Options{Log: log})
	var texts []string
	for _, w := range s.attach(50).past {
		switch {
		case w.Said != nil:
			texts = append(texts, w.Said.Text)
		case w.Post != nil:
			texts = append(texts, "root")
		}
	}
	if got := strings.Join(texts, " | "); got != "root | status | "+erasedText {
		t.Errorf("the past is %q", got)
	}
}

// TestEraseBeforeItIsWritten: the bot may erase a line before the sink's word on it
// has come.
func TestEraseBeforeItIsWritten(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := serve(t, Options{Log: log})
	var failed error
	s.sink.answers(func(e bot.Said) {
		failed = s.Erase(t.Context(), bot.Erasing{Key: "eff_1", Room: "console", Message: e.ID})
	})
	a := s.attach(0)
	a.send(toServer{Say: &say{N: 1, Text: "approve pln_K7QF2M 123456"}})
	<-s.sink.taken
	for w := a.next(); w.Taken == nil; w = a.next() {
	}
	if b, err := os.ReadFile(log); failed != nil || err != nil || strings.Contains(string(b), "123456") || !strings.Contains(string(b), erasedText) {
		t.Errorf("%v, %v: %s", failed, err, b)
	}
}

// TestEraseOnAFullDisk: what could not be written is no success, and is made up for.
func TestEraseOnAFullDisk(t *testing.T) {
	dir := folder(t)
	log := filepath.Join(dir, "log")
	s := serve(t, Options{Log: log})
	a := s.attach(0)
	a.send(toServer{Say: &say{N: 1, Text: "approve pln_K7QF2M 123456"}})
	id := (<-s.sink.taken).ID
	a.next()
	if err := os.MkdirAll(filepath.Join(log+".new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	e := bot.Erasing{Key: "eff_1", Room: "console", Message: id}
	wantRefusal(t, s.Erase(t.Context(), e), bot.Unreachable)
	if err := os.RemoveAll(log + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := s.Erase(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(log); err != nil || strings.Contains(string(b), "123456") {
		t.Errorf("%v: %s", err, b)
	}
}

// TestHide: others read a line without its code from the first moment on, and the
// bot gets all of it.
func TestHide(t *testing.T) {
	log := filepath.Join(folder(t), "log")
	s := serve(t, Options{Log: log, Hide: hideCode})
	a, b := s.attach(0), s.attach(0)
	a.send(toServer{Say: &say{N: 1, Text: "approve pln_K7QF2M 123456"}})
	if e := <-s.sink.taken; e.Text != "approve pln_K7QF2M 123456" {
		t.Errorf("the bot got %q", e.Text)
	}
	if w := b.next(); w.Said == nil || w.Said.Text != "approve pln_K7QF2M CODE" {
		t.Errorf("the other console got %s", line(w))
	}
	if file, err := os.ReadFile(log); err != nil || strings.Contains(string(file), "123456") {
		t.Errorf("%v: %s", err, file)
	}
}

// TestEraseOnScreen: what was typed is taken off the screen where it stands, and
// nothing else: also when it took two rows, when more was told since, and while a
// line is being typed. The history on disk never has it.
func TestEraseOnScreen(t *testing.T) {
	for _, long := range []string{"", strings.Repeat(" and more", 12)} {
		s := serve(t, Options{Hide: hideCode})
		s.pong()
		o := atTerminal(t)
		o.Hide = hideCode
		x := sit(t, s, o)
		x.await("> ")
		x.press("before\r")
		<-s.sink.taken
		x.await("pong to before")
		x.press("approve pln_K7QF2M 123456" + long + "\r")
		id := (<-s.sink.taken).ID
		s.root("root", plain("something else"))
		x.await("something else")
		x.press("sta")
		x.await("> sta")
		if got := strings.Join(x.drawn(), "\n"); !strings.Contains(got, "> approve pln_K7QF2M 123456") {
			t.Fatalf("the screen does not show it to begin with:\n%s", got)
		}
		before := x.drawn()
		if err := s.Erase(t.Context(), bot.Erasing{Key: "eff_1", Room: "console", Message: id}); err != nil {
			t.Fatal(err)
		}
		x.await(erasedText)
		x.press("\x1b[D\x1b[C") // the editor is alive
		x.press("tus")
		x.await("tus")
		got := x.drawn()
		for i, row := range before {
			want := row
			switch {
			case strings.HasPrefix(row, "> approve"):
				want = "-- " + erasedText
			case long != "" && strings.HasPrefix(row, "ore and more"), long != "" && i > 0 && strings.HasPrefix(before[i-1], "> approve"):
				want = ""
			case row == "> sta":
				want = "> status"
			}
			if got[i] != want {
				t.Errorf("row %d shows %q, want %q", i, got[i], want)
			}
		}
		x.press("\r")
		if e := <-s.sink.taken; e.Text != "status" {
			t.Errorf("what was being typed became %q", e.Text)
		}
		x.await("pong to status")
		x.press("\x04")
		x.wantEnd("")
		if h, err := os.ReadFile(o.HistoryFile); err != nil || strings.Contains(string(h), "123456") {
			t.Errorf("%v: %s", err, h)
		}
	}
}

// TestEraseOnAClearedScreen: where a row stands is no longer known then, and nothing
// is painted over.
func TestEraseOnAClearedScreen(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	x := sit(t, s, atTerminal(t))
	x.await("> ")
	x.press("approve pln_K7QF2M 123456\r")
	id := (<-s.sink.taken).ID
	x.await("pong to")
	x.press("\x0c") // the screen is cleared
	x.press("sta")
	x.await("> sta")
	if err := s.Erase(t.Context(), bot.Erasing{Key: "eff_1", Room: "console", Message: id}); err != nil {
		t.Fatal(err)
	}
	x.await("it held a code")
	x.press("\x03\x03")
	x.wantEnd("")
}

var sequence = regexp.MustCompile(`^\x1b(?:\[(\??)([0-9]*)(?:;[0-9]*)*([A-Za-z])|([78]))`)

// drawn is what the terminal shows after all that was written to it: 24 rows of 80
// columns, as a terminal draws them.
func (x *terminal) drawn() []string {
	x.shown.mu.Lock()
	all := string(x.shown.all)
	x.shown.mu.Unlock()
	const rows, columns = 24, 80
	var grid [rows][columns]rune
	row, col, kept := 0, 0, [2]int{}
	down := func() {
		if row++; row == rows {
			copy(grid[:], grid[1:])
			grid[rows-1], row = [columns]rune{}, rows-1
		}
	}
	for all != "" {
		if m := sequence.FindStringSubmatch(all); m != nil {
			all = all[len(m[0]):]
			n, _ := strconv.Atoi(m[2])
			n = max(n, 1)
			switch m[3] + m[4] {
			case "A":
				row = max(row-n, 0)
			case "B":
				row = min(row+n, rows-1)
			case "C":
				col = min(col+n, columns-1)
			case "D":
				col = max(col-n, 0)
			case "K":
				from := col
				if m[2] == "2" {
					from = 0
				}
				clear(grid[row][from:])
			case "J":
				grid = [rows][columns]rune{}
			case "H":
				row, col = 0, 0
			case "7":
				kept = [2]int{row, col}
			case "8":
				row, col = kept[0], kept[1]
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(all)
		all = all[size:]
		switch r {
		case '\r':
			col = 0
		case '\n':
			down()
		default:
			if col == columns {
				col = 0
				down()
			}
			grid[row][col] = r
			col++
		}
	}
	out := make([]string, rows)
	for i := range grid {
		out[i] = strings.TrimRight(strings.ReplaceAll(string(grid[i][:]), "\x00", " "), " ")
	}
	return out
}
