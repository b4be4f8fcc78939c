package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/config"
)

func TestListen(t *testing.T) {
	dir := t.TempDir()
	o := ListenOptions{Bot: filepath.Join(dir, "run", "bot"), Human: filepath.Join(dir, "run", "people"), Owner: os.Getuid()}
	s, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{o.Bot: 0o600, o.Human: 0o666} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	_, err = Listen(t.Context(), o)
	refuses(t, err, bot.CodeConflict, "Another agent listens")
	for _, l := range []net.Listener{s.Bot, s.Human} { // as when it is killed
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err = Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []net.Listener{s.Bot, s.Human} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(o.Human, []byte("a letter"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Listen(t.Context(), o)
	refuses(t, err, bot.CodeInvalid, "is no socket, and is left alone")
	if _, err := os.Stat(o.Bot); err == nil {
		t.Error("the other socket was left open")
	}
}

// TestListenAmongOthers: where others could put a socket of their own, or a link in
// the place of the agent's, none is made, and nothing is changed.
func TestListenAmongOthers(t *testing.T) {
	trust := func(dir string) error { return config.TrustedDirectory(dir, os.Getuid()) }
	for _, x := range []struct {
		mode os.FileMode
		sub  string
		want string // "" for a socket
	}{
		{0o755, "", ""}, {0o755, "run", ""},
		{0o777, "", "has mode 0777"}, {0o775, "run", "has mode 0775"}, {0o777 | os.ModeSticky, "", "anybody may put files"},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, x.mode); err != nil {
			t.Fatal(err)
		}
		o := ListenOptions{Bot: filepath.Join(dir, x.sub, "bot"), Human: filepath.Join(dir, x.sub, "people"), Owner: -1, Trust: trust}
		s, err := Listen(t.Context(), o)
		if x.want != "" {
			refuses(t, err, bot.CodeInvalid, x.want)
			if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
				t.Errorf("it made %v, %v", names, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Bot.Close(), s.Human.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestSocketsOfSystemd hands sockets to a process as systemd does: from
// descriptor 3 on, with names in its environment.
func TestSocketsOfSystemd(t *testing.T) {
	for name, c := range map[string]struct{ names, want string }{
		"both":    {"agent:approve", "bot 0 people 1"},
		"crossed": {"approve:agent", "bot 1 people 0"},
		"unnamed": {"a.socket:b.socket", "systemd hands over sockets that are not called"},
		"twice":   {"agent:agent", "it must be one"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
			dir := t.TempDir()
			cmd.Env = []string{"WATCHSTANDER_TEST=listen", "LISTEN_FDS=2", "LISTEN_FDNAMES=" + c.names, "DIR=" + dir}
			for i := range 2 {
				l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, fmt.Sprint(i))})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				f, err := l.File()
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}

// listened is what the process does that is handed the sockets.
func listened() {
	s, err := Listen(ctx, ListenOptions{Bot: os.Getenv("DIR") + "/own-bot", Human: os.Getenv("DIR") + "/own-people", Owner: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("bot", filepath.Base(s.Bot.Addr().String()), "people", filepath.Base(s.Human.Addr().String()))
}
