package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// terminal is a person at a pseudo-terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	shown  screen
	done   chan struct{}
	err    error // to be read after done is closed
	hung   chan struct{}
}

// sit attaches a client to a server on a terminal of its own.
func sit(t *testing.T, s *server, o ClientOptions) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, master: master, slave: slave, done: make(chan struct{}), hung: make(chan struct{})}
	x.size(80)
	go func() { defer close(x.hung); io.Copy(&x.shown, master) }()
	go func() { defer close(x.done); x.err = Attach(t.Context(), s.socket, slave, slave, o) }()
	t.Cleanup(func() {
		<-x.done
		slave.Close()
		master.Close()
		<-x.hung
	})
	return x
}

func (x *terminal) size(columns uint16) {
	x.t.Helper()
	if err := unix.IoctlSetWinsize(int(x.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.master, keys); err != nil {
		x.t.Fatal(err)
	}
}

// await waits until the screen was shown a text after what it was shown before.
func (x *terminal) await(part string) {
	x.t.Helper()
	waitFor(x.t, fmt.Sprintf("%q on the screen", part), func() bool { return strings.Contains(x.shown.String(), part) })
	x.shown.mu.Lock()
	defer x.shown.mu.Unlock()
	if s := x.shown.b.String(); strings.Contains(s, part) {
		x.shown.b.Next(strings.Index(s, part) + len(part))
	}
}

func (x *terminal) wantEnd(want string) {
	x.t.Helper()
	<-x.done
	err := x.err
	if (err == nil) != (want == "") || err != nil && bot.ForPeople(err) != want {
		x.t.Errorf("the console ended with %v, want %q", err, want)
	}
}

func atTerminal(t *testing.T) ClientOptions {
	o := named()
	o.HistoryFile = filepath.Join(folder(t), "history")
	return o
}

func TestTerminal(t *testing.T) {
	s := serve(t, Options{Completions: func() []string { return []string{"ack", "backup run", "backup verify", "status"} }})
	s.pong()
	s.root("root", diskFull())
	x := sit(t, s, atTerminal(t))
	x.await("\x1b[1;31mCRITICAL ×2\x1b[0m")
	x.await("attached to console as alice")
	x.await("> ")

	x.press("sta\t\r")
	x.await("pong to status")
	if e := <-s.sink.taken; e.Text != "status" {
		t.Errorf("completed to %q", e.Text)
	}
	x.press("help\r")
	x.await("/help tells what the console itself understands")
	<-s.sink.taken
	x.press("backup \t")
	x.await("backup run  backup verify")
	x.press("v\t\r")
	if e := <-s.sink.taken; e.Text != "backup verify" {
		t.Errorf("completed to %q", e.Text)
	}
	x.await("pong to backup verify")

	// What is being typed outlives what comes.
	x.press("@t1 a")
	x.await("@t1 a")
	s.reply("log", "root", acked())
	x.await("covers 2 alerts")
	x.await("> @t1 a")
	x.press("ck\r")
	if e := <-s.sink.taken; e.Text != "ack" || e.Root != "root" {
		t.Errorf("the sink got %+v", e)
	}
	x.await("pong to ack")

	x.press("/in t1\r")
	x.await("t1> ")
	x.press("silence 1h\r")
	if e := <-s.sink.taken; e.Text != "silence 1h" || e.Root != "root" {
		t.Errorf("the sink got %+v", e)
	}
	x.press("/out\r")
	x.await("> ")

	x.press("\x1b[A\x1b[A\r") // two up: the line before /out
	if e := <-s.sink.taken; e.Text != "silence 1h" || e.Root != "" {
		t.Errorf("from the history came %+v", e)
	}

	// A pasted line waits for a person's Enter.
	x.press("\x1b[200~rm everything\r\x1b[201~")
	x.await("A pasted line is not sent")
	x.press("\x1b[A")
	x.await("rm everything")
	x.press(" please\r")
	if e := <-s.sink.taken; e.Text != "rm everything please" {
		t.Errorf("the sink got %+v", e)
	}

	x.press("\x04")
	x.wantEnd("")
}

func TestTerminalIsGivenBack(t *testing.T) {
	s := serve(t, Options{})
	x := sit(t, s, atTerminal(t))
	x.await("> ")
	raw, err := unix.IoctlGetTermios(int(x.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if raw.Lflag&unix.ECHO != 0 {
		t.Error("the terminal is not raw")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	x.await("The bot stops. This console attaches again when it can")
	x.press("status\r")
	x.await("not sent, the bot is away: status")
	x.press("\x03")
	x.wantEnd("")
	after, _ := unix.IoctlGetTermios(int(x.slave.Fd()), unix.TCGETS)
	if after.Lflag&unix.ECHO == 0 || after.Lflag&unix.ICANON == 0 {
		t.Error("the terminal stays raw")
	}
}

func TestTerminalNotTaken(t *testing.T) {
	s := serve(t, Options{})
	s.sink.refuses(func(bot.Said) error { return errors.New("x") })
	o := atTerminal(t)
	o.Env = env("TERM", "xterm", "NO_COLOR", "1")
	s.root("root", diskFull())
	x := sit(t, s, o)
	x.await("> ")
	x.press("status\r")
	x.await("!! not taken (status): Internal error")
	x.size(40)
	// The kernel tells a process of its own terminal only.
	if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	x.press("/show t1\r")
	x.await("▌ Severity  critical")
	if ownSGR.MatchString(x.shown.String()) {
		t.Errorf("NO_COLOR is not honoured: %q", x.shown.String())
	}
	x.press("/quit\r")
	x.wantEnd("")
}

// A dumb terminal gets no line editor, and no sequence at all.
func TestDumbTerminal(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	o := atTerminal(t)
	o.Env = env("TERM", "dumb")
	s.root("root", hostile())
	x := sit(t, s, o)
	x.press("status\n")
	x.await("pong to status")
	x.press("\x04")
	x.wantEnd("")
	if strings.Contains(x.shown.String(), "\x1b") {
		t.Errorf("%q", x.shown.String())
	}
}

// Ctrl-C takes back what was typed, and only then leaves.
func TestInterrupt(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	x := sit(t, s, atTerminal(t))
	x.await("> ")
	x.press("silence everything\x03status\r")
	if e := <-s.sink.taken; e.Text != "status" {
		t.Errorf("the sink got %q", e.Text)
	}
	x.await("pong to status")
	x.press("ack\x1b[D\x03") // from the middle of the line, too
	x.press("\x03not this\r")
	x.wantEnd("")
	if len(s.sink.taken) != 0 {
		t.Errorf("the sink got %+v", <-s.sink.taken)
	}
}
