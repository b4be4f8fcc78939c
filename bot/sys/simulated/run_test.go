package simulated_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

func TestPrograms(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		must(t, h.Program("/opt/slow", func(ctx context.Context, c *simulated.Call) int {
			fmt.Fprintf(c.Stdout, "%s in %s with %q\n", strings.Join(c.Argv, " "), c.Dir, c.Env)
			select {
			case <-ctx.Done():
				fmt.Fprintln(c.Stderr, "stopped")
				return 143
			case <-time.After(time.Minute):
				return 3
			}
		}))
		must(t, h.Program("/opt/stubborn", func(context.Context, *simulated.Call) int {
			time.Sleep(time.Hour)
			return 0
		}))
		must(t, h.PutLink("/opt/link", "slow"))
		var lines []string
		out, err := s.Run.Run(t.Context(), sys.Command{
			Argv: []string{"/opt/link", "a b"}, Env: []string{"A=1"}, Dir: "/tmp",
			Line: func(_, l string) { lines = append(lines, l) },
		})
		must(t, err)
		if out.Exit != 3 || out.Took != time.Minute || string(out.Stdout) != "/opt/link a b in /tmp with [\"A=1\"]\n" {
			t.Errorf("%+v %s", out, out.Stdout)
		}
		same(t, "lines", lines, `/opt/link a b in /tmp with ["A=1"]`)
		var piped bytes.Buffer
		out, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Stdout: &piped})
		if piped.String() != "/opt/slow in / with []\n" || len(out.Stdout) != 0 || err != nil {
			t.Errorf("%q %q, %v", piped.String(), out.Stdout, err)
		}
		if _, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Stdout: full{}}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("an output that nobody takes: %v", err)
		}
		out, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/slow"}, Limit: time.Second})
		if e, ok := errors.AsType[*sys.Unended](err); !ok || e.Alive || !errors.Is(err, context.DeadlineExceeded) || string(out.Stderr) != "stopped\n" {
			t.Errorf("%v, %s", err, out.Stderr)
		}
		begin := time.Now()
		_, err = s.Run.Run(t.Context(), sys.Command{Argv: []string{"/opt/stubborn"}, Limit: time.Second})
		if e, ok := errors.AsType[*sys.Unended](err); !ok || !e.Alive || time.Since(begin) != 6*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		must(t, h.PutFile("/opt/text", "text"))
		must(t, os.Chmod(h.Outside("/opt/text"), 0o755))
		for _, tt := range []struct {
			command sys.Command
			want    error
		}{
			{sys.Command{Argv: []string{"/opt/none"}}, fs.ErrNotExist},
			{sys.Command{Argv: []string{"/bin/sh"}}, fs.ErrNotExist}, // of this machine, not of the host
			{sys.Command{Argv: []string{"slow"}}, fs.ErrInvalid},
			{sys.Command{Argv: []string{"/opt"}}, fs.ErrPermission},
			{sys.Command{Argv: []string{"/etc/hostname"}}, fs.ErrPermission},
			{sys.Command{Argv: []string{"/opt/text"}}, syscall.ENOEXEC},
			{sys.Command{Argv: []string{"/opt/slow"}, Dir: "/none"}, fs.ErrNotExist},
		} {
			if _, err := s.Run.Run(t.Context(), tt.command); !errors.Is(err, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.command, err, tt.want)
			}
		}
		if ran := h.Ran(); len(ran) < 3 || ran[0].Argv[1] != "a b" {
			t.Errorf("%+v", ran)
		}
	})
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A program of this machine works in the tree as if that were its root.
func TestRealProgram(t *testing.T) {
	h := vulcan(t, simulated.Options{Real: []string{"/bin/sh", "/nonexistent/restic"}})
	s := h.Sys()
	must(t, h.PutFile("/var/lib/data", "42"))
	out, err := s.Run.Run(t.Context(), sys.Command{
		Argv: []string{"/bin/sh", "-c", `cat "$1"; echo " $1 $REPO ${2#--x=}"; pwd; cat`, "sh", "/var/lib/data", "--x=/tank/backups/new"},
		Env:  []string{"REPO=/tank/backups", "PATH=/usr/bin:/bin"}, Dir: "/var", Stdin: []byte("/var/lib/data\nplain\n"),
	})
	must(t, err)
	if got := string(out.Stdout); got != "42 /var/lib/data /tank/backups /tank/backups/new\n/var\n/var/lib/data\nplain\n" {
		t.Errorf("%q %s", got, out.Stderr)
	}
	// The same where somebody takes what it says himself, in pieces of any size.
	var piped bytes.Buffer
	out, err = s.Run.Run(t.Context(), sys.Command{
		Argv: []string{"/bin/sh", "-c", `for i in 1 2 3; do printf %s "${1%st*}"; sleep 0.01; printf '%s\n' "st${1##*st}"; done; printf '/dev'`, "sh", "/var/lib/data"},
		Env:  []string{"PATH=/usr/bin:/bin"}, Stdout: &piped,
	})
	must(t, err)
	if want := strings.Repeat("/var/lib/data\n", 3) + "/dev"; piped.String() != want {
		t.Errorf("%q, want %q", piped.String(), want)
	}
	if len(out.Stdout) != 0 {
		t.Errorf("%q was kept too", out.Stdout)
	}
	if _, err := s.Run.Run(t.Context(), sys.Command{Argv: []string{"/nonexistent/restic"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
