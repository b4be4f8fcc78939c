package console

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Another user, by the kernel's word: first kept out by the socket's mode, then
// heard under their own number, whatever they claim.
func TestAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	s := serve(t, Options{})
	s.pong()
	dir := filepath.Dir(s.socket)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "client")
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, b, 0o755); err != nil {
		t.Fatal(err)
	}
	say := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Dir, cmd.Stdin = "/", strings.NewReader("status\n")
		cmd.Env = []string{"CONSOLE_TEST_ROLE=client", "CONSOLE_TEST_SOCKET=" + s.socket, "USER=root", "HOME=/root"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := say(); err == nil || !strings.Contains(out, "You may not open") {
		t.Errorf("the socket's mode keeps nobody out: %v, %s", err, out)
	}
	if err := os.Chmod(s.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := say(); err != nil || !strings.Contains(out, "pong to status") {
		t.Errorf("%v, %s", err, out)
	}
	if e := <-s.sink.taken; e.User != "uid:54321" {
		t.Errorf("the sink got %+v", e)
	}
}

func TestSocketFile(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "run", "s")
	s := serve(t, Options{Socket: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	other, err := New(Options{ID: "x", Room: "x", Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // else one that runs hangs the test
	defer cancel()
	if err := other.Run(ctx, newSink()); err == nil || !strings.Contains(err.Error(), "another process answers") {
		t.Errorf("a second bot at one socket: %v", err)
	}
	s.attach(0) // the first one is not disturbed
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	// A killed bot's socket is in nobody's way.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	serve(t, Options{Socket: path}).attach(0)

	// Anything else is left alone.
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := New(Options{ID: "x", Room: "x", Socket: file})
	if err := c.Run(t.Context(), newSink()); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file at the socket's place: %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "x" {
		t.Error("the file is gone")
	}
}

// Of bots that start at one socket at once, one listens and the others are told so: a
// socket that has been made and is not listened at yet is no killed bot's.
func TestSocketOfOneBot(t *testing.T) {
	const bots = 4
	for _, stale := range []bool{false, true} {
		for range 10 {
			path := filepath.Join(folder(t), "s")
			if stale {
				l, err := net.Listen("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				l.Close()
			}
			ctx, cancel := context.WithCancel(t.Context())
			begin, ends := make(chan struct{}), make(chan error, bots)
			for range bots {
				c, err := New(Options{ID: "x", Room: "x", Socket: path})
				if err != nil {
					t.Fatal(err)
				}
				go func() { <-begin; ends <- c.Run(ctx, newSink()) }()
			}
			close(begin)
			for range bots - 1 {
				select {
				case err := <-ends:
					if err == nil || !strings.Contains(err.Error(), "another process answers") {
						t.Errorf("stale %v: %v", stale, err)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("stale %v: more than one bot listens", stale)
					cancel() // so that they end
				}
			}
			(&server{t: t, socket: path}).dial().conn.Close()
			cancel()
			if err := <-ends; err != nil {
				t.Errorf("stale %v: the one that listened: %v", stale, err)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// A listener that systemd made outlives Run.
func TestGivenListener(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 {
		s := serve(t, Options{Listener: l})
		s.socket = path
		s.attach(0)
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket is gone: %v", err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c, _ := New(Options{ID: "x", Room: "x", Listener: tcp})
	if err := c.Run(context.Background(), newSink()); err == nil {
		t.Error("a listener that cannot vouch for its clients is used")
	}
}
